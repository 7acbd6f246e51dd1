#include "fault-injection/lab/workloads/object.h"

_Static_assert(CONFIGURATION_WORDS * 64 >= LINEARIZABILITY_MAX_UNKNOWN, "a bit for each");

/* The value is set without a look at the one before: what else is under way and does no more may
 * have come right before. */
static void overwrite(const struct object *object, uint64_t value,
                      struct configuration *configuration)
{
    configuration->state = value;
    configuration->maybe = object->writes & ~configuration->done;
}

/* The register has, or an unanswered write gives it, this value. */
static bool show_in_register(const struct object *object, uint64_t value,
                             struct configuration *configuration)
{
    if (configuration->state == value)
        return true;
    for (size_t i = 0; i < object->unknown_count; i++) {
        uint64_t *word = &configuration->used[i / 64], bit = UINT64_C(1) << i % 64;

        if (object->unknown[i] == value && !(*word & bit)) {
            *word |= bit;
            overwrite(object, value, configuration);
            return true;
        }
    }
    return false;
}

static bool show_in_counter(const struct object *object, uint64_t value,
                            struct configuration *configuration)
{
    if (value < configuration->state ||
        value - configuration->state > object->unknown_count - configuration->used[0])
        return false;
    configuration->used[0] += value - configuration->state;
    configuration->state = value;
    return true;
}

static bool do_in_counter(const struct object *object, const struct operation *operation,
                          struct configuration *configuration)
{
    uint64_t added = operation->kind == OPERATION_ADD ? operation->argument : 0;

    if (operation->result < added ||
        !show_in_counter(object, operation->result - added, configuration))
        return false;
    configuration->state += added;
    return true;
}

void object_do_reads(const struct object *object, struct configuration *configuration)
{
    for (uint64_t left = object->occupied & ~configuration->done; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);
        const struct operation *operation = &object->open[slot];

        if (operation->kind == OPERATION_READ && operation->result == configuration->state)
            configuration->done |= UINT64_C(1) << slot;
    }
}

bool object_do(const struct object *object, unsigned slot, struct configuration *configuration)
{
    const struct operation *operation = &object->open[slot];
    uint64_t bit = UINT64_C(1) << slot;

    if (object->type == LINEARIZABILITY_COUNTER) {
        if (!do_in_counter(object, operation, configuration))
            return false;
    } else if (operation->kind != OPERATION_WRITE &&
               !show_in_register(object, operation->result, configuration)) {
        return false;
    }
    configuration->done |= bit;
    configuration->maybe &= ~bit;
    if (operation->kind == OPERATION_WRITE)
        overwrite(object, operation->argument, configuration);
    else if (operation->kind == OPERATION_SWAP)
        configuration->state = operation->argument;
    object_do_reads(object, configuration);
    return true;
}

bool object_looks_for(const struct object *object, uint64_t value,
                      const struct configuration *configuration)
{
    uint64_t left = object->occupied & ~object->writes & ~configuration->done;

    for (; left; left &= left - 1)
        if (object->open[__builtin_ctzll(left)].result == value)
            return true;
    return false;
}

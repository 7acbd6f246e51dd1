#include "fault-injection/lab/experiment/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/random.h"

uint64_t experiment_mix(uint64_t number)
{
    return random_next(&number);
}

bool experiment_repeat(struct experiment *experiment, unsigned repetitions,
                       char error[EXPERIMENT_ERROR_SIZE])
{
    unsigned points = experiment_points(experiment);

    if (repetitions > EXPERIMENT_LIMIT / points) {
        snprintf(error, EXPERIMENT_ERROR_SIZE,
                 "%u repetitions of %u points are more than %u runs; repetitions may be up to %u",
                 repetitions, points, EXPERIMENT_LIMIT, EXPERIMENT_LIMIT / points);
        return false;
    }
    experiment->repetitions = repetitions;
    return true;
}

unsigned experiment_points(const struct experiment *experiment)
{
    unsigned points = 1;

    for (unsigned i = 0; i < experiment->sweep_count; i++)
        points *= experiment->sweeps[i].count;
    return points;
}

/* The last sweep varies fastest. */
static unsigned value_of(const struct experiment *experiment, unsigned point, unsigned sweep)
{
    for (unsigned i = experiment->sweep_count - 1; i > sweep; i--)
        point /= experiment->sweeps[i].count;
    return point % experiment->sweeps[sweep].count;
}

void experiment_point(const struct experiment *experiment, unsigned point,
                      struct settings *settings, char name[POINT_NAME_SIZE])
{
    size_t used = 0;

    *settings = experiment->settings;
    snprintf(name, POINT_NAME_SIZE, "all");
    for (unsigned i = 0; i < experiment->sweep_count; i++) {
        const struct sweep *sweep = &experiment->sweeps[i];
        const char *value = sweep->values[value_of(experiment, point, i)];

        memcpy(settings->value[sweep->setting], value, SETTINGS_VALUE_SIZE);
        if (used < POINT_NAME_SIZE)
            used += (size_t)snprintf(name + used, POINT_NAME_SIZE - used, "%s%s=%s",
                                     i > 0 ? " " : "", setting_name(sweep->setting), value);
    }
}

uint64_t experiment_run_seed(const struct experiment *experiment, const char *point,
                             unsigned repetition)
{
    uint64_t seed = experiment_mix(experiment->seed);

    for (; *point; point++)
        seed = experiment_mix(seed ^ (unsigned char)*point);
    return experiment_mix(seed ^ repetition);
}

uint64_t experiment_life_seed(const struct experiment *experiment, const char *point,
                              unsigned repetition)
{
    unsigned per_pair = (unsigned)settings_number(&experiment->settings, SETTING_PER_PAIR);

    /* Repetitions count from 1, and never so far. */
    return experiment_run_seed(experiment, point, UINT32_MAX - (repetition - 1) / per_pair);
}

/* ---- The order of the runs ----------------------------------------------------------------- */

/* Points that differ in the work alone share a machine: the number without that digit. */
static unsigned machine_of(const struct experiment *experiment, unsigned point)
{
    unsigned machine = 0;

    for (unsigned i = 0; i < experiment->sweep_count; i++) {
        const struct sweep *sweep = &experiment->sweeps[i];

        if (sweep->setting != SETTING_WORK)
            machine = machine * sweep->count + value_of(experiment, point, i);
    }
    return machine;
}

struct order {
    unsigned machine, stretch; /* which together are a life */
    uint64_t place;            /* of the life, drawn */
    struct run run;
};

static int compare(const void *left, const void *right)
{
    const struct order *a = left, *b = right;

#define COMPARE(field)                                                                             \
    if (a->field != b->field)                                                                      \
        return a->field < b->field ? -1 : 1;
    COMPARE(place)
    COMPARE(machine)
    COMPARE(stretch)
    COMPARE(run.repetition)
    COMPARE(run.point)
#undef COMPARE
    return 0;
}

struct run *experiment_schedule(const struct experiment *experiment, unsigned *count)
{
    unsigned points = experiment_points(experiment), total = points * experiment->repetitions;
    unsigned per_pair = (unsigned)settings_number(&experiment->settings, SETTING_PER_PAIR);
    struct order *orders = calloc(total, sizeof(*orders));
    struct run *runs = calloc(total, sizeof(*runs));

    *count = total;
    if (!orders || !runs) {
        free(orders);
        free(runs);
        return NULL;
    }
    for (unsigned i = 0; i < total; i++) {
        struct order *order = &orders[i];

        order->run.point = i % points;
        order->run.repetition = i / points + 1;
        order->machine = machine_of(experiment, order->run.point);
        order->stretch = i / points / per_pair;
        order->place = experiment_mix(experiment->seed ^ experiment_mix(order->machine) ^
                                      experiment_mix(~(uint64_t)order->stretch));
    }
    qsort(orders, total, sizeof(*orders), compare);
    for (unsigned i = 0; i < total; i++) {
        bool same = i > 0 && orders[i].machine == orders[i - 1].machine &&
                    orders[i].stretch == orders[i - 1].stretch;

        runs[i] = orders[i].run;
        runs[i].life = i == 0 ? 0 : runs[i - 1].life + !same;
    }
    free(orders);
    return runs;
}

#include "fault-injection/lab/workloads/linearizability.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/workloads/configuration_set.h"
#include "fault-injection/lab/workloads/object.h"

#define SHOWN_STATES 4u /* possible values that a message names */

struct linearizability {
    uint64_t origin_ns;
    enum linearizability_verdict verdict;
    char problem[LINEARIZABILITY_PROBLEM_SIZE];

    struct operation *waiting; /* not asked yet, as far as has been gone through */
    size_t waiting_count, waiting_capacity;
    uint64_t horizon_ns;

    struct object object;
    struct configuration_set possible, next, seen;
};

/* ---- Verdicts ------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void decide(struct linearizability *checker,
                                                         enum linearizability_verdict verdict,
                                                         const char *format, ...)
{
    va_list arguments;

    if (checker->verdict != LINEARIZABILITY_HOLDS)
        return;
    checker->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(checker->problem, sizeof(checker->problem), format, arguments);
    va_end(arguments);
}

static void lack_room(struct linearizability *checker)
{
    decide(checker, LINEARIZABILITY_UNDECIDED,
           "not decided: more than %u configurations are possible at a time, or no memory",
           LINEARIZABILITY_MAX_CONFIGURATIONS);
}

static double seconds(const struct linearizability *checker, uint64_t at_ns)
{
    return (double)(int64_t)(at_ns - checker->origin_ns) / 1e9;
}

static void name_operation(const struct operation *operation, char text[96])
{
    static const char *const names[] = {"read", "write", "swap", "add"};
    size_t used = (size_t)snprintf(text, 96, "%s", names[operation->kind]);

    if (operation->kind != OPERATION_READ)
        used += (size_t)snprintf(text + used, 96 - used, " of %" PRIu64, operation->argument);
    if (operation->kind != OPERATION_WRITE)
        snprintf(text + used, 96 - used, ", answered %" PRIu64 ",", operation->result);
}

static void blame(struct linearizability *checker, const struct operation *operation)
{
    char name[96], states[128] = "";
    size_t used = 0;

    name_operation(operation, name);
    for (size_t i = 0; i < checker->possible.count && i < SHOWN_STATES; i++)
        used += (size_t)snprintf(states + used, sizeof(states) - used, "%s%" PRIu64, i ? ", " : "",
                                 checker->possible.items[i].state);
    decide(checker, LINEARIZABILITY_VIOLATED,
           "%s by client %" PRIu32 " from %.6f s to %.6f s fits no order of the operations; the "
           "value before those under way could have been %s%s",
           name, operation->client, seconds(checker, operation->asked_ns),
           seconds(checker, operation->answered_ns), states,
           checker->possible.count > SHOWN_STATES ? ", ..." : "");
}

/* ---- Questions and answers in the order of time ------------------------------------------------
 */

static void take_unknown(struct linearizability *checker, const struct operation *operation)
{
    if (operation->kind == OPERATION_READ)
        return;
    if (checker->object.type == LINEARIZABILITY_REGISTER) {
        if (checker->object.unknown_count == LINEARIZABILITY_MAX_UNKNOWN) {
            decide(checker, LINEARIZABILITY_UNDECIDED,
                   "not decided: more than %u writes are unanswered", LINEARIZABILITY_MAX_UNKNOWN);
            return;
        }
        checker->object.unknown[checker->object.unknown_count] = operation->argument;
    }
    checker->object.unknown_count++;
}

static void ask(struct linearizability *checker, const struct operation *operation)
{
    unsigned slot;

    if (operation->answered_ns == OPERATION_NEVER) {
        take_unknown(checker, operation);
        return;
    }
    if (checker->object.occupied == UINT64_MAX) {
        decide(checker, LINEARIZABILITY_UNDECIDED,
               "not decided: more than %u operations are under way", LINEARIZABILITY_MAX_OPEN);
        return;
    }
    slot = (unsigned)__builtin_ctzll(~checker->object.occupied);
    checker->object.occupied |= UINT64_C(1) << slot;
    if (operation->kind == OPERATION_WRITE)
        checker->object.writes |= UINT64_C(1) << slot;
    checker->object.open[slot] = *operation;
}

/* It is done, and with its answer leaves the set of those under way. */
static bool keep(struct linearizability *checker, struct configuration configuration, unsigned slot)
{
    configuration.done &= ~(UINT64_C(1) << slot);
    configuration.maybe &= ~(UINT64_C(1) << slot);
    return configuration_set_add(&checker->next, &configuration, LINEARIZABILITY_MAX_CONFIGURATIONS,
                                 NULL);
}

/* From one configuration all in which `slot` was done last, after any others under way. */
static bool do_one_more(struct linearizability *checker, const struct configuration *from,
                        unsigned slot)
{
    for (uint64_t left = checker->object.occupied & ~from->done; left; left &= left - 1) {
        unsigned which = (unsigned)__builtin_ctzll(left);
        const struct operation *operation = &checker->object.open[which];
        struct configuration to = *from;

        /* Nobody would see that it comes before `slot`: `maybe` has that. */
        if (which != slot && operation->kind == OPERATION_WRITE &&
            !object_looks_for(&checker->object, operation->argument, from))
            continue;
        if (!object_do(&checker->object, which, &to))
            continue;
        if (to.done >> slot & 1 ? !keep(checker, to, slot)
                                : !configuration_set_add(&checker->seen, &to,
                                                         LINEARIZABILITY_MAX_CONFIGURATIONS, NULL))
            return false;
    }
    return true;
}

/* Is it done here? Or else, where could one go from here? */
static bool take_possible(struct linearizability *checker, struct configuration configuration,
                          unsigned slot)
{
    object_do_reads(&checker->object, &configuration);
    if (configuration.done >> slot & 1)
        return keep(checker, configuration, slot);
    if (configuration.maybe >> slot & 1 && !keep(checker, configuration, slot))
        return false;
    return configuration_set_add(&checker->seen, &configuration, LINEARIZABILITY_MAX_CONFIGURATIONS,
                                 NULL);
}

/* The operation must be done by now: keeps the configurations in which it is, or comes to be. */
static void answer(struct linearizability *checker, unsigned slot)
{
    struct configuration_set settled;
    bool room = true;

    configuration_set_clear(&checker->next);
    configuration_set_clear(&checker->seen);
    for (size_t i = 0; room && i < checker->possible.count; i++)
        room = take_possible(checker, checker->possible.items[i], slot);
    /* The set grows on the way. */
    for (size_t i = 0; room && i < checker->seen.count; i++) {
        struct configuration from = checker->seen.items[i];

        room = do_one_more(checker, &from, slot);
    }
    if (!room)
        lack_room(checker);
    else if (checker->next.count == 0)
        blame(checker, &checker->object.open[slot]);
    checker->object.occupied &= ~(UINT64_C(1) << slot);
    checker->object.writes &= ~(UINT64_C(1) << slot);
    settled = checker->possible;
    checker->possible = checker->next;
    checker->next = settled;
}

/* The slot whose answer came first; none: LINEARIZABILITY_MAX_OPEN. */
static unsigned first_answer(const struct linearizability *checker)
{
    unsigned first = LINEARIZABILITY_MAX_OPEN;

    for (uint64_t left = checker->object.occupied; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);

        if (first == LINEARIZABILITY_MAX_OPEN ||
            checker->object.open[slot].answered_ns < checker->object.open[first].answered_ns)
            first = slot;
    }
    return first;
}

static int compare_questions(const void *left, const void *right)
{
    const struct operation *a = left, *b = right;

    return (a->asked_ns > b->asked_ns) - (a->asked_ns < b->asked_ns);
}

void linearizability_advance(struct linearizability *checker, uint64_t horizon_ns)
{
    size_t next = 0;

    if (horizon_ns <= checker->horizon_ns)
        return;
    checker->horizon_ns = horizon_ns;
    if (checker->waiting_count > 0)
        qsort(checker->waiting, checker->waiting_count, sizeof(checker->waiting[0]),
              compare_questions);
    while (checker->verdict == LINEARIZABILITY_HOLDS) {
        unsigned slot = first_answer(checker);
        uint64_t asked_ns =
            next < checker->waiting_count ? checker->waiting[next].asked_ns : OPERATION_NEVER;
        uint64_t answered_ns = slot < LINEARIZABILITY_MAX_OPEN
                                   ? checker->object.open[slot].answered_ns
                                   : OPERATION_NEVER;

        if ((asked_ns < answered_ns ? asked_ns : answered_ns) >= horizon_ns)
            break;
        /* At the same moment: taken for concurrent. */
        if (asked_ns <= answered_ns)
            ask(checker, &checker->waiting[next++]);
        else
            answer(checker, slot);
    }
    if (checker->verdict != LINEARIZABILITY_HOLDS)
        next = checker->waiting_count;
    checker->waiting_count -= next;
    if (next > 0)
        memmove(checker->waiting, checker->waiting + next,
                checker->waiting_count * sizeof(checker->waiting[0]));
}

/* ---- The owner ---------------------------------------------------------------------------------
 */

struct linearizability *linearizability_create(enum linearizability_type type, uint64_t initial,
                                               uint64_t origin_ns)
{
    struct linearizability *checker = calloc(1, sizeof(*checker));
    struct configuration first = {.state = initial};

    if (!checker)
        return NULL;
    checker->object.type = type;
    checker->origin_ns = origin_ns;
    if (!configuration_set_add(&checker->possible, &first, 1, NULL)) {
        linearizability_destroy(checker);
        return NULL;
    }
    return checker;
}

void linearizability_destroy(struct linearizability *checker)
{
    if (!checker)
        return;
    configuration_set_free(&checker->possible);
    configuration_set_free(&checker->next);
    configuration_set_free(&checker->seen);
    free(checker->waiting);
    free(checker);
}

/* An operation that this type does not have, or that comes too late to be judged. */
static bool accept(struct linearizability *checker, const struct operation *operation)
{
    bool counter = checker->object.type == LINEARIZABILITY_COUNTER;
    bool fits = operation->kind == OPERATION_READ || (operation->kind == OPERATION_ADD) == counter;

    if (!fits || (operation->kind == OPERATION_ADD && operation->argument != 1))
        decide(checker, LINEARIZABILITY_UNDECIDED,
               "not decided: an operation that a %s does not have",
               counter ? "counter" : "register");
    else if (operation->asked_ns < checker->horizon_ns)
        decide(checker, LINEARIZABILITY_UNDECIDED,
               "not decided: an operation asked at %.6f s comes after what happened until %.6f s",
               seconds(checker, operation->asked_ns), seconds(checker, checker->horizon_ns));
    return checker->verdict == LINEARIZABILITY_HOLDS;
}

void linearizability_add(struct linearizability *checker, const struct operation *operation)
{
    if (!accept(checker, operation))
        return;
    if (checker->waiting_count == checker->waiting_capacity) {
        size_t capacity = checker->waiting_capacity ? 2 * checker->waiting_capacity : 64;
        struct operation *waiting = capacity > LINEARIZABILITY_MAX_WAITING
                                        ? NULL
                                        : realloc(checker->waiting, capacity * sizeof(*waiting));

        if (!waiting) {
            decide(checker, LINEARIZABILITY_UNDECIDED,
                   "not decided: %zu operations wait for an earlier one, and there is no room for "
                   "more",
                   checker->waiting_count);
            return;
        }
        checker->waiting = waiting;
        checker->waiting_capacity = capacity;
    }
    checker->waiting[checker->waiting_count++] = *operation;
}

size_t linearizability_waiting(const struct linearizability *checker)
{
    return checker->waiting_count + (size_t)__builtin_popcountll(checker->object.occupied);
}

enum linearizability_verdict linearizability_verdict(const struct linearizability *checker)
{
    return checker->verdict;
}

const char *linearizability_problem(const struct linearizability *checker)
{
    return checker->problem;
}

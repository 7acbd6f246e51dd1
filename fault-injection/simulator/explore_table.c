#include "fault-injection/simulator/explore_table.h"

#include <inttypes.h>
#include <time.h>

#include "fault-injection/simulator/explore.h"

/* Of crashes, breaks of a connection, timers, pauses, inputs, faults of the arbiter, joiners,
 * promotions by command: so many may happen in a run. */
struct row {
    const char *name;
    enum engine_protocol protocol;
    bool input_ended;
    enum explore_start start;
    unsigned depth;
    struct explore_budget budget;
};

static const struct row rows[] = {
    {"a pair",
     ENGINE_REVISED,
     false,
     EXPLORE_FROM_PAIR,
     10,
     {.crashes = 1, .breaks = 1, .timers = 2, .inputs = 1}},
    {"of the original protocol",
     ENGINE_ORIGINAL,
     false,
     EXPLORE_FROM_PAIR,
     12,
     {.crashes = 1, .breaks = 1, .timers = 2, .inputs = 1}},
    {"whose inputs end epochs",
     ENGINE_REVISED,
     true,
     EXPLORE_FROM_PAIR,
     10,
     {.crashes = 1, .breaks = 1, .timers = 2, .inputs = 1}},
    {"from the first join on",
     ENGINE_REVISED,
     false,
     EXPLORE_FROM_JOIN,
     18,
     {.crashes = 1, .breaks = 1, .timers = 1}},
    {"an arbiter hard to reach",
     ENGINE_REVISED,
     false,
     EXPLORE_FROM_PAIR,
     12,
     {.breaks = 1, .timers = 2, .arbiter_faults = 2}},
    {"sleeps, and is told to swap",
     ENGINE_REVISED,
     false,
     EXPLORE_FROM_PAIR,
     9,
     {.crashes = 1, .timers = 2, .pauses = 1, .promotions = 1}},
    {"one more that joins",
     ENGINE_REVISED,
     false,
     EXPLORE_FROM_PAIR,
     9,
     {.crashes = 1, .breaks = 1, .timers = 1, .joiners = 1}},
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct explore_options options_of(const struct row *row, unsigned deeper)
{
    struct explore_options options = explore_defaults();
    options.protocol = row->protocol;
    options.input_ended = row->input_ended;
    options.start = row->start;
    options.depth = row->depth + deeper;
    options.budget = row->budget;
    return options;
}

static bool explore_row(const struct row *row, unsigned deeper, FILE *out)
{
    struct explore_options options = options_of(row, deeper);
    struct explore_result result;
    double start_s = now_s();
    bool good = explore(&options, &result);
    fprintf(out, "%-28s %5u %9" PRIu64 " %11" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7.1f  %s\n",
            row->name, options.depth, result.states, result.transitions, result.finished,
            result.promoted, now_s() - start_s,
            !good             ? "VIOLATED"
            : result.complete ? "complete"
                              : "cut short");
    fflush(out);
    explore_result_clear(&result);
    if (!good) {
        explore_shortest(&options, &result);
        fprintf(out, "\n%s\n%s\n", result.violation, result.story != NULL ? result.story : "");
        explore_result_clear(&result);
    }
    return good;
}

bool explore_table(unsigned deeper, FILE *out)
{
    bool good = true;
    fprintf(out, "%-28s %5s %9s %11s %9s %9s %7s\n", "", "depth", "states", "choices", "runs",
            "failovers", "seconds");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        good &= explore_row(&rows[i], deeper, out);
    }
    return good;
}

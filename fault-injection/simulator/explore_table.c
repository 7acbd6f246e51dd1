#include "fault-injection/simulator/explore_table.h"

#include <inttypes.h>
#include <time.h>

#include "fault-injection/simulator/explore_rows.h"

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool explore_one(enum explore_row row, unsigned deeper, FILE *out)
{
    struct explore_options options = explore_row_options(row);
    struct explore_result result;
    double start_s = now_s();
    options.depth += deeper;
    bool good = explore(&options, &result);
    fprintf(out, "%-28s %5u %9" PRIu64 " %11" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7.1f  %s\n",
            explore_row_name(row), options.depth, result.states, result.transitions,
            result.finished, result.promoted, now_s() - start_s,
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
    for (unsigned row = 0; row < EXPLORE_ROWS; row++) {
        good &= explore_one((enum explore_row)row, deeper, out);
    }
    return good;
}

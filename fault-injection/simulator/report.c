#include "fault-injection/simulator/report.h"

#include <inttypes.h>

#include "fault-injection/simulator/shrink.h"

void report_schedule(struct schedule *schedule, uint64_t seed, const struct report_options *options)
{
    schedule_draw(schedule, seed);
    schedule->config.allocation_arm = options->allocation_arm;
}

static void tell(const struct schedule *schedule, FILE *out)
{
    struct run_result result;
    run_schedule(schedule, true, &result);
    shrink_print(schedule, out);
    fprintf(out, "\n%s\n", result.story);
    run_result_free(&result);
}

static void tell_shortest(struct schedule *schedule, enum checker violated,
                          const struct report_options *options, FILE *out)
{
    unsigned runs = shrink(schedule, violated);
    fprintf(out, "\nThe same in short (after %u runs), by \"%s\":\n", runs, checker_name(violated));
    tell(schedule, out);
    fprintf(out, "See it again: ftvm-sim --seed %" PRIu64 " --shrink%s%s\n", schedule->seed,
            options->mutant != NULL ? " --mutant " : "",
            options->mutant != NULL ? options->mutant : "");
}

bool report_seed(uint64_t seed, const struct report_options *options, FILE *out)
{
    struct schedule schedule;
    struct run_result result;
    report_schedule(&schedule, seed, options);
    run_schedule(&schedule, !options->shrinks, &result);
    if (!options->shrinks) {
        fprintf(out, "Seed %" PRIu64 ":\n", seed);
        shrink_print(&schedule, out);
        fprintf(out, "\n%s\n", result.story);
    }
    if (result.violated == CHECKER_NONE) {
        fprintf(out, "seed %" PRIu64 ": nothing is violated; %s\n", seed,
                result.survived ? "one replica goes on" : "all replicas were lost");
    } else {
        fprintf(out, "seed %" PRIu64 " VIOLATES %s: %s\n", seed, checker_name(result.violated),
                result.why);
        fprintf(out, "  (%s)\n", checker_what(result.violated));
    }
    bool good = result.violated == CHECKER_NONE;
    run_result_free(&result);
    if (!good && options->shrinks) {
        tell_shortest(&schedule, result.violated, options, out);
    }
    return good;
}

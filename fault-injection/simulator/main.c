/* ftvm-sim: the engine, the codec and the arbiter in virtual time, with faults from a seed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fault-injection/simulator/allocation.h"
#include "fault-injection/simulator/explore_table.h"
#include "fault-injection/simulator/hunt.h"
#include "fault-injection/simulator/mutant.h"
#include "fault-injection/simulator/options.h"
#include "fault-injection/simulator/sweep.h"

enum { EXIT_GOOD = 0, EXIT_VIOLATED = 1, EXIT_USAGE = 2, EXIT_SYSTEM = 3 };

static struct report_options how_to_report(const struct options *options)
{
    return (struct report_options){
        .allocation_arm = allocation_arm,
        .shrinks = options->shrinks,
        .mutant = options->mutant != MUTANT_NONE ? mutant_name(options->mutant) : NULL,
    };
}

static int no_processes(void)
{
    fprintf(stderr, "ftvm-sim: no further process: %s\n", strerror(errno));
    return EXIT_SYSTEM;
}

static int run_sweep(const struct options *options)
{
    struct sweep_options how = {.report = how_to_report(options),
                                .first = options->first,
                                .runs = options->runs,
                                .seconds = options->seconds,
                                .jobs = options->jobs};
    struct sweep_result result;
    if (!sweep(&how, &result)) {
        return no_processes();
    }
    sweep_print(&result, stdout);
    if (!result.violated) {
        printf("nothing was violated\n");
        return EXIT_GOOD;
    }
    if (result.signal != 0) {
        printf("seed %" PRIu64 " VIOLATES an assertion: %s\n", result.seed, result.why);
    } else {
        how.report.shrinks = true;
        report_seed(result.seed, &how.report, stdout);
    }
    return EXIT_VIOLATED;
}

static int run_hunt(const struct options *options)
{
    struct hunt_options how = {.allocation_arm = allocation_arm,
                               .first = options->first,
                               .most = options->runs,
                               .jobs = options->jobs};
    int survived = hunt(&how, stdout);
    return survived < 0 ? no_processes() : survived > 0 ? EXIT_VIOLATED : EXIT_GOOD;
}

static void list(void)
{
    printf("checkers:\n");
    for (unsigned i = CHECKER_NONE + 1; i < CHECKER_COUNT; i++) {
        printf("  %-16s %s\n", checker_name((enum checker)i), checker_what((enum checker)i));
    }
    printf("mutants:\n");
    for (unsigned i = MUTANT_NONE + 1; i < MUTANT_COUNT; i++) {
        printf("  %-32s %s\n", mutant_name((enum mutant)i), mutant_about((enum mutant)i));
    }
}

int main(int count, char **arguments)
{
    struct options options;
    if (!options_read(&options, count, arguments)) {
        return EXIT_USAGE;
    }
    struct report_options report = how_to_report(&options);
    mutant_choose(options.mutant);
    switch (options.task) {
    case SIM_SEED: return report_seed(options.seed, &report, stdout) ? EXIT_GOOD : EXIT_VIOLATED;
    case SIM_EXPLORE: return explore_table(options.deeper, stdout) ? EXIT_GOOD : EXIT_VIOLATED;
    case SIM_MUTANTS: return run_hunt(&options);
    case SIM_LIST: list(); return EXIT_GOOD;
    case SIM_HELP: options_help(); return EXIT_GOOD;
    default: return run_sweep(&options);
    }
}

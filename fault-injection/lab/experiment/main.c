/*
 * ftvm-lab: runs experiments on pairs of ftvm, and writes their reports.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/experiment/options.h"
#include "fault-injection/lab/experiment/report.h"
#include "fault-injection/lab/experiment/runner.h"
#include "fault-injection/lab/faults/fault.h"
#include "fault-injection/lab/workloads/workload.h"

/* ---- list ---------------------------------------------------------------------------------- */

static int is_experiment(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');

    return ending && strcmp(ending, ".ini") == 0;
}

static bool list_experiments(const char *directory)
{
    char path[PATH_MAX], error[EXPERIMENT_ERROR_SIZE];
    struct experiment *experiment = malloc(sizeof(*experiment));
    struct dirent **entries;
    int count = scandir(directory, &entries, is_experiment, alphasort);

    if (count < 0 || !experiment) {
        fprintf(stderr, "ftvm-lab: %s: %s\n", directory, strerror(errno));
        free(experiment);
        return false;
    }
    printf("experiments in %s:\n", directory);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        if (experiment_read(experiment, path, error))
            printf("  %-26s %s (%u runs)\n", entries[i]->d_name, experiment->title,
                   experiment_points(experiment) * experiment->repetitions);
        else
            printf("  %-26s cannot be read: %s\n", entries[i]->d_name, error);
        free(entries[i]);
    }
    free(entries);
    free(experiment);
    return true;
}

static int list(const struct lab_options *options)
{
    bool good = list_experiments(options->experiments);

    printf("\nworkloads:\n");
    for (const struct workload_kind *const *kind = workload_kinds(); *kind; kind++)
        printf("  %-26s %s\n", (*kind)->name, (*kind)->what);
    printf("\nfaults (fault.h has their parameters):\n");
    for (int i = 0; i < FAULT_KINDS; i++)
        printf("  %s\n", fault_kind_name((enum fault_kind)i));
    return good ? LAB_EXIT_GOOD : LAB_EXIT_USAGE;
}

/* ---- run, report --------------------------------------------------------------------------- */

static bool read_experiment(const struct lab_options *options, struct experiment *experiment)
{
    char error[EXPERIMENT_ERROR_SIZE];

    if (experiment_read(experiment, options->file, error) &&
        (options->repetitions == 0 || experiment_repeat(experiment, options->repetitions, error)))
        return true;
    fprintf(stderr, "ftvm-lab: %s\n", error);
    return false;
}

static int write_report(const struct lab_options *options, const struct experiment *experiment)
{
    char error[RESULTS_ERROR_SIZE];

    if (!report_write(experiment, options->file, options->results, options->output, error)) {
        fprintf(stderr, "ftvm-lab: %s\n", error);
        return LAB_EXIT_USAGE;
    }
    if (options->output)
        printf("report: %s\n", options->output);
    else
        printf("report: %s/%s.html\n", options->results, experiment->name);
    return LAB_EXIT_GOOD;
}

static int run(const struct lab_options *options, const struct experiment *experiment)
{
    struct results *results = calloc(1, sizeof(*results));
    int code = LAB_EXIT_WRONG;
    bool changed = false;

    if (!results) {
        fputs("ftvm-lab: out of memory\n", stderr);
        return LAB_EXIT_WRONG;
    }
    if (results_open(results, experiment, options->file, options->results, options->fresh,
                     &changed)) {
        code = runner_run(options, experiment, results);
    } else {
        fprintf(stderr, "ftvm-lab: %s\n", results->error);
        code = changed ? LAB_EXIT_USAGE : LAB_EXIT_WRONG;
    }
    if (results->done_count > 0 && code < LAB_EXIT_INTERRUPTED && code != LAB_EXIT_USAGE &&
        !options->no_report && write_report(options, experiment) != LAB_EXIT_GOOD)
        code = LAB_EXIT_WRONG;
    results_close(results);
    free(results);
    return code;
}

int main(int count, char **arguments)
{
    struct experiment *experiment = malloc(sizeof(*experiment));
    struct lab_options options;
    int code = lab_options_parse(&options, count, arguments);

    if (code < 0 && !experiment)
        code = LAB_EXIT_WRONG;
    if (code < 0 && options.command == LAB_LIST)
        code = list(&options);
    if (code < 0 && !read_experiment(&options, experiment))
        code = LAB_EXIT_USAGE;
    if (code < 0)
        code = options.command == LAB_RUN ? run(&options, experiment)
                                          : write_report(&options, experiment);
    free(experiment);
    return code;
}

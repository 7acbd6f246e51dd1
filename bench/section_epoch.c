/* The length of an epoch against speed, latency and the number of log entries, in each form: fixed
 * ones, and those that end where an input waits. Speed is taken in turns with an unprotected
 * machine of the default length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/forms.h"
#include "bench/tasks.h"

#define MILLIONS         10
#define REDIS_MS         700
#define ROUNDS           3
#define EPOCHS_SIZE      256
#define BOUNDARY_LONGEST 100000

struct point {
    struct sample speed, reference, round_trip, boundary_us, epochs;
};

static const struct rig_task cpu = {.run = task_cpu,
                                    .arguments = {[CPU_ARGUMENT_MILLIONS] = MILLIONS}};
static const struct rig_task redis = {
    .run = task_redis,
    .arguments = {[REDIS_ARGUMENT_PIPELINE] = 1, [REDIS_ARGUMENT_MS] = REDIS_MS}};

static double speed(const double values[RIG_VALUES])
{
    return values[CPU_INSTRUCTIONS] / values[CPU_SECONDS] / 1e6;
}

static bool take_round(struct bench *bench, struct rig *rig, struct rig *unprotected,
                       struct point *point)
{
    double with[RIG_VALUES], without[RIG_VALUES], requests[RIG_VALUES];
    double seconds;

    if (!rig_do(unprotected, bench, &cpu, without) || !rig_do(rig, bench, &cpu, with) ||
        !rig_do(rig, bench, &redis, requests))
        return false;
    sample_add(&point->reference, speed(without));
    sample_add(&point->speed, speed(with));
    sample_add(&point->round_trip, requests[REDIS_MEDIAN_US]);
    sample_add(&point->epochs, with[CPU_EPOCHS] / with[CPU_SECONDS]);
    /* What the same work takes longer of the processor, shared out. */
    seconds = with[CPU_PRIMARY_S] -
              with[CPU_INSTRUCTIONS] / without[CPU_INSTRUCTIONS] * without[CPU_PRIMARY_S];
    sample_add(&point->boundary_us, seconds * 1e6 / with[CPU_EPOCHS]);
    return true;
}

static void report_point(struct bench *bench, const struct machine_options *options,
                         const struct point *point)
{
    struct report_row row = {.form = form_name(options->form), .parameter = options->epoch};
    char longest[32];

    if (options->epoch_max_us) {
        snprintf(longest, sizeof(longest), "<%s us", options->epoch_max_us);
        row.parameter = longest;
    }

    row.workload = "cpu loop";
    row.quantity = "instructions";
    row.unit = "million/s";
    row.sample = &point->speed;
    row.base = &point->reference;
    report_row(&bench->report, &row);
    row.base = NULL;
    row.quantity = "epochs";
    row.unit = "1/s";
    row.sample = &point->epochs;
    report_row(&bench->report, &row);
    row.unit = "us";
    /* Of a few boundaries the part that is theirs cannot be told from noise. */
    if (options->epoch && strtoul(options->epoch, NULL, 10) <= BOUNDARY_LONGEST) {
        row.quantity = "CPU per boundary";
        row.sample = &point->boundary_us;
        report_row(&bench->report, &row);
    }
    row.workload = "INCR";
    row.quantity = "round trip, median";
    row.sample = &point->round_trip;
    report_row(&bench->report, &row);
}

static bool measure(struct bench *bench, const struct machine_options *options,
                    struct rig *unprotected)
{
    unsigned rounds = bench->options.rounds < ROUNDS ? bench->options.rounds : ROUNDS;
    struct point *point = calloc(1, sizeof(*point));
    bool good = true;
    struct rig rig;

    if (!point || !rig_open(&rig, bench, options)) {
        free(point);
        return false;
    }
    for (unsigned round = 0; good && round < rounds; round++)
        good = take_round(bench, &rig, unprotected, point);
    rig_close(&rig);
    if (good)
        report_point(bench, options, point);
    free(point);
    return good;
}

static bool measure_list(struct bench *bench, const struct machine_options *kind, const char *list,
                         bool fixed, struct rig *unprotected)
{
    char lengths[EPOCHS_SIZE], *rest;
    bool good = true;

    snprintf(lengths, sizeof(lengths), "%s", list);
    for (char *length = strtok_r(lengths, ",", &rest); good && length;
         length = strtok_r(NULL, ",", &rest)) {
        struct machine_options options = *kind;

        if (fixed)
            options.epoch = length;
        else
            options.epoch_max_us = length;
        good = measure(bench, &options, unprotected);
    }
    return good;
}

bool section_epoch(struct bench *bench)
{
    static const struct machine_options reference = {.form = FORM_UNPROTECTED};
    struct rig unprotected;
    bool good = true;

    forms_end(bench);
    if (!rig_open(&unprotected, bench, &reference))
        return false;
    for (enum form form = FORM_UNPROTECTED; good && form < FORM_COUNT; form++) {
        const struct machine_options kind = {.form = form};

        good = measure_list(bench, &kind, bench->options.epochs, true, &unprotected) &&
               measure_list(bench, &kind, bench->options.epochs_max_us, false, &unprotected);
    }
    rig_close(&unprotected);
    if (good)
        report_note(&bench->report,
                    "ratio: to an unprotected machine with the default length, taken in turns");
    return good;
}

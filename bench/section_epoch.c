/* The length of an epoch against speed, log, latency and the number of boundaries, in each form:
 * fixed ones, and those that end where an input waits. Speed is taken in turns with an unprotected
 * machine of the default length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/forms.h"
#include "bench/plot.h"
#include "fault-injection/lab/measure/tasks.h"

#define MILLIONS         5 /* to begin with */
#define WORK_MS          700
#define REDIS_MS         700
#define ROUNDS           3
#define EPOCHS_SIZE      256
#define BOUNDARY_LONGEST 100000

struct point {
    struct sample speed, reference, log, round_trip, boundary_us, epochs;
};

/* What each point is compared with, and done with; and where its row goes. */
struct setting {
    struct rig unprotected;
    struct rig_task cpu;
    FILE *table;
};

static const struct rig_task redis = {
    .run = task_redis,
    .arguments = {[REDIS_ARGUMENT_PIPELINE] = 1, [REDIS_ARGUMENT_MS] = REDIS_MS}};

static double speed(const double values[RIG_VALUES])
{
    return values[CPU_INSTRUCTIONS] / values[CPU_SECONDS] / 1e6;
}

static bool take_round(struct bench *bench, struct setting *setting, struct rig *rig,
                       struct point *point)
{
    double with[RIG_VALUES], without[RIG_VALUES], requests[RIG_VALUES];
    double seconds;

    if (!rig_do(&setting->unprotected, &setting->cpu, without, bench->error) ||
        !rig_do(rig, &setting->cpu, with, bench->error) ||
        !rig_do(rig, &redis, requests, bench->error))
        return false;
    sample_add(&point->reference, speed(without));
    sample_add(&point->speed, speed(with));
    sample_add(&point->log, with[CPU_LOG_KBIT_S]);
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
    row.quantity = "log";
    row.unit = "kbit/s";
    row.sample = &point->log;
    report_row(&bench->report, &row);
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

static void write_point(FILE *table, const struct machine_options *options,
                        const struct point *point)
{
    fprintf(table, "%s,%s,%.4f,%.6g,%.6g\n", form_name(options->form), options->epoch,
            sample_ratio(&point->speed, &point->reference), sample_median(&point->log),
            sample_median(&point->round_trip));
}

static bool measure(struct bench *bench, struct setting *setting,
                    const struct machine_options *options)
{
    unsigned rounds = bench->options.rounds < ROUNDS ? bench->options.rounds : ROUNDS;
    struct point *point = calloc(1, sizeof(*point));
    bool good = true;
    struct rig rig;

    if (!point || !rig_open(&rig, &bench->machines, options, bench->error)) {
        free(point);
        return false;
    }
    for (unsigned round = 0; good && round < rounds; round++)
        good = take_round(bench, setting, &rig, point);
    rig_close(&rig);
    if (good) {
        report_point(bench, options, point);
        /* The picture is over fixed lengths. */
        if (options->epoch)
            write_point(setting->table, options, point);
    }
    free(point);
    return good;
}

static bool measure_list(struct bench *bench, struct setting *setting, enum form form,
                         const char *list, bool fixed)
{
    char lengths[EPOCHS_SIZE], *rest;

    snprintf(lengths, sizeof(lengths), "%s", list);
    for (char *length = strtok_r(lengths, ",", &rest); length;
         length = strtok_r(NULL, ",", &rest)) {
        struct machine_options options = {.form = form};

        if (fixed)
            options.epoch = length;
        else
            options.epoch_max_us = length;
        if (!measure(bench, setting, &options))
            return false;
    }
    return true;
}

static bool measure_all(struct bench *bench, struct setting *setting)
{
    /* Of an unprotected machine there is nothing to compare: its boundaries cost it nothing. */
    for (enum form form = FORM_REVISED; form < FORM_COUNT; form++)
        if (!measure_list(bench, setting, form, bench->options.epochs, true) ||
            !measure_list(bench, setting, form, bench->options.epochs_max_us, false))
            return false;
    return true;
}

bool section_epoch(struct bench *bench)
{
    static const struct machine_options reference = {.form = FORM_UNPROTECTED};
    struct setting setting = {
        .cpu = {.run = task_cpu, .arguments = {[CPU_ARGUMENT_MILLIONS] = MILLIONS}}};
    bool good;

    forms_end(bench);
    if (!rig_open(&setting.unprotected, &bench->machines, &reference, bench->error))
        return false;
    setting.table = report_open_table(&bench->report, bench->options.results);
    if (!setting.table) {
        snprintf(bench->error, sizeof(bench->error), "%s: no file can be made",
                 bench->options.results);
        rig_close(&setting.unprotected);
        return false;
    }
    fputs("form,epoch,normalized performance,log kbit/s,round trip us\n", setting.table);
    good = rig_scale(&setting.unprotected, &setting.cpu, CPU_ARGUMENT_MILLIONS, WORK_MS,
                     bench->error) &&
           measure_all(bench, &setting);
    rig_close(&setting.unprotected);
    fclose(setting.table);
    if (!good)
        return false;
    report_note(&bench->report,
                "ratio: to an unprotected machine with the default length, taken in turns");
    plot_draw(bench);
    return true;
}

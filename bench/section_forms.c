/* Protected against unprotected: processor, disk, network, Redis, and what protection sends. */
#include <string.h>

#include "bench/bench.h"
#include "bench/forms.h"
#include "fault-injection/lab/measure/tasks.h"

#define WORK_MS        1000 /* of the unprotected machine, for one value */
#define CPU_MILLIONS   5    /* to begin with, as those of disk and network; then scaled */
#define DISK_TIMES     1
#define DISK_LARGE_MIB 16
#define DISK_LARGE_KIB 64
#define DISK_SMALL_MIB 2
#define DISK_SMALL_KIB 4
#define NETWORK_MIB    8
#define REDIS_MS       800
#define PIPELINE       32
#define PIPELINE_TEXT  "32 at once"
#define LOG_IDLE_MS    2000
#define LOG_BUSY_MS    2000

typedef struct sample samples[FORM_COUNT][RIG_VALUES];

/* The amount of work in a task. */
static bool scale(struct bench *bench, struct rig_task *task, unsigned argument,
                  unsigned milliseconds)
{
    struct forms *forms = forms_get(bench);

    return forms &&
           rig_scale(&forms->rigs[FORM_UNPROTECTED], task, argument, milliseconds, bench->error);
}

/* Instructions in millions for each second of `seconds`. */
static void add_rates(samples rates, samples taken, unsigned seconds)
{
    for (unsigned form = 0; form < FORM_COUNT; form++)
        for (unsigned i = 0; i < taken[form][seconds].count; i++)
            sample_add(&rates[form][seconds], taken[form][CPU_INSTRUCTIONS].values[i] /
                                                  taken[form][seconds].values[i] / 1e6);
}

bool section_cpu(struct bench *bench)
{
    struct rig_task task = {.run = task_cpu, .arguments = {[CPU_ARGUMENT_MILLIONS] = CPU_MILLIONS}};
    struct report_row row = {
        .workload = "cpu loop", .quantity = "instructions", .unit = "million/s"};
    samples taken = {0}, rates = {0};

    if (!scale(bench, &task, CPU_ARGUMENT_MILLIONS, WORK_MS) || !forms_measure(bench, &task, taken))
        return false;
    add_rates(rates, taken, CPU_SECONDS);
    add_rates(rates, taken, CPU_PRIMARY_S);
    forms_report(bench, &row, rates, CPU_SECONDS);
    row.quantity = "per CPU second";
    forms_report(bench, &row, rates, CPU_PRIMARY_S);
    report_note(&bench->report, "per CPU second: of the primary's process, all threads; it does "
                                "not count where the guest waits.");
    return true;
}

static bool measure_disk(struct bench *bench, struct rig_task *task, const char *write,
                         const char *read)
{
    samples taken = {0};
    struct report_row row = {.quantity = "throughput", .unit = "MB/s"};

    if (!scale(bench, task, DISK_ARGUMENT_TIMES, WORK_MS) || !forms_measure(bench, task, taken))
        return false;
    row.workload = write;
    forms_report(bench, &row, taken, DISK_WRITE_MB_S);
    row.workload = read;
    forms_report(bench, &row, taken, DISK_READ_MB_S);
    return true;
}

bool section_disk(struct bench *bench)
{
    struct rig_task large = {.run = task_disk,
                             .arguments = {[DISK_ARGUMENT_MIB] = DISK_LARGE_MIB,
                                           [DISK_ARGUMENT_KIB] = DISK_LARGE_KIB,
                                           [DISK_ARGUMENT_TIMES] = DISK_TIMES}};
    struct rig_task small = {.run = task_disk,
                             .arguments = {[DISK_ARGUMENT_MIB] = DISK_SMALL_MIB,
                                           [DISK_ARGUMENT_KIB] = DISK_SMALL_KIB,
                                           [DISK_ARGUMENT_SCATTERED] = 1,
                                           [DISK_ARGUMENT_TIMES] = DISK_TIMES}};

    return measure_disk(bench, &large, "write, 64 KiB in row", "read, 64 KiB in row") &&
           measure_disk(bench, &small, "write, 4 KiB random", "read, 4 KiB random");
}

bool section_network(struct bench *bench)
{
    struct rig_task task = {.run = task_network,
                            .arguments = {[NETWORK_ARGUMENT_MIB] = NETWORK_MIB}};
    struct report_row row = {.quantity = "throughput", .unit = "MB/s"};
    samples taken = {0};

    if (!scale(bench, &task, NETWORK_ARGUMENT_MIB, WORK_MS) || !forms_measure(bench, &task, taken))
        return false;
    row.workload = "out of the guest";
    forms_report(bench, &row, taken, NETWORK_SEND_MB_S);
    row.workload = "into the guest";
    forms_report(bench, &row, taken, NETWORK_RECEIVE_MB_S);
    return true;
}

static void report_redis(struct bench *bench, const char *workload, const char *quantity,
                         const char *unit, samples taken, unsigned value)
{
    forms_report(bench,
                 &(struct report_row){.workload = workload, .quantity = quantity, .unit = unit},
                 taken, value);
}

/* There is none without protection. */
static void report_hold(struct bench *bench, const char *workload, const char *quantity,
                        samples taken, unsigned value)
{
    for (unsigned form = FORM_REVISED; form < FORM_COUNT; form++)
        report_row(&bench->report, &(struct report_row){.workload = workload,
                                                        .form = form_name((enum form)form),
                                                        .quantity = quantity,
                                                        .unit = "us",
                                                        .sample = &taken[form][value]});
}

bool section_redis(struct bench *bench)
{
    static const struct rig_task one = {
        .run = task_redis,
        .arguments = {[REDIS_ARGUMENT_PIPELINE] = 1, [REDIS_ARGUMENT_MS] = REDIS_MS}};
    static const struct rig_task many = {
        .run = task_redis,
        .arguments = {[REDIS_ARGUMENT_PIPELINE] = PIPELINE, [REDIS_ARGUMENT_MS] = REDIS_MS}};
    samples single = {0}, pipelined = {0};

    if (!forms_measure(bench, &one, single))
        return false;
    report_redis(bench, "one at a time", "requests", "1/s", single, REDIS_PER_S);
    report_redis(bench, "one at a time", "round trip, median", "us", single, REDIS_MEDIAN_US);
    report_redis(bench, "one at a time", "round trip, 99 %", "us", single, REDIS_P99_US);
    report_redis(bench, "one at a time", "guest instructions", "1/request", single,
                 REDIS_INSTRUCTIONS);
    report_redis(bench, "one at a time", "epochs", "1/request", single, REDIS_EPOCHS);
    report_hold(bench, "one at a time", "outputs wait, med.", single, REDIS_HOLD_MEDIAN_US);
    report_hold(bench, "one at a time", "outputs wait, mean", single, REDIS_HOLD_MEAN_US);
    if (!forms_measure(bench, &many, pipelined))
        return false;
    report_redis(bench, PIPELINE_TEXT, "requests", "1/s", pipelined, REDIS_PER_S);
    report_hold(bench, PIPELINE_TEXT, "outputs wait, mean", pipelined, REDIS_HOLD_MEAN_US);
    return true;
}

static bool measure_log(struct bench *bench, const struct rig_task *task, const char *workload)
{
    static const struct {
        const char *quantity, *unit;
    } rows[] = {
        [LOG_KBIT_S] = {"log", "kbit/s"},
        [LOG_CHANNEL_KBIT_S] = {"sent in all", "kbit/s"},
        [LOG_ENTRIES_S] = {"entries", "1/s"},
        [LOG_BYTES_PER_ENTRY] = {"size of an entry", "bytes"},
    };
    struct sample taken[RIG_VALUES] = {0};
    struct forms *forms = forms_get(bench);
    double values[RIG_VALUES];

    for (unsigned round = 0; forms && round < bench->options.rounds; round++) {
        if (!rig_do(&forms->rigs[FORM_REVISED], task, values, bench->error))
            return false;
        for (unsigned i = 0; i < RIG_VALUES; i++)
            sample_add(&taken[i], values[i]);
    }
    for (unsigned i = 0; forms && i < sizeof(rows) / sizeof(rows[0]); i++)
        report_row(&bench->report, &(struct report_row){.workload = workload,
                                                        .form = form_name(FORM_REVISED),
                                                        .quantity = rows[i].quantity,
                                                        .unit = rows[i].unit,
                                                        .sample = &taken[i]});
    return forms != NULL;
}

bool section_log(struct bench *bench)
{
    static const struct rig_task idle = {.run = task_log,
                                         .arguments = {[LOG_ARGUMENT_MS] = LOG_IDLE_MS}};
    struct rig_task busy = {.run = task_log, .arguments = {[LOG_ARGUMENT_MILLIONS] = CPU_MILLIONS}};

    return measure_log(bench, &idle, "idle guest") &&
           scale(bench, &busy, LOG_ARGUMENT_MILLIONS, LOG_BUSY_MS) &&
           measure_log(bench, &busy, "cpu loop");
}

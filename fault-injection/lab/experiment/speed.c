#include "fault-injection/lab/experiment/speed.h"

#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/measure/tasks.h"

#define DISK_MIB 1 /* at a time; as often as it takes */
#define DISK_KIB 8 /* a block, as in the papers */

enum work { WORK_CPU, WORK_DISK_WRITE, WORK_DISK_READ, WORK_REDIS };

static enum work find_work(const char *name)
{
    static const char *const names[SPEED_WORKS] = {"cpu", "disk-write", "disk-read", "redis"};
    unsigned i = 0;

    while (i + 1 < SPEED_WORKS && strcmp(names[i], name) != 0)
        i++;
    return (enum work)i;
}

void speed_init(struct speed *speed, const struct lab_config *config, int signals)
{
    *speed = (struct speed){
        .config = {.lab = *config, .memory = "256M", .signals = signals},
        .reference = {.form = FORM_UNPROTECTED, .disk = true},
    };
}

static void end(struct speed_rig *rig)
{
    if (rig->open)
        rig_close(&rig->rig);
    *rig = (struct speed_rig){0};
}

void speed_close(struct speed *speed)
{
    end(&speed->pair);
    end(&speed->unprotected);
}

/* ---- Starting ------------------------------------------------------------------------------ */

static void set_options(struct speed *speed)
{
    const struct settings *settings = &speed->settings;
    unsigned count = 0;

    speed->options = (struct machine_options){
        .form = settings_are(settings, SETTING_PROTOCOL, "original") ? FORM_ORIGINAL : FORM_REVISED,
        .disk = true,
        .round_trip_us = (unsigned)settings_number(settings, SETTING_ROUND_TRIP_US),
    };
    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *option = setting_option((enum setting)i);

        if (!option || settings->value[i][0] == '\0' || i == SETTING_PROTOCOL ||
            i == SETTING_MEMORY || count + 2 >= MACHINE_MORE)
            continue;
        speed->options.more[count++] = option;
        speed->options.more[count++] = settings->value[i];
    }
}

static bool open_rig(struct speed *speed, struct speed_rig *rig,
                     const struct machine_options *options)
{
    rig->open = rig_open(&rig->rig, &speed->config, options, speed->error);
    return rig->open;
}

bool speed_start(struct speed *speed, const struct settings *settings)
{
    end(&speed->pair);
    speed->settings = *settings;
    speed->config.memory = speed->settings.value[SETTING_MEMORY];
    set_options(speed);
    return (speed->unprotected.open || open_rig(speed, &speed->unprotected, &speed->reference)) &&
           open_rig(speed, &speed->pair, &speed->options);
}

/* ---- Measuring ----------------------------------------------------------------------------- */

/* The smallest amount, and which argument makes more of it. */
static struct rig_task smallest(enum work work, unsigned run_ms, unsigned *argument)
{
    static const struct rig_task cpu = {.run = task_cpu,
                                        .arguments = {[CPU_ARGUMENT_MILLIONS] = 1}};
    static const struct rig_task disk = {.run = task_disk,
                                         .arguments = {[DISK_ARGUMENT_MIB] = DISK_MIB,
                                                       [DISK_ARGUMENT_KIB] = DISK_KIB,
                                                       [DISK_ARGUMENT_TIMES] = 1}};
    struct rig_task redis = {
        .run = task_redis,
        .arguments = {[REDIS_ARGUMENT_PIPELINE] = 1, [REDIS_ARGUMENT_MS] = run_ms}};

    *argument = work == WORK_CPU ? CPU_ARGUMENT_MILLIONS : DISK_ARGUMENT_TIMES;
    return work == WORK_CPU ? cpu : work == WORK_REDIS ? redis : disk;
}

static bool measure(struct speed *speed, struct speed_rig *rig, enum work work, unsigned run_ms,
                    double values[RIG_VALUES])
{
    struct rig_task *task = &rig->tasks[work];
    unsigned argument;

    if (!task->run) {
        *task = smallest(work, run_ms, &argument);
        if (work != WORK_REDIS && !rig_scale(&rig->rig, task, argument, run_ms, speed->error)) {
            task->run = NULL;
            return false;
        }
    }
    return rig_do(&rig->rig, task, values, speed->error);
}

struct reading {
    double rate;    /* of the work, in its unit for each second */
    double amount;  /* of the same */
    double seconds; /* that it took */
    double epochs;
};

static struct reading read_values(enum work work, const struct rig_task *task,
                                  const double values[RIG_VALUES])
{
    double megabytes = task->arguments[DISK_ARGUMENT_TIMES] * DISK_MIB * 1.048576;

    switch (work) {
    case WORK_CPU:
        return (struct reading){values[CPU_INSTRUCTIONS] / values[CPU_SECONDS] / 1e6,
                                values[CPU_INSTRUCTIONS] / 1e6, values[CPU_SECONDS],
                                values[CPU_EPOCHS]};
    case WORK_DISK_WRITE:
        return (struct reading){values[DISK_WRITE_MB_S], megabytes, values[DISK_SECONDS],
                                values[DISK_EPOCHS]};
    case WORK_DISK_READ:
        return (struct reading){values[DISK_READ_MB_S], megabytes, values[DISK_SECONDS],
                                values[DISK_EPOCHS]};
    case WORK_REDIS: break;
    }
    return (struct reading){values[REDIS_PER_S], 1, 1 / values[REDIS_PER_S], values[REDIS_EPOCHS]};
}

static void report(enum work work, const struct reading *with, const struct reading *without,
                   const double values[RIG_VALUES], struct result *result)
{
    double longer = with->seconds - with->amount * without->seconds / without->amount;

    result_set(result, RESULT_rate, "%.6g", with->rate);
    result_set(result, RESULT_unprotected, "%.6g", without->rate);
    result_set(result, RESULT_normalized, "%.6g", with->rate / without->rate);
    result_set(result, RESULT_epochs_s, "%.6g", with->epochs / with->seconds);
    if (with->epochs > 0)
        result_set(result, RESULT_boundary_us, "%.6g", longer * 1e6 / with->epochs);
    if (work == WORK_CPU) {
        result_set(result, RESULT_instructions_s, "%.9g", without->rate * 1e6);
        result_set(result, RESULT_log_kbit_s, "%.6g", values[CPU_LOG_KBIT_S]);
    }
    if (work == WORK_REDIS) {
        result_set(result, RESULT_round_trip_us, "%.6g", values[REDIS_MEDIAN_US]);
        result_set(result, RESULT_p99_us, "%.6g", values[REDIS_P99_US]);
        result_set(result, RESULT_hold_us, "%.6g", values[REDIS_HOLD_MEAN_US]);
    }
}

bool speed_run(struct speed *speed, const struct settings *settings, struct result *result)
{
    enum work work = find_work(settings->value[SETTING_WORK]);
    unsigned run_ms = (unsigned)settings_number(settings, SETTING_RUN_MS);
    double without[RIG_VALUES], with[RIG_VALUES];
    struct reading unprotected, protected;

    if (!measure(speed, &speed->unprotected, work, run_ms, without) ||
        !measure(speed, &speed->pair, work, run_ms, with))
        return false;
    unprotected = read_values(work, &speed->unprotected.tasks[work], without);
    protected = read_values(work, &speed->pair.tasks[work], with);
    report(work, &protected, &unprotected, with, result);
    return true;
}

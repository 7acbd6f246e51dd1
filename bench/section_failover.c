/* How long the clients of a guest wait when its primary is lost, and what the wait consists of; and
 * how long the guest stands when a new backup joins. */
#include <signal.h>

#include "bench/bench.h"
#include "bench/forms.h"
#include "fault-injection/lab/measure/tasks.h"

struct value_name {
    const char *quantity, *unit;
};

/* Takes the values of a task on one rig, and reports them. */
static bool measure(struct bench *bench, struct rig *rig, const struct rig_task *task,
                    unsigned rounds, const char *workload, const struct value_name *names,
                    unsigned count)
{
    struct sample taken[RIG_VALUES] = {0};
    double values[RIG_VALUES];
    bool good = true;

    for (unsigned round = 0; good && round < rounds; round++) {
        good = rig_do(rig, task, values, bench->error);
        for (unsigned i = 0; good && i < count; i++)
            sample_add(&taken[i], values[i]);
    }
    /* What was measured before a failure is true. */
    for (unsigned i = 0; i < count && taken[i].count > 0; i++)
        report_row(&bench->report, &(struct report_row){.workload = workload,
                                                        .form = form_name(FORM_REVISED),
                                                        .quantity = names[i].quantity,
                                                        .unit = names[i].unit,
                                                        .sample = &taken[i]});
    return good;
}

bool section_failover(struct bench *bench)
{
    static const struct rig_task kill = {.run = task_failover,
                                         .arguments = {[FAILOVER_ARGUMENT_SIGNAL] = SIGKILL}};
    static const struct rig_task stop = {.run = task_failover,
                                         .arguments = {[FAILOVER_ARGUMENT_SIGNAL] = SIGSTOP}};
    static const struct machine_options options = {.form = FORM_REVISED};
    static const struct value_name names[] = {
        [FAILOVER_STREAM_MS] = {"gap of a stream", "ms"},
        [FAILOVER_REDIS_MS] = {"gap of INCRs", "ms"},
        [FAILOVER_DETECTED_MS] = {"- detection", "ms"},
        [FAILOVER_CLAIMED_MS] = {"- claim", "ms"},
        [FAILOVER_CONSUMED_MS] = {"- rest of the log", "ms"},
        [FAILOVER_LIVE_MS] = {"- outputs again", "ms"},
        [FAILOVER_SUM_MS] = {"these four", "ms"},
    };
    const unsigned count = sizeof(names) / sizeof(names[0]);
    struct rig rig;
    bool good;

    forms_end(bench);
    if (!rig_open(&rig, &bench->machines, &options, bench->error))
        return false;
    good = measure(bench, &rig, &kill, bench->options.kills, "process killed", names, count) &&
           measure(bench, &rig, &stop, bench->options.silences, "host silent", names, count);
    rig_close(&rig);
    if (!good)
        return false;
    report_note(&bench->report, "gap of a stream: the guest sends a line every millisecond.");
    report_note(&bench->report, "gap of INCRs: a request that was lost with the primary is sent "
                                "again by the client's TCP,");
    report_note(&bench->report, "after 200 ms at the earliest.");
    return true;
}

bool section_transfer(struct bench *bench)
{
    static const struct rig_task idle = {.run = task_transfer};
    static const struct rig_task busy = {.run = task_transfer,
                                         .arguments = {[TRANSFER_ARGUMENT_BUSY] = 1}};
    static const struct machine_options options = {.form = FORM_REVISED};
    static const struct value_name names[] = {
        [TRANSFER_PAUSE_MS] = {"guest stands", "ms"},
        [TRANSFER_MIB] = {"state", "MiB"},
        [TRANSFER_S] = {"transfer", "s"},
        [TRANSFER_MB_S] = {"rate", "MB/s"},
        [TRANSFER_PROTECTED_S] = {"start to protected", "s"},
    };
    const unsigned count = sizeof(names) / sizeof(names[0]);
    struct rig rig;
    bool good;

    forms_end(bench);
    if (!rig_open(&rig, &bench->machines, &options, bench->error))
        return false;
    good = measure(bench, &rig, &idle, bench->options.rounds, "idle guest", names, count) &&
           measure(bench, &rig, &busy, bench->options.rounds, "cpu loop", names, count);
    rig_close(&rig);
    return good;
}

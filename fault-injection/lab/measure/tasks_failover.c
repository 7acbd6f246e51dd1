#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/measure/guest.h"
#include "fault-injection/lab/measure/tasks.h"
#include "fault-injection/lab/measure/watch.h"
#include "fault-injection/lab/redis.h"

#define CONNECT_MS 10000
#define REPLY_MS   30000 /* TCP waits longer after each attempt that fails */
#define WARM_MS    300   /* of quiet work before the loss */
#define SETTLE_MS  200   /* after the first reply that a survivor gives, to see that it goes on */
#define COMMAND_MS 10000
#define BUSY       "cpuloop 1000000 > /dev/null &"
#define BUSY_END   "kill $!; true"
#define LINE_SIZE  4096

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

static bool start_clients(struct machine *machine)
{
    int fd;

    if (machine->load)
        return true;
    fd = client_connect(&machine->lab, REDIS_PORT, CONNECT_MS);
    return fd >= 0 && load_start(&machine->load, &machine->lab, fd, 1, 0) &&
           watch_start(&machine->watch, &machine->lab);
}

static void report_times(const struct failover_times *times, double values[RIG_VALUES])
{
    values[FAILOVER_DETECTED_MS] = milliseconds(times->detected_ns);
    values[FAILOVER_CLAIMED_MS] = milliseconds(times->claimed_ns);
    values[FAILOVER_CONSUMED_MS] = milliseconds(times->consumed_ns);
    values[FAILOVER_LIVE_MS] = milliseconds(times->live_ns);
    values[FAILOVER_SUM_MS] = milliseconds(failover_ns(times));
}

bool task_failover(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                   double values[RIG_VALUES])
{
    struct replica *lost = machine->pair.primary;
    struct lab *lab = &machine->lab;
    struct failover_times times;
    struct load_report load;
    uint64_t gap_ns;

    if (!start_clients(machine) || !lab_sleep(lab, WARM_MS))
        return false;
    load_mark(machine->load);
    watch_mark(machine->watch);
    process_signal(&lost->process, (int)arguments[FAILOVER_ARGUMENT_SIGNAL]);
    if (!pair_wait_failover(&machine->pair, &times) ||
        !load_wait(machine->load, lab, 2, REPLY_MS) || !lab_sleep(lab, SETTLE_MS) ||
        !load_check(machine->load, lab) || !watch_gap(machine->watch, lab, &gap_ns))
        return false;
    load_report(machine->load, &load);
    process_kill(&lost->process);
    report_times(&times, values);
    values[FAILOVER_REDIS_MS] = milliseconds(load.gap_ns);
    values[FAILOVER_STREAM_MS] = milliseconds(gap_ns);
    return machine_protect(machine);
}

/* ---- Transfer ------------------------------------------------------------------------------ */

/* The time of the last event of that kind; of a transfer, of its end. */
static double event_seconds(const char *path, const char *kind)
{
    char line[LINE_SIZE];
    double seconds = 0;
    FILE *file = fopen(path, "re");

    while (file && fgets(line, sizeof(line), file)) {
        json_t *event = json_loads(line, 0, NULL);
        const char *name = json_string_value(json_object_get(event, "event"));

        if (name && strcmp(name, kind) == 0 &&
            json_integer_value(json_object_get(event, "done")) ==
                json_integer_value(json_object_get(event, "total")))
            seconds = (double)json_integer_value(json_object_get(event, "time_ns")) / 1e9;
        json_decref(event);
    }
    if (file)
        fclose(file);
    return seconds;
}

static bool make_busy(struct machine *machine, bool busy)
{
    return guest_command(&machine->lab, machine->shell, busy ? BUSY " true" : BUSY_END, COMMAND_MS,
                         NULL);
}

bool task_transfer(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                   double values[RIG_VALUES])
{
    bool busy = arguments[TRANSFER_ARGUMENT_BUSY] != 0;
    const struct event_log *events = &machine->pair.primary->events;
    uint64_t start;
    double seconds;

    if (!pair_kill_backup(&machine->pair) || (busy && !make_busy(machine, true)) ||
        !lab_sleep(&machine->lab, WARM_MS))
        return false;
    start = lab_now_ns();
    if (!machine_protect(machine))
        return false;
    values[TRANSFER_PROTECTED_S] = milliseconds(lab_now_ns() - start) / 1e3;
    seconds = event_seconds(events->path, "transfer") - event_seconds(events->path, "join");
    values[TRANSFER_PAUSE_MS] = milliseconds(events->pause_ns);
    values[TRANSFER_MIB] = (double)events->state_bytes / 1048576.0;
    values[TRANSFER_S] = seconds;
    values[TRANSFER_MB_S] = seconds > 0 ? (double)events->state_bytes / 1e6 / seconds : 0;
    return !busy || make_busy(machine, false);
}

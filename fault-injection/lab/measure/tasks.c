#include "fault-injection/lab/measure/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/measure/guest.h"
#include "fault-injection/lab/measure/sample.h"
#include "fault-injection/lab/redis.h"

#define TASK_MS        60000
#define CONNECT_MS     10000
#define MIB            1048576u
#define CHUNK          65536u
#define PATTERN_PERIOD 251u /* of what streamserver sends and expects */
#define REQUEST        "INCR bench\r\n"
#define REQUEST_SIZE   (sizeof(REQUEST) - 1)
#define MAX_PIPELINE   256u
#define MAX_LATENCIES  65536u

static double seconds_since(uint64_t start_ns)
{
    return (double)(lab_now_ns() - start_ns) / 1e9;
}

/* ---- Processor ----------------------------------------------------------------------------- */

/* All threads, in seconds; 0 without a process. */
static double processor_seconds(const struct replica *replica)
{
    struct timespec used;
    clockid_t clock;

    if (!replica || clock_getcpuclockid(replica->process.pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double log_kbit_s(const struct machine_status *before, const struct machine_status *after)
{
    return (after->log_bytes - before->log_bytes) * 8 / 1e3 / (after->uptime_s - before->uptime_s);
}

bool task_cpu(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
              double values[RIG_VALUES])
{
    struct machine_status before, after;
    double primary, backup;
    char command[64];
    uint64_t start;

    snprintf(command, sizeof(command), "cpuloop %u", arguments[CPU_ARGUMENT_MILLIONS]);
    if (!machine_status(machine, &before))
        return false;
    primary = processor_seconds(machine->pair.primary);
    backup = processor_seconds(machine->pair.backup);
    start = lab_now_ns();
    if (!guest_command(&machine->lab, machine->shell, command, TASK_MS, NULL))
        return false;
    values[CPU_SECONDS] = seconds_since(start);
    values[CPU_PRIMARY_S] = processor_seconds(machine->pair.primary) - primary;
    values[CPU_BACKUP_S] = processor_seconds(machine->pair.backup) - backup;
    if (!machine_status(machine, &after))
        return false;
    values[CPU_INSTRUCTIONS] = after.instructions - before.instructions;
    values[CPU_EPOCHS] = after.epochs - before.epochs;
    values[CPU_LOG_KBIT_S] = log_kbit_s(&before, &after);
    return true;
}

/* ---- Disk ---------------------------------------------------------------------------------- */

/* The nanoseconds in a line of diskload; 0 without. */
static double part_ns(const char *output, const char *part)
{
    const char *line = strstr(output, part);
    const char *bytes = line ? strstr(line, " bytes, ") : NULL;

    return bytes ? strtod(bytes + 8, NULL) : 0;
}

/* Guest time is what a machine computes; so the client's clock says how long it took, and the
 * guest's only how much of that was for the writes. */
bool task_disk(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
               double values[RIG_VALUES])
{
    double megabytes = arguments[DISK_ARGUMENT_MIB] * (double)MIB / 1e6;
    double seconds, writes = 0, reads = 0;
    char command[160], output[GUEST_OUTPUT_SIZE];
    struct machine_status before, after;
    uint64_t start;

    snprintf(command, sizeof(command), "diskload %s -s %u -b %u",
             arguments[DISK_ARGUMENT_SCATTERED] ? "-r" : "", arguments[DISK_ARGUMENT_MIB],
             arguments[DISK_ARGUMENT_KIB]);
    if (!machine_status(machine, &before))
        return false;
    start = lab_now_ns();
    for (unsigned time = 0; time < arguments[DISK_ARGUMENT_TIMES]; time++) {
        if (!guest_command(&machine->lab, machine->shell, command, TASK_MS, output))
            return false;
        if (part_ns(output, " write:") == 0 || part_ns(output, " read:") == 0)
            return lab_fail(&machine->lab, "diskload in the guest: %s", output);
        writes += part_ns(output, " write:");
        reads += part_ns(output, " read:");
    }
    seconds = seconds_since(start);
    if (!machine_status(machine, &after))
        return false;
    values[DISK_SECONDS] = seconds;
    values[DISK_EPOCHS] = after.epochs - before.epochs;
    megabytes *= arguments[DISK_ARGUMENT_TIMES];
    values[DISK_WRITE_MB_S] = megabytes / (seconds * writes / (writes + reads));
    values[DISK_READ_MB_S] = megabytes / (seconds * reads / (writes + reads));
    return true;
}

/* ---- Network ------------------------------------------------------------------------------- */

static bool stream_out_of_guest(struct lab *lab, int fd, uint64_t bytes, uint64_t deadline)
{
    char line[64], chunk[CHUNK];
    size_t size;

    snprintf(line, sizeof(line), "send %llu\n", (unsigned long long)bytes);
    if (!guest_send(lab, fd, line, strlen(line), deadline))
        return false;
    for (uint64_t done = 0; done < bytes; done += size)
        if (!guest_receive(lab, fd, chunk, sizeof(chunk), &size, deadline))
            return false;
    return true;
}

static bool stream_into_guest(struct lab *lab, int fd, uint64_t bytes, uint64_t deadline)
{
    /* A whole number of periods, so that each chunk is the same. */
    static const size_t whole = CHUNK / PATTERN_PERIOD * PATTERN_PERIOD;
    char line[64], chunk[CHUNK];
    size_t size;

    for (size_t i = 0; i < whole; i++)
        chunk[i] = (char)(i % PATTERN_PERIOD);
    snprintf(line, sizeof(line), "receive %llu\n", (unsigned long long)bytes);
    if (!guest_send(lab, fd, line, strlen(line), deadline))
        return false;
    for (uint64_t done = 0; done < bytes; done += size) {
        size = bytes - done < whole ? (size_t)(bytes - done) : whole;
        if (!guest_send(lab, fd, chunk, size, deadline))
            return false;
    }
    /* What it says in the end means that it has read, and checked, the last byte. */
    if (!guest_receive(lab, fd, chunk, 2, &size, deadline))
        return false;
    return chunk[0] == 'o' || lab_fail(lab, "the guest received other bytes than were sent");
}

bool task_network(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                  double values[RIG_VALUES])
{
    static bool (*const streams[])(struct lab *, int, uint64_t, uint64_t) = {
        [NETWORK_SEND_MB_S] = stream_out_of_guest, [NETWORK_RECEIVE_MB_S] = stream_into_guest};
    uint64_t bytes = (uint64_t)arguments[NETWORK_ARGUMENT_MIB] * MIB;
    struct lab *lab = &machine->lab;

    for (unsigned i = 0; i < 2; i++) {
        int fd = client_connect(lab, GUEST_STREAM_PORT, CONNECT_MS);
        uint64_t start = lab_now_ns();
        bool good = fd >= 0 && streams[i](lab, fd, bytes, lab_deadline(lab, TASK_MS));

        values[i] = (double)bytes / 1e6 / seconds_since(start);
        if (fd >= 0)
            close(fd);
        if (!good)
            return false;
    }
    return true;
}

/* ---- Redis --------------------------------------------------------------------------------- */

/* What a closed loop keeps in mind: requests on their way, oldest first. */
struct requests {
    uint64_t sent_ns[MAX_PIPELINE];
    uint64_t sent, answered;
    double *latencies;
    unsigned count;
};

static bool send_requests(struct lab *lab, int fd, struct requests *requests, unsigned pipeline,
                          uint64_t deadline)
{
    char text[REQUEST_SIZE * MAX_PIPELINE];
    size_t size = 0;

    while (requests->sent - requests->answered < pipeline) {
        memcpy(text + size, REQUEST, REQUEST_SIZE);
        size += REQUEST_SIZE;
        requests->sent_ns[requests->sent++ % MAX_PIPELINE] = lab_now_ns();
    }
    return guest_send(lab, fd, text, size, deadline);
}

static bool take_answers(struct lab *lab, int fd, struct requests *requests, uint64_t deadline)
{
    char text[8192];
    size_t size;
    uint64_t now;

    if (!guest_receive(lab, fd, text, sizeof(text), &size, deadline))
        return false;
    now = lab_now_ns();
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '-')
            return lab_fail(lab, "Redis says: %.*s", (int)(size - i), text + i);
        if (text[i] != '\n')
            continue;
        if (requests->answered == requests->sent)
            return lab_fail(lab, "Redis answers what nobody asked");
        if (requests->count < MAX_LATENCIES)
            requests->latencies[requests->count++] =
                (double)(now - requests->sent_ns[requests->answered % MAX_PIPELINE]) / 1e3;
        requests->answered++;
    }
    return true;
}

static bool load_redis(struct lab *lab, int fd, struct requests *requests, unsigned pipeline,
                       unsigned milliseconds)
{
    uint64_t deadline = lab_deadline(lab, TASK_MS);
    uint64_t end = lab_now_ns() + (uint64_t)milliseconds * 1000000u;

    while (lab_now_ns() < end)
        if (!send_requests(lab, fd, requests, pipeline, deadline) ||
            !take_answers(lab, fd, requests, deadline))
            return false;
    return true;
}

static bool measure_redis(struct machine *machine, int fd, struct requests *requests,
                          const unsigned arguments[RIG_ARGUMENTS], double values[RIG_VALUES])
{
    struct machine_status before, after;
    uint64_t start;

    if (!machine_status(machine, &before))
        return false;
    start = lab_now_ns();
    if (!load_redis(&machine->lab, fd, requests, arguments[REDIS_ARGUMENT_PIPELINE],
                    arguments[REDIS_ARGUMENT_MS]))
        return false;
    values[REDIS_PER_S] = (double)requests->answered / seconds_since(start);
    if (!machine_status(machine, &after))
        return false;
    values[REDIS_MEDIAN_US] = quantile(requests->latencies, requests->count, 0.5);
    values[REDIS_P99_US] = quantile(requests->latencies, requests->count, 0.99);
    values[REDIS_HOLD_MEDIAN_US] = after.hold_median_ns / 1e3;
    values[REDIS_INSTRUCTIONS] =
        (after.instructions - before.instructions) / (double)requests->answered;
    values[REDIS_EPOCHS] = (after.epochs - before.epochs) / (double)requests->answered;
    if (after.holds > before.holds)
        values[REDIS_HOLD_MEAN_US] =
            (after.hold_ns - before.hold_ns) / (after.holds - before.holds) / 1e3;
    return true;
}

bool task_redis(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                double values[RIG_VALUES])
{
    struct requests requests = {.latencies = calloc(MAX_LATENCIES, sizeof(double))};
    int fd = client_connect(&machine->lab, REDIS_PORT, CONNECT_MS);
    bool good;

    if (!requests.latencies)
        lab_fail(&machine->lab, "out of memory");
    good =
        fd >= 0 && requests.latencies && measure_redis(machine, fd, &requests, arguments, values);
    if (fd >= 0)
        close(fd);
    free(requests.latencies);
    return good;
}

/* ---- Log ----------------------------------------------------------------------------------- */

bool task_log(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
              double values[RIG_VALUES])
{
    struct machine_status before, after;
    double seconds, entries;
    char command[64];

    snprintf(command, sizeof(command), "cpuloop %u", arguments[LOG_ARGUMENT_MILLIONS]);
    if (!machine_status(machine, &before) ||
        !(arguments[LOG_ARGUMENT_MILLIONS] > 0
              ? guest_command(&machine->lab, machine->shell, command, TASK_MS, NULL)
              : lab_sleep(&machine->lab, arguments[LOG_ARGUMENT_MS])) ||
        !machine_status(machine, &after))
        return false;
    seconds = after.uptime_s - before.uptime_s;
    entries = after.entries - before.entries;
    values[LOG_KBIT_S] = log_kbit_s(&before, &after);
    values[LOG_CHANNEL_KBIT_S] = (after.sent_bytes - before.sent_bytes) * 8 / 1e3 / seconds;
    values[LOG_ENTRIES_S] = entries / seconds;
    values[LOG_BYTES_PER_ENTRY] = entries > 0 ? (after.log_bytes - before.log_bytes) / entries : 0;
    return true;
}

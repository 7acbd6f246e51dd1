/*
 * What the replicas said of themselves while an experiment ran: a thread that asks, ten times a
 * second, each control socket in the lab's directory for its status, as `ftvm status --json` does,
 * and keeps the answers of primaries. It starts no process for it, as that would take from two
 * cores what it is to watch; who does not answer within a moment (a replica that was stopped) is
 * left out.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_STATUS_LOG_H
#define FAULT_INJECTION_LAB_EXPERIMENT_STATUS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define STATUS_LOG_EVERY_MS 100
#define STATUS_LOG_MAX      4096u /* kept; the oldest go */

struct status_sample {
    uint64_t at_ns; /* lab_now_ns() */
    uint64_t pid;   /* of the replica: counts are its own */
    bool is_protected;
    uint64_t lag_entries; /* sent and not executed by the backup; 0 without one */
    uint64_t log_bytes;   /* so far */
    uint64_t outputs_held;
};

struct status_log;

/* status_log_stop() is due in either case. */
bool status_log_start(struct status_log **log, struct lab *lab);
void status_log_stop(struct status_log *log);
/* Those since `from_ns`, in the order of time; how many. */
size_t status_log_samples(struct status_log *log, uint64_t from_ns, struct status_sample *samples,
                          size_t capacity);

#endif

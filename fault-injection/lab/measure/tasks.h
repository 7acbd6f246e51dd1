/*
 * What is measured on one machine: tasks for a rig (rig.h). Each says what its arguments are and
 * what stands in its values.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_TASKS_H
#define FAULT_INJECTION_LAB_MEASURE_TASKS_H

#include "fault-injection/lab/measure/rig.h"

/* cpuloop in the guest. Processor time as well, which others on the host disturb less: what the
 * primary and the backup used meanwhile. And the log's rate. */
enum { CPU_ARGUMENT_MILLIONS };
enum { CPU_SECONDS, CPU_INSTRUCTIONS, CPU_EPOCHS, CPU_PRIMARY_S, CPU_BACKUP_S, CPU_LOG_KBIT_S };
bool task_cpu(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
              double values[RIG_VALUES]);

/* diskload in the guest, so many times: writes, one after the other or scattered, then the reads.
 */
enum { DISK_ARGUMENT_MIB, DISK_ARGUMENT_KIB, DISK_ARGUMENT_SCATTERED, DISK_ARGUMENT_TIMES };
enum { DISK_WRITE_MB_S, DISK_READ_MB_S, DISK_SECONDS, DISK_EPOCHS };
bool task_disk(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
               double values[RIG_VALUES]);

/* One TCP stream out of the guest, then one into it. */
enum { NETWORK_ARGUMENT_MIB };
enum { NETWORK_SEND_MB_S, NETWORK_RECEIVE_MB_S };
bool task_network(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                  double values[RIG_VALUES]);

/* INCR by INCR, or so many on their way. The holds are the protocol's, of all outputs meanwhile. */
enum { REDIS_ARGUMENT_PIPELINE, REDIS_ARGUMENT_MS };
enum {
    REDIS_PER_S,
    REDIS_MEDIAN_US,
    REDIS_P99_US,
    REDIS_HOLD_MEDIAN_US,
    REDIS_HOLD_MEAN_US,
    REDIS_INSTRUCTIONS,
    REDIS_EPOCHS
};
bool task_redis(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                double values[RIG_VALUES]);

/* What the primary sends while the guest idles for a while (milliseconds), or works (millions of
 * rounds of cpuloop). */
enum { LOG_ARGUMENT_MS, LOG_ARGUMENT_MILLIONS };
enum { LOG_KBIT_S, LOG_CHANNEL_KBIT_S, LOG_ENTRIES_S, LOG_BYTES_PER_ENTRY };
bool task_log(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
              double values[RIG_VALUES]);

/* Loses the primary (signal: SIGKILL, SIGSTOP) while one client sends INCR by INCR, and another is
 * sent a line every millisecond; then adds a new backup. */
enum { FAILOVER_ARGUMENT_SIGNAL };
enum {
    FAILOVER_STREAM_MS,
    FAILOVER_REDIS_MS,
    FAILOVER_DETECTED_MS,
    FAILOVER_CLAIMED_MS,
    FAILOVER_CONSUMED_MS,
    FAILOVER_LIVE_MS,
    FAILOVER_SUM_MS,
};
bool task_failover(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                   double values[RIG_VALUES]);

/* Loses the backup and adds a new one, with an idle guest or a busy one. */
enum { TRANSFER_ARGUMENT_BUSY };
enum { TRANSFER_PAUSE_MS, TRANSFER_MIB, TRANSFER_S, TRANSFER_MB_S, TRANSFER_PROTECTED_S };
bool task_transfer(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                   double values[RIG_VALUES]);

#endif

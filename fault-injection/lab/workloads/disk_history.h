/*
 * What the guest has promised of its disk, block by block: "record N is durable". Whatever is read
 * afterwards must be the last one promised. A write without an answer may be done at any time, or
 * never: its block is not written again, and may have either.
 *
 * Used by the clients' threads and the lab's main thread at once; a block is written and read by
 * one of them at a time.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_DISK_HISTORY_H
#define FAULT_INJECTION_LAB_WORKLOADS_DISK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fault-injection/lab/workloads/record.h"

#define DISK_HISTORY_PROBLEM_SIZE 256u
#define DISK_HISTORY_KEPT         65536u /* operations for a report: the last ones */

struct disk_history;

/* NULL without memory. Times in texts are counted from `origin_ns`. */
struct disk_history *disk_history_create(uint64_t blocks, uint64_t origin_ns);
void disk_history_destroy(struct disk_history *history);

/* The number of the record to write there next; 0: none, because of a write without an answer. */
uint64_t disk_history_next(struct disk_history *history, uint64_t block);
/* That record was asked for then, and is promised now; or will never be answered for. */
void disk_history_promised(struct disk_history *history, uint64_t block, uint64_t asked_ns,
                           uint64_t now_ns);
void disk_history_unknown(struct disk_history *history, uint64_t block, uint64_t asked_ns);
/* This was found in the block. False if it must not be; then `problem` says why. */
bool disk_history_found(struct disk_history *history, uint64_t block, enum record_state state,
                        uint64_t number, uint64_t asked_ns, uint64_t now_ns,
                        char problem[DISK_HISTORY_PROBLEM_SIZE]);

uint64_t disk_history_blocks(const struct disk_history *history);
/* Has anything been promised of it? */
bool disk_history_has_promise(struct disk_history *history, uint64_t block);
/* Is a write without an answer due there, perhaps at this moment? */
bool disk_history_is_open(struct disk_history *history, uint64_t block);
/* The last operations, one a line. */
void disk_history_dump(struct disk_history *history, FILE *file);

#endif

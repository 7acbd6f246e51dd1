/*
 * The records that guest/tools/recordserver.c writes to the disk, for who looks into the disk's
 * image from outside: their layout stands there, and twice, as the guest shares no source with us.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_RECORD_H
#define FAULT_INJECTION_LAB_WORKLOADS_RECORD_H

#include <stdint.h>

#define RECORD_BLOCK 4096u

enum record_state {
    RECORD_NONE,  /* of this run */
    RECORD_WRONG, /* damaged */
    RECORD_GOOD,
};

/* Of the block of that number; `number` is the record's if it is good. */
enum record_state record_read(const uint8_t bytes[RECORD_BLOCK], uint64_t run, uint64_t block,
                              uint64_t *number);
/* As the guest does. */
void record_write(uint8_t bytes[RECORD_BLOCK], uint64_t run, uint64_t block, uint64_t number);

#endif

/*
 * A driver whose every step is drawn from a string of bytes: some steps as a driver should do them,
 * most bent. The bytes come from a seeded generator or from a fuzzer.
 */
#ifndef TESTS_DEVICES_SUPPORT_HOSTILE_H
#define TESTS_DEVICES_SUPPORT_HOSTILE_H

#include "tests/devices/support/device_ops.h"

struct hostile_outcome {
    uint64_t device_digest;
    uint64_t memory_digest;
    uint64_t output_digest;
    bool writes_reported; /* every change of memory was reported */
    bool states_loaded;   /* every state saved on the way loaded again, with the same digest */
    bool needed_reset;    /* the device noticed broken rules */
    unsigned used;        /* the device got so far as to interrupt */
};

/* With `moves`, the device is replaced now and then by one loaded from its state: the outcome must
 * be the same as without. */
void hostile_session(const struct device_ops *ops, const uint8_t *bytes, size_t size, bool moves,
                     struct hostile_outcome *outcome);

#endif

/* A saved state in memory: where a writer writes to and a reader reads from. */
#ifndef TESTS_DEVICES_SUPPORT_STATE_BYTES_H
#define TESTS_DEVICES_SUPPORT_STATE_BYTES_H

#include "vmm/state/state.h"

struct state_bytes {
    uint8_t *data;
    size_t size;
    size_t position; /* of the reader */
};

void state_bytes_free(struct state_bytes *bytes);
struct state_writer state_bytes_writer(struct state_bytes *bytes);
struct state_reader state_bytes_reader(struct state_bytes *bytes);

#endif

/* A saved state in memory. */
#ifndef TESTS_RISCV_STATE_BUFFER_H
#define TESTS_RISCV_STATE_BUFFER_H

#include "vmm/state/state.h"

struct state_buffer {
    uint8_t bytes[8192];
    size_t size;
    size_t read;
};

struct state_writer state_buffer_writer(struct state_buffer *buffer);
struct state_reader state_buffer_reader(struct state_buffer *buffer);

#endif

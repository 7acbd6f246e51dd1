/*
 * state.h - the machine's state as bytes: sent to a joining backup, taken by it, and compared
 * between the two. The callbacks of struct ftvm_machine_ops of these names.
 */
#ifndef EXAMPLES_UNICORN_STATE_H
#define EXAMPLES_UNICORN_STATE_H

#include "machine.h"

#define STATE_MAGIC   UINT64_C(0x6e726f63696e75) /* "unicorn" */
#define STATE_VERSION 2u

/* What is sent before the memory. In the host's byte order: the magic number is another one where
 * that is another one. */
struct state_head {
    uint64_t magic;
    uint32_t version;
    uint32_t ram_size;
    struct cpu_registers registers;
    uint64_t timer_ns;
    uint32_t waits; /* 0 or 1 */
    uint32_t input_count;
    uint8_t input[MACHINE_INPUT_SIZE]; /* the first of them comes first; zero behind the last */
};

int state_save(void *context, struct ftvm_writer *writer);
int state_load(void *context, struct ftvm_reader *reader);
void state_digest(void *context, struct ftvm_digest *digest);
uint64_t state_size(void *context);

/* The two halves of the above, without the memory, which is machine->ram. */
void state_fill(const struct machine *machine, struct state_head *head);
/* False: it is damaged, hostile or of another version, and the machine must not run. */
bool state_apply(struct machine *machine, const struct state_head *head);

#endif

/*
 * machine.h - the board: a processor, its memory, a console, a clock, a timer. It runs under a node
 * of libftvm, and that is the only way in which it runs.
 *
 * Deterministic: what it does follows from its state, the inputs at boundaries and the epoch's
 * clock. The clock that the guest reads is that at the start of the block that reads it. An
 * interrupt is taken at the first block at whose start it is pending and enabled.
 */
#ifndef EXAMPLES_UNICORN_MACHINE_H
#define EXAMPLES_UNICORN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ftvm/ftvm.h>

#include "board.h"
#include "cpu.h"

#define MACHINE_CONSOLE    1u    /* the device of inputs and outputs */
#define MACHINE_INPUT_SIZE 4096u /* bytes that wait for the guest; more are lost */
#define MACHINE_LINE_SIZE  256u  /* bytes that leave together at most */

/* What the machine's owner does for it. */
struct machine_host {
    /* Text leaves, for real: at most MACHINE_LINE_SIZE bytes. As ops.emit. */
    int (*emit)(void *context, const void *text, size_t size);
    /* This replica faces the world from here on. vCPU thread. */
    void (*live)(void *context);
    void *context;
};

struct machine {
    /* Guest-visible. */
    struct cpu cpu;
    uint8_t *ram;
    uint8_t input[MACHINE_INPUT_SIZE]; /* a ring */
    uint32_t input_head;
    uint32_t input_count;
    uint64_t timer_ns;
    bool waits; /* in wfi */
    bool off;

    /* Derived: from the epoch, or empty at each boundary. */
    struct ftvm_epoch epoch;
    ftvm_position timer_position; /* where the timer goes off, in this epoch */
    char line[MACHINE_LINE_SIZE]; /* leaves at its end, or with the boundary */
    uint32_t line_length;
    int result; /* of the node; negative: the run ends */

    /* Wired. */
    struct ftvm_node *node;
    struct machine_host host;
};

/* The machine at its reset, with the guest's image in its memory. NULL: out of memory, the image is
 * too large, or unicorn refuses; `why` says which. */
struct machine *machine_create(const void *image, size_t size, const struct machine_host *host,
                               const char **why);
void machine_destroy(struct machine *machine);

/* Runs it under a started node until that ends; the reason, negative. vCPU thread. */
int machine_run(struct machine *machine, struct ftvm_node *node);

/* devices.c: the console, the clock, the timer, the switch. */
uc_err devices_map(struct machine *machine);
/* The interrupts that are pending, as bits of mie. */
uint64_t devices_pending(const struct machine *machine);
/* Something about the timer, the console's input or the epoch has changed. */
void devices_changed(struct machine *machine);
/* Bytes enter the console. */
void devices_type(struct machine *machine, const uint8_t *bytes, size_t size);
/* The line that the guest has begun leaves now. */
void devices_flush(struct machine *machine);

#endif

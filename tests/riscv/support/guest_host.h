/* The host of the guest programs in tests/riscv/guest: RAM, a hart, and what the program reports.
 */
#ifndef TESTS_RISCV_GUEST_HOST_H
#define TESTS_RISCV_GUEST_HOST_H

#include "vmm/riscv/hart.h"

#define GUEST_HOST_RAM (UINT64_C(16) << 20)

struct guest_outcome {
    struct hart *hart;
    bool finished;
    uint64_t line; /* 0: all checks held */
};

struct guest_host {
    struct guest_memory memory;
    struct hart *hart;
    struct guest_outcome *outcome; /* at a place of its own: the hart's callbacks point to it */
};

/* Both abort the test if they cannot. `program` is a file of HART_GUEST_DIR. */
void guest_host_start(struct guest_host *host, const char *program);
void guest_host_stop(struct guest_host *host);
/* Runs to its end; idle time is skipped to the timer. The line of the check that failed, or 0. */
uint64_t guest_host_run(struct guest_host *host, uint64_t limit);

#endif

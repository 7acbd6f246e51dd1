/*
 * The vCPU loop as the other parts of the machine see it: the guest's time, for those that read it
 * inside an epoch, and what it lets other threads know.
 */
#ifndef VMM_MACHINE_RUN_H
#define VMM_MACHINE_RUN_H

#include "vmm/machine/parts.h"

/* With MACHINE_CLOCK_LOGGED: the clock as an environment instruction (hart_callbacks). */
uint64_t run_environment_time_ns(void *context);
/* The guest's time now, by whichever clock the machine has (goldfish_rtc_guest_time). */
uint64_t run_guest_time_ns(void *context);
/* Lets other threads see the hart's counters as they are now. vCPU thread. */
void run_publish_counters(struct machine *machine);

#endif

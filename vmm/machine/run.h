/*
 * The guest's time, for the parts of the machine that read it inside an epoch.
 */
#ifndef VMM_MACHINE_RUN_H
#define VMM_MACHINE_RUN_H

#include "vmm/machine/parts.h"

/* With MACHINE_CLOCK_LOGGED: the clock as an environment instruction (hart_callbacks). */
uint64_t run_environment_time_ns(void *context);
/* The guest's time now, by whichever clock the machine has (goldfish_rtc_guest_time). */
uint64_t run_guest_time_ns(void *context);

#endif

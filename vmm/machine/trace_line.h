/*
 * One step of a hart as a line of a trace. The same step gives the same line on every replica.
 */
#ifndef VMM_MACHINE_TRACE_LINE_H
#define VMM_MACHINE_TRACE_LINE_H

#include <stddef.h>

#include "vmm/riscv/step.h"

#define TRACE_LINE_HEADING                                                                         \
    "#   position   pc                bits     operation  [address] what changed\n"
/* The longest line, with its end: all registers and fields have changed. */
#define TRACE_LINE_SIZE 4096u

/* Writes the line, without a NUL, and returns its size. The hart is as the step has left it. */
size_t trace_line(const struct hart *hart, const struct hart_step *step,
                  char line[TRACE_LINE_SIZE]);

#endif

/*
 * The JIT as the rest of the hart sees it: hot blocks are translated to the host's code.
 */
#ifndef VMM_RISCV_JIT_JIT_H
#define VMM_RISCV_JIT_JIT_H

#include <stdbool.h>

struct hart;
struct hart_counters;

/* True if this host has a back end. */
bool jit_is_available(void);
/* False: out of memory, or no back end. */
bool jit_create(struct hart *hart);
void jit_destroy(struct hart *hart);
/* Fills in what concerns translations. */
void jit_get_counters(const struct hart *hart, struct hart_counters *counters);

#endif

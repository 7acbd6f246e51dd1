/*
 * The JIT as the rest of the hart sees it: hot blocks are translated to the host's code, the rest
 * is interpreted. Where there is no back end for the host, no_host.c stands for all of it.
 */
#ifndef VMM_RISCV_JIT_JIT_H
#define VMM_RISCV_JIT_JIT_H

#include <stdbool.h>
#include <stdint.h>

struct hart;
struct hart_counters;

/* True if this host has a back end. */
bool jit_is_available(void);
/* False: out of memory, or no back end. What was made is there for jit_destroy(). */
bool jit_create(struct hart *hart);
void jit_destroy(struct hart *hart);
/* To `limit`, or to where hart_run() must look: `leave` is set, an interrupt can be taken, the
 * guest waits for one, or the interpreter had to carry out an instruction. */
void jit_run(struct hart *hart, uint64_t limit);
/* Fills in what concerns translations. */
void jit_get_counters(const struct hart *hart, struct hart_counters *counters);

/* The rest does nothing without a JIT. */

/* What was translated from the decoded block is stale: its guest code is about to be written. */
void jit_block_killed(struct hart *hart, uint32_t index);
/* All decoded blocks are about to be dropped, and so is all that was made from them. */
void jit_drop_all(struct hart *hart);
/* Cached jumps lead nowhere any more: their keys will be used again. */
void jit_forget_jumps(struct hart *hart);

#endif

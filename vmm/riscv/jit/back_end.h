/*
 * What a host must provide to run translated regions: one folder for each, and only its code is
 * linked. Everything here is for the other files of the JIT.
 */
#ifndef VMM_RISCV_JIT_BACK_END_H
#define VMM_RISCV_JIT_BACK_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/riscv/jit/ir.h"

struct hart;
struct jit;

/* Bytes of code that an operation seldom exceeds, everything included. */
#define BACK_END_BYTES_PER_OP 256u

/* jit_is_available() of jit.h is the back end's, too. */

/* Makes what all regions share, at the start of the code memory. False: out of memory. */
bool back_end_create(struct hart *hart);
void back_end_destroy(struct jit *jit);
/* Code for the region, appended to the code memory. Edges get their places. NULL if there is not
 * room enough for it, or for its edges, or if there is too much of it: then nothing was appended.
 */
const uint8_t *back_end_translate(struct hart *hart, const struct ir_region *region);
/* Redirects a jump that the back end made. Code that runs meanwhile may still take the old way,
 * which stays good: it leads out to where the new one is looked up. */
void back_end_patch_jump(struct jit *jit, const uint8_t *jump, const uint8_t *target);
/* The region is dead: whoever still enters it leaves at once, with the pc of its head. */
void back_end_kill(struct jit *jit, const uint8_t *entry, uint16_t offset);
/* Runs code with hart->shared.budget instructions left, until it returns. */
void back_end_enter(struct hart *hart, const uint8_t *code);

#endif

/*
 * The F and D extensions. Arithmetic runs on the host's FPU with its exception flags sticky and its
 * rounding mode set to frm while the guest runs (fpu_acquire() to fpu_release()); what the host
 * does not have, rounding to nearest with ties away from zero, is computed by softfloat.h.
 */
#ifndef VMM_RISCV_FPU_H
#define VMM_RISCV_FPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/op.h"

struct hart;

/* fcsr: unprivileged specification, chapter 11.2. */
#define FFLAG_INEXACT   1u
#define FFLAG_UNDERFLOW 2u
#define FFLAG_OVERFLOW  4u
#define FFLAG_DIVIDE    8u
#define FFLAG_INVALID   16u

enum rounding_mode {
    ROUND_NEAREST_EVEN,
    ROUND_TO_ZERO,
    ROUND_DOWN,
    ROUND_UP,
    ROUND_NEAREST_AWAY,
    ROUND_DYNAMIC = 7
};

#define F32_CANONICAL_NAN UINT32_C(0x7fc00000)
#define F64_CANONICAL_NAN UINT64_C(0x7ff8000000000000)

/* Between these two the host's FPU belongs to the guest, and state.fflags lacks what the host has
 * gathered. Every way out of hart_run(), callbacks too, leads through fpu_release(). */
void fpu_acquire(struct hart *hart);
void fpu_release(struct hart *hart);
/* For reads of fcsr inside hart_run(): completes state.fflags. */
void fpu_collect(struct hart *hart);
/* After a write to state.fflags or state.frm inside hart_run(). */
void fpu_control_written(struct hart *hart);

/* Carries out OP_FADD_S to OP_FCVT_D_S. False: illegal instruction. */
bool fpu_execute(struct hart *hart, const struct op *op);

#endif

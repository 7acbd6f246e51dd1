/*
 * The inside of a hart, for the files of this folder only.
 *
 * Three groups, kept apart: `state` is guest-visible, saved and digested; memory and callbacks are
 * wired by the embedder; everything else is derived from the first two and may be dropped at any
 * instruction boundary without the guest noticing.
 */
#ifndef VMM_RISCV_HART_STATE_H
#define VMM_RISCV_HART_STATE_H

#include <stdint.h>

#include "vmm/riscv/blocks.h"
#include "vmm/riscv/hart.h"
#include "vmm/riscv/jit/shared.h"
#include "vmm/riscv/tlb.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* sstatus: privileged specification, chapter 10.1.1 (supervisor CSRs). */
#define SSTATUS_SIE  (UINT64_C(1) << 1)
#define SSTATUS_SPIE (UINT64_C(1) << 5)
#define SSTATUS_SPP  (UINT64_C(1) << 8)
#define SSTATUS_FS   (UINT64_C(3) << 13)
#define SSTATUS_SUM  (UINT64_C(1) << 18)
#define SSTATUS_MXR  (UINT64_C(1) << 19)
#define SSTATUS_UXL  (UINT64_C(2) << 32) /* fixed: U mode is 64 bits wide */
#define SSTATUS_SD   (UINT64_C(1) << 63) /* computed when read */
#define SSTATUS_WRITABLE                                                                           \
    (SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP | SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR)

#define INTERRUPT_SOFTWARE (UINT64_C(1) << 1)
#define INTERRUPT_TIMER    (UINT64_C(1) << 5)
#define INTERRUPT_EXTERNAL (UINT64_C(1) << 9)
#define INTERRUPT_ALL      (INTERRUPT_SOFTWARE | INTERRUPT_TIMER | INTERRUPT_EXTERNAL)

#define SATP_MODE_SV39  (UINT64_C(8) << 60)
#define SATP_MODE_MASK  (UINT64_C(15) << 60)
#define SATP_PPN_MASK   ((UINT64_C(1) << 44) - 1)
#define SCOUNTEREN_MASK UINT64_C(7) /* cycle, time, instret */
#define SENVCFG_MASK    UINT64_C(1) /* FIOM */
#define FCSR_MASK       UINT64_C(0xff)

enum trap_cause {
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL_INSTRUCTION = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_USER_ECALL = 8,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};
#define CAUSE_INTERRUPT (UINT64_C(1) << 63)

/* Guest-visible state. All fields are 64 bits wide, so that the digest reads no padding. x[32] is
 * the sink of the decoded form (op.h): not part of the state. */
struct hart_state {
    uint64_t x[33];
    uint64_t f[32]; /* bits; a single is boxed in ones */
    uint64_t pc;
    uint64_t position;
    uint64_t privilege;
    uint64_t sstatus; /* the writable bits */
    uint64_t sie;
    uint64_t sip; /* SSIP and SEIP; STIP is computed */
    uint64_t stvec;
    uint64_t sscratch;
    uint64_t sepc;
    uint64_t scause;
    uint64_t stval;
    uint64_t satp;
    uint64_t scounteren;
    uint64_t senvcfg;
    uint64_t stimecmp;
    uint64_t fflags; /* complete only while the host's own flags are collected: fpu.h */
    uint64_t frm;
    /* LR/SC: succeeds if the reserved address still holds the value that was loaded. */
    uint64_t reserved; /* 0 or 1 */
    uint64_t reserved_address;
    uint64_t reserved_value;
    uint64_t clock_ns;
    uint64_t clock_position;
    uint64_t clock_rate_q32;
    uint64_t environment_ns; /* latest answer of environment_time_ns */
};

struct hart {
    struct hart_state state; /* first: registers are addressed from here */

    struct guest_memory memory;
    struct hart_callbacks callbacks;
    struct hart_config config;

    struct tlb_entry *tlb;  /* of the current context and mode */
    uint64_t jump_salt;     /* of the current context and privilege */
    uint64_t deadline;      /* first position at which STIP is set; UINT64_MAX: never */
    unsigned host_rounding; /* frm if the host has that mode, else 8: fpu.h */
    uint32_t host_control;  /* of the embedder, to be restored */

    bool leave; /* whoever executes must return after the current instruction */
    bool stop_requested;
    bool idle;

    uint64_t traps; /* taken so far, interrupts too: tells whether a step was one */

    /* Of the latest failed translation or access. */
    uint64_t trap_cause;
    uint64_t trap_value;

    struct page *pages; /* one for each page of RAM */
    struct translations translations;
    struct block_cache blocks;
    struct jit *jit; /* NULL: everything is interpreted */
    struct jit_shared shared;
};

static inline uint64_t hart_pending(const struct hart *hart)
{
    return hart->state.sip | (hart->state.position >= hart->deadline ? INTERRUPT_TIMER : 0);
}

/* An interrupt that would be taken before the next instruction. */
static inline uint64_t hart_deliverable(const struct hart *hart)
{
    bool enabled = hart->state.privilege == HART_USER || (hart->state.sstatus & SSTATUS_SIE) != 0;
    return enabled ? hart_pending(hart) & hart->state.sie : 0;
}

/* Which translations of data are in force, besides the context. */
static inline enum tlb_mode hart_data_mode(const struct hart *hart)
{
    if (hart->state.privilege == HART_USER) {
        return TLB_USER;
    }
    return (hart->state.sstatus & SSTATUS_SUM) != 0 ? TLB_SUPERVISOR_SUM : TLB_SUPERVISOR;
}

/* What tells jumps of one context and privilege from those of another. */
void hart_set_jump_salt(struct hart *hart, uint64_t salt);
/* After any change of privilege, sstatus, satp, or of what they select: points the interpreter at
 * the translations in force. */
void hart_select_translations(struct hart *hart);
/* Recomputes `deadline` after a change of the clock or stimecmp. */
void hart_update_deadline(struct hart *hart);
uint64_t hart_time_ticks(const struct hart *hart);
/* The `time` CSR: as hart_time_ticks(), or asks the environment. */
uint64_t hart_read_time(struct hart *hart);

/* Takes a trap at state.pc; the caller counts the position. */
void hart_trap(struct hart *hart, uint64_t cause, uint64_t value);
void hart_take_interrupt(struct hart *hart);
void hart_sret(struct hart *hart);

/* Carries out OP_CSR with state.pc and position exact; false: illegal instruction. */
bool hart_csr_execute(struct hart *hart, const struct op *op);

enum interpretation {
    INTERPRET_ALL,
    INTERPRET_TO_HOT, /* up to a hot block, and blocks that run become hotter */
    /* The same, but for the first block: a run that was cut goes on amid one. Did it become hot, it
     * would be translated once more for every place at which it was ever cut. */
    INTERPRET_REST,
};
/* Runs until position == limit, or until `leave` is set and the current instruction is done. The
 * index of the hot block that it has come to, otherwise 0. */
uint32_t hart_interpret(struct hart *hart, uint64_t limit, enum interpretation mode);

#endif

/*
 * What generated code and the hart's own share, as a part of struct hart: generated code reaches
 * it from the register that holds the hart. Derived state only; nothing of it is saved.
 */
#ifndef VMM_RISCV_JIT_SHARED_H
#define VMM_RISCV_JIT_SHARED_H

#include <stdint.h>

struct tlb_entry;

#define JIT_JUMPS (1u << 13) /* a power of two */

/* Where a jump goes whose target is known only when it is made. */
struct jit_jump {
    uint64_t pc;   /* odd: none */
    uint64_t salt; /* of the context and privilege */
    const uint8_t *code;
    uint64_t unused; /* a power of two to index by */
};

/* Why generated code returned. */
enum jit_exit {
    JIT_EXIT_TAIL,      /* the block at `detail` (offset, unused budget) does not fit any more */
    JIT_EXIT_INTERPRET, /* the instruction at `detail` is for the interpreter */
    JIT_EXIT_DEAD,      /* the region at `detail` is dead */
    JIT_EXIT_INTERRUPT, /* an interrupt can be taken before the instruction at `detail` */
    JIT_EXIT_EDGE,      /* at an edge that is not linked; `detail` is its index */
    JIT_EXIT_JUMP,      /* to next_pc, of which the jump cache knows nothing */
    JIT_EXIT_STATUS,    /* a function of the hart said so: `status` */
};

/* What a function of the hart, called by generated code, wants. Position and pc are exact then. */
enum jit_status {
    JIT_STATUS_NONE,
    JIT_STATUS_TRAP,  /* trap_cause and trap_value say which */
    JIT_STATUS_LEAVE, /* the instruction is done, its result `pending` */
};

struct jit_shared {
    uint64_t page;  /* virtual page of the region that runs */
    uint64_t limit; /* position at which the budget is zero */
    int64_t budget; /* when generated code has returned: instructions left */
    uint64_t next_pc;
    uint64_t cut_pc;   /* where the run before was cut by its limit; odd: nowhere */
    uint32_t exit;     /* enum jit_exit | detail << JIT_EXIT_BITS */
    uint32_t status;   /* enum jit_status */
    uint32_t jump_mix; /* xored into a jump's place in `jumps`: differs by context */
    uint32_t pending_register;
    uint64_t pending_value;
    uint64_t box;                        /* ones above a single */
    uint64_t ram_delta;                  /* physical address less the host's, of RAM */
    uint64_t timer_pending;              /* INTERRUPT_TIMER while the deadline is past, else 0 */
    struct tlb_entry *supervisor_tlb[2]; /* of the current context, without and with SUM */
    struct jit_jump jumps[JIT_JUMPS];
};

#define JIT_EXIT_BITS 4u
/* Detail of an exit before an instruction: its offset in the page, and how much of the budget that
 * was taken for the block is not used. */
#define JIT_EXIT_OFFSET_BITS 13u

/* What a called function is told of the instruction: the place of its decoded form, and how much of
 * the budget that was taken for the block is not used, with this instruction. */
#define JIT_OP_BITS 20u

/* The place of a jump in `jumps`, times its size. */
static inline uint32_t jit_jump_offset(uint64_t pc, uint32_t mix)
{
    return ((uint32_t)pc * 16 ^ mix) & ((JIT_JUMPS - 1) * (uint32_t)sizeof(struct jit_jump));
}

#endif

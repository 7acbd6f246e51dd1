/*
 * The inside of the x86-64 back end: which host register holds what, and the state of one
 * translation.
 *
 *   rbx        the hart, HART_BIAS bytes in, so that x0..x31 are a byte's displacement away
 *   r14        translations in force (hart->tlb)
 *   r15        budget: instructions left before the limit
 *   rax rcx rdx, xmm0..xmm2   scratch
 *   rbp r12 r13 rsi rdi r8..r11, xmm3..xmm14   guest registers, by the region's assignment
 *   xmm15      ones above a single
 *
 * A guest register in a host register may be *narrow*: its low 32 bits are right, and the rest
 * is to be made by sign extension before anyone looks at it. So a chain of word operations extends
 * once, at its end.
 */
#ifndef VMM_RISCV_JIT_X86_64_EMITTER_H
#define VMM_RISCV_JIT_X86_64_EMITTER_H

#include <stddef.h>

#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/assign.h"
#include "vmm/riscv/jit/back_end.h"
#include "vmm/riscv/jit/jit_state.h"
#include "vmm/riscv/jit/x86_64/assembler.h"

#define HOST_HART   RBX
#define HOST_TLB    R14
#define HOST_BUDGET R15
#define HART_BIAS   128
#define NOT_IN_HOST 0xffu
/* No single step of a translation emits more bytes than that. */
#define EMIT_ROOM 2048u
/* At these a translation is given up: there is too much of it. */
#define COLDS     2048u
#define FIXUPS    (2 * REGION_OPS)
#define COLD_WAYS 8u

/* What is out of the way: emitted behind the region's code, reached by a jump from it. */
enum cold_kind {
    COLD_LOAD,
    COLD_STORE,
    COLD_ACCESS_FLOAT,
    COLD_EXECUTE,   /* the function of the hart does the instruction, then on */
    COLD_BRANCH,    /* a branch that is taken on the way through a block */
    COLD_TAIL,      /* the block does not fit into the budget */
    COLD_INTERPRET, /* leave before the instruction */
    COLD_STATUS,    /* a function of the hart wants the run to end */
    COLD_INTERRUPT, /* leave after the instruction, as an interrupt is pending */
    COLD_PLAIN,     /* the accesses of a group cannot be translated at once: go on without */
};

/* What is known on a straight line of code. */
struct known {
    uint32_t narrow;   /* registers of which only the low half is made */
    uint32_t extended; /* registers that are the sign extension of their low half */
    uint32_t dirty;    /* registers in the host that state.x lacks */
    uint8_t guest_in[ASSIGN_REGISTERS]; /* what each host register holds now */
    uint32_t float_boxed;               /* f registers that hold a single */
    bool float_enabled;                 /* FS is not off */
    bool float_dirty;                   /* FS is dirty */
};

struct cold {
    uint8_t kind;
    uint8_t block; /* of the region */
    struct known known;
    uint8_t ways;
    uint8_t *from[COLD_WAYS]; /* displacements of the jumps that lead here */
    uint8_t *resume;          /* where it goes back to */
    const struct ir_op *op;
    bool to_plain; /* instead, go on behind the operation in the plain copy of the block */
};

struct fixup {
    uint8_t *displacement;
    uint8_t block;
};

/* A branch that skips, while what it skips is translated. */
struct join {
    uint8_t *from;      /* displacement; NULL in a plain copy, if the branch is not in it */
    uint16_t op;        /* of the region, where both ways join */
    struct known known; /* where it branches off */
};

struct back_end {
    /* What regions share, executable addresses. */
    const uint8_t *enter;
    const uint8_t *exit;          /* eax: exit and detail */
    const uint8_t *exit_status;   /* because of hart->shared.status */
    const uint8_t *exit_jump;     /* rax: pc */
    const uint8_t *read_sstatus;  /* rax: as a CSR instruction reads it */
    const uint8_t *write_sstatus; /* rcx; not equal: an interrupt is pending */
    const uint8_t *call_load;
    const uint8_t *call_store;
    const uint8_t *call_access_float;
    const uint8_t *call_execute;
    const uint8_t *call_trap_return;
    const uint8_t *call_user_call;
    bool has_bmi2;
    bool has_fma;

    /* One translation. */
    struct assembler a;
    struct hart *hart;
    struct jit *jit;
    const struct ir_region *region;
    struct assignment assignment; /* at the start of each block */
    unsigned block;               /* under translation */
    struct known known;
    uint8_t place_of[32]; /* the inverse of known.guest_in */
    bool looks_ahead;     /* in this block registers change places */
    struct assign_horizon horizon;
    const uint8_t *end; /* of the code memory, writable */
    bool out_of_room;   /* or of edges, colds, fixups */
    /* Jumps of one floating-point operation to the hart's function: float.c. */
    struct known detoured;
    unsigned detour_count;
    uint8_t *detours[COLD_WAYS];
    /* A block with groups has a second, plain copy of its code, from the first of them on: for when
     * a group's accesses are not in one page, or a call may have changed what was translated. */
    const struct ir_group *group; /* whose anchor is good at this place, or NULL */
    struct plain_start {
        struct known known; /* where the first group of a block begins */
        /* Branches that skip it: what comes behind is reached from both ways there, too. */
        unsigned join_count;
        struct join joins[BLOCK_SKIPS];
    } plain_starts[REGION_BLOCKS];
    uint8_t *plain_labels[REGION_OPS];
    struct known plain_known[REGION_OPS]; /* at the labels */
    uint8_t *labels[REGION_BLOCKS];
    unsigned done_before; /* operations before this one are translated already */
    unsigned join_count;
    struct join joins[BLOCK_SKIPS];
    unsigned fixup_count;
    struct fixup fixups[FIXUPS + 1];
    unsigned cold_count;
    unsigned colds_emitted;
    struct cold colds[COLDS + 1]; /* and one for those that are too many */
    ;
};

#define HART_FIELD(field)   at_offset(HOST_HART, (int32_t)offsetof(struct hart, field) - HART_BIAS)
#define SHARED_FIELD(field) HART_FIELD(shared.field)

static inline uint32_t guest_bit(unsigned guest)
{
    return UINT32_C(1) << guest;
}

static inline struct memory_operand x_at(unsigned reg)
{
    return at_offset(HOST_HART, (int32_t)(offsetof(struct hart, state.x) + reg * 8) - HART_BIAS);
}

static inline struct memory_operand f_at(unsigned reg)
{
    return at_offset(HOST_HART, (int32_t)(offsetof(struct hart, state.f) + reg * 8) - HART_BIAS);
}

/* The access is one of a group, and at a displacement from the anchor. */
static inline bool is_anchored(const struct back_end *e, const struct ir_op *op)
{
    return e->group != NULL && op->group != 0;
}

static inline bool is_immediate(const struct ir_op *op)
{
    return op->b == IR_IMMEDIATE;
}

/* thunks.c */
void emit_thunks(struct back_end *e);
extern const uint8_t emit_host_registers[ASSIGN_REGISTERS];
static inline unsigned anchor_register(const struct back_end *e)
{
    return emit_host_registers[e->assignment.anchor];
}
#define FIRST_FLOAT_REGISTER 3u
#define HOST_BOX             15u

/* values.c: guest registers as operands */
unsigned host_of(const struct back_end *e, unsigned guest); /* or NOT_IN_HOST */
static inline bool in_host(const struct back_end *e, unsigned guest)
{
    return host_of(e, guest) != NOT_IN_HOST;
}
unsigned use(struct back_end *e, unsigned guest, unsigned scratch);      /* all 64 bits */
unsigned use_word(struct back_end *e, unsigned guest, unsigned scratch); /* the low 32 */
/* Where to compute a result: the register's own place, or the scratch one. */
unsigned result_in(const struct back_end *e, unsigned guest, unsigned scratch);
/* The result is in `from`; `word`: its low 32 bits. */
void set_result(struct back_end *e, unsigned guest, unsigned from, bool word);
/* Into a scratch register, to be changed there. */
void copy(struct back_end *e, bool wide, unsigned to, unsigned guest);
/* to = to OP guest */
void apply(struct back_end *e, enum alu alu, bool wide, unsigned to, unsigned guest);
void widen(struct back_end *e, uint32_t registers);
/* Registers to the places that they have at the start of a block. */
void settle_places(struct back_end *e);
/* From what the host's registers hold now to what they hold there; all are wide. */
void move_to(struct back_end *e, const uint8_t guest_in[ASSIGN_REGISTERS], uint32_t dirty);
void set_known(struct back_end *e, const struct known *known);
/* At the start of a block, and of a region's code. */
void begin_places(struct back_end *e);
/* Before an operation: gives its registers places. */
void choose_places(struct back_end *e, const struct ir_op *op);
/* Makes state.x hold the register, and the other way round. */
void write_back(struct back_end *e, unsigned guest);
void read_back(struct back_end *e, unsigned guest);
/* The register is, or can be made, the sign extension of its low half. */
bool is_word_value(const struct back_end *e, unsigned guest);
/* After set_result(): the result is the sign extension of its low half. */
void note_extended(struct back_end *e, unsigned guest);

/* The same for f registers. */
unsigned host_of_float(const struct back_end *e, unsigned guest);
void write_back_floats(struct back_end *e); /* those that the region writes */
void read_back_floats(struct back_end *e);

/* leave.c: ways out of a region */
void leave_to_home(struct back_end *e);
void enter_from_home(struct back_end *e);
void jump_to_block(struct back_end *e, unsigned block);
void jump_to_exit(struct back_end *e, const uint8_t *target);
/* On to a direct target; `op` is a branch or jump. Everything is wide, the budget is right. */
void go_to_target(struct back_end *e, const struct ir_op *op);
/* On to the pc in rax, with the home in place. */
void go_to_pc(struct back_end *e);
void call_shared(struct back_end *e, const uint8_t *target);
uint32_t where_of(const struct back_end *e, const struct ir_op *op);
/* Code that is as good as out of the way of several jumps has several ways in. */
void add_way(struct cold *cold, uint8_t *from);
void add_fixup(struct back_end *e, uint8_t *displacement, unsigned block);
/* False: the translation is to be given up. To be asked before each step. */
bool has_room(struct back_end *e);
struct cold *add_cold(struct back_end *e, enum cold_kind kind, const struct ir_op *op,
                      uint8_t *from);
void emit_cold(struct back_end *e, const struct cold *cold);
/* Calls the function of the hart for the instruction, with operands and result in state.x. */
void call_execute(struct back_end *e, const struct ir_op *op);

/* One operation each: integer.c, multiply.c, bits.c, memory.c, atomic.c, float.c, control.c, csr.c.
 */
void emit_integer(struct back_end *e, const struct ir_op *op);
void emit_multiply(struct back_end *e, const struct ir_op *op);
void emit_multiply_high(struct back_end *e, const struct ir_op *op);
void emit_divide(struct back_end *e, const struct ir_op *op);
void emit_shift_add(struct back_end *e, const struct ir_op *op);
void emit_bit(struct back_end *e, const struct ir_op *op);
void emit_count_zeros(struct back_end *e, const struct ir_op *op);
void emit_combine_bytes(struct back_end *e, const struct ir_op *op);
void emit_load(struct back_end *e, const struct ir_op *op);
/* Translates the accesses of a group. */
void emit_anchor(struct back_end *e, const struct ir_group *group);
void emit_store(struct back_end *e, const struct ir_op *op);
void emit_access_float(struct back_end *e, const struct ir_op *op);
void emit_atomic(struct back_end *e, const struct ir_op *op);
void emit_float(struct back_end *e, const struct ir_op *op);
/* False: the branch that skips is to be emitted as one. */
bool emit_converted(struct back_end *e, const struct ir_op *branch);
void emit_control(struct back_end *e, const struct ir_op *op);
/* Before the operation: where branches that skip come in, and what the budget is charged for it. */
void emit_joins(struct back_end *e, unsigned index);
void emit_charge(struct back_end *e, unsigned index);
void emit_csr(struct back_end *e, const struct ir_op *op);
/* The translation of a + imm: a jump that is taken if it is not at hand. Behind it the access is at
 * [rax + rcx]. */
uint8_t *find_entry(struct back_end *e, const struct ir_op *op, int64_t imm, bool write);
/* The F and D extensions are off: the interpreter raises the trap. */
void require_float(struct back_end *e, const struct ir_op *op);
void make_float_dirty(struct back_end *e);
/* Compares a with b or the constant; the condition of the host under which it holds. */
enum host_condition emit_compare(struct back_end *e, enum ir_condition condition,
                                 const struct ir_op *op, int32_t constant);
/* Leaves to the interpreter unless the privilege is as given. */
void require_privilege(struct back_end *e, const struct ir_op *op, unsigned privilege);

#endif

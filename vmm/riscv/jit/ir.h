/*
 * The JIT's neutral form: what a region of guest code does, in operations that every host has or
 * can compose, with guest registers as operands. Lowering (lower.c) makes it from decoded
 * instructions, a back end makes host code from it.
 *
 * Operands are guest registers; x0 reads as zero and is never written. Operations keep the index of
 * the instruction that they come from, so that every way out knows the exact position.
 */
#ifndef VMM_RISCV_JIT_IR_H
#define VMM_RISCV_JIT_IR_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/jit/skip.h"
#include "vmm/riscv/op.h"

enum ir_code {
    IR_NOP,
    IR_CONSTANT, /* dst = imm */
    IR_PC,       /* dst = virtual page of the region + imm */
    IR_MOVE,     /* dst = a */
    /* dst = a OP (b or imm) */
    IR_ADD,
    IR_SUB,
    IR_AND,
    IR_OR,
    IR_XOR,
    IR_AND_NOT,
    IR_OR_NOT,
    IR_XOR_NOT,
    IR_SHIFT_LEFT,
    IR_SHIFT_RIGHT,
    IR_SHIFT_RIGHT_SIGNED,
    IR_ROTATE_RIGHT,
    IR_ROTATE_LEFT,
    IR_LESS,
    IR_LESS_UNSIGNED,
    IR_MIN,
    IR_MIN_UNSIGNED,
    IR_MAX,
    IR_MAX_UNSIGNED,
    IR_MULTIPLY,
    IR_MULTIPLY_HIGH,
    IR_MULTIPLY_HIGH_UNSIGNED,
    IR_MULTIPLY_HIGH_MIXED,
    IR_DIVIDE,
    IR_DIVIDE_UNSIGNED,
    IR_REMAINDER,
    IR_REMAINDER_UNSIGNED,
    IR_SHIFT_ADD,      /* dst = (a << imm) + b */
    IR_SHIFT_ADD_ZERO, /* dst = (zero-extended word a << imm) + b */
    IR_BIT_CLEAR,
    IR_BIT_EXTRACT,
    IR_BIT_INVERT,
    IR_BIT_SET,
    /* dst = OP a */
    IR_SIGN_EXTEND_8,
    IR_SIGN_EXTEND_16,
    IR_ZERO_EXTEND_16,
    IR_COUNT_LEADING_ZEROS,
    IR_COUNT_TRAILING_ZEROS,
    IR_COUNT_ONES,
    IR_REVERSE_BYTES,
    IR_COMBINE_BYTES,
    /* memory at a + imm */
    IR_LOAD,  /* dst = */
    IR_STORE, /* b */
    IR_LOAD_FLOAT,
    IR_STORE_FLOAT,
    IR_ATOMIC, /* by `guest` */
    IR_FLOAT,  /* by `guest` */
    /* control */
    IR_BRANCH,        /* to imm, if a `condition` b */
    IR_JUMP,          /* to imm */
    IR_JUMP_INDIRECT, /* to a + imm; dst is written with the return address after a was read */
    IR_CSR,
    IR_TRAP_RETURN,
    IR_TRANSLATION_FENCE,
    IR_ENVIRONMENT_CALL,
    IR_INTERPRET, /* leave: the interpreter carries out this instruction */
};

enum ir_condition {
    IR_EQUAL,
    IR_NOT_EQUAL,
    IR_IF_LESS,
    IR_IF_NOT_LESS,
    IR_IF_LESS_UNSIGNED,
    IR_IF_NOT_LESS_UNSIGNED,
};

/* b is `imm`; of a branch: `compared` */
#define IR_IMMEDIATE 0xffu
/* Not a block of this region. */
#define IR_OUTSIDE 0xffu

struct ir_op {
    uint8_t code;      /* enum ir_code */
    uint8_t condition; /* enum ir_condition */
    uint8_t dst;       /* 1..31; 0: none */
    uint8_t a;
    uint8_t b;          /* or IR_IMMEDIATE */
    bool word;          /* on the low 32 bits; the result is sign-extended */
    uint8_t size;       /* of a memory access, bytes */
    bool sign;          /* of a load: sign-extends */
    uint8_t index;      /* of the instruction within its block */
    uint8_t target;     /* control: block of the region, or IR_OUTSIDE */
    uint8_t group;      /* memory: 1 + the group of accesses that it belongs to, or 0 */
    uint16_t skip_to;   /* of a branch that skips: the operation of the region, or 0 */
    bool unpredictable; /* of a branch that skips: it was seen to go either way */
    int32_t compared;   /* of a branch whose b is IR_IMMEDIATE */
    int64_t imm;        /* of control: target relative to the virtual page */
    const struct op *guest;
};

/* The f registers of an operation, a bit each. */
struct ir_float_use {
    uint32_t read;
    uint32_t written;
};
struct ir_float_use ir_float_use(const struct ir_op *op);

/* The same operation on single precision, of one on double precision. */
static inline unsigned ir_float_base(unsigned code)
{
    return code >= OP_FADD_D && code < OP_FCVT_S_D ? code - (OP_FADD_D - OP_FADD_S) : code;
}

#define REGION_BLOCKS 24u
#define REGION_OPS    384u
/* An instruction is two operations at most. */
#define OPS_OF_BLOCK(instructions) (2 * (instructions) + 1)

struct ir_block {
    uint32_t index;  /* of the decoded block */
    uint16_t offset; /* of its first instruction within the page */
    uint16_t first;  /* of its operations in the region's */
    uint16_t count;
    uint8_t instructions;
    uint8_t weight; /* how often it runs, roughly: more in loops */
    struct skips skips;
};

/* Accesses with one base that nobody changes in between: a stack frame, a structure. They are
 * translated at once, if all of them lie in one page. */
struct ir_group {
    uint16_t first; /* operations of the region: from the first access to the last */
    uint16_t last;
    uint8_t base;
    bool loads;
    bool stores;
    int32_t lowest; /* offsets from the base: of the first byte, and behind the last */
    int32_t highest;
};
#define REGION_GROUPS 64u

struct ir_region {
    unsigned block_count;
    unsigned op_count;
    unsigned group_count;
    bool has_loop;
    struct ir_block blocks[REGION_BLOCKS];
    struct ir_op ops[REGION_OPS];
    struct ir_group groups[REGION_GROUPS]; /* in the order of their operations */
};

#endif

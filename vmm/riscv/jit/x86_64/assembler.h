/*
 * Encodes x86-64 instructions: Intel 64 manual, volume 2, chapter 2. Appends to a buffer; the
 * caller has made sure that there is room.
 *
 * An opcode is written with its escapes and mandatory prefix in front, as 0xPPEEEEOO: prefix 66, F2
 * or F3 in the highest byte, 0x0f or 0x0f38 in the middle.
 */
#ifndef VMM_RISCV_JIT_X86_64_ASSEMBLER_H
#define VMM_RISCV_JIT_X86_64_ASSEMBLER_H

#include <stdbool.h>
#include <stdint.h>

enum host_register { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* The low four bits of jcc, setcc and cmovcc. */
enum host_condition {
    CC_OVERFLOW = 0,
    CC_BELOW = 2,
    CC_ABOVE_EQUAL = 3,
    CC_EQUAL = 4,
    CC_NOT_EQUAL = 5,
    CC_BELOW_EQUAL = 6,
    CC_ABOVE = 7,
    CC_SIGN = 8,
    CC_NOT_SIGN = 9,
    CC_PARITY = 10,
    CC_NOT_PARITY = 11,
    CC_LESS = 12,
    CC_GREATER_EQUAL = 13,
    CC_LESS_EQUAL = 14,
    CC_GREATER = 15,
};

/* The operations of opcodes 00..3b, by bits 5..3; also /n of 81 and 83. */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* /n of c1 and d3. */
enum shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

/* Moves of the low half of an xmm register; from memory the rest becomes zero. */
#define MOVSD_LOAD  0xf2000f10u
#define MOVSD_STORE 0xf2000f11u
#define MOVSS_LOAD  0xf3000f10u
#define MOVSS_STORE 0xf3000f11u
#define MOVAPS      0x00000f28u
#define MOVQ_TO     0x66000f6eu /* xmm, r64 (wide) or r32 */
#define MOVQ_FROM   0x66000f7eu /* the other way, xmm in the reg field */
#define ORPS        0x00000f56u

/* /n of 0f ba. */
enum bit_change { BIT_SET = 5, BIT_RESET = 6, BIT_COMPLEMENT = 7 };

struct assembler {
    uint8_t *at;
};

/* A memory operand: [base + index * scale + displacement]. */
struct memory_operand {
    uint8_t base;
    uint8_t index; /* RSP: none */
    uint8_t scale; /* log2 */
    int32_t displacement;
};

static inline struct memory_operand at_offset(enum host_register base, int32_t displacement)
{
    return (struct memory_operand){
        .base = (uint8_t)base, .index = RSP, .displacement = displacement};
}

static inline struct memory_operand at_index(enum host_register base, enum host_register index,
                                             int32_t displacement)
{
    return (struct memory_operand){
        .base = (uint8_t)base, .index = (uint8_t)index, .displacement = displacement};
}

void put_8(struct assembler *a, unsigned value);
void put_32(struct assembler *a, uint32_t value);
void put_64(struct assembler *a, uint64_t value);

/* op reg, rm and op reg, [memory]: `wide` is REX.W. */
void op_rr(struct assembler *a, uint32_t opcode, bool wide, unsigned reg, unsigned rm);
void op_rm(struct assembler *a, uint32_t opcode, bool wide, unsigned reg, struct memory_operand m);
/* With byte registers: the low bytes of rsi, rdi and rbp need a REX prefix. */
void op_rr_byte(struct assembler *a, uint32_t opcode, unsigned reg, unsigned rm);
void op_rm_byte(struct assembler *a, uint32_t opcode, unsigned reg, struct memory_operand m);
/* VEX: `map` 1 = 0f, 2 = 0f38; `prefix` 0 none, 1 = 66, 2 = f3, 3 = f2. */
void vex_rrr(struct assembler *a, unsigned map, unsigned prefix, bool wide, unsigned opcode,
             unsigned reg, unsigned vvvv, unsigned rm);

void mov_rr(struct assembler *a, bool wide, unsigned to, unsigned from);
void mov_ri(struct assembler *a, unsigned to, int64_t value); /* flags stay */
void load(struct assembler *a, bool wide, unsigned to, struct memory_operand m);
void store(struct assembler *a, bool wide, unsigned from, struct memory_operand m);
void alu_rr(struct assembler *a, enum alu alu, bool wide, unsigned to, unsigned from);
void alu_rm(struct assembler *a, enum alu alu, bool wide, unsigned to, struct memory_operand m);
void alu_mr(struct assembler *a, enum alu alu, bool wide, struct memory_operand m, unsigned from);
void alu_ri(struct assembler *a, enum alu alu, bool wide, unsigned to, int32_t value);
void alu_mi(struct assembler *a, enum alu alu, bool wide, struct memory_operand m, int32_t value);
void test_rr(struct assembler *a, bool wide, unsigned left, unsigned right);
void test_mi(struct assembler *a, struct memory_operand m, uint32_t value); /* 32 bits */
void shift_ri(struct assembler *a, enum shift shift, bool wide, unsigned to, unsigned count);
void shift_cl(struct assembler *a, enum shift shift, bool wide, unsigned to);
void lea(struct assembler *a, bool wide, unsigned to, struct memory_operand m);
void sign_extend_word(struct assembler *a, unsigned to, unsigned from); /* movsxd */
void sign_extend_word_at(struct assembler *a, unsigned to, struct memory_operand m);
void unary_r(struct assembler *a, bool wide, unsigned digit, unsigned reg);          /* f7 /digit */
void set_condition(struct assembler *a, enum host_condition condition, unsigned to); /* a byte */
void move_if(struct assembler *a, enum host_condition condition, unsigned to, unsigned from);
void zero_extend_byte(struct assembler *a, unsigned to, unsigned from); /* movzx */
void test_ri(struct assembler *a, unsigned reg, uint32_t value);        /* 32 bits */
void change_bit_ri(struct assembler *a, enum bit_change change, bool wide, unsigned to,
                   unsigned bit);
void reverse_bytes(struct assembler *a, unsigned reg); /* bswap */
void sign_into_rdx(struct assembler *a, bool wide);    /* cqo, cdq: of rax */
void return_to_caller(struct assembler *a);            /* ret */
void jump_to_register(struct assembler *a, unsigned reg);
void call_register(struct assembler *a, unsigned reg);
void push(struct assembler *a, unsigned reg);
void pop(struct assembler *a, unsigned reg);
void store_immediate(struct assembler *a, bool wide, struct memory_operand m, int32_t value);

/* Jumps with 32-bit displacements; they return where it is, for bind_jump(). */
uint8_t *jump(struct assembler *a);
uint8_t *jump_if(struct assembler *a, enum host_condition condition);
uint8_t *call(struct assembler *a);
/* Points a displacement at `target`. Both are writable addresses, or both executable ones, of one
 * code memory. */
void bind_jump(uint8_t *displacement, const uint8_t *target);
static inline void bind_jump_here(const struct assembler *a, uint8_t *displacement)
{
    bind_jump(displacement, a->at);
}
/* Within 127 bytes. */
uint8_t *jump_short_if(struct assembler *a, enum host_condition condition);
uint8_t *jump_short(struct assembler *a);
void bind_short_here(const struct assembler *a, uint8_t *displacement);

#endif

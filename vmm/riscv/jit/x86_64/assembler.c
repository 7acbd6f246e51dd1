#include "vmm/riscv/jit/x86_64/assembler.h"

#include <assert.h>
#include <string.h>

#define NO_INDEX RSP

void put_8(struct assembler *a, unsigned value)
{
    *a->at++ = (uint8_t)value;
}

void put_32(struct assembler *a, uint32_t value)
{
    memcpy(a->at, &value, sizeof value);
    a->at += sizeof value;
}

void put_64(struct assembler *a, uint64_t value)
{
    memcpy(a->at, &value, sizeof value);
    a->at += sizeof value;
}

/* Prefix, REX and opcode. `force` makes an empty REX. */
static void put_opcode(struct assembler *a, uint32_t opcode, bool wide, unsigned reg,
                       unsigned index, unsigned base, bool force)
{
    unsigned rex = (wide ? 8u : 0u) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);

    if (opcode >> 24 != 0) {
        put_8(a, opcode >> 24);
    }
    if (rex != 0 || force) {
        put_8(a, 0x40 | rex);
    }
    if ((opcode >> 16 & 0xff) != 0) {
        put_8(a, opcode >> 16 & 0xff);
    }
    if ((opcode >> 8 & 0xff) != 0) {
        put_8(a, opcode >> 8 & 0xff);
    }
    put_8(a, opcode & 0xff);
}

static void put_memory(struct assembler *a, unsigned reg, struct memory_operand m)
{
    bool needs_index = m.index != NO_INDEX || (m.base & 7) == RSP;
    bool is_zero = m.displacement == 0 && (m.base & 7) != RBP;
    bool is_byte = m.displacement == (int8_t)m.displacement;
    unsigned mode = is_zero ? 0 : is_byte ? 1 : 2;

    put_8(a, mode << 6 | (reg & 7) << 3 | (needs_index ? RSP : m.base & 7u));
    if (needs_index) {
        put_8(a, (unsigned)m.scale << 6 | (m.index & 7u) << 3 | (m.base & 7u));
    }
    if (mode == 1) {
        put_8(a, (uint8_t)m.displacement);
    } else if (mode == 2) {
        put_32(a, (uint32_t)m.displacement);
    }
}

void op_rr(struct assembler *a, uint32_t opcode, bool wide, unsigned reg, unsigned rm)
{
    put_opcode(a, opcode, wide, reg, 0, rm, false);
    put_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void op_rm(struct assembler *a, uint32_t opcode, bool wide, unsigned reg, struct memory_operand m)
{
    put_opcode(a, opcode, wide, reg, m.index, m.base, false);
    put_memory(a, reg, m);
}

void op_rr_byte(struct assembler *a, uint32_t opcode, unsigned reg, unsigned rm)
{
    put_opcode(a, opcode, false, reg, 0, rm, true);
    put_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void op_rm_byte(struct assembler *a, uint32_t opcode, unsigned reg, struct memory_operand m)
{
    put_opcode(a, opcode, false, reg, m.index, m.base, true);
    put_memory(a, reg, m);
}

void vex_rrr(struct assembler *a, unsigned map, unsigned prefix, bool wide, unsigned opcode,
             unsigned reg, unsigned vvvv, unsigned rm)
{
    put_8(a, 0xc4);
    put_8(a, (~reg >> 3 & 1) << 7 | 1u << 6 | (~rm >> 3 & 1) << 5 | map);
    put_8(a, (wide ? 0x80u : 0u) | (~vvvv & 15) << 3 | prefix);
    put_8(a, opcode);
    put_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void mov_rr(struct assembler *a, bool wide, unsigned to, unsigned from)
{
    if (to != from || !wide) {
        op_rr(a, 0x8b, wide, to, from);
    }
}

void mov_ri(struct assembler *a, unsigned to, int64_t value)
{
    if (value == (int64_t)(uint32_t)value) {
        put_opcode(a, 0xb8 + (to & 7), false, 0, 0, to, false);
        put_32(a, (uint32_t)value);
    } else if (value == (int32_t)value) {
        op_rr(a, 0xc7, true, 0, to);
        put_32(a, (uint32_t)value);
    } else {
        put_opcode(a, 0xb8 + (to & 7), true, 0, 0, to, false);
        put_64(a, (uint64_t)value);
    }
}

void load(struct assembler *a, bool wide, unsigned to, struct memory_operand m)
{
    op_rm(a, 0x8b, wide, to, m);
}

void store(struct assembler *a, bool wide, unsigned from, struct memory_operand m)
{
    op_rm(a, 0x89, wide, from, m);
}

void alu_rr(struct assembler *a, enum alu alu, bool wide, unsigned to, unsigned from)
{
    op_rr(a, (unsigned)alu << 3 | 3, wide, to, from);
}

void alu_rm(struct assembler *a, enum alu alu, bool wide, unsigned to, struct memory_operand m)
{
    op_rm(a, (unsigned)alu << 3 | 3, wide, to, m);
}

void alu_mr(struct assembler *a, enum alu alu, bool wide, struct memory_operand m, unsigned from)
{
    op_rm(a, (unsigned)alu << 3 | 1, wide, from, m);
}

void alu_ri(struct assembler *a, enum alu alu, bool wide, unsigned to, int32_t value)
{
    if (value == (int8_t)value) {
        op_rr(a, 0x83, wide, alu, to);
        put_8(a, (uint8_t)value);
    } else {
        op_rr(a, 0x81, wide, alu, to);
        put_32(a, (uint32_t)value);
    }
}

void alu_mi(struct assembler *a, enum alu alu, bool wide, struct memory_operand m, int32_t value)
{
    if (value == (int8_t)value) {
        op_rm(a, 0x83, wide, alu, m);
        put_8(a, (uint8_t)value);
    } else {
        op_rm(a, 0x81, wide, alu, m);
        put_32(a, (uint32_t)value);
    }
}

void test_rr(struct assembler *a, bool wide, unsigned left, unsigned right)
{
    op_rr(a, 0x85, wide, left, right);
}

void test_mi(struct assembler *a, struct memory_operand m, uint32_t value)
{
    op_rm(a, 0xf7, false, 0, m);
    put_32(a, value);
}

void shift_ri(struct assembler *a, enum shift shift, bool wide, unsigned to, unsigned count)
{
    op_rr(a, 0xc1, wide, shift, to);
    put_8(a, count);
}

void shift_cl(struct assembler *a, enum shift shift, bool wide, unsigned to)
{
    op_rr(a, 0xd3, wide, shift, to);
}

void lea(struct assembler *a, bool wide, unsigned to, struct memory_operand m)
{
    op_rm(a, 0x8d, wide, to, m);
}

void sign_extend_word(struct assembler *a, unsigned to, unsigned from)
{
    op_rr(a, 0x63, true, to, from);
}

void sign_extend_word_at(struct assembler *a, unsigned to, struct memory_operand m)
{
    op_rm(a, 0x63, true, to, m);
}

void unary_r(struct assembler *a, bool wide, unsigned digit, unsigned reg)
{
    op_rr(a, 0xf7, wide, digit, reg);
}

void set_condition(struct assembler *a, enum host_condition condition, unsigned to)
{
    op_rr_byte(a, 0x0f90 + condition, 0, to);
}

void move_if(struct assembler *a, enum host_condition condition, unsigned to, unsigned from)
{
    op_rr(a, 0x0f40 + condition, true, to, from);
}

void zero_extend_byte(struct assembler *a, unsigned to, unsigned from)
{
    op_rr_byte(a, 0x0fb6, to, from);
}

void test_ri(struct assembler *a, unsigned reg, uint32_t value)
{
    op_rr(a, 0xf7, false, 0, reg);
    put_32(a, value);
}

void change_bit_ri(struct assembler *a, enum bit_change change, bool wide, unsigned to,
                   unsigned bit)
{
    op_rr(a, 0x0fba, wide, change, to);
    put_8(a, bit);
}

void reverse_bytes(struct assembler *a, unsigned reg)
{
    put_opcode(a, 0x0fc8 + (reg & 7), true, 0, 0, reg, false);
}

void sign_into_rdx(struct assembler *a, bool wide)
{
    put_opcode(a, 0x99, wide, 0, 0, 0, false);
}

void return_to_caller(struct assembler *a)
{
    put_8(a, 0xc3);
}

void jump_to_register(struct assembler *a, unsigned reg)
{
    op_rr(a, 0xff, false, 4, reg);
}

void call_register(struct assembler *a, unsigned reg)
{
    op_rr(a, 0xff, false, 2, reg);
}

void push(struct assembler *a, unsigned reg)
{
    put_opcode(a, 0x50 + (reg & 7), false, 0, 0, reg, false);
}

void pop(struct assembler *a, unsigned reg)
{
    put_opcode(a, 0x58 + (reg & 7), false, 0, 0, reg, false);
}

void store_immediate(struct assembler *a, bool wide, struct memory_operand m, int32_t value)
{
    op_rm(a, 0xc7, wide, 0, m);
    put_32(a, (uint32_t)value);
}

uint8_t *jump(struct assembler *a)
{
    put_8(a, 0xe9);
    put_32(a, 0);
    return a->at - 4;
}

uint8_t *jump_if(struct assembler *a, enum host_condition condition)
{
    put_8(a, 0x0f);
    put_8(a, 0x80 + condition);
    put_32(a, 0);
    return a->at - 4;
}

uint8_t *call(struct assembler *a)
{
    put_8(a, 0xe8);
    put_32(a, 0);
    return a->at - 4;
}

void bind_jump(uint8_t *displacement, const uint8_t *target)
{
    int64_t distance = target - (displacement + 4);
    int32_t relative = (int32_t)distance;

    assert(relative == distance);
    memcpy(displacement, &relative, sizeof relative);
}

uint8_t *jump_short_if(struct assembler *a, enum host_condition condition)
{
    put_8(a, 0x70 + condition);
    put_8(a, 0);
    return a->at - 1;
}

uint8_t *jump_short(struct assembler *a)
{
    put_8(a, 0xeb);
    put_8(a, 0);
    return a->at - 1;
}

void bind_short_here(const struct assembler *a, uint8_t *displacement)
{
    int64_t distance = a->at - (displacement + 1);

    assert(distance >= 0 && distance <= INT8_MAX);
    *displacement = (uint8_t)distance;
}

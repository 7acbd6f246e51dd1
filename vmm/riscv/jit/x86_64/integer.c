/* Computations on x registers. */
#include <assert.h>

#include "vmm/riscv/jit/x86_64/emitter.h"

#define VEX_MAP_0F38 2u

/* Sums into a third register, in one instruction. */
static bool emit_sum(struct back_end *e, const struct ir_op *op)
{
    struct memory_operand sum = {.index = RSP};

    if (op->code != IR_ADD || op->dst == op->a || !in_host(e, op->a) ||
        (!is_immediate(op) && (op->dst == op->b || !in_host(e, op->b)))) {
        return false;
    }
    sum.base = (uint8_t)(op->word ? use_word(e, op->a, RAX) : use(e, op->a, RAX));
    if (is_immediate(op)) {
        sum.displacement = (int32_t)op->imm;
    } else {
        sum.index = (uint8_t)(op->word ? use_word(e, op->b, RAX) : use(e, op->b, RAX));
    }
    unsigned to = result_in(e, op->dst, RAX);
    lea(&e->a, !op->word, to, sum);
    set_result(e, op->dst, to, op->word);
    return true;
}

/* On a register in memory, there. */
static bool emit_in_place(struct back_end *e, const struct ir_op *op, enum alu alu)
{
    if (op->word || op->dst != op->a || in_host(e, op->dst)) {
        return false;
    }
    if (is_immediate(op)) {
        alu_mi(&e->a, alu, true, x_at(op->dst), (int32_t)op->imm);
    } else {
        alu_mr(&e->a, alu, true, x_at(op->dst), use(e, op->b, RCX));
    }
    return true;
}

static bool is_logic(const struct ir_op *op)
{
    return op->code == IR_AND || op->code == IR_OR || op->code == IR_XOR;
}

static bool is_narrow(const struct back_end *e, unsigned guest)
{
    return (e->known.narrow >> guest & 1) != 0;
}

/* Logic on sign extensions is the sign extension of logic on words. That is done where it saves an
 * extension. */
static bool works_on_words(const struct back_end *e, const struct ir_op *op)
{
    if (op->word) {
        return true;
    }
    if (!is_logic(op) || !in_host(e, op->dst) || !is_word_value(e, op->a) ||
        (!is_immediate(op) && !is_word_value(e, op->b))) {
        return false;
    }
    return is_narrow(e, op->a) || (!is_immediate(op) && is_narrow(e, op->b));
}

/* The result has no bit that the constant does not have. */
static bool emit_mask(struct back_end *e, const struct ir_op *op)
{
    if (op->code != IR_AND || !is_immediate(op) || op->imm < 0) {
        return false;
    }
    unsigned to = result_in(e, op->dst, RAX);
    copy(e, false, to, op->a);
    alu_ri(&e->a, ALU_AND, false, to, (int32_t)op->imm);
    set_result(e, op->dst, to, false);
    note_extended(e, op->dst);
    return true;
}

/* A word made of a register is nothing but a promise to extend it. */
static bool emit_word_of(struct back_end *e, const struct ir_op *op)
{
    if (op->code != IR_ADD || !op->word || !is_immediate(op) || op->imm != 0) {
        return false;
    }
    unsigned from = use_word(e, op->a, RAX);
    unsigned to = result_in(e, op->dst, RAX);
    if (from != to) {
        sign_extend_word(&e->a, to, from);
        set_result(e, op->dst, to, false);
        note_extended(e, op->dst);
    } else {
        set_result(e, op->dst, to, true);
    }
    return true;
}

static void emit_alu(struct back_end *e, const struct ir_op *op, enum alu alu)
{
    bool word = works_on_words(e, op);
    bool both_words =
        is_logic(op) && is_word_value(e, op->a) && (is_immediate(op) || is_word_value(e, op->b));
    unsigned to = result_in(e, op->dst, RAX);

    if (emit_mask(e, op) || emit_word_of(e, op) || emit_sum(e, op)) {
        return;
    }
    if (!word && emit_in_place(e, op, alu)) {
        e->known.extended &= ~guest_bit(op->dst);
        return;
    }
    if (is_immediate(op)) {
        copy(e, !word, to, op->a);
        alu_ri(&e->a, alu, !word, to, (int32_t)op->imm);
    } else if (op->dst == op->b && op->dst != op->a && alu != ALU_SUB && in_host(e, op->dst)) {
        copy(e, !word, to, op->b);
        apply(e, alu, !word, to, op->a);
    } else {
        to = op->dst == op->b && op->dst != op->a ? RAX : to;
        copy(e, !word, to, op->a);
        apply(e, alu, !word, to, op->b);
    }
    set_result(e, op->dst, to, word);
    if (both_words) {
        note_extended(e, op->dst);
    }
}

/* a OP ~b */
static void emit_with_complement(struct back_end *e, const struct ir_op *op, enum alu alu)
{
    copy(e, true, RAX, op->b);
    unary_r(&e->a, true, 2, RAX); /* not */
    apply(e, alu, true, RAX, op->a);
    set_result(e, op->dst, RAX, false);
}

static enum shift shift_of(enum ir_code code)
{
    switch (code) {
    case IR_SHIFT_LEFT: return SHIFT_SHL;
    case IR_SHIFT_RIGHT: return SHIFT_SHR;
    case IR_SHIFT_RIGHT_SIGNED: return SHIFT_SAR;
    case IR_ROTATE_RIGHT: return SHIFT_ROR;
    default: return SHIFT_ROL;
    }
}

/* shlx, shrx, sarx: any register counts, and no flag changes. */
static void emit_shift_bmi2(struct back_end *e, const struct ir_op *op)
{
    static const uint8_t prefixes[] = {[SHIFT_SHL] = 1, [SHIFT_SAR] = 2, [SHIFT_SHR] = 3};
    bool wide = !op->word;
    unsigned value = wide ? use(e, op->a, RAX) : use_word(e, op->a, RAX);
    unsigned count = use_word(e, op->b, RCX);
    unsigned to = result_in(e, op->dst, RAX);

    vex_rrr(&e->a, VEX_MAP_0F38, prefixes[shift_of(op->code)], wide, 0xf7, to, count, value);
    set_result(e, op->dst, to, op->word);
}

static void emit_shift_by_constant(struct back_end *e, const struct ir_op *op, enum shift shift)
{
    unsigned count = (unsigned)op->imm & (op->word ? 31 : 63);
    unsigned to = result_in(e, op->dst, RAX);
    bool word = op->word;

    if (shift == SHIFT_SAR && !word && is_narrow(e, op->a)) {
        /* Of a sign extension: as good on the word. */
        word = true;
        count = count > 31 ? 31 : count;
    }
    /* A shift that drops the upper half does not need it extended. */
    copy(e, !word && (shift != SHIFT_SHL || count < 32), to, op->a);
    shift_ri(&e->a, shift, !word, to, count);
    set_result(e, op->dst, to, word);
    if (!word && shift == SHIFT_SHR && count > 32) {
        note_extended(e, op->dst);
    }
}

static void emit_shift(struct back_end *e, const struct ir_op *op)
{
    bool wide = !op->word;
    unsigned to = result_in(e, op->dst, RAX);
    enum shift shift = shift_of(op->code);

    if (is_immediate(op)) {
        emit_shift_by_constant(e, op, shift);
        return;
    } else if (e->has_bmi2 && shift != SHIFT_ROL && shift != SHIFT_ROR) {
        emit_shift_bmi2(e, op);
        return;
    } else {
        copy(e, false, RCX, op->b);
        copy(e, wide, to, op->a);
        shift_cl(&e->a, shift, wide, to);
    }
    set_result(e, op->dst, to, op->word);
}

/* Sign extensions compare as their words do. */
static void compare_with(struct back_end *e, unsigned a, int32_t constant)
{
    bool wide = !is_word_value(e, a);

    if (a != 0 && !in_host(e, a)) {
        alu_mi(&e->a, ALU_CMP, wide, x_at(a), constant);
        return;
    }
    unsigned left = wide ? use(e, a, RAX) : use_word(e, a, RAX);
    if (constant == 0) {
        test_rr(&e->a, wide, left, left);
    } else {
        alu_ri(&e->a, ALU_CMP, wide, left, constant);
    }
}

enum host_condition emit_compare(struct back_end *e, enum ir_condition condition,
                                 const struct ir_op *op, int32_t constant)
{
    static const uint8_t conditions[] = {[IR_EQUAL] = CC_EQUAL,
                                         [IR_NOT_EQUAL] = CC_NOT_EQUAL,
                                         [IR_IF_LESS] = CC_LESS,
                                         [IR_IF_NOT_LESS] = CC_GREATER_EQUAL,
                                         [IR_IF_LESS_UNSIGNED] = CC_BELOW,
                                         [IR_IF_NOT_LESS_UNSIGNED] = CC_ABOVE_EQUAL};
    /* 0 < b and its opposite, with b first. */
    static const uint8_t from_zero[] = {[IR_EQUAL] = CC_EQUAL,
                                        [IR_NOT_EQUAL] = CC_NOT_EQUAL,
                                        [IR_IF_LESS] = CC_GREATER,
                                        [IR_IF_NOT_LESS] = CC_LESS_EQUAL,
                                        [IR_IF_LESS_UNSIGNED] = CC_NOT_EQUAL,
                                        [IR_IF_NOT_LESS_UNSIGNED] = CC_EQUAL};

    if (is_immediate(op)) {
        compare_with(e, op->a, constant);
    } else if (op->a == 0) {
        compare_with(e, op->b, 0);
        return from_zero[condition];
    } else {
        bool wide = !is_word_value(e, op->a) || !is_word_value(e, op->b);
        unsigned left = wide ? use(e, op->a, RAX) : use_word(e, op->a, RAX);
        apply(e, ALU_CMP, wide, left, op->b);
    }
    return conditions[condition];
}

static void emit_less(struct back_end *e, const struct ir_op *op, enum ir_condition condition)
{
    enum host_condition host = emit_compare(e, condition, op, (int32_t)op->imm);

    set_condition(&e->a, host, RAX);
    unsigned to = result_in(e, op->dst, RAX);
    zero_extend_byte(&e->a, to, RAX);
    set_result(e, op->dst, to, false);
    note_extended(e, op->dst);
}

static void emit_select(struct back_end *e, const struct ir_op *op, enum host_condition take_b)
{
    unsigned b = use(e, op->b, RCX);

    copy(e, true, RAX, op->a);
    alu_rr(&e->a, ALU_CMP, true, RAX, b);
    move_if(&e->a, take_b, RAX, b);
    set_result(e, op->dst, RAX, false);
}

static void emit_move(struct back_end *e, const struct ir_op *op)
{
    unsigned to = result_in(e, op->dst, RAX);
    bool extended = is_word_value(e, op->a);

    if (is_narrow(e, op->a) && in_host(e, op->dst)) {
        mov_rr(&e->a, false, to, use_word(e, op->a, RAX));
        set_result(e, op->dst, to, true);
        return;
    }
    mov_rr(&e->a, true, to, use(e, op->a, to));
    set_result(e, op->dst, to, false);
    if (extended) {
        note_extended(e, op->dst);
    }
}

static void emit_unary(struct back_end *e, const struct ir_op *op)
{
    unsigned to = result_in(e, op->dst, RAX);
    unsigned a;

    switch (op->code) {
    case IR_SIGN_EXTEND_8:
        a = use_word(e, op->a, RAX);
        op_rr(&e->a, 0x0fbe, true, to, a);
        break;
    case IR_SIGN_EXTEND_16:
        a = use_word(e, op->a, RAX);
        op_rr(&e->a, 0x0fbf, true, to, a);
        break;
    case IR_ZERO_EXTEND_16:
        a = use_word(e, op->a, RAX);
        op_rr(&e->a, 0x0fb7, true, to, a);
        break;
    case IR_COUNT_ONES:
        a = op->word ? use_word(e, op->a, RAX) : use(e, op->a, RAX);
        op_rr(&e->a, 0xf3000fb8, !op->word, to, a); /* popcnt */
        break;
    case IR_REVERSE_BYTES:
        copy(e, true, RAX, op->a);
        reverse_bytes(&e->a, RAX);
        to = RAX;
        break;
    default:
        assert(op->code == IR_MOVE);
        emit_move(e, op);
        return;
    }
    set_result(e, op->dst, to, false);
    if (op->code != IR_REVERSE_BYTES) {
        note_extended(e, op->dst);
    }
}

static void emit_constant(struct back_end *e, const struct ir_op *op)
{
    unsigned to = result_in(e, op->dst, RAX);

    if (op->code == IR_PC) {
        load(&e->a, true, to, SHARED_FIELD(page));
        if (op->imm == (int32_t)op->imm) {
            alu_ri(&e->a, ALU_ADD, true, to, (int32_t)op->imm);
        } else {
            mov_ri(&e->a, RCX, op->imm);
            alu_rr(&e->a, ALU_ADD, true, to, RCX);
        }
    } else if (to == RAX && op->imm == (int32_t)op->imm) {
        store_immediate(&e->a, true, x_at(op->dst), (int32_t)op->imm);
        note_extended(e, op->dst);
        return;
    } else {
        mov_ri(&e->a, to, op->imm);
    }
    set_result(e, op->dst, to, false);
    if (op->code == IR_CONSTANT && op->imm == (int32_t)op->imm) {
        note_extended(e, op->dst);
    }
}

void emit_integer(struct back_end *e, const struct ir_op *op)
{
    switch (op->code) {
    case IR_CONSTANT:
    case IR_PC: emit_constant(e, op); break;
    case IR_ADD: emit_alu(e, op, ALU_ADD); break;
    case IR_SUB: emit_alu(e, op, ALU_SUB); break;
    case IR_AND: emit_alu(e, op, ALU_AND); break;
    case IR_OR: emit_alu(e, op, ALU_OR); break;
    case IR_XOR: emit_alu(e, op, ALU_XOR); break;
    case IR_AND_NOT: emit_with_complement(e, op, ALU_AND); break;
    case IR_OR_NOT: emit_with_complement(e, op, ALU_OR); break;
    case IR_XOR_NOT: emit_with_complement(e, op, ALU_XOR); break;
    case IR_SHIFT_LEFT:
    case IR_SHIFT_RIGHT:
    case IR_SHIFT_RIGHT_SIGNED:
    case IR_ROTATE_RIGHT:
    case IR_ROTATE_LEFT: emit_shift(e, op); break;
    case IR_LESS: emit_less(e, op, IR_IF_LESS); break;
    case IR_LESS_UNSIGNED: emit_less(e, op, IR_IF_LESS_UNSIGNED); break;
    case IR_MIN: emit_select(e, op, CC_GREATER); break;
    case IR_MIN_UNSIGNED: emit_select(e, op, CC_ABOVE); break;
    case IR_MAX: emit_select(e, op, CC_LESS); break;
    case IR_MAX_UNSIGNED: emit_select(e, op, CC_BELOW); break;
    case IR_MULTIPLY: emit_multiply(e, op); break;
    case IR_MULTIPLY_HIGH:
    case IR_MULTIPLY_HIGH_UNSIGNED:
    case IR_MULTIPLY_HIGH_MIXED: emit_multiply_high(e, op); break;
    case IR_DIVIDE:
    case IR_DIVIDE_UNSIGNED:
    case IR_REMAINDER:
    case IR_REMAINDER_UNSIGNED: emit_divide(e, op); break;
    case IR_SHIFT_ADD:
    case IR_SHIFT_ADD_ZERO: emit_shift_add(e, op); break;
    case IR_BIT_CLEAR:
    case IR_BIT_EXTRACT:
    case IR_BIT_INVERT:
    case IR_BIT_SET: emit_bit(e, op); break;
    case IR_COUNT_LEADING_ZEROS:
    case IR_COUNT_TRAILING_ZEROS: emit_count_zeros(e, op); break;
    case IR_COMBINE_BYTES: emit_combine_bytes(e, op); break;
    default: emit_unary(e, op); break;
    }
}

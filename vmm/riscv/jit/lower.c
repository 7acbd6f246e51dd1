/* What each instruction is in neutral operations. */
#include "vmm/riscv/jit/lower.h"

#include <string.h>

#include "vmm/riscv/bits.h"
#include "vmm/riscv/blocks.h"
#include "vmm/riscv/decode.h"

enum known { UNKNOWN, KNOWN_CONSTANT, KNOWN_PC };

/* What is known of registers at this place of the block. */
struct lowering {
    struct ir_region *region;
    struct ir_block *block;
    uint8_t known[32];
    int64_t value[32];
    bool joined; /* a branch may have skipped what is before this instruction */
    uint16_t starts[BLOCK_LENGTH + 1]; /* the first operation of each instruction */
};

static struct ir_op *append(struct lowering *l, enum ir_code code, const struct op *op,
                            unsigned index)
{
    struct ir_op *ir = &l->region->ops[l->region->op_count++];

    l->block->count++;
    *ir = (struct ir_op){
        .code = (uint8_t)code, .index = (uint8_t)index, .target = IR_OUTSIDE, .guest = op};
    return ir;
}

static bool fits_immediate(int64_t value)
{
    return value == (int32_t)value;
}

static uint8_t destination(const struct op *op)
{
    return op->rd == OP_SINK_REGISTER ? 0 : op->rd;
}

static void forget_all(struct lowering *l)
{
    memset(l->known, UNKNOWN, sizeof l->known);
    l->known[0] = KNOWN_CONSTANT;
}

static void forget(struct lowering *l, unsigned reg)
{
    if (reg != 0) {
        l->known[reg] = UNKNOWN;
    }
}

/* A constant takes the place of what the operation before wrote to the same register, if only that
 * one was in between: lui and addi, auipc and addi. */
static void set_known(struct lowering *l, const struct op *op, unsigned index, enum known known,
                      int64_t value)
{
    enum ir_code code = known == KNOWN_PC ? IR_PC : IR_CONSTANT;
    struct ir_op *ir;

    if (l->block->count > 0 && !l->joined) {
        struct ir_op *before = &l->region->ops[l->region->op_count - 1];
        if ((before->code == IR_CONSTANT || before->code == IR_PC) && before->dst == op->rd) {
            before->code = IR_NOP;
        }
    }
    ir = append(l, code, op, index);
    ir->dst = op->rd;
    ir->imm = value;
    l->known[op->rd] = (uint8_t)known;
    l->value[op->rd] = value;
}

static int64_t fold(enum ir_code code, bool word, int64_t a, int64_t b)
{
    uint64_t result;

    switch (code) {
    case IR_ADD: result = (uint64_t)a + (uint64_t)b; break;
    case IR_AND: result = (uint64_t)(a & b); break;
    case IR_OR: result = (uint64_t)(a | b); break;
    case IR_XOR: result = (uint64_t)(a ^ b); break;
    default: result = (uint64_t)a << (b & (word ? 31 : 63)); break; /* IR_SHIFT_LEFT */
    }
    return (int64_t)(word ? sign_extend_32(result) : result);
}

static bool folds(enum ir_code code)
{
    return code == IR_ADD || code == IR_AND || code == IR_OR || code == IR_XOR ||
           code == IR_SHIFT_LEFT;
}

/* Two shifts, left and back, that are one extension: the first of them is the operation before. */
static bool extend(struct lowering *l, enum ir_code code, bool word, const struct op *op,
                   unsigned index, int64_t count)
{
    struct ir_op *before = l->region->ops + l->region->op_count;
    bool is_signed = code == IR_SHIFT_RIGHT_SIGNED;
    unsigned bits = word ? 32 : 64;
    struct ir_op *ir;
    uint8_t a;

    if ((code != IR_SHIFT_RIGHT && !is_signed) || l->block->count == 0 || l->joined) {
        return false;
    }
    before--;
    a = before->a;
    if (before->code != IR_SHIFT_LEFT || before->b != IR_IMMEDIATE || before->word != word ||
        before->dst != op->rs1 || op->rs1 != op->rd || before->index + 1u != index) {
        return false;
    }
    if (!is_signed && !word && before->imm == 32 && count >= 0 && count <= 32) {
        before->code = IR_NOP;
        ir = append(l, IR_SHIFT_ADD_ZERO, op, index);
        ir->imm = 32 - count;
    } else if (before->imm == count && count == bits - 16) {
        before->code = IR_NOP;
        ir = append(l, is_signed ? IR_SIGN_EXTEND_16 : IR_ZERO_EXTEND_16, op, index);
    } else if (is_signed && before->imm == count && count == bits - 8) {
        before->code = IR_NOP;
        ir = append(l, IR_SIGN_EXTEND_8, op, index);
    } else {
        return false;
    }
    ir->dst = op->rd;
    ir->a = a;
    forget(l, op->rd);
    return true;
}

static void compute_immediate(struct lowering *l, enum ir_code code, bool word, const struct op *op,
                              unsigned index, int64_t imm)
{
    struct ir_op *ir;

    if (l->known[op->rs1] == KNOWN_CONSTANT && folds(code)) {
        set_known(l, op, index, KNOWN_CONSTANT, fold(code, word, l->value[op->rs1], imm));
        return;
    }
    if (l->known[op->rs1] == KNOWN_PC && code == IR_ADD && !word) {
        set_known(l, op, index, KNOWN_PC, l->value[op->rs1] + imm);
        return;
    }
    if (extend(l, code, word, op, index, imm)) {
        return;
    }
    ir = append(l, code, op, index);
    ir->dst = op->rd;
    ir->a = op->rs1;
    ir->b = IR_IMMEDIATE;
    ir->imm = imm;
    ir->word = word;
    forget(l, op->rd);
}

/* Whether every host can take a constant as the second operand. */
static bool takes_immediate(enum ir_code code)
{
    return code <= IR_LESS_UNSIGNED && code != IR_AND_NOT && code != IR_OR_NOT &&
           code != IR_XOR_NOT;
}

static void compute(struct lowering *l, enum ir_code code, bool word, const struct op *op,
                    unsigned index)
{
    bool constant = l->known[op->rs2] == KNOWN_CONSTANT && fits_immediate(l->value[op->rs2]);
    struct ir_op *ir;

    if (constant && takes_immediate(code)) {
        int64_t imm = l->value[op->rs2];
        if (code == IR_SUB && fits_immediate(-imm)) {
            code = IR_ADD;
            imm = -imm;
        }
        compute_immediate(l, code, word, op, index, imm);
        return;
    }
    ir = append(l, code, op, index);
    ir->dst = op->rd;
    ir->a = op->rs1;
    ir->b = op->rs2;
    ir->word = word;
    forget(l, op->rd);
}

static void compute_shift_add(struct lowering *l, enum ir_code code, unsigned shift,
                              const struct op *op, unsigned index)
{
    struct ir_op *ir = append(l, code, op, index);

    ir->dst = op->rd;
    ir->a = op->rs1;
    ir->b = op->rs2;
    ir->imm = shift;
    forget(l, op->rd);
}

static void compute_unary(struct lowering *l, enum ir_code code, bool word, const struct op *op,
                          unsigned index)
{
    struct ir_op *ir = append(l, code, op, index);

    ir->dst = op->rd;
    ir->a = op->rs1;
    ir->word = word;
    forget(l, op->rd);
}

static void move(struct lowering *l, const struct op *op, unsigned index)
{
    if (l->known[op->rs1] != UNKNOWN) {
        set_known(l, op, index, l->known[op->rs1], l->value[op->rs1]);
        return;
    }
    compute_unary(l, IR_MOVE, false, op, index);
}

static void load(struct lowering *l, const struct op *op, unsigned index, unsigned size, bool sign)
{
    struct ir_op *ir = append(l, IR_LOAD, op, index);

    ir->dst = destination(op);
    ir->a = op->rs1;
    ir->imm = op->imm;
    ir->size = (uint8_t)size;
    ir->sign = sign;
    forget(l, ir->dst);
}

static void store(struct lowering *l, const struct op *op, unsigned index, unsigned size)
{
    struct ir_op *ir = append(l, IR_STORE, op, index);

    ir->a = op->rs1;
    ir->b = op->rs2;
    ir->imm = op->imm;
    ir->size = (uint8_t)size;
}

static void access_float(struct lowering *l, enum ir_code code, const struct op *op, unsigned index,
                         unsigned size)
{
    struct ir_op *ir = append(l, code, op, index);

    ir->a = op->rs1;
    ir->imm = op->imm;
    ir->size = (uint8_t)size;
}

static void branch(struct lowering *l, enum ir_condition condition, const struct op *op,
                   unsigned index)
{
    struct ir_op *ir = append(l, IR_BRANCH, op, index);

    ir->condition = (uint8_t)condition;
    ir->a = op->rs1;
    ir->b = op->rs2;
    ir->imm = op->offset + op->imm;
    if (l->known[op->rs2] == KNOWN_CONSTANT && fits_immediate(l->value[op->rs2])) {
        ir->b = IR_IMMEDIATE;
        ir->compared = (int32_t)l->value[op->rs2];
    }
}

static void jump(struct lowering *l, const struct op *op, unsigned index, int64_t target)
{
    append(l, IR_JUMP, op, index)->imm = target;
}

/* The register that a jump leaves the return address in. */
static void link_register(struct lowering *l, const struct op *op, unsigned index, unsigned length)
{
    if (destination(op) != 0) {
        set_known(l, op, index, KNOWN_PC, op->offset + (int64_t)length);
    }
}

static void jump_indirect(struct lowering *l, const struct op *op, unsigned index)
{
    unsigned rd = op->code == OP_JALR ? destination(op) : 0;
    struct ir_op *ir;

    if (l->known[op->rs1] == KNOWN_PC && ((l->value[op->rs1] + op->imm) & 1) == 0) {
        int64_t target = l->value[op->rs1] + op->imm;
        if (rd != 0) {
            link_register(l, op, index, op_length(op));
        }
        jump(l, op, index, target);
        return;
    }
    ir = append(l, IR_JUMP_INDIRECT, op, index);
    ir->dst = (uint8_t)rd;
    ir->a = op->rs1;
    ir->imm = op->imm;
}

/* Carried out by functions of the hart, which may write rd. */
static void by_function(struct lowering *l, enum ir_code code, const struct op *op, unsigned index)
{
    struct ir_op *ir = append(l, code, op, index);

    ir->dst = destination(op);
    ir->a = op->rs1;
    ir->b = op->rs2;
    forget(l, ir->dst);
}

/* Operations of the F and D extensions with an x register, by their single-precision form. */
static bool float_writes_x(unsigned base)
{
    return (base >= OP_FEQ_S && base <= OP_FCVT_LU_S) || base == OP_FMV_X_W;
}

static bool float_reads_x(unsigned base)
{
    return (base >= OP_FCVT_S_W && base <= OP_FCVT_S_LU) || base == OP_FMV_W_X;
}

struct ir_float_use ir_float_use(const struct ir_op *op)
{
    const struct op *guest = op->guest;
    unsigned base = ir_float_base(guest->code);
    struct ir_float_use use = {0};

    if (op->code == IR_LOAD_FLOAT) {
        use.written = UINT32_C(1) << guest->rd;
    } else if (op->code == IR_STORE_FLOAT) {
        use.read = UINT32_C(1) << guest->rs2;
    } else if (op->code == IR_FLOAT) {
        bool fused = base >= OP_FMADD_S && base <= OP_FNMADD_S;
        if (!float_reads_x(base)) {
            use.read |= UINT32_C(1) << guest->rs1;
        }
        if (base != OP_FSQRT_S && base <= OP_FLE_S) {
            use.read |= UINT32_C(1) << guest->rs2;
        }
        if (fused) {
            use.read |= UINT32_C(1) << guest->rs3;
        }
        if (!float_writes_x(base)) {
            use.written = UINT32_C(1) << guest->rd;
        }
    }
    return use;
}

static void float_operation(struct lowering *l, const struct op *op, unsigned index)
{
    struct ir_op *ir = append(l, IR_FLOAT, op, index);

    if (float_writes_x(ir_float_base(op->code))) {
        ir->dst = destination(op);
        forget(l, ir->dst);
    }
    if (float_reads_x(ir_float_base(op->code))) {
        ir->a = op->rs1;
    }
}

static void lower(struct lowering *l, const struct op *op, unsigned i)
{
    switch (op->code) {
    case OP_CONTINUE: jump(l, op, i, op->offset + op->imm); break;
    case OP_NOP: append(l, IR_NOP, op, i); break;
    case OP_LI: set_known(l, op, i, KNOWN_CONSTANT, op->imm); break;
    case OP_AUIPC: set_known(l, op, i, KNOWN_PC, op->offset + (int64_t)op->imm); break;
    case OP_MV: move(l, op, i); break;
    case OP_ADDI: compute_immediate(l, IR_ADD, false, op, i, op->imm); break;
    case OP_SLTI: compute_immediate(l, IR_LESS, false, op, i, op->imm); break;
    case OP_SLTIU: compute_immediate(l, IR_LESS_UNSIGNED, false, op, i, op->imm); break;
    case OP_XORI: compute_immediate(l, IR_XOR, false, op, i, op->imm); break;
    case OP_ORI: compute_immediate(l, IR_OR, false, op, i, op->imm); break;
    case OP_ANDI: compute_immediate(l, IR_AND, false, op, i, op->imm); break;
    case OP_SLLI: compute_immediate(l, IR_SHIFT_LEFT, false, op, i, op->rs2); break;
    case OP_SRLI: compute_immediate(l, IR_SHIFT_RIGHT, false, op, i, op->rs2); break;
    case OP_SRAI: compute_immediate(l, IR_SHIFT_RIGHT_SIGNED, false, op, i, op->rs2); break;
    case OP_ADDIW: compute_immediate(l, IR_ADD, true, op, i, op->imm); break;
    case OP_SLLIW: compute_immediate(l, IR_SHIFT_LEFT, true, op, i, op->rs2); break;
    case OP_SRLIW: compute_immediate(l, IR_SHIFT_RIGHT, true, op, i, op->rs2); break;
    case OP_SRAIW: compute_immediate(l, IR_SHIFT_RIGHT_SIGNED, true, op, i, op->rs2); break;
    case OP_ADD: compute(l, IR_ADD, false, op, i); break;
    case OP_SUB: compute(l, IR_SUB, false, op, i); break;
    case OP_SLL: compute(l, IR_SHIFT_LEFT, false, op, i); break;
    case OP_SLT: compute(l, IR_LESS, false, op, i); break;
    case OP_SLTU: compute(l, IR_LESS_UNSIGNED, false, op, i); break;
    case OP_XOR: compute(l, IR_XOR, false, op, i); break;
    case OP_SRL: compute(l, IR_SHIFT_RIGHT, false, op, i); break;
    case OP_SRA: compute(l, IR_SHIFT_RIGHT_SIGNED, false, op, i); break;
    case OP_OR: compute(l, IR_OR, false, op, i); break;
    case OP_AND: compute(l, IR_AND, false, op, i); break;
    case OP_ADDW: compute(l, IR_ADD, true, op, i); break;
    case OP_SUBW: compute(l, IR_SUB, true, op, i); break;
    case OP_SLLW: compute(l, IR_SHIFT_LEFT, true, op, i); break;
    case OP_SRLW: compute(l, IR_SHIFT_RIGHT, true, op, i); break;
    case OP_SRAW: compute(l, IR_SHIFT_RIGHT_SIGNED, true, op, i); break;
    case OP_MUL: compute(l, IR_MULTIPLY, false, op, i); break;
    case OP_MULH: compute(l, IR_MULTIPLY_HIGH, false, op, i); break;
    case OP_MULHSU: compute(l, IR_MULTIPLY_HIGH_MIXED, false, op, i); break;
    case OP_MULHU: compute(l, IR_MULTIPLY_HIGH_UNSIGNED, false, op, i); break;
    case OP_DIV: compute(l, IR_DIVIDE, false, op, i); break;
    case OP_DIVU: compute(l, IR_DIVIDE_UNSIGNED, false, op, i); break;
    case OP_REM: compute(l, IR_REMAINDER, false, op, i); break;
    case OP_REMU: compute(l, IR_REMAINDER_UNSIGNED, false, op, i); break;
    case OP_MULW: compute(l, IR_MULTIPLY, true, op, i); break;
    case OP_DIVW: compute(l, IR_DIVIDE, true, op, i); break;
    case OP_DIVUW: compute(l, IR_DIVIDE_UNSIGNED, true, op, i); break;
    case OP_REMW: compute(l, IR_REMAINDER, true, op, i); break;
    case OP_REMUW: compute(l, IR_REMAINDER_UNSIGNED, true, op, i); break;
    case OP_ADD_UW: compute_shift_add(l, IR_SHIFT_ADD_ZERO, 0, op, i); break;
    case OP_SH1ADD: compute_shift_add(l, IR_SHIFT_ADD, 1, op, i); break;
    case OP_SH2ADD: compute_shift_add(l, IR_SHIFT_ADD, 2, op, i); break;
    case OP_SH3ADD: compute_shift_add(l, IR_SHIFT_ADD, 3, op, i); break;
    case OP_SH1ADD_UW: compute_shift_add(l, IR_SHIFT_ADD_ZERO, 1, op, i); break;
    case OP_SH2ADD_UW: compute_shift_add(l, IR_SHIFT_ADD_ZERO, 2, op, i); break;
    case OP_SH3ADD_UW: compute_shift_add(l, IR_SHIFT_ADD_ZERO, 3, op, i); break;
    case OP_SLLI_UW:
        compute_shift_add(l, IR_SHIFT_ADD_ZERO, op->rs2, op, i);
        l->region->ops[l->region->op_count - 1].b = 0;
        break;
    case OP_ANDN: compute(l, IR_AND_NOT, false, op, i); break;
    case OP_ORN: compute(l, IR_OR_NOT, false, op, i); break;
    case OP_XNOR: compute(l, IR_XOR_NOT, false, op, i); break;
    case OP_CLZ: compute_unary(l, IR_COUNT_LEADING_ZEROS, false, op, i); break;
    case OP_CTZ: compute_unary(l, IR_COUNT_TRAILING_ZEROS, false, op, i); break;
    case OP_CPOP: compute_unary(l, IR_COUNT_ONES, false, op, i); break;
    case OP_CLZW: compute_unary(l, IR_COUNT_LEADING_ZEROS, true, op, i); break;
    case OP_CTZW: compute_unary(l, IR_COUNT_TRAILING_ZEROS, true, op, i); break;
    case OP_CPOPW: compute_unary(l, IR_COUNT_ONES, true, op, i); break;
    case OP_MAX: compute(l, IR_MAX, false, op, i); break;
    case OP_MAXU: compute(l, IR_MAX_UNSIGNED, false, op, i); break;
    case OP_MIN: compute(l, IR_MIN, false, op, i); break;
    case OP_MINU: compute(l, IR_MIN_UNSIGNED, false, op, i); break;
    case OP_SEXT_B: compute_unary(l, IR_SIGN_EXTEND_8, false, op, i); break;
    case OP_SEXT_H: compute_unary(l, IR_SIGN_EXTEND_16, false, op, i); break;
    case OP_ZEXT_H: compute_unary(l, IR_ZERO_EXTEND_16, false, op, i); break;
    case OP_ROL: compute(l, IR_ROTATE_LEFT, false, op, i); break;
    case OP_ROLW: compute(l, IR_ROTATE_LEFT, true, op, i); break;
    case OP_ROR: compute(l, IR_ROTATE_RIGHT, false, op, i); break;
    case OP_RORW: compute(l, IR_ROTATE_RIGHT, true, op, i); break;
    case OP_RORI: compute_immediate(l, IR_ROTATE_RIGHT, false, op, i, op->rs2); break;
    case OP_RORIW: compute_immediate(l, IR_ROTATE_RIGHT, true, op, i, op->rs2); break;
    case OP_ORC_B: compute_unary(l, IR_COMBINE_BYTES, false, op, i); break;
    case OP_REV8: compute_unary(l, IR_REVERSE_BYTES, false, op, i); break;
    case OP_BCLR: compute(l, IR_BIT_CLEAR, false, op, i); break;
    case OP_BCLRI: compute_immediate(l, IR_BIT_CLEAR, false, op, i, op->rs2); break;
    case OP_BEXT: compute(l, IR_BIT_EXTRACT, false, op, i); break;
    case OP_BEXTI: compute_immediate(l, IR_BIT_EXTRACT, false, op, i, op->rs2); break;
    case OP_BINV: compute(l, IR_BIT_INVERT, false, op, i); break;
    case OP_BINVI: compute_immediate(l, IR_BIT_INVERT, false, op, i, op->rs2); break;
    case OP_BSET: compute(l, IR_BIT_SET, false, op, i); break;
    case OP_BSETI: compute_immediate(l, IR_BIT_SET, false, op, i, op->rs2); break;
    case OP_J: jump(l, op, i, op->offset + op->imm); break;
    case OP_JAL:
        /* Keeps its length in rs2 (op.h). */
        link_register(l, op, i, op->rs2);
        jump(l, op, i, op->offset + op->imm);
        break;
    case OP_JR:
    case OP_JALR: jump_indirect(l, op, i); break;
    case OP_BEQ: branch(l, IR_EQUAL, op, i); break;
    case OP_BNE: branch(l, IR_NOT_EQUAL, op, i); break;
    case OP_BLT: branch(l, IR_IF_LESS, op, i); break;
    case OP_BGE: branch(l, IR_IF_NOT_LESS, op, i); break;
    case OP_BLTU: branch(l, IR_IF_LESS_UNSIGNED, op, i); break;
    case OP_BGEU: branch(l, IR_IF_NOT_LESS_UNSIGNED, op, i); break;
    case OP_LB: load(l, op, i, 1, true); break;
    case OP_LH: load(l, op, i, 2, true); break;
    case OP_LW: load(l, op, i, 4, true); break;
    case OP_LD: load(l, op, i, 8, true); break;
    case OP_LBU: load(l, op, i, 1, false); break;
    case OP_LHU: load(l, op, i, 2, false); break;
    case OP_LWU: load(l, op, i, 4, false); break;
    case OP_SB: store(l, op, i, 1); break;
    case OP_SH: store(l, op, i, 2); break;
    case OP_SW: store(l, op, i, 4); break;
    case OP_SD: store(l, op, i, 8); break;
    case OP_FLW: access_float(l, IR_LOAD_FLOAT, op, i, 4); break;
    case OP_FLD: access_float(l, IR_LOAD_FLOAT, op, i, 8); break;
    case OP_FSW: access_float(l, IR_STORE_FLOAT, op, i, 4); break;
    case OP_FSD: access_float(l, IR_STORE_FLOAT, op, i, 8); break;
    case OP_CSR: by_function(l, IR_CSR, op, i); break;
    case OP_ECALL: append(l, IR_ENVIRONMENT_CALL, op, i); break;
    case OP_SRET: append(l, IR_TRAP_RETURN, op, i); break;
    case OP_SFENCE_VMA: append(l, IR_TRANSLATION_FENCE, op, i); break;
    default:
        if (op->code >= OP_LR_W && op->code <= OP_AMOMAXU_D) {
            by_function(l, IR_ATOMIC, op, i);
        } else if (op->code >= OP_FADD_S && op->code <= OP_FCVT_D_S) {
            float_operation(l, op, i);
        } else {
            append(l, IR_INTERPRET, op, i);
        }
        break;
    }
}

static bool is_join(const struct skips *skips, unsigned instruction)
{
    for (unsigned i = 0; i < skips->count; i++) {
        if (skips->skip[i].end == instruction) {
            return true;
        }
    }
    return false;
}

/* The targets of branches that skip, now that all operations have their places. */
static void resolve_skips(struct lowering *l)
{
    for (unsigned i = 0; i < l->block->count; i++) {
        struct ir_op *op = &l->region->ops[l->block->first + i];
        const struct skip *skip = skip_of_branch(&l->block->skips, op->index);
        if (op->code == IR_BRANCH && skip != NULL) {
            op->skip_to = l->starts[skip->end];
        }
    }
}

void lower_block(const struct block *block, struct ir_region *region, struct ir_block *into)
{
    struct lowering l = {.region = region, .block = into};

    into->first = (uint16_t)region->op_count;
    find_skips(block, &into->skips);
    forget_all(&l);
    for (unsigned i = 0; i < block->count; i++) {
        l.starts[i] = (uint16_t)region->op_count;
        l.joined = is_join(&into->skips, i);
        if (l.joined) {
            forget_all(&l);
        }
        lower(&l, &block->ops[i], i);
    }
    resolve_skips(&l);
    if (!decode_ends_block(&block->ops[block->count - 1])) {
        lower(&l, &block->ops[block->count], block->count - 1);
    }
}

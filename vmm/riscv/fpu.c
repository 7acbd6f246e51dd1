#include "vmm/riscv/fpu.h"

#include <string.h>

#include "vmm/riscv/fpu_host.h"
#include "vmm/riscv/fpu_values.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/softfloat.h"

#define NO_HOST_ROUNDING 8u

void fpu_control_written(struct hart *hart)
{
    uint64_t frm = hart->state.frm;
    hart->host_rounding = frm <= ROUND_UP ? (unsigned)frm : NO_HOST_ROUNDING;
    host_control_set(HOST_CONTROL_DEFAULT | host_control_rounding((unsigned)frm));
}

void fpu_acquire(struct hart *hart)
{
    hart->host_control = host_control_get();
    fpu_control_written(hart);
}

void fpu_collect(struct hart *hart)
{
    hart->state.fflags |= host_control_fflags(host_control_get());
}

void fpu_release(struct hart *hart)
{
    fpu_collect(hart);
    host_control_set(hart->host_control);
}

static void raise_flags(struct hart *hart, unsigned flags)
{
    hart->state.fflags |= flags;
}

/* One format's operands: a, b, c; single ones unboxed. */
struct operands {
    uint64_t a;
    uint64_t b;
    uint64_t c;
};

/* The arithmetic that depends on the rounding mode, on the host. */
static uint64_t host_arithmetic(unsigned code, const struct operands *v, uint64_t x)
{
    double a = f64_value(v->a), b = f64_value(v->b), c = f64_value(v->c);
    float as = f32_value((uint32_t)v->a), bs = f32_value((uint32_t)v->b);
    float cs = f32_value((uint32_t)v->c);

    switch (code) {
    case OP_FADD_S: return f32_bits(host_add_s(as, bs));
    case OP_FSUB_S: return f32_bits(host_sub_s(as, bs));
    case OP_FMUL_S: return f32_bits(host_mul_s(as, bs));
    case OP_FDIV_S: return f32_bits(host_div_s(as, bs));
    case OP_FSQRT_S: return f32_bits(host_sqrt_s(as));
    case OP_FMADD_S: return f32_bits(host_fma_s(as, bs, cs));
    case OP_FCVT_S_W: return f32_bits(host_l_to_s((int32_t)x));
    case OP_FCVT_S_WU: return f32_bits(host_l_to_s((uint32_t)x));
    case OP_FCVT_S_L: return f32_bits(host_l_to_s((int64_t)x));
    case OP_FCVT_S_D: return f32_bits(host_d_to_s(a));
    case OP_FADD_D: return f64_bits(host_add_d(a, b));
    case OP_FSUB_D: return f64_bits(host_sub_d(a, b));
    case OP_FMUL_D: return f64_bits(host_mul_d(a, b));
    case OP_FDIV_D: return f64_bits(host_div_d(a, b));
    case OP_FSQRT_D: return f64_bits(host_sqrt_d(a));
    case OP_FMADD_D: return f64_bits(host_fma_d(a, b, c));
    case OP_FCVT_D_W: return f64_bits(host_l_to_d((int32_t)x));
    case OP_FCVT_D_WU: return f64_bits(host_l_to_d((uint32_t)x));
    case OP_FCVT_D_L: return f64_bits(host_l_to_d((int64_t)x));
    default: return f64_bits(host_s_to_d(as)); /* OP_FCVT_D_S */
    }
}

static uint64_t soft_arithmetic(unsigned code, const struct operands *v, uint64_t x,
                                enum rounding_mode mode, unsigned *flags)
{
    const struct float_format *s = &float_single;
    const struct float_format *d = &float_double;
    bool minus_l = (int64_t)x < 0;
    bool minus_w = (int32_t)x < 0;
    uint64_t magnitude_l = minus_l ? -x : x;
    uint64_t magnitude_w = minus_w ? -(uint32_t)x : (uint32_t)x;

    switch (code) {
    case OP_FADD_S: return soft_add(s, v->a, v->b, mode, flags);
    case OP_FSUB_S: return soft_add(s, v->a, v->b ^ F32_SIGN, mode, flags);
    case OP_FMUL_S: return soft_mul(s, v->a, v->b, mode, flags);
    case OP_FDIV_S: return soft_div(s, v->a, v->b, mode, flags);
    case OP_FSQRT_S: return soft_sqrt(s, v->a, mode, flags);
    case OP_FMADD_S: return soft_fma(s, v->a, v->b, v->c, mode, flags);
    case OP_FCVT_S_W: return soft_from_integer(s, minus_w, magnitude_w, mode, flags);
    case OP_FCVT_S_WU: return soft_from_integer(s, false, (uint32_t)x, mode, flags);
    case OP_FCVT_S_L: return soft_from_integer(s, minus_l, magnitude_l, mode, flags);
    case OP_FCVT_S_LU: return soft_from_integer(s, false, x, mode, flags);
    case OP_FCVT_S_D: return soft_convert(s, d, v->a, mode, flags);
    case OP_FADD_D: return soft_add(d, v->a, v->b, mode, flags);
    case OP_FSUB_D: return soft_add(d, v->a, v->b ^ F64_SIGN, mode, flags);
    case OP_FMUL_D: return soft_mul(d, v->a, v->b, mode, flags);
    case OP_FDIV_D: return soft_div(d, v->a, v->b, mode, flags);
    case OP_FSQRT_D: return soft_sqrt(d, v->a, mode, flags);
    case OP_FMADD_D: return soft_fma(d, v->a, v->b, v->c, mode, flags);
    case OP_FCVT_D_W: return soft_from_integer(d, minus_w, magnitude_w, mode, flags);
    case OP_FCVT_D_WU: return soft_from_integer(d, false, (uint32_t)x, mode, flags);
    case OP_FCVT_D_L: return soft_from_integer(d, minus_l, magnitude_l, mode, flags);
    case OP_FCVT_D_LU: return soft_from_integer(d, false, x, mode, flags);
    default: return soft_convert(d, s, v->a, mode, flags); /* OP_FCVT_D_S */
    }
}

/* Result bits of an operation that rounds; the fused ones arrive as FMADD with signs changed. */
static uint64_t arithmetic(struct hart *hart, unsigned code, const struct operands *v, uint64_t x,
                           unsigned mode)
{
    if (mode == hart->host_rounding && code != OP_FCVT_S_LU && code != OP_FCVT_D_LU) {
        return host_arithmetic(code, v, x);
    }
    /* A mode other than frm: the host would take as long to change its mode as this does. */
    unsigned flags = 0;
    uint64_t result = soft_arithmetic(code, v, x, (enum rounding_mode)mode, &flags);
    raise_flags(hart, flags);
    return result;
}

/* Unprivileged specification, chapter 11.6: the smaller one, a number rather than a NaN, and -0
 * smaller than +0. */
static uint64_t minimum_or_maximum_s(struct hart *hart, uint32_t a, uint32_t b, bool maximum)
{
    if (f32_is_signaling(a) || f32_is_signaling(b)) {
        raise_flags(hart, FFLAG_INVALID);
    }
    if (f32_is_nan(a) || f32_is_nan(b)) {
        return f32_is_nan(a) ? (f32_is_nan(b) ? F32_CANONICAL_NAN : b) : a;
    }
    return f32_order(a) < f32_order(b) ? (maximum ? b : a) : (maximum ? a : b);
}

static uint64_t minimum_or_maximum_d(struct hart *hart, uint64_t a, uint64_t b, bool maximum)
{
    if (f64_is_signaling(a) || f64_is_signaling(b)) {
        raise_flags(hart, FFLAG_INVALID);
    }
    if (f64_is_nan(a) || f64_is_nan(b)) {
        return f64_is_nan(a) ? (f64_is_nan(b) ? F64_CANONICAL_NAN : b) : a;
    }
    return f64_order(a) < f64_order(b) ? (maximum ? b : a) : (maximum ? a : b);
}

/* Chapter 11.8: feq is quiet, flt and fle are signaling. `code` is one of the double ones. */
static bool compare(struct hart *hart, unsigned code, bool nan, bool signaling, int64_t a,
                    int64_t b, bool both_zero)
{
    if (nan) {
        if (signaling || code != OP_FEQ_D) {
            raise_flags(hart, FFLAG_INVALID);
        }
        return false;
    }
    switch (code) {
    case OP_FEQ_D: return a == b || both_zero;
    case OP_FLT_D: return a < b && !both_zero;
    default: return a <= b || both_zero;
    }
}

static uint64_t compare_s(struct hart *hart, unsigned code, uint32_t a, uint32_t b)
{
    return compare(hart, code + (OP_FADD_D - OP_FADD_S), f32_is_nan(a) || f32_is_nan(b),
                   f32_is_signaling(a) || f32_is_signaling(b), f32_order(a), f32_order(b),
                   ((a | b) & ~F32_SIGN) == 0);
}

static uint64_t compare_d(struct hart *hart, unsigned code, uint64_t a, uint64_t b)
{
    return compare(hart, code, f64_is_nan(a) || f64_is_nan(b),
                   f64_is_signaling(a) || f64_is_signaling(b), f64_order(a), f64_order(b),
                   ((a | b) & ~F64_SIGN) == 0);
}

/* kind: W, WU, L, LU. */
static uint64_t to_integer(struct hart *hart, const struct float_format *format, uint64_t a,
                           unsigned kind, unsigned mode)
{
    unsigned flags = 0;
    uint64_t result = soft_to_integer(format, a, kind < 2 ? 32 : 64, (kind & 1) == 0,
                                      (enum rounding_mode)mode, &flags);
    raise_flags(hart, flags);
    return result;
}

/* Truncation, as C's casts ask for, to a signed integer. The host returns the least integer for
 * what is out of range, having said that it is invalid, as it is: then the result alone is taken
 * from to_integer(). */
static uint64_t double_to_integer(struct hart *hart, uint64_t a, unsigned kind, unsigned mode)
{
    if (mode == ROUND_TO_ZERO && kind == 0) {
        int32_t word = host_d_to_w(f64_value(a));
        if (word != INT32_MIN) {
            return (uint64_t)(int64_t)word;
        }
    } else if (mode == ROUND_TO_ZERO && kind == 2) {
        int64_t doubleword = host_d_to_l(f64_value(a));
        if (doubleword != INT64_MIN) {
            return (uint64_t)doubleword;
        }
    }
    return to_integer(hart, &float_double, a, kind, mode);
}

static bool execute_single(struct hart *hart, const struct op *op, unsigned mode)
{
    uint64_t *f = hart->state.f;
    uint64_t *x = hart->state.x;
    struct operands v = {unbox(f[op->rs1]), unbox(f[op->rs2 & 31]), unbox(f[op->rs3])};
    uint64_t result;

    switch (op->code) {
    case OP_FMSUB_S: v.c ^= F32_SIGN; break;
    case OP_FNMSUB_S: v.a ^= F32_SIGN; break;
    case OP_FNMADD_S:
        v.a ^= F32_SIGN;
        v.c ^= F32_SIGN;
        break;
    default: break;
    }
    switch (op->code) {
    case OP_FMADD_S:
    case OP_FMSUB_S:
    case OP_FNMSUB_S:
    case OP_FNMADD_S:
        if (f32_is_infinite_times_zero((uint32_t)v.a, (uint32_t)v.b)) {
            /* With a quiet NaN as the third operand the host would not say so. */
            raise_flags(hart, FFLAG_INVALID);
            result = F32_CANONICAL_NAN;
        } else {
            result = arithmetic(hart, OP_FMADD_S, &v, 0, mode);
        }
        break;
    case OP_FSGNJ_S: result = (v.a & ~F32_SIGN) | (v.b & F32_SIGN); goto exact;
    case OP_FSGNJN_S: result = (v.a & ~F32_SIGN) | (~v.b & F32_SIGN); goto exact;
    case OP_FSGNJX_S: result = v.a ^ (v.b & F32_SIGN); goto exact;
    case OP_FMIN_S: result = minimum_or_maximum_s(hart, (uint32_t)v.a, (uint32_t)v.b, false); break;
    case OP_FMAX_S: result = minimum_or_maximum_s(hart, (uint32_t)v.a, (uint32_t)v.b, true); break;
    case OP_FEQ_S:
    case OP_FLT_S:
    case OP_FLE_S: x[op->rd] = compare_s(hart, op->code, (uint32_t)v.a, (uint32_t)v.b); return true;
    case OP_FCLASS_S: x[op->rd] = f32_class((uint32_t)v.a); return true;
    case OP_FCVT_W_S:
    case OP_FCVT_WU_S:
    case OP_FCVT_L_S:
    case OP_FCVT_LU_S:
        x[op->rd] = to_integer(hart, &float_single, v.a, op->code - OP_FCVT_W_S, mode);
        return true;
    case OP_FMV_X_W: x[op->rd] = (uint64_t)(int64_t)(int32_t)f[op->rs1]; return true;
    case OP_FMV_W_X: result = (uint32_t)x[op->rs1]; goto exact;
    case OP_FCVT_S_D:
        v.a = f[op->rs1];
        result = arithmetic(hart, op->code, &v, 0, mode);
        break;
    default: result = arithmetic(hart, op->code, &v, x[op->rs1], mode); break;
    }
    if (f32_is_nan((uint32_t)result)) {
        result = F32_CANONICAL_NAN;
    }
exact:
    f[op->rd & 31] = box(result);
    return true;
}

static bool execute_double(struct hart *hart, const struct op *op, unsigned mode)
{
    uint64_t *f = hart->state.f;
    uint64_t *x = hart->state.x;
    struct operands v = {f[op->rs1], f[op->rs2 & 31], f[op->rs3]};
    uint64_t result;

    switch (op->code) {
    case OP_FMSUB_D: v.c ^= F64_SIGN; break;
    case OP_FNMSUB_D: v.a ^= F64_SIGN; break;
    case OP_FNMADD_D:
        v.a ^= F64_SIGN;
        v.c ^= F64_SIGN;
        break;
    default: break;
    }
    switch (op->code) {
    case OP_FMADD_D:
    case OP_FMSUB_D:
    case OP_FNMSUB_D:
    case OP_FNMADD_D:
        if (f64_is_infinite_times_zero(v.a, v.b)) {
            raise_flags(hart, FFLAG_INVALID);
            result = F64_CANONICAL_NAN;
        } else {
            result = arithmetic(hart, OP_FMADD_D, &v, 0, mode);
        }
        break;
    case OP_FSGNJ_D: result = (v.a & ~F64_SIGN) | (v.b & F64_SIGN); goto exact;
    case OP_FSGNJN_D: result = (v.a & ~F64_SIGN) | (~v.b & F64_SIGN); goto exact;
    case OP_FSGNJX_D: result = v.a ^ (v.b & F64_SIGN); goto exact;
    case OP_FMIN_D: result = minimum_or_maximum_d(hart, v.a, v.b, false); break;
    case OP_FMAX_D: result = minimum_or_maximum_d(hart, v.a, v.b, true); break;
    case OP_FEQ_D:
    case OP_FLT_D:
    case OP_FLE_D: x[op->rd] = compare_d(hart, op->code, v.a, v.b); return true;
    case OP_FCLASS_D: x[op->rd] = f64_class(v.a); return true;
    case OP_FCVT_W_D:
    case OP_FCVT_WU_D:
    case OP_FCVT_L_D:
    case OP_FCVT_LU_D:
        x[op->rd] = double_to_integer(hart, v.a, op->code - OP_FCVT_W_D, mode);
        return true;
    case OP_FMV_X_D: x[op->rd] = f[op->rs1]; return true;
    case OP_FMV_D_X: result = x[op->rs1]; goto exact;
    case OP_FCVT_D_S:
        v.a = unbox(f[op->rs1]);
        result = arithmetic(hart, op->code, &v, 0, mode);
        break;
    default: result = arithmetic(hart, op->code, &v, x[op->rs1], mode); break;
    }
    if (f64_is_nan(result)) {
        result = F64_CANONICAL_NAN;
    }
exact:
    f[op->rd & 31] = result;
    return true;
}

/* The field that is a rounding mode in these is part of the opcode in the others. */
static bool has_rounding_mode(unsigned code)
{
    unsigned base = code >= OP_FADD_D && code < OP_FCVT_S_D ? code - (OP_FADD_D - OP_FADD_S) : code;
    return base <= OP_FNMADD_S || (base >= OP_FCVT_W_S && base <= OP_FCVT_S_LU) ||
           code >= OP_FCVT_S_D;
}

/* These write no f register and raise no flag. */
static bool leaves_clean(unsigned code)
{
    return code == OP_FMV_X_W || code == OP_FMV_X_D || code == OP_FCLASS_S || code == OP_FCLASS_D;
}

bool fpu_execute(struct hart *hart, const struct op *op)
{
    unsigned mode = op_rounding_mode(op);

    if ((hart->state.sstatus & SSTATUS_FS) == 0) {
        return false;
    }
    if (has_rounding_mode(op->code) && mode == ROUND_DYNAMIC) {
        mode = (unsigned)hart->state.frm;
        if (mode > ROUND_NEAREST_AWAY) {
            return false;
        }
    }
    if (!leaves_clean(op->code)) {
        hart->state.sstatus |= SSTATUS_FS;
    }
    if ((op->code >= OP_FADD_D && op->code < OP_FCVT_S_D) || op->code == OP_FCVT_D_S) {
        return execute_double(hart, op, mode);
    }
    return execute_single(hart, op, mode);
}

/*
 * The host's floating point: x86-64, SSE2. Every operation is one instruction that the compiler
 * can neither move, fold nor drop, as its flags and its rounding mode are part of the result.
 * Another host is another file with these functions.
 *
 * SSE2 agrees with RISC-V in what the flags mean: tininess is detected after rounding, and
 * underflow is raised only if the result is inexact as well.
 */
#ifndef VMM_RISCV_FPU_HOST_H
#define VMM_RISCV_FPU_HOST_H

#include <math.h>
#include <stdint.h>

/* MXCSR: all exceptions masked, no flag, round to nearest. */
#define HOST_CONTROL_DEFAULT  0x1f80u
#define HOST_CONTROL_ROUNDING 0x6000u
#define HOST_CONTROL_FLAGS    0x003fu

static inline uint32_t host_control_get(void)
{
    uint32_t control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    return control;
}

static inline void host_control_set(uint32_t control)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
}

/* frm 0..3 as MXCSR bits: nearest, to zero, down, up. */
static inline uint32_t host_control_rounding(unsigned mode)
{
    static const uint16_t bits[4] = {0x0000, 0x6000, 0x2000, 0x4000};
    return bits[mode & 3];
}

/* MXCSR flags (IE, DE, ZE, OE, UE, PE from bit 0) as fflags. */
static inline uint32_t host_control_fflags(uint32_t control)
{
    return (control >> 5 & 1) | (control >> 3 & 2) | (control >> 1 & 4) | (control << 1 & 8) |
           (control << 4 & 16);
}

#define HOST_BINARY(name, type, instruction)                                                       \
    static inline type name(type a, type b)                                                        \
    {                                                                                              \
        __asm__ volatile(instruction " %1, %0" : "+x"(a) : "x"(b));                                \
        return a;                                                                                  \
    }
#define HOST_UNARY(name, result, type, instruction)                                                \
    static inline result name(type a)                                                              \
    {                                                                                              \
        result r;                                                                                  \
        __asm__ volatile(instruction " %1, %0" : "=x"(r) : "x"(a));                                \
        return r;                                                                                  \
    }

HOST_BINARY(host_add_d, double, "addsd")
HOST_BINARY(host_sub_d, double, "subsd")
HOST_BINARY(host_mul_d, double, "mulsd")
HOST_BINARY(host_div_d, double, "divsd")
HOST_BINARY(host_add_s, float, "addss")
HOST_BINARY(host_sub_s, float, "subss")
HOST_BINARY(host_mul_s, float, "mulss")
HOST_BINARY(host_div_s, float, "divss")
HOST_UNARY(host_sqrt_d, double, double, "sqrtsd")
HOST_UNARY(host_sqrt_s, float, float, "sqrtss")
HOST_UNARY(host_d_to_s, float, double, "cvtsd2ss")
HOST_UNARY(host_s_to_d, double, float, "cvtss2sd")

static inline double host_l_to_d(int64_t a)
{
    double r;
    __asm__ volatile("pxor %0, %0\n\tcvtsi2sdq %1, %0" : "=&x"(r) : "r"(a));
    return r;
}

static inline float host_l_to_s(int64_t a)
{
    float r;
    __asm__ volatile("pxor %0, %0\n\tcvtsi2ssq %1, %0" : "=&x"(r) : "r"(a));
    return r;
}

/* Truncating; out of range: invalid, and the least integer. */
static inline int32_t host_d_to_w(double a)
{
    int32_t r;
    __asm__ volatile("cvttsd2sil %1, %0" : "=r"(r) : "x"(a));
    return r;
}

static inline int64_t host_d_to_l(double a)
{
    int64_t r;
    __asm__ volatile("cvttsd2siq %1, %0" : "=r"(r) : "x"(a));
    return r;
}

/* The C library uses the host's fused instruction or computes the same in software; both obey the
 * rounding mode and raise the flags. The empty statements keep the call in its place. */
static inline double host_fma_d(double a, double b, double c)
{
    __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c));
    a = fma(a, b, c);
    __asm__ volatile("" : "+x"(a));
    return a;
}

static inline float host_fma_s(float a, float b, float c)
{
    __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c));
    a = fmaf(a, b, c);
    __asm__ volatile("" : "+x"(a));
    return a;
}

#undef HOST_BINARY
#undef HOST_UNARY
#endif

# Runs one case: loads all registers from the context, jumps to the code, stores them back. The same
# bytes at the same address under QEMU and on the hart. Layout: tests/riscv/differential/layout.h.
    .option norvc
    .globl _start
_start:                             # called with the context in a0
    sd ra, 0x300(a0)
    sd sp, 0x308(a0)
    sd gp, 0x310(a0)
    sd tp, 0x318(a0)
    sd s0, 0x320(a0)
    sd s1, 0x328(a0)
    sd s2, 0x330(a0)
    sd s3, 0x338(a0)
    sd s4, 0x340(a0)
    sd s5, 0x348(a0)
    sd s6, 0x350(a0)
    sd s7, 0x358(a0)
    sd s8, 0x360(a0)
    sd s9, 0x368(a0)
    sd s10, 0x370(a0)
    sd s11, 0x378(a0)
    .altmacro
    .macro load_f n
    fld f\n, 0x100+8*\n(a0)
    .endm
    .macro store_f n
    fsd f\n, 0x100+8*\n(tp)
    .endm
    .macro load_x n
    ld x\n, 8*\n(x31)
    .endm
    .macro store_x n
    sd x\n, 8*\n(tp)
    .endm
    .set n, 0
    .rept 32
    load_f %n
    .set n, n+1
    .endr
    ld t0, 0x200(a0)
    fscsr t0
    mv x31, a0
    .set n, 1
    .rept 30
    load_x %n
    .set n, n+1
    .endr
    ld x31, 8*31(x31)
    jr 0x400(tp)                    # tp is the context, the code lies behind it
    .org 0x400
    # The case ends by jumping here; tp is the context still.
    .set n, 1
    .rept 31
    store_x %n
    .set n, n+1
    .endr
    frcsr t0
    sd t0, 0x200(tp)
    fscsr zero
    .set n, 0
    .rept 32
    store_f %n
    .set n, n+1
    .endr
    mv a0, tp
    ld ra, 0x300(a0)
    ld sp, 0x308(a0)
    ld gp, 0x310(a0)
    ld tp, 0x318(a0)
    ld s0, 0x320(a0)
    ld s1, 0x328(a0)
    ld s2, 0x330(a0)
    ld s3, 0x338(a0)
    ld s4, 0x340(a0)
    ld s5, 0x348(a0)
    ld s6, 0x350(a0)
    ld s7, 0x358(a0)
    ld s8, 0x360(a0)
    ld s9, 0x368(a0)
    ld s10, 0x370(a0)
    ld s11, 0x378(a0)
    ret

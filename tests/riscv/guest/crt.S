# Start, trap entry and U mode for the self-checking programs: see guest.h.
    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    la t0, trap_entry
    csrw stvec, t0
    la t0, save_area
    csrw sscratch, t0
    li t0, 0x2000                    # FS: main() may save float registers
    csrs sstatus, t0
    call main
    .globl finish
finish:
    li a7, 0
    ecall
1:  wfi
    j 1b

    .set SAVE_T0, 0
    .set SAVE_T1, 8
    .set SAVE_S, 16                  # ra, sp, gp, tp, s0..s11

    .align 2
trap_entry:
    csrrw t6, sscratch, t6
    sd t0, SAVE_T0(t6)
    sd t1, SAVE_T1(t6)
    la t0, trap
    csrr t1, scause
    sd t1, 0(t0)
    csrr t1, stval
    sd t1, 8(t0)
    csrr t1, sepc
    sd t1, 16(t0)
    ld t1, 32(t0)
    addi t1, t1, 1
    sd t1, 32(t0)
    csrr t1, sstatus
    sd t1, 24(t0)
    andi t1, t1, 0x100
    beqz t1, from_user
    csrr t1, scause
    bltz t1, interrupt
    ld t1, 40(t0)
    beqz t1, unexpected
    csrw sepc, t1
back:
    ld t0, SAVE_T0(t6)
    ld t1, SAVE_T1(t6)
    csrrw t6, sscratch, t6
    sret
interrupt:                           # silences all
    csrci sip, 2
    li t1, -1
    csrw 0x14d, t1
    li t1, 0x200
    csrc sie, t1
    j back
unexpected:
    la sp, stack_top
    li a0, 99999
    j finish
from_user:
    sd a0, 48(t0)
    ld ra, SAVE_S+0(t6)
    ld sp, SAVE_S+8(t6)
    ld gp, SAVE_S+16(t6)
    ld tp, SAVE_S+24(t6)
    ld s0, SAVE_S+32(t6)
    ld s1, SAVE_S+40(t6)
    ld s2, SAVE_S+48(t6)
    ld s3, SAVE_S+56(t6)
    ld s4, SAVE_S+64(t6)
    ld s5, SAVE_S+72(t6)
    ld s6, SAVE_S+80(t6)
    ld s7, SAVE_S+88(t6)
    ld s8, SAVE_S+96(t6)
    ld s9, SAVE_S+104(t6)
    ld s10, SAVE_S+112(t6)
    ld s11, SAVE_S+120(t6)
    csrrw t6, sscratch, t6
    ret

    .globl run_user
run_user:
    csrci sstatus, 2                 # no interrupt between here and sret
    csrr t6, sscratch
    sd ra, SAVE_S+0(t6)
    sd sp, SAVE_S+8(t6)
    sd gp, SAVE_S+16(t6)
    sd tp, SAVE_S+24(t6)
    sd s0, SAVE_S+32(t6)
    sd s1, SAVE_S+40(t6)
    sd s2, SAVE_S+48(t6)
    sd s3, SAVE_S+56(t6)
    sd s4, SAVE_S+64(t6)
    sd s5, SAVE_S+72(t6)
    sd s6, SAVE_S+80(t6)
    sd s7, SAVE_S+88(t6)
    sd s8, SAVE_S+96(t6)
    sd s9, SAVE_S+104(t6)
    sd s10, SAVE_S+112(t6)
    sd s11, SAVE_S+120(t6)
    csrw sepc, a0
    li t0, 0x100
    csrc sstatus, t0
    mv a0, a1
    sret

    .bss
    .align 4
    .globl trap, try_place, try_result
trap:       .space 64
try_place:  .space 8
try_result: .space 8
save_area:  .space 256
    .space 16384
stack_top:

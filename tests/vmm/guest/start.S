/* Header of a RISC-V kernel Image, a stack, an empty bss, and the trap vector of the test guests. */
    .section .start, "ax"
    .globl _start
_start:
    j begin
    .balign 8
    .dword 0x200000             /* text offset */
    .dword _end - _start        /* image size */
    .dword 0                    /* flags: little-endian */
    .word 2                     /* header version 0.2 */
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\005"
    .word 0

begin:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, stack_top
    la t0, trap_entry
    csrw stvec, t0
    li t0, 0x6000               /* sstatus.FS: floating point may be used */
    csrs sstatus, t0
    la t0, bss_start
    la t1, _end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  call main                   /* main(hart, device_tree) */
    li a7, 0x53525354           /* SRST: shut down */
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
3:  j 3b

    .balign 4
trap_entry:
    addi sp, sp, -256
    .irp n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd x\n, 8 * \n (sp)
    .endr
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call trap                   /* uint64_t trap(cause, pc, value): where to go on */
    csrw sepc, a0
    .irp n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld x\n, 8 * \n (sp)
    .endr
    addi sp, sp, 256
    sret

    .bss
    .balign 16
    .space 16384
stack_top:

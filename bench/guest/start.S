# a0: which workload, a1: rounds. Ends in wfi with the result in a0.
    .section .text.start, "ax"
    .globl _start
_start:
    li t0, 1 << 13
    csrs sstatus, t0
    la sp, stack_top
    call workload
1:  wfi
    j 1b
    .bss
    .align 4
    .space 65536
stack_top:

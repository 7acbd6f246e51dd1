# A guest that breaks the contract: the counter of cycles is the host's in unicorn, and differs on
# every replica. For ftvm-check, which finds it.

#include "../board.h"

    .section .start, "ax"
    .globl _start
_start:
    li t0, 100000
1:  addi t0, t0, -1
    bnez t0, 1b
    csrr s0, mcycle
    j _start

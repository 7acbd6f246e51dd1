/*
 * board.h - the board that the guest sees: where its memory and its devices are. For the guest and
 * for the machine that makes the board; C and assembly.
 *
 * The processor is unicorn's RV64, in machine mode, and takes interrupts as the privileged
 * specification has it (mtvec, mepc, mcause, mie, mstatus).
 */
#ifndef EXAMPLES_UNICORN_BOARD_H
#define EXAMPLES_UNICORN_BOARD_H

#define BOARD_RAM      0x80000000 /* the guest's image is here, and its first instruction */
#define BOARD_RAM_SIZE 0x100000   /* bytes */

#define BOARD_IO      0x10000000
#define BOARD_IO_SIZE 0x1000

/* Registers, from BOARD_IO on. Those of 64 bits are two of 32. What an access of another size does
 * is nothing. */
#define BOARD_CONSOLE 0x00 /* 32 bits. Write: a byte leaves. Read: takes the next one that came */
#define BOARD_WAITING 0x08 /* 32 bits, read: how many have come and were not taken */
#define BOARD_CLOCK   0x10 /* 64 bits, read: nanoseconds since the first reset */
#define BOARD_TIMER   0x18 /* 64 bits: interrupts when the clock is there; all ones never */
#define BOARD_POWER   0x20 /* 32 bits, write: the machine ends, at the next branch */

/* Bits of mie and numbers of mcause (privileged specification 1.10, 3.1.14 and 3.1.20). Both are
 * level-triggered: pending as long as the reason is there. */
#define BOARD_IRQ_TIMER   7
#define BOARD_IRQ_CONSOLE 11 /* bytes are waiting */

#endif

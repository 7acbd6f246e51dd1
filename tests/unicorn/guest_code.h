/*
 * guest_code.h - a guest of a few instructions, to test the processor with.
 */
#ifndef TESTS_UNICORN_GUEST_CODE_H
#define TESTS_UNICORN_GUEST_CODE_H

#include <stdint.h>

/* Counts to 1000 in blocks of different lengths, with stores, and sleeps; woken, it reads from
 * where there is nothing. Its handler of interrupts counts in s0. */
static const uint32_t guest_code[] = {
    0x00000013, /*         nop */
    0x00000013, /*         nop */
    0x00000013, /*         nop */
    0x00000293, /*         li    t0, 0 */
    0x3e800313, /*         li    t1, 1000 */
    0x00001e17, /*         auipc t3, 1 */
    0x00128293, /* loop:   addi  t0, t0, 1 */
    0x005e3023, /*         sd    t0, 0(t3) */
    0x0012fe93, /*         andi  t4, t0, 1 */
    0x000e9463, /*         bnez  t4, odd */
    0x003f0f13, /*         addi  t5, t5, 3 */
    0xfe6296e3, /* odd:    bne   t0, t1, loop */
    0x10500073, /*         wfi */
    0x00003003, /*         ld    zero, 0(zero) */
    0x00140413, /* handler: addi s0, s0, 1 */
    0x30200073, /*         mret */
};

#define GUEST_HANDLER (BOARD_RAM + 14 * 4)
#define GUEST_ENDS    (BOARD_RAM + 13 * 4) /* behind wfi */

/* Bytes of instructions until it sleeps: six at the beginning, five or six in each round, wfi. */
#define GUEST_LENGTH (4 * (6 + 1000 * 5 + 500 + 1))

#endif

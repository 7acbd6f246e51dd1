/*
 * registers.h - the board's registers and the processor's, for the guest.
 */
#ifndef EXAMPLES_UNICORN_GUEST_REGISTERS_H
#define EXAMPLES_UNICORN_GUEST_REGISTERS_H

#include <stdint.h>

#include "board.h"

static inline void write32(uint64_t at, uint32_t value)
{
    *(volatile uint32_t *)(BOARD_IO + at) = value;
}

static inline uint32_t read32(uint64_t at)
{
    return *(volatile uint32_t *)(BOARD_IO + at);
}

static inline void write64(uint64_t at, uint64_t value)
{
    *(volatile uint64_t *)(BOARD_IO + at) = value;
}

static inline uint64_t read64(uint64_t at)
{
    return *(volatile uint64_t *)(BOARD_IO + at);
}

/* mstatus.MIE: whether interrupts are taken. */
static inline void enable_interrupts(void)
{
    __asm__ volatile("csrsi mstatus, 8" ::: "memory");
}

static inline void disable_interrupts(void)
{
    __asm__ volatile("csrci mstatus, 8" ::: "memory");
}

/* mie: which. */
static inline void choose_interrupts(uint64_t bits)
{
    __asm__ volatile("csrw mie, %0" ::"r"(bits) : "memory");
}

/* Sleeps until one of those is pending, taken or not. */
static inline void wait_for_interrupt(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

#endif

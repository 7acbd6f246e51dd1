/*
 * What a bare-metal test guest needs: SBI calls, CSRs, the serial port, and checks that name
 * themselves on the console. A guest runs in S mode at the address where Linux would; it ends by
 * returning from main(), which powers the machine off.
 */
#ifndef TESTS_VMM_GUEST_H
#define TESTS_VMM_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_BASE 0x10000000ul
#define RTC_BASE  0x00101000ul
#define PLIC_BASE 0x0c000000ul
#define UART_LINE 10u

#define CAUSE_INTERRUPT    (UINT64_C(1) << 63)
#define INTERRUPT_SOFTWARE 1u
#define INTERRUPT_TIMER    5u
#define INTERRUPT_EXTERNAL 9u
#define CAUSE_LOAD_FAULT   5u
#define CAUSE_STORE_FAULT  7u

#define csr_read(name)                                                                             \
    ({                                                                                             \
        uint64_t csr_value;                                                                        \
        __asm__ volatile("csrr %0, " #name : "=r"(csr_value) : : "memory");                        \
        csr_value;                                                                                 \
    })
#define csr_write(name, value)                                                                     \
    __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define csr_set(name, value)                                                                       \
    __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define csr_clear(name, value)                                                                     \
    __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define STIMECMP 0x14d

struct sbi_result {
    int64_t error;
    int64_t value;
};

static inline struct sbi_result sbi(uint64_t extension, uint64_t function, uint64_t first,
                                    uint64_t second, uint64_t third)
{
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, (int64_t)a1};
}

static inline uint64_t read_time(void)
{
    return csr_read(time);
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

static inline uint8_t read8(uint64_t address)
{
    return *(volatile uint8_t *)address;
}

static inline void write8(uint64_t address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

static inline uint32_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline void print(const char *text)
{
    for (; *text != '\0'; text++) {
        write8(UART_BASE, (uint8_t)*text);
    }
}

static inline void print_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        write8(UART_BASE, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
    }
}

/* Says so on the console if it does not hold; the host's test looks for the word FAIL. */
static inline void check(bool holds, const char *what)
{
    if (!holds) {
        print("FAIL ");
        print(what);
        print("\n");
    }
}

/* The serial port's line at the PLIC: enabled, priority 1, no threshold. */
static inline void enable_uart_line(void)
{
    write32(PLIC_BASE + 4 * UART_LINE, 1);
    write32(PLIC_BASE + 0x2000, 1u << UART_LINE);
    write32(PLIC_BASE + 0x200000, 0);
}

static inline uint32_t plic_claim(void)
{
    return read32(PLIC_BASE + 0x200004);
}

static inline void plic_complete(uint32_t line)
{
    write32(PLIC_BASE + 0x200004, line);
}

int main(uint64_t hart, uint64_t device_tree);
/* Called with interrupts off; returns the pc at which to go on. */
uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value);

#endif

/*
 * Restarts itself twice. Memory comes back as loaded, time and the wall clock go on, and a device
 * in the middle of something is as after power-on.
 */
#include "guest.h"

static uint64_t kept_in_data = 7;
static uint64_t kept_in_bss;

uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    (void)cause;
    (void)pc;
    (void)value;
    check(false, "no trap");
    sbi(0x53525354, 0, 0, 1, 0);
    return pc;
}

static uint64_t wall_ns(void)
{
    uint64_t low = read32(RTC_BASE);
    return (uint64_t)read32(RTC_BASE + 4) << 32 | low;
}

int main(uint64_t hart, uint64_t device_tree)
{
    /* Beyond any image: nothing but the machine could have cleared it. */
    volatile uint64_t *far = (volatile uint64_t *)0x83000000ul;
    uint64_t round = read_time() / 10000; /* milliseconds */
    check(hart == 0, "hart 0");
    check(read32(device_tree) == 0xedfe0dd0, "a device tree");
    check(kept_in_data == 7 && kept_in_bss == 0, "the image is fresh");
    check(*far == 0, "memory is zero");
    check(read8(UART_BASE + 1) == 0, "the serial port is reset");
    check((read8(UART_BASE + 5) & 0x60) == 0x60, "the serial port is ready");
    check(read32(PLIC_BASE + 4 * UART_LINE) == 0, "the PLIC is reset");
    check((csr_read(sie) | (csr_read(sstatus) & 2) | csr_read(satp)) == 0, "the hart is reset");
    check(wall_ns() / 1000000 >= UINT64_C(1700000000000) + round, "the wall clock goes on");

    print("restart: round ");
    write8(UART_BASE, (uint8_t)('0' + round));
    print("\n");
    kept_in_data = kept_in_bss = *far = 1;
    write8(UART_BASE + 1, 3);
    enable_uart_line();
    csr_set(sie, 1u << INTERRUPT_TIMER);
    if (round == 2) {
        return 0;
    }
    while (read_time() / 10000 == round) {
    }
    sbi(0x53525354, 0, 1, 0, 0);
    check(false, "a reset does not return");
    return 0;
}

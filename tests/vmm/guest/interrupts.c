/* The PLIC, the serial port's interrupts and the timer, as a driver would find them. */
#include "guest.h"

static volatile uint64_t externals;
static volatile uint64_t timers;
static volatile uint32_t last_line;
static volatile bool leave_pending;

uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    (void)value;
    if (cause == (CAUSE_INTERRUPT | INTERRUPT_EXTERNAL)) {
        externals++;
        last_line = plic_claim();
        if (leave_pending) {
            csr_clear(sie, 1u << INTERRUPT_EXTERNAL);
        } else {
            write8(UART_BASE + 1, 0);
        }
        plic_complete(last_line);
    } else if (cause == (CAUSE_INTERRUPT | INTERRUPT_TIMER)) {
        timers++;
        csr_clear(sie, 1u << INTERRUPT_TIMER);
    } else {
        check(false, "no exception");
        sbi(0x53525354, 0, 0, 1, 0);
    }
    return pc;
}

static void check_transmitter(void)
{
    check(plic_claim() == 0, "nothing to claim");
    write8(UART_BASE + 1, 2); /* interrupt when the transmitter is empty, as it is */
    check(externals == 1 && last_line == UART_LINE, "the transmitter interrupts at once");
    check(plic_claim() == 0, "it was claimed");
}

static void check_masking(void)
{
    write32(PLIC_BASE + 0x200000, 1); /* threshold as high as the priority */
    write8(UART_BASE + 1, 2);
    check(externals == 1, "below the threshold nothing interrupts");
    check((read32(PLIC_BASE + 0x1000) & 1u << UART_LINE) != 0, "but the line is pending");
    write8(UART_BASE + 1, 0);
    uint32_t line =
        plic_claim(); /* a gateway keeps what it has seen, or does not: both are right */
    check(line == 0 || line == UART_LINE, "the line or none");
    plic_complete(line);
    check(plic_claim() == 0, "nothing is left");
    write32(PLIC_BASE + 0x200000, 0);
    csr_clear(sstatus, 2);
    write8(UART_BASE + 1, 2);
    check(externals == 1, "no interrupt with interrupts off");
    check((csr_read(sip) & 1u << INTERRUPT_EXTERNAL) != 0, "but one is pending");
    csr_set(sstatus, 2);
    check(externals == 2, "it comes when they are on");
}

static void check_level(void)
{
    leave_pending = true;
    uint64_t before = externals;
    csr_set(sie, 1u << INTERRUPT_EXTERNAL);
    write8(UART_BASE + 1, 2);
    check(externals == before + 1, "an interrupt");
    check((csr_read(sip) & 1u << INTERRUPT_EXTERNAL) != 0 && plic_claim() == UART_LINE,
          "a line that stays high is pending again after its completion");
    plic_complete(UART_LINE);
    write8(UART_BASE + 1, 0);
    leave_pending = false;
}

static void check_timer(void)
{
    uint64_t at = read_time() + 500;
    __asm__ volatile("csrw 0x14d, %0" : : "r"(at));
    csr_set(sie, 1u << INTERRUPT_TIMER);
    while (timers == 0) {
        check(read_time() < at + 2, "the timer interrupts exactly when it is due");
    }
    check(read_time() >= at, "and not before");

    at = read_time() + 50000;
    __asm__ volatile("csrw 0x14d, %0" : : "r"(at));
    csr_set(sie, 1u << INTERRUPT_TIMER);
    while (timers == 1) {
        wait_for_interrupt();
    }
    check(read_time() >= at, "idling wakes up when the time has come");
}

int main(uint64_t hart, uint64_t device_tree)
{
    (void)hart;
    (void)device_tree;
    enable_uart_line();
    csr_set(sie, 1u << INTERRUPT_EXTERNAL);
    csr_set(sstatus, 2);
    check_transmitter();
    check_masking();
    check_level();
    check_timer();
    print("interrupts: done\n");
    return 0;
}

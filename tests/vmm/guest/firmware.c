/* The SBI as a kernel sees it: every call that the machine has, and the errors of those it has not.
 */
#include "guest.h"

#define BASE   0x10u
#define TIME   0x54494d45u
#define IPI    0x735049u
#define RFENCE 0x52464e43u
#define HSM    0x48534du
#define SRST   0x53525354u
#define DBCN   0x4442434eu

#define FAILED            (-1)
#define NOT_SUPPORTED     (-2)
#define INVALID_PARAM     (-3)
#define ALREADY_AVAILABLE (-6)

static volatile uint64_t software_interrupts;
static volatile uint64_t timer_interrupts;
static volatile uint64_t faults;

uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    if (cause == (CAUSE_INTERRUPT | INTERRUPT_SOFTWARE)) {
        software_interrupts++;
        csr_clear(sip, 1u << INTERRUPT_SOFTWARE);
        return pc;
    }
    if (cause == (CAUSE_INTERRUPT | INTERRUPT_TIMER)) {
        timer_interrupts++;
        csr_clear(sie, 1u << INTERRUPT_TIMER);
        return pc;
    }
    check(cause == CAUSE_LOAD_FAULT || cause == CAUSE_STORE_FAULT, "the trap is an access fault");
    check(value != 0, "stval has the address");
    faults++;
    return pc + ((*(uint16_t *)pc & 3) == 3 ? 4 : 2);
}

static void check_base(void)
{
    check(sbi(BASE, 0, 0, 0, 0).value == 0x02000000, "specification 2.0");
    check(sbi(BASE, 3, TIME, 0, 0).value == 1, "probe finds TIME");
    check(sbi(BASE, 3, DBCN, 0, 0).value == 1, "probe finds DBCN");
    check(sbi(BASE, 3, 0x12345678, 0, 0).value == 0, "probe finds nothing else");
    check(sbi(BASE, 3, 0x12345678, 0, 0).error == 0, "probing never fails");
    check(sbi(BASE, 99, 0, 0, 0).error == NOT_SUPPORTED, "unknown function of base");
    check(sbi(0x12345678, 0, 0, 0, 0).error == NOT_SUPPORTED, "unknown extension");
}

static void check_harts(void)
{
    check(sbi(HSM, 0, 0, 0, 0).error == ALREADY_AVAILABLE, "hart 0 runs");
    check(sbi(HSM, 0, 1, 0, 0).error == INVALID_PARAM, "there is no hart 1");
    check(sbi(HSM, 1, 0, 0, 0).error == FAILED, "the last hart does not stop");
    check(sbi(HSM, 2, 0, 0, 0).error == 0 && sbi(HSM, 2, 0, 0, 0).value == 0, "hart 0 is started");
    check(sbi(HSM, 2, 7, 0, 0).error == INVALID_PARAM, "no status of hart 7");
}

static void check_masks(void)
{
    check(sbi(RFENCE, 0, 1, 0, 0).error == 0, "fence.i here");
    check(sbi(RFENCE, 1, 0, UINT64_MAX, 0).error == 0, "sfence.vma everywhere");
    check(sbi(RFENCE, 2, 2, 0, 0).error == INVALID_PARAM, "sfence.vma on hart 1");
    check(sbi(RFENCE, 0, 1, 64, 0).error == INVALID_PARAM, "fence.i on hart 64");
    check(sbi(RFENCE, 4, 1, 0, 0).error == NOT_SUPPORTED, "no hypervisor fence");
    check(sbi(IPI, 0, 4, 0, 0).error == INVALID_PARAM, "interrupt to hart 2");
    check(software_interrupts == 0, "no software interrupt so far");
    check(sbi(IPI, 0, 1, 0, 0).error == 0, "interrupt to hart 0");
    check(software_interrupts == 1, "a software interrupt at once");
}

static void check_timer(void)
{
    uint64_t before = read_time();
    sbi(TIME, 0, before + 1000, 0, 0);
    csr_set(sie, 1u << INTERRUPT_TIMER);
    while (timer_interrupts == 0) {
        wait_for_interrupt();
    }
    check(read_time() >= before + 1000, "the timer is not early");
    sbi(TIME, 0, UINT64_MAX, 0, 0);
    csr_set(sie, 1u << INTERRUPT_TIMER);
    check(timer_interrupts == 1, "setting the timer takes the interrupt back");
}

static void check_console(void)
{
    static const char text[] = "firmware: printed by DBCN\n";
    struct sbi_result result = sbi(DBCN, 0, sizeof text - 1, (uint64_t)text, 0);
    check(result.error == 0 && result.value == sizeof text - 1, "DBCN writes all");
    check(sbi(DBCN, 0, 16, 0x1000, 0).error == INVALID_PARAM, "DBCN from outside of memory");
    check(sbi(DBCN, 0, UINT64_MAX, (uint64_t)text, 0).error == INVALID_PARAM,
          "DBCN of all there is");
    check(sbi(DBCN, 0, 16, (uint64_t)text, 1).error == INVALID_PARAM, "DBCN with a high half");
    check(sbi(DBCN, 1, 16, (uint64_t)text, 0).value == 0, "DBCN reads nothing");
    sbi(DBCN, 2, '*', 0, 0);
    sbi(1, 0, '*', 0, 0);
    sbi(DBCN, 2, '\n', 0, 0);
}

static void check_holes(void)
{
    read32(0x1000);
    check(faults == 1, "reading where nothing is");
    write32(0x70000000, 1);
    check(faults == 2, "writing where nothing is");
    read32(0x10001000 + 15 * 0x1000);
    check(faults == 3, "reading behind the last virtio device");
}

int main(uint64_t hart, uint64_t device_tree)
{
    check(hart == 0, "hart 0 boots");
    check(read32(device_tree) == 0xedfe0dd0, "a1 is a device tree");
    csr_set(sie, 1u << INTERRUPT_SOFTWARE);
    csr_set(sstatus, 2);
    check_base();
    check_harts();
    check_masks();
    check_timer();
    check_console();
    check_holes();
    check(sbi(SRST, 0, 9, 0, 0).error == INVALID_PARAM, "unknown type of reset");
    check(sbi(SRST, 1, 0, 0, 0).error == NOT_SUPPORTED, "unknown function of SRST");
    print("firmware: done\n");
    return 0;
}

/* Timer and software interrupts, wfi. The host gives 10 ns to an instruction, 100 ns to a tick. */
#include "tests/riscv/guest/guest.h"

#define SSIP     0x002
#define STIP     0x020
#define STIMECMP "0x14d"
#define PER_TICK 10

static void software(void)
{
    WRITE_CSR("sie", SSIP);
    uint64_t before = trap.count;
    SET_CSR("sip", SSIP);
    CHECK((READ_CSR("sip") & SSIP) != 0);
    CHECK(trap.count == before); /* SIE is clear */
    SET_CSR("sstatus", SSTATUS_SIE);
    CHECK(trap.count == before + 1 && trap.cause == (INTERRUPT | 1));
    CHECK((READ_CSR("sip") & SSIP) == 0);
    CLEAR_CSR("sstatus", SSTATUS_SIE);
}

static void taken_at_once(void)
{
    uint64_t place;
    WRITE_CSR("sie", SSIP);
    SET_CSR("sstatus", SSTATUS_SIE);
    __asm__ volatile("la %0, 1f\n\tcsrsi sip, 2\n1:\tnop" : "=&r"(place) : : "memory");
    CHECK(trap.cause == (INTERRUPT | 1) && trap.pc == place);
    CLEAR_CSR("sstatus", SSTATUS_SIE);
}

/* The clock began with the position: time is instret / 10. The interrupt arrives before the first
 * instruction at which time >= stimecmp. */
static void timer_is_exact(void)
{
    WRITE_CSR("sie", STIP);
    for (unsigned delay = 1; delay < 60; delay++) {
        uint64_t position, sled, at = READ_CSR("time") + delay;
        SET_CSR("sstatus", SSTATUS_SIE);
        __asm__ volatile(".option push\n\t.option norvc\n\t"
                         "la %1, 1f\n\trdinstret %0\n\tcsrw " STIMECMP ", %2\n"
                         "1:\t.rept 640\n\tnop\n\t.endr\n\t.option pop"
                         : "=&r"(position), "=&r"(sled)
                         : "r"(at)
                         : "memory");
        CLEAR_CSR("sstatus", SSTATUS_SIE);
        CHECK(trap.cause == (INTERRUPT | 5) && trap.value == 0);
        /* The sled begins two instructions after rdinstret. */
        uint64_t taken = position + 2 + (trap.pc - sled) / 4;
        uint64_t due = at * PER_TICK;
        CHECK(taken == (due > position + 2 ? due : position + 2));
    }
}

static void timer_in_the_past(void)
{
    WRITE_CSR("sie", 0);
    WRITE_CSR(STIMECMP, 0);
    CHECK((READ_CSR("sip") & STIP) != 0);
    WRITE_CSR(STIMECMP, -1);
    CHECK((READ_CSR("sip") & STIP) == 0);
}

static void user_mode_is_interrupted(void)
{
    extern void user_loop(void);
    /* SIE is clear, which counts for S mode only. */
    WRITE_CSR("sie", STIP);
    WRITE_CSR(STIMECMP, READ_CSR("time") + 20);
    run_user((uint64_t)user_loop, 0);
    CHECK(trap.cause == (INTERRUPT | 5) && (trap.status & SSTATUS_SPP) == 0);
    CHECK(READ_CSR("sip") == STIP);
    WRITE_CSR(STIMECMP, -1);
}
__asm__("user_loop: j user_loop");

static void vectored(void)
{
    extern void vectors(void);
    uint64_t direct = READ_CSR("stvec");
    volatile uint64_t which = 0;

    WRITE_CSR("stvec", (uint64_t)vectors | 1);
    WRITE_CSR("sie", SSIP);
    __asm__ volatile(
        "li t6, 0\n\tcsrsi sip, 2\n\tcsrsi sstatus, 2\n\tnop\n\tcsrci sstatus, 2\n\tmv %0, t6"
        : "=r"(which)
        :
        : "t6", "memory");
    CHECK(which == 1);
    WRITE_CSR("stvec", direct);
}
__asm__(".align 6\n.option push\n.option norvc\nvectors:\n\tj .\n\tj 1f\n\tj .\n"
        "1:\tli t6, 1\n\tcsrci sip, 2\n\tsret\n.option pop");

static void waiting(void)
{
    uint64_t at = READ_CSR("time") + 100000;
    uint64_t before = READ_CSR("instret");

    WRITE_CSR("sie", STIP);
    WRITE_CSR(STIMECMP, at);
    __asm__ volatile("wfi");
    CHECK(READ_CSR("time") >= at);
    CHECK(READ_CSR("instret") < before + 100); /* the host has let the time pass */
    CHECK((READ_CSR("sip") & STIP) != 0);
    __asm__ volatile("wfi"); /* does not wait: pending, though not enabled in sstatus */
    CHECK(READ_CSR("time") < at + 100);
    WRITE_CSR(STIMECMP, -1);
}

int main(void)
{
    software();
    taken_at_once();
    timer_is_exact();
    timer_in_the_past();
    user_mode_is_interrupted();
    vectored();
    waiting();
    return 0;
}

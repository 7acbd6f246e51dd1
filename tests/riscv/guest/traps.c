/* Traps without paging: causes, stval, sepc, sstatus, sret, CSRs and their rights, counters. */
#include "tests/riscv/guest/guest.h"

#define OUTSIDE 0x40000000

static void illegal_instructions(void)
{
    TRAPPED(".word 0xffffffff", 0, 0, ILLEGAL, 0xffffffff);
    TRAPPED(".half 0x0000", 0, 0, ILLEGAL, 0);
    TRAPPED(".half 0x8002", 0, 0, ILLEGAL, 0x8002);         /* c.jr x0 */
    TRAPPED(".word 0x30200073", 0, 0, ILLEGAL, 0x30200073); /* mret */
    TRAPPED(".word 0x30002573", 0, 0, ILLEGAL, 0x30002573); /* csrr a0, mstatus */
    TRAPPED(".word 0xc0101073", 0, 0, ILLEGAL, 0xc0101073); /* csrw time */
    TRAPPED(".word 0xc0302573", 0, 0, ILLEGAL, 0xc0302573); /* hpmcounter3 */
    TRAPPED(".word 0x00001003", 0, 0, LOAD_ACCESS, 0);      /* lh x0, 0(x0): still a load */
    TRAPPED(".word 0x00007003", 0, 0, ILLEGAL, 0x00007003); /* load, funct3 7 */
    TRAPPED(".word 0x1000402f", 0, 0, ILLEGAL, 0x1000402f); /* amo, width 4 */
}

static void float_rights(void)
{
    CLEAR_CSR("sstatus", SSTATUS_FS);
    TRAPPED(".word 0x02007053", 0, 0, ILLEGAL, 0x02007053); /* fadd.d */
    TRAPPED(".word 0x00003007", 0, 0, ILLEGAL, 0x00003007); /* fld */
    TRAPPED(".word 0x00302573", 0, 0, ILLEGAL, 0x00302573); /* csrr fcsr */
    SET_CSR("sstatus", 0x2000);
    CHECK((READ_CSR("sstatus") >> 63) == 0);
    __asm__ volatile("fmv.d.x fa0, zero");
    CHECK((READ_CSR("sstatus") & SSTATUS_FS) == SSTATUS_FS);
    CHECK((READ_CSR("sstatus") >> 63) == 1);
    /* reserved rounding modes, static and dynamic */
    TRAPPED(".word 0x02005053", 0, 0, ILLEGAL, 0x02005053);
    __asm__ volatile("fsrmi 5");
    TRAPPED(".word 0x02007053", 0, 0, ILLEGAL, 0x02007053);
    RUNS(".word 0x02000053", 0, 0);
    __asm__ volatile("fsrmi 0");
}

static void accesses(void)
{
    static uint64_t words[4] __attribute__((aligned(32)));
    uint8_t *base = (uint8_t *)words;

    TRAPPED("lw %0, 0(%1)", 0, OUTSIDE, LOAD_ACCESS, OUTSIDE);
    TRAPPED("sd %0, 0(%1)", 0, OUTSIDE, STORE_ACCESS, OUTSIDE);
    TRAPPED("amoadd.w %0, %0, (%1)", 0, OUTSIDE, STORE_ACCESS, OUTSIDE);
    TRAPPED("lr.w %0, (%1)", 0, OUTSIDE, LOAD_ACCESS, OUTSIDE);
    TRAPPED("amoadd.w %0, %0, (%1)", 0, base + 2, STORE_MISALIGNED, base + 2);
    TRAPPED("amoadd.d %0, %0, (%1)", 0, base + 4, STORE_MISALIGNED, base + 4);
    TRAPPED("lr.d %0, (%1)", 0, base + 4, LOAD_MISALIGNED, base + 4);
    TRAPPED("sc.d %0, %0, (%1)", 0, base + 4, STORE_MISALIGNED, base + 4);
    /* plain accesses may be misaligned */
    RUNS("sd %0, 3(%1)", 0x1122334455667788, base);
    CHECK(base[3] == 0x88 && base[10] == 0x11);
    RUNS("ld %0, 3(%1)", 0, base);
    CHECK(try_result == 0x1122334455667788);
    RUNS("lh %0, 3(%1)", 0, base);
    CHECK(try_result == 0x7788);
}

static void breakpoint_and_fetch(void)
{
    TRAPPED(".word 0x00100073", 0, 0, BREAKPOINT, try_place);
    TRAPPED(".half 0x9002", 0, 0, BREAKPOINT, try_place);
    CHECK(TRY("jr %1", 0, OUTSIDE));
    CHECK(trap.cause == FETCH_ACCESS && trap.value == OUTSIDE && trap.pc == OUTSIDE);
}

static void status_in_traps(void)
{
    SET_CSR("sstatus", SSTATUS_SIE);
    TRAPPED(".half 0x0000", 0, 0, ILLEGAL, 0);
    CHECK((trap.status & SSTATUS_SIE) == 0);
    CHECK((trap.status & SSTATUS_SPIE) != 0);
    CHECK((trap.status & SSTATUS_SPP) != 0);
    CHECK((READ_CSR("sstatus") & SSTATUS_SIE) != 0);
    CHECK((READ_CSR("sstatus") & SSTATUS_SPP) == 0);
    CHECK((READ_CSR("sstatus") & SSTATUS_SPIE) != 0);
    CLEAR_CSR("sstatus", SSTATUS_SIE);
}

static void __attribute__((naked)) user_illegal(void)
{
    __asm__ volatile("csrr a0, sstatus");
}

static void __attribute__((naked)) user_sret(void)
{
    __asm__ volatile("sret");
}

static void __attribute__((naked)) user_wfi(void)
{
    __asm__ volatile("wfi");
}

static void __attribute__((naked)) user_sfence(void)
{
    __asm__ volatile("sfence.vma");
}

static void __attribute__((naked)) user_time(void)
{
    __asm__ volatile("rdtime a0\n\t" USER_EXIT);
}

static void __attribute__((naked)) user_exit(void)
{
    __asm__ volatile("addi a0, a0, 1\n\t" USER_EXIT);
}

static void user_mode(void)
{
    run_user((uint64_t)user_exit, 41);
    CHECK(trap.cause == USER_ECALL && trap.value == 0 && trap.user_a0 == 42);
    CHECK((trap.status & SSTATUS_SPP) == 0);
    CHECK(trap.pc == (uint64_t)user_exit + 2 || trap.pc == (uint64_t)user_exit + 4);
    run_user((uint64_t)user_illegal, 0);
    CHECK(trap.cause == ILLEGAL && trap.value == 0x10002573);
    run_user((uint64_t)user_sret, 0);
    CHECK(trap.cause == ILLEGAL && trap.value == 0x10200073);
    run_user((uint64_t)user_wfi, 0);
    CHECK(trap.cause == ILLEGAL && trap.value == 0x10500073);
    run_user((uint64_t)user_sfence, 0);
    CHECK(trap.cause == ILLEGAL && trap.value == 0x12000073);
    WRITE_CSR("scounteren", 0);
    run_user((uint64_t)user_time, 0);
    CHECK(trap.cause == ILLEGAL && trap.value == 0xc0102573);
    WRITE_CSR("scounteren", 2);
    run_user((uint64_t)user_time, 0);
    CHECK(trap.cause == USER_ECALL);
    WRITE_CSR("scounteren", -1);
    CHECK(READ_CSR("scounteren") == 7);
}

static void legal_values(void)
{
    uint64_t vector = READ_CSR("stvec");

    WRITE_CSR("stvec", 0x80000003);
    CHECK(READ_CSR("stvec") == 0x80000001);
    WRITE_CSR("stvec", vector);
    WRITE_CSR("sepc", 0x1235);
    CHECK(READ_CSR("sepc") == 0x1234);
    WRITE_CSR("sie", -1);
    CHECK(READ_CSR("sie") == 0x222);
    WRITE_CSR("sie", 0);
    WRITE_CSR("satp", UINT64_C(9) << 60 | 0x1234); /* Sv48: the write is void */
    CHECK(READ_CSR("satp") == 0);
    CHECK((READ_CSR("sstatus") >> 32 & 3) == 2);
    WRITE_CSR("stval", -1);
    CHECK(READ_CSR("stval") == UINT64_MAX);
}

static void counters(void)
{
    uint64_t first, second, third;
    /* Two reads are two instructions apart, exactly. */
    __asm__ volatile("rdinstret %0\n\tnop\n\trdinstret %1\n\trdcycle %2"
                     : "=&r"(first), "=&r"(second), "=&r"(third));
    CHECK(second == first + 2);
    CHECK(third == second + 1);
}

static void reservations(void)
{
    static uint64_t word, other;
    uint64_t failed;

    __asm__ volatile("lr.d t0, (%1)\n\tsc.d %0, %2, (%1)"
                     : "=&r"(failed)
                     : "r"(&word), "r"(7)
                     : "t0", "memory");
    CHECK(failed == 0 && word == 7);
    __asm__ volatile("sc.d %0, %2, (%1)" : "=&r"(failed) : "r"(&word), "r"(8) : "memory");
    CHECK(failed != 0 && word == 7);
    __asm__ volatile("lr.d t0, (%1)\n\tsc.d %0, %2, (%3)"
                     : "=&r"(failed)
                     : "r"(&word), "r"(8), "r"(&other)
                     : "t0", "memory");
    CHECK(failed != 0 && other == 0);
    __asm__ volatile("lr.d t0, (%1)\n\tsd %2, (%1)\n\tsc.d %0, %2, (%1)"
                     : "=&r"(failed)
                     : "r"(&word), "r"(9)
                     : "t0", "memory");
    CHECK(failed != 0 && word == 9);
}

static void count_trailing_zeros_of_words(void)
{
    uint64_t result;
    __asm__ volatile(".insn r 0x13, 1, 0x30, %0, %1, x1" : "=r"(result) : "r"(UINT64_C(1) << 40));
    CHECK(result == 40);
    __asm__ volatile(".insn r 0x1b, 1, 0x30, %0, %1, x1" : "=r"(result) : "r"(UINT64_C(1) << 40));
    CHECK(result == 32);
    __asm__ volatile(".insn r 0x1b, 1, 0x30, %0, %1, x1" : "=r"(result) : "r"(UINT64_C(0x80)));
    CHECK(result == 7);
}

int main(void)
{
    illegal_instructions();
    float_rights();
    accesses();
    breakpoint_and_fetch();
    status_in_traps();
    user_mode();
    legal_values();
    counters();
    reservations();
    count_trailing_zeros_of_words();
    return 0;
}

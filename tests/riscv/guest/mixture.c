/* All that could make a hart's caches show, mixed at random, for the test of determinism: page
 * tables and code that change without a fence, address spaces, floating point, interrupts, U mode.
 * Ends with a value that depends on everything; the test compares the way there. */
#include "tests/riscv/guest/guest.h"

#define V      1
#define R      2
#define W      4
#define X      8
#define U      16
#define A      64
#define D      128
#define PAGE   4096
#define WINDOW UINT64_C(0x40000000)
#define PAGES  16
#define ROUNDS 3000

static volatile uint64_t roots[3][512] __attribute__((aligned(4096)));
static volatile uint64_t middles[3][512] __attribute__((aligned(4096)));
static volatile uint64_t leaves[3][512] __attribute__((aligned(4096)));
static volatile uint8_t pages[PAGES][PAGE] __attribute__((aligned(4096)));
static uint64_t random_state = 1;
static uint64_t sum;
static uint64_t executed;

static uint64_t next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t entry(const volatile void *physical, uint64_t flags)
{
    return (uint64_t)physical >> 12 << 10 | flags | V;
}

/* Some bits of the entry are left out at times: A and D for the hart to set, or a right. */
static void remap(void)
{
    static const uint8_t flags[] = {R | W | X | A | D, R | W | X, R | A,     R | W | U | A | D,
                                    R | W | X | U,     X | A,     R | W | A, 0};
    unsigned space = next() % 3, index = next() % PAGES;
    uint64_t value = entry(pages[next() % PAGES], flags[next() % 8]);

    if (next() % 4 == 0) { /* in pieces */
        for (unsigned i = 0; i < 8; i++) {
            ((volatile uint8_t *)&leaves[space][index])[i] = (uint8_t)(value >> 8 * i);
        }
    } else {
        leaves[space][index] = value;
    }
    if (next() % 16 == 0) {
        middles[space][0] = entry(leaves[next() % 3], 0);
    }
    if (next() % 16 == 0) {
        roots[space][1] = entry(middles[next() % 3], 0);
    }
    if (next() % 64 == 0) {
        __asm__ volatile("sfence.vma" : : : "memory");
    }
}

static void change_space(void)
{
    WRITE_CSR("satp", UINT64_C(8) << 60 | (uint64_t)roots[next() % 3] >> 12);
}

static void touch(void)
{
    uint64_t address = WINDOW + next() % (PAGES * PAGE - 16);

    switch (next() % 6) {
    case 0: TRY("ld %0, 0(%1)", 0, address); break;
    case 1: TRY("sd %0, 0(%1)", next(), address); break;
    case 2: TRY("sb %0, 0(%1)", next(), address); break;
    case 3: TRY("amoadd.w %0, %0, (%1)", next(), address & ~UINT64_C(3)); break;
    case 4: TRY("lr.d %0, (%1)", 0, address & ~UINT64_C(7)); break;
    default: TRY("sc.d %0, %0, (%1)", next(), address & ~UINT64_C(7)); break;
    }
    sum = sum * 31 + try_result + trap.cause + trap.value;
}

/* li a0, n; ret. Sometimes addi a0, a0, n across two pages. */
static void write_code(void)
{
    unsigned page = next() % PAGES, place = next() % 3 ? next() % 8 * 16 : PAGE - 2;
    volatile uint8_t *code = pages[page] + place;
    uint32_t n = next() % 32;

    if (place == PAGE - 2) { /* addi a0, a0, n: the other half begins the next page */
        code[0] = 0x13, code[1] = 0x05;
        volatile uint8_t *rest = pages[next() % PAGES];
        rest[0] = (uint8_t)(n << 4 | 5), rest[1] = 0;
        rest[2] = 0x82, rest[3] = 0x80;
    } else {
        code[0] = (uint8_t)(n << 2 | 1), code[1] = 0x45; /* c.li a0 */
        code[2] = 0x82, code[3] = 0x80;
    }
}

static void run_code(void)
{
    unsigned place = next() % 3 ? next() % 8 * 16 : PAGE - 2;
    uint64_t address = WINDOW + next() % (PAGES - 1) * PAGE + place;
    uint64_t first = 0, second = 0, third = 0;

    /* Only what write_code() has written, not data. */
    if (!TRY("lhu %0, 0(%1)", 0, address)) {
        first = try_result;
    }
    if (!TRY("lhu %0, 2(%1)", 0, address)) {
        second = try_result;
    }
    if (!TRY("lhu %0, 4(%1)", 0, address)) {
        third = try_result;
    }
    if (((first & 0xff83) == 0x4501 && second == 0x8082) || (first == 0x0513 && third == 0x8082)) {
        TRY("mv a0, %0\n\tjalr ra, 0(%1)\n\tmv %0, a0", next() % 100, address);
        executed++;
        sum = sum * 31 + try_result;
    }
}

/* Writes the second next instruction: in the same straight line. */
static void modify_ahead(void)
{
    static uint16_t line[8] __attribute__((aligned(16)));
    register uint64_t a0 __asm__("a0") = 0;
    register uint64_t a1 __asm__("a1") = (uint64_t)line;
    register uint64_t a2 __asm__("a2") = next() % 31 << 2 | 0x4501;

    line[0] = 0x0001; /* nop */
    line[1] = 0x9323; /* sh a2, 6(a1) */
    line[2] = 0x00c5;
    line[3] = 0x4501; /* li a0, 0; overwritten */
    line[4] = 0x8082; /* ret */
    __asm__ volatile("jalr ra, 0(%1)" : "+r"(a0) : "r"(a1), "r"(a2) : "ra", "memory");
    sum = sum * 31 + a0;
}

static void floats(void)
{
    static double x = 1.0, y = 3.0;
    uint64_t flags;

    switch (next() % 5) {
    case 0: __asm__ volatile("fsrmi 0"); break;
    case 1: __asm__ volatile("fsrmi 1"); break;
    case 2: __asm__ volatile("fsrmi 2"); break;
    case 3: __asm__ volatile("fsrmi 4"); break;
    default: __asm__ volatile("fsflagsi 0"); break;
    }
    x = x * y + 1.0 / (y + (double)(next() % 1000));
    y = x / 3.0 - y;
    if (!(x < 1e200 && x > -1e200)) {
        x = 1.5;
    }
    __asm__ volatile("frflags %0" : "=r"(flags));
    sum = sum * 31 + flags + (uint64_t)(int64_t)(y > 1e18 || y < -1e18 ? 0 : y);
}

static void __attribute__((naked)) user_code(void)
{
    __asm__ volatile(
        "li t0, 20\n1:\taddi t0, t0, -1\n\tadd a0, a0, t0\n\tbnez t0, 1b\n\t" USER_EXIT);
}

/* The program's own pages are not of U mode: copy the code to one that is. */
static void user_mode(void)
{
    volatile uint16_t *page = (volatile uint16_t *)pages[0];
    for (unsigned i = 0; i < 16; i++) {
        page[i] = ((const uint16_t *)user_code)[i];
    }
    leaves[0][0] = entry(pages[0], R | X | U | A);
    middles[0][0] = entry(leaves[0], 0);
    roots[0][1] = entry(middles[0], 0);
    WRITE_CSR("satp", UINT64_C(8) << 60 | (uint64_t)roots[0] >> 12);
    run_user(WINDOW, next() % 1000);
    sum = sum * 31 + trap.user_a0 + trap.cause + trap.value;
}

static void timers(void)
{
    WRITE_CSR("sie", 0x22);
    WRITE_CSR("0x14d", READ_CSR("time") + next() % 300);
    if (next() % 2) {
        SET_CSR("sstatus", SSTATUS_SIE);
    } else {
        CLEAR_CSR("sstatus", SSTATUS_SIE);
    }
    sum = sum * 31 + READ_CSR("time") + READ_CSR("sip") + READ_CSR("instret");
}

int main(void)
{
    for (unsigned space = 0; space < 3; space++) {
        roots[space][2] = entry((void *)UINT64_C(0x80000000), R | W | X | A | D);
        roots[space][1] = entry(middles[space], 0);
        middles[space][0] = entry(leaves[space], 0);
        for (unsigned i = 0; i < PAGES; i++) {
            leaves[space][i] = entry(pages[i], R | W | X | A | D);
        }
    }
    SET_CSR("sstatus", SSTATUS_FS);
    change_space();
    for (unsigned round = 0; round < ROUNDS; round++) {
        switch (next() % 12) {
        case 0: remap(); break;
        case 1: change_space(); break;
        case 2: write_code(); break;
        case 3:
        case 4: run_code(); break;
        case 5: modify_ahead(); break;
        case 6: floats(); break;
        case 7: user_mode(); break;
        case 8: timers(); break;
        default: touch(); break;
        }
    }
    CHECK(executed > 5);
    finish(sum == 0);
}

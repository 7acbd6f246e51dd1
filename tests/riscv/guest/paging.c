/* Sv39: page sizes, rights, A and D, SUM and MXR, faults, and translations that change while in
 * use.
 *
 * The program itself runs in a 1 GiB identity page of S mode at 0x80000000; what is tested lies in
 * the gigabyte at 0x40000000 of the virtual addresses. */
#include "tests/riscv/guest/guest.h"

#define V 1
#define R 2
#define W 4
#define X 8
#define U 16
#define A 64
#define D 128

#define WINDOW     UINT64_C(0x40000000)
#define PAGE       4096
#define ALIGN_PAGE __attribute__((aligned(4096)))

static volatile uint64_t root[512] ALIGN_PAGE;
static volatile uint64_t other_root[512] ALIGN_PAGE;
static volatile uint64_t middle[512] ALIGN_PAGE;
static volatile uint64_t leaf[512] ALIGN_PAGE;
static volatile uint64_t other_leaf[512] ALIGN_PAGE;
static volatile uint64_t first[512] ALIGN_PAGE;
static volatile uint64_t second[512] ALIGN_PAGE;

static uint64_t entry(const volatile void *physical, uint64_t flags)
{
    return (uint64_t)physical >> 12 << 10 | flags | V;
}

static void fence(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

/* Maps the page `index` of the window. */
static uint64_t map(unsigned index, const volatile void *physical, uint64_t flags)
{
    *(volatile uint64_t *)&leaf[index] = entry(physical, flags);
    fence();
    return WINDOW + index * PAGE;
}

static void enable(volatile uint64_t *table)
{
    WRITE_CSR("satp", UINT64_C(8) << 60 | (uint64_t)table >> 12);
    fence();
}

static void rights(void)
{
    uint64_t page = map(0, first, R | A | D);
    first[0] = 77;
    RUNS("ld %0, 0(%1)", 0, page);
    CHECK(try_result == 77);
    TRAPPED("sd %0, 8(%1)", 0, page, STORE_PAGE, page + 8);
    TRAPPED("amoadd.d %0, %0, (%1)", 0, page, STORE_PAGE, page);
    RUNS("lr.d %0, (%1)", 0, page);
    TRAPPED("sc.d %0, %0, (%1)", 0, page, STORE_PAGE, page);
    CHECK(TRY("jalr ra, 0(%1)", 0, page));
    CHECK(trap.cause == FETCH_PAGE && trap.value == page && trap.pc == page);

    page = map(1, first, X | A | D);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    SET_CSR("sstatus", SSTATUS_MXR);
    RUNS("ld %0, 0(%1)", 0, page);
    CHECK(try_result == 77);
    CLEAR_CSR("sstatus", SSTATUS_MXR);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_PAGE, page);

    page = map(2, first, W | A | D); /* reserved */
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_PAGE, page);
    page = map(2, first, R | W | A | D | UINT64_C(1) << 54);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    leaf[2] = entry(first, R | W | A | D) & ~UINT64_C(V);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    page = map(2, first, 0); /* a pointer in the last level */
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
}

static void accessed_and_dirty(void)
{
    uint64_t page = map(3, first, R | W);
    RUNS("ld %0, 0(%1)", 0, page);
    CHECK((leaf[3] & (A | D)) == A);
    RUNS("sd %0, 0(%1)", 5, page);
    CHECK((leaf[3] & (A | D)) == (A | D) && first[0] == 5);
    /* cleared without a fence: the next access sets them again */
    *(volatile uint64_t *)&leaf[3] = entry(first, R | W);
    RUNS("sd %0, 0(%1)", 6, page);
    CHECK((leaf[3] & (A | D)) == (A | D));
    page = map(3, first, R);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_PAGE, page);
    CHECK((leaf[3] & (A | D)) == 0);
    page = map(3, first, X);
    first[0] = 0x8082; /* ret */
    RUNS("jalr ra, 0(%1)", 0, page);
    CHECK((leaf[3] & (A | D)) == A);
}

static void user_pages(void)
{
    uint64_t page = map(4, first, R | W | X | U | A | D);
    first[0] = 0x8082;
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_PAGE, page);
    SET_CSR("sstatus", SSTATUS_SUM);
    RUNS("ld %0, 0(%1)", 0, page);
    RUNS("sd %0, 8(%1)", 0, page);
    CHECK(TRY("jalr ra, 0(%1)", 0, page)); /* never fetched from in S mode */
    CHECK(trap.cause == FETCH_PAGE && trap.value == page);
    CLEAR_CSR("sstatus", SSTATUS_SUM);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_PAGE, page);

    /* U mode: ld a0, 0(a0); ecall */
    first[0] = UINT64_C(0x0000007300053503);
    run_user(page, page);
    CHECK(trap.cause == USER_ECALL && trap.user_a0 == UINT64_C(0x0000007300053503));
    CHECK(trap.pc == page + 4);
    run_user(page, (uint64_t)first);
    CHECK(trap.cause == LOAD_PAGE && trap.value == (uint64_t)first && trap.pc == page);
    run_user((uint64_t)first, page);
    CHECK(trap.cause == FETCH_PAGE && trap.value == (uint64_t)first);
}

static void superpages(void)
{
    uint64_t page = WINDOW + UINT64_C(0x200000) * 3;
    uint64_t base = (uint64_t)first & ~UINT64_C(0x1fffff);
    uint64_t inside = page + ((uint64_t)first - base);

    first[0] = 123;
    middle[3] = entry((void *)base, R | W | A | D);
    fence();
    RUNS("ld %0, 0(%1)", 0, inside);
    CHECK(try_result == 123);
    RUNS("sd %0, 0(%1)", 124, inside);
    CHECK(first[0] == 124);
    middle[3] = entry((void *)(base + PAGE), R | W | A | D); /* misaligned */
    fence();
    TRAPPED("ld %0, 0(%1)", 0, inside, LOAD_PAGE, inside);
    middle[3] = entry(leaf, A); /* reserved bits in a pointer */
    fence();
    TRAPPED("ld %0, 0(%1)", 0, inside, LOAD_PAGE, inside);
    middle[3] = 0;

    root[3] = entry((void *)UINT64_C(0x80000000), R | W | A | D);
    fence();
    inside = (uint64_t)first + UINT64_C(0x40000000);
    RUNS("ld %0, 0(%1)", 0, inside);
    CHECK(try_result == 124);
    root[3] = entry((void *)UINT64_C(0x80200000), R | W | A | D);
    fence();
    TRAPPED("ld %0, 0(%1)", 0, inside, LOAD_PAGE, inside);
    root[3] = 0;
}

static void addresses(void)
{
    uint64_t odd = UINT64_C(1) << 39 | WINDOW;
    TRAPPED("ld %0, 0(%1)", 0, odd, LOAD_PAGE, odd);
    TRAPPED("sd %0, 0(%1)", 0, odd, STORE_PAGE, odd);
    CHECK(TRY("jr %1", 0, odd));
    CHECK(trap.cause == FETCH_PAGE && trap.value == odd);

    /* the upper half */
    root[511] = entry((void *)UINT64_C(0x80000000), R | W | A | D);
    fence();
    first[0] = 9;
    RUNS("ld %0, 0(%1)", 0, UINT64_C(0xffffffffc0000000) + ((uint64_t)first - 0x80000000));
    CHECK(try_result == 9);
    root[511] = 0;

    /* outside RAM: the page, and the page table */
    uint64_t page = map(5, (void *)0x10000000, R | W | X | A | D);
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_ACCESS, page);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_ACCESS, page);
    CHECK(TRY("jr %1", 0, page));
    CHECK(trap.cause == FETCH_ACCESS && trap.value == page);
    middle[4] = entry((void *)0x10000000, 0);
    fence();
    page = WINDOW + UINT64_C(0x200000) * 4;
    TRAPPED("ld %0, 0(%1)", 0, page, LOAD_ACCESS, page);
    TRAPPED("sd %0, 0(%1)", 0, page, STORE_ACCESS, page);
    middle[4] = 0;
}

static void across_pages(void)
{
    uint64_t page = map(6, first, R | W | A | D);
    map(7, second, R | W);
    RUNS("sd %0, -3(%1)", 0x1122334455667788, page + PAGE);
    CHECK(((uint8_t *)first)[4093] == 0x88 && ((uint8_t *)second)[0] == 0x55);
    CHECK((leaf[7] & (A | D)) == (A | D));
    RUNS("ld %0, -3(%1)", 0, page + PAGE);
    CHECK(try_result == 0x1122334455667788);
    map(7, second, R | A);
    TRAPPED("sd %0, -3(%1)", 0, page + PAGE, STORE_PAGE, page + PAGE);
    CHECK(((uint8_t *)first)[4093] == 0x88); /* no byte was stored */
    leaf[7] = 0;
    fence();
    TRAPPED("ld %0, -3(%1)", 0, page + PAGE, LOAD_PAGE, page + PAGE);
    leaf[6] = 0;
    fence();
    TRAPPED("ld %0, -3(%1)", 0, page + PAGE, LOAD_PAGE, page + PAGE - 3);
}

static void instruction_across_pages(void)
{
    uint64_t page = map(8, first, R | W | X | A | D);
    uint16_t *end = (uint16_t *)((uint8_t *)first + PAGE - 2);
    /* addi a0, a0, n as two halves; ret */
    *end = 0x0513;
    ((uint16_t *)second)[0] = 0x0015 << 4 | 5; /* n = 0x15 */
    ((uint16_t *)second)[1] = 0x8082;
    map(9, second, R | W | X | A | D);
    for (unsigned n = 1; n < 5; n++) {
        ((uint16_t *)second)[0] = (uint16_t)(n << 4 | 5);
        __asm__ volatile("fence.i");
        register uint64_t a0 __asm__("a0") = 100;
        __asm__ volatile("jalr ra, 0(%1)" : "+r"(a0) : "r"(page + PAGE - 2) : "ra", "memory");
        CHECK(a0 == 100 + n);
    }
    /* another second half by another mapping, without a fence */
    other_leaf[0] = 0;
    ((uint16_t *)other_leaf)[0] = 7 << 4 | 5;
    ((uint16_t *)other_leaf)[1] = 0x8082;
    *(volatile uint64_t *)&leaf[9] = entry(other_leaf, R | W | X | A | D);
    register uint64_t a0 __asm__("a0") = 100;
    __asm__ volatile("jalr ra, 0(%1)" : "+r"(a0) : "r"(page + PAGE - 2) : "ra", "memory");
    CHECK(a0 == 107);
    leaf[9] = 0;
    fence();
    CHECK(TRY("jalr ra, 0(%1)", 0, page + PAGE - 2));
    CHECK(trap.cause == FETCH_PAGE && trap.value == page + PAGE && trap.pc == page + PAGE - 2);
}

/* The hart keeps translations coherent: a change of any level shows at the next access. */
static void changes_without_fence(void)
{
    volatile uint64_t *place = (volatile uint64_t *)map(10, first, R | W | A | D);
    volatile uint64_t *slot = &leaf[10];

    first[0] = 1;
    second[0] = 2;
    CHECK(*place == 1);
    *slot = entry(second, R | W | A | D);
    CHECK(*place == 2);
    *place = 3;
    CHECK(second[0] == 3);
    *slot = entry(first, R | W | A | D);
    CHECK(*place == 1);

    /* a pointer of the middle level */
    other_leaf[10] = entry(second, R | W | A | D);
    *(volatile uint64_t *)&middle[0] = entry(other_leaf, 0);
    CHECK(*place == 3);
    *(volatile uint64_t *)&middle[0] = entry(leaf, 0);
    CHECK(*place == 1);

    /* a pointer of the root */
    static volatile uint64_t other_middle[512] ALIGN_PAGE;
    other_middle[0] = entry(other_leaf, 0);
    *(volatile uint64_t *)&root[1] = entry(other_middle, 0);
    CHECK(*place == 3);
    *(volatile uint64_t *)&root[1] = entry(middle, 0);
    CHECK(*place == 1);

    /* part of an entry: one byte of the address field */
    uint64_t target = entry(second, R | W | A | D);
    for (unsigned i = 0; i < 8; i++) {
        ((volatile uint8_t *)slot)[i] = (uint8_t)(target >> 8 * i);
    }
    CHECK(*place == 3);

    /* code */
    static volatile uint16_t one[2048] ALIGN_PAGE, two[2048] ALIGN_PAGE;
    one[0] = 0x4505, one[1] = 0x8082; /* li a0, 1; ret */
    two[0] = 0x4509, two[1] = 0x8082;
    __asm__ volatile("fence.i");
    for (unsigned i = 0; i < 4; i++) {
        register uint64_t a0 __asm__("a0");
        *slot = entry(i & 1 ? one : two, R | X | A);
        __asm__ volatile("jalr ra, 0(%1)" : "=r"(a0) : "r"(place) : "ra", "memory");
        CHECK(a0 == (i & 1 ? 1 : 2));
    }
}

static void address_spaces(void)
{
    volatile uint64_t *place = (volatile uint64_t *)map(11, first, R | W | A | D);
    static volatile uint64_t own_middle[512] ALIGN_PAGE;

    first[0] = 1;
    second[0] = 2;
    other_root[1] = entry(own_middle, 0);
    own_middle[0] = entry(other_leaf, 0);
    other_leaf[11] = entry(second, R | W | A | D);
    for (unsigned i = 0; i < 100; i++) {
        WRITE_CSR("satp", UINT64_C(8) << 60 | UINT64_C(1) << 44 | (uint64_t)root >> 12);
        CHECK(*place == 1);
        WRITE_CSR("satp", UINT64_C(8) << 60 | UINT64_C(2) << 44 | (uint64_t)other_root >> 12);
        CHECK(*place == 2);
        WRITE_CSR("satp", 0);
        CHECK(second[0] == 2);
    }
    /* more address spaces than the hart caches translations of */
    static volatile uint64_t roots[12][512] ALIGN_PAGE;
    static volatile uint64_t middles[12][512] ALIGN_PAGE;
    static volatile uint64_t leaves[12][512] ALIGN_PAGE;
    static volatile uint64_t pages[12][512] ALIGN_PAGE;
    for (unsigned i = 0; i < 12; i++) {
        roots[i][2] = root[2];
        roots[i][1] = entry(middles[i], 0);
        middles[i][0] = entry(leaves[i], 0);
        leaves[i][11] = entry(pages[i], R | W | A | D);
        pages[i][0] = 1000 + i;
    }
    for (unsigned i = 0; i < 100; i++) {
        enable(roots[i * 7 % 12]);
        CHECK(*place == 1000 + i * 7 % 12);
    }
    enable(root);
}

/* A page table that is used as two levels at once, and as data. */
static void strange_tables(void)
{
    static volatile uint64_t loop[512] ALIGN_PAGE;
    volatile uint64_t *place;

    /* loop[0] points to itself as the middle level; loop[1] is a leaf of the last one. */
    loop[0] = entry(loop, 0);
    loop[1] = entry(first, R | W | A | D);
    root[5] = entry(loop, 0);
    fence();
    first[0] = 1;
    second[0] = 2;
    place = (volatile uint64_t *)(UINT64_C(5) << 30 | 1 << 12);
    CHECK(*place == 1);
    *(volatile uint64_t *)&loop[1] = entry(second, R | W | A | D);
    CHECK(*place == 2);
    loop[2] = entry(loop, R | W | A | D); /* and maps itself as data */
    ((volatile uint64_t *)(UINT64_C(5) << 30 | 2 << 12))[1] = entry(first, R | W | A | D);
    CHECK(*place == 1);
    root[5] = 0;
    fence();
    TRAPPED("ld %0, 0(%1)", 0, place, LOAD_PAGE, place);
}

/* Pages that become page tables while they are being stored to, through more than one address. */
static void aliases_of_a_table(void)
{
    static volatile uint64_t table[512] ALIGN_PAGE;
    volatile uint64_t *aliases[3] = {table, (volatile uint64_t *)map(12, table, R | W | A | D),
                                     (volatile uint64_t *)map(13, table, R | W | A | D)};
    volatile uint64_t *place = (volatile uint64_t *)(WINDOW + UINT64_C(0x200000) * 5);

    first[0] = 1;
    second[0] = 2;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) { /* all may be stored to quickly now */
            aliases[i][1] = i;
        }
        aliases[round][0] = entry(first, R | W | A | D);
        *(volatile uint64_t *)&middle[5] = entry(table, 0);
        CHECK(*place == 1);
        for (unsigned i = 0; i < 6; i++) {
            aliases[i % 3][0] = entry(i & 1 ? first : second, R | W | A | D);
            CHECK(*place == (i & 1 ? 1 : 2));
        }
        aliases[round][0] = 0; /* nothing depends on it any more */
    }
    middle[5] = 0;
}

/* One table that maps two places. */
static void shared_table(void)
{
    static volatile uint64_t table[512] ALIGN_PAGE;
    volatile uint64_t *places[2] = {(volatile uint64_t *)(WINDOW + UINT64_C(0x200000) * 6),
                                    (volatile uint64_t *)(WINDOW + UINT64_C(0x200000) * 7)};

    middle[6] = middle[7] = entry(table, 0);
    for (unsigned i = 0; i < 6; i++) {
        table[0] = entry(i & 1 ? first : second, R | W | A | D);
        CHECK(*places[i & 1] == (i & 1 ? 1 : 2));
        CHECK(*places[~i & 1] == (i & 1 ? 1 : 2));
    }
    middle[6] = middle[7] = 0;
}

/* The hart itself changes decoded code: the A and D bits of an entry that is run as code. Without
 * them its first half is a fence, with them an operation on floats. */
static void code_in_a_table(void)
{
    static volatile uint64_t table[512] ALIGN_PAGE;
    uint64_t code = (uint64_t)&table[0];

    /* Bits 14..12 of the entry must be zero for the fence. */
    table[0] = entry((void *)UINT64_C(0x80000000), R | W | X);
    middle[8] = entry(table, 0);
    CLEAR_CSR("sstatus", SSTATUS_FS);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(TRY("jalr ra, 0(%1)", 0, code));
        CHECK(trap.cause == ILLEGAL && trap.pc == code + 4);
    }
    (void)*(volatile uint8_t *)(WINDOW + UINT64_C(0x200000) * 8);
    CHECK(TRY("jalr ra, 0(%1)", 0, code));
    CHECK(trap.cause == ILLEGAL && trap.pc == code);
    SET_CSR("sstatus", 0x2000);
    middle[8] = 0;
}

int main(void)
{
    root[2] = entry((void *)UINT64_C(0x80000000), R | W | X | A | D);
    root[1] = entry(middle, 0);
    middle[0] = entry(leaf, 0);
    other_root[2] = root[2];
    enable(root);
    rights();
    accessed_and_dirty();
    user_pages();
    superpages();
    addresses();
    across_pages();
    instruction_across_pages();
    changes_without_fence();
    address_spaces();
    strange_tables();
    aliases_of_a_table();
    shared_table();
    code_in_a_table();
    return 0;
}

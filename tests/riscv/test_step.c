/* Watching a hart: what a step tells, and that looking changes nothing. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/step.h"

#define RAM_SIZE UINT64_C(0x100000)
#define SATP     0x180
#define STVEC    0x105
#define SIE      0x104
#define SSTATUS  0x100
#define HANDLER  (GUEST_RAM_START + 0x800)
#define TABLES   0x10000 /* offset of page tables in RAM */

struct bench {
    struct guest_memory memory;
    struct hart *hart;
};

static void start(struct bench *bench, const uint32_t *code, size_t count)
{
    struct hart_callbacks callbacks = {.context = bench};
    *bench = (struct bench){.memory = {.start = GUEST_RAM_START, .size = RAM_SIZE}};
    bench->memory.host = aligned_alloc(GUEST_PAGE_SIZE, RAM_SIZE);
    memset(bench->memory.host, 0, RAM_SIZE);
    memcpy(bench->memory.host, code, count * sizeof *code);
    bench->hart = hart_create(&bench->memory, &callbacks, NULL);
    cr_assert_not_null(bench->hart);
    hart_reset(bench->hart, GUEST_RAM_START, 0);
    hart_set_csr(bench->hart, STVEC, HANDLER);
}

#define START(bench, ...)                                                                          \
    start(bench, (const uint32_t[]){__VA_ARGS__},                                                  \
          sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void finish(struct bench *bench)
{
    hart_destroy(bench->hart);
    free(bench->memory.host);
}

static void put_entry(struct bench *bench, uint64_t offset, uint64_t entry)
{
    memcpy(bench->memory.host + offset, &entry, sizeof entry);
}

static uint64_t entry_at(const struct bench *bench, uint64_t offset)
{
    uint64_t entry;
    memcpy(&entry, bench->memory.host + offset, sizeof entry);
    return entry;
}

/* Virtual pages 0 and 1 are the pages at offsets 0x3000 and 0x2000 of RAM, readable; paging on. */
static void map_two_pages(struct bench *bench)
{
    uint64_t page = (GUEST_RAM_START + TABLES) >> 12;
    put_entry(bench, TABLES, (page + 1) << 10 | 1);
    put_entry(bench, TABLES + 0x1000, (page + 2) << 10 | 1);
    put_entry(bench, TABLES + 0x2000, (GUEST_RAM_START + 0x3000) >> 2 | 3);
    put_entry(bench, TABLES + 0x2008, (GUEST_RAM_START + 0x2000) >> 2 | 3);
    hart_set_csr(bench->hart, SATP, UINT64_C(8) << 60 | page);
}

Test(step, tells_what_an_instruction_was_and_changed)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x00c58293 /* addi t0, a1, 12 */, 0xfe533c23 /* sd t0, -8(t1) */,
          0x0085 /* c.addi ra, 1 */);
    hart_set_x(bench.hart, 6, GUEST_RAM_START + 0x3000);

    cr_expect_eq(hart_step(bench.hart, &step), HART_STOP_POSITION);
    cr_expect(step.moved && !step.trapped);
    cr_expect_eq(step.position, 0);
    cr_expect_eq(step.pc, GUEST_RAM_START);
    cr_expect_eq(step.length, 4);
    cr_expect_eq(step.instruction, 0x00c58293);
    cr_expect_str_eq(step.name, "ADDI");
    cr_expect_eq(step.x_changed, 1 << 5);
    cr_expect_eq(step.fields_changed, 0);

    hart_step(bench.hart, &step);
    cr_expect_str_eq(step.name, "SD");
    cr_expect(step.has_address);
    cr_expect_eq(step.address, GUEST_RAM_START + 0x2ff8);
    cr_expect_eq(step.x_changed, 0);

    hart_step(bench.hart, &step);
    cr_expect_eq(step.length, 2);
    cr_expect_eq(step.instruction, 0x0085);
    cr_expect_eq(step.x_changed, 1 << 1);
    cr_expect_eq(hart_position(bench.hart), 3);
    finish(&bench);
}

Test(step, tells_traps_from_instructions)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x14109073 /* csrw sepc, ra */, 0xffffffff /* illegal */);

    hart_step(bench.hart, &step);
    cr_expect_not(step.trapped);
    cr_expect_str_eq(step.name, "CSR");

    hart_step(bench.hart, &step);
    cr_expect(step.trapped);
    cr_expect_eq(step.trap_cause, 2);
    cr_expect_eq(step.trap_value, 0xffffffff);
    cr_expect_str_eq(step.name, "ILLEGAL");
    cr_expect(step.fields_changed & 1 << HART_STEP_sepc);
    cr_expect_eq(step.fields[HART_STEP_sepc], GUEST_RAM_START + 4);
    cr_expect_eq(hart_get_pc(bench.hart), HANDLER);
    finish(&bench);
}

/* The same, though one goes where a trap would go, with the registers that it would leave. */
Test(step, a_jump_to_the_handler_is_no_trap)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x00028067 /* jr t0 */);
    hart_set_x(bench.hart, 5, HANDLER);
    hart_set_csr(bench.hart, 0x141, GUEST_RAM_START);
    hart_step(bench.hart, &step);
    cr_expect_eq(hart_get_pc(bench.hart), HANDLER);
    cr_expect_not(step.trapped);
    finish(&bench);
}

Test(step, an_interrupt_takes_the_place_of_an_instruction)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x00128293 /* addi t0, t0, 1 */);
    hart_set_csr(bench.hart, SIE, 1 << 9);
    hart_set_csr(bench.hart, SSTATUS, 2);
    hart_set_external_interrupt(bench.hart, true);
    hart_step(bench.hart, &step);
    cr_expect(step.trapped);
    cr_expect_eq(step.trap_cause, UINT64_C(1) << 63 | 9);
    cr_expect_eq(step.length, 0);
    cr_expect_null(step.name);
    cr_expect_eq(step.x_changed, 0);
    finish(&bench);
}

Test(step, what_cannot_be_fetched_has_no_bits)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x00000013);
    hart_set_pc(bench.hart, 0x40);
    hart_step(bench.hart, &step);
    cr_expect(step.trapped);
    cr_expect_eq(step.trap_cause, 1);
    cr_expect_eq(step.length, 0);
    finish(&bench);
}

Test(step, an_idle_hart_says_so_after_its_wfi)
{
    struct bench bench;
    struct hart_step step;
    START(&bench, 0x10500073 /* wfi */);
    cr_expect_eq(hart_step(bench.hart, &step), HART_STOP_IDLE);
    cr_expect(step.moved);
    cr_expect_str_eq(step.name, "WFI");
    finish(&bench);
}

Test(peek, reads_through_the_page_tables_and_leaves_them_alone)
{
    struct bench bench;
    uint8_t bytes[4];
    START(&bench, 0x00000013);
    memcpy(bench.memory.host + 0x3ffe, "\x01\x02", 2);
    memcpy(bench.memory.host + 0x2000, "\x03\x04", 2);
    map_two_pages(&bench);
    uint64_t entry = entry_at(&bench, TABLES + 0x2000);
    cr_assert(hart_peek(bench.hart, 0xffe, bytes, sizeof bytes));
    cr_expect_arr_eq(bytes, "\x01\x02\x03\x04", 4);
    cr_expect_eq(entry_at(&bench, TABLES + 0x2000), entry, "no A bit");
    finish(&bench);
}

Test(peek, refuses_what_is_not_mapped_or_not_memory)
{
    struct bench bench;
    uint8_t bytes[8];
    START(&bench, 0x00000013);
    cr_expect(hart_peek(bench.hart, GUEST_RAM_START + RAM_SIZE - 8, bytes, 8));
    cr_expect_not(hart_peek(bench.hart, GUEST_RAM_START + RAM_SIZE - 7, bytes, 8));
    cr_expect_not(hart_peek(bench.hart, 0x1000, bytes, 1), "a device");
    map_two_pages(&bench);
    cr_expect_not(hart_peek(bench.hart, 0x1ffc, bytes, 8), "the page behind is not mapped");
    cr_expect_not(hart_peek(bench.hart, UINT64_C(1) << 40, bytes, 1), "no address of Sv39");
    put_entry(&bench, TABLES, UINT64_C(0x3fffff) << 10 | 1);
    cr_expect_not(hart_peek(bench.hart, 0, bytes, 1), "its table is nowhere");
    put_entry(&bench, TABLES, (GUEST_RAM_START + TABLES) >> 2 | 1);
    put_entry(&bench, TABLES + 0x1000, 0);
    cr_expect_not(hart_peek(bench.hart, 0, bytes, 1), "tables without end");
    finish(&bench);
}

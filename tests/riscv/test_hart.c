/* The contract of hart.h, seen from the embedder. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/riscv/support/state_buffer.h"
#include "vmm/riscv/hart.h"

#define RAM_SIZE UINT64_C(0x100000)
#define SSTATUS  0x100
#define SIE      0x104
#define STVEC    0x105
#define SEPC     0x141
#define SCAUSE   0x142
#define SIP      0x144

struct bench {
    struct guest_memory memory;
    struct hart *hart;
    unsigned reads, writes, calls;
    uint64_t seen_position;
    uint64_t time_ns;
    bool request_stop;
    bool raise_interrupt;
    bool refuse;
};

static bool read_device(void *context, uint64_t address, unsigned size, uint64_t *value)
{
    struct bench *bench = context;
    bench->reads++;
    bench->seen_position = hart_position(bench->hart);
    *value = address + size;
    if (bench->request_stop) {
        hart_request_stop(bench->hart);
    }
    return !bench->refuse;
}

static bool write_device(void *context, uint64_t address, unsigned size, uint64_t value)
{
    struct bench *bench = context;
    (void)address;
    (void)size;
    (void)value;
    bench->writes++;
    if (bench->raise_interrupt) {
        hart_set_external_interrupt(bench->hart, true);
    }
    return !bench->refuse;
}

static void call(void *context)
{
    struct bench *bench = context;
    bench->calls++;
    bench->seen_position = hart_position(bench->hart);
    hart_set_x(bench->hart, 10, 55);
}

static uint64_t environment(void *context)
{
    return ((struct bench *)context)->time_ns;
}

static void start_with(struct bench *bench, const uint32_t *code, size_t count, bool timed_outside)
{
    struct hart_callbacks callbacks = {.context = bench,
                                       .mmio_read = read_device,
                                       .mmio_write = write_device,
                                       .sbi_call = call,
                                       .environment_time_ns = timed_outside ? environment : NULL};
    *bench = (struct bench){.memory = {.start = GUEST_RAM_START, .size = RAM_SIZE}};
    bench->memory.host = aligned_alloc(GUEST_PAGE_SIZE, RAM_SIZE);
    memset(bench->memory.host, 0, RAM_SIZE);
    memcpy(bench->memory.host, code, count * sizeof *code);
    bench->hart = hart_create(&bench->memory, &callbacks, NULL);
    cr_assert_not_null(bench->hart);
    hart_reset(bench->hart, GUEST_RAM_START, 0x1234);
    hart_set_csr(bench->hart, STVEC, GUEST_RAM_START + 0x800);
}

static void start(struct bench *bench, const uint32_t *code, size_t count)
{
    start_with(bench, code, count, false);
}

static void finish(struct bench *bench)
{
    hart_destroy(bench->hart);
    free(bench->memory.host);
}

#define START(bench, ...)                                                                          \
    start(bench, (const uint32_t[]){__VA_ARGS__},                                                  \
          sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define NOP  0x00000013
#define WFI  0x10500073
#define LOOP 0x0000006f /* j . */

Test(hart, reset_passes_the_hart_number_and_the_device_tree)
{
    struct bench bench;
    START(&bench, LOOP);
    cr_expect_eq(hart_get_x(bench.hart, 10), 0);
    cr_expect_eq(hart_get_x(bench.hart, 11), 0x1234);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START);
    hart_run(bench.hart, 100);
    hart_reset(bench.hart, GUEST_RAM_START, 0);
    cr_expect_eq(hart_position(bench.hart), 100, "the position goes on");
    finish(&bench);
}

Test(hart, stops_exactly_where_asked)
{
    struct bench bench;
    START(&bench, NOP, NOP, NOP, 0xff5ff06f /* j -12 */);
    for (uint64_t end = 0; end < 300; end += end % 7) {
        cr_assert_eq(hart_run(bench.hart, end), HART_STOP_POSITION);
        cr_assert_eq(hart_position(bench.hart), end);
        cr_assert_eq(hart_get_pc(bench.hart), GUEST_RAM_START + end % 4 * 4);
        end++;
    }
    finish(&bench);
}

Test(hart, a_trap_counts_as_one_position)
{
    struct bench bench;
    START(&bench, NOP, 0xffffffff);
    hart_set_csr(bench.hart, STVEC, GUEST_RAM_START + 4); /* the illegal one: traps for ever */
    cr_expect_eq(hart_run(bench.hart, 1000), HART_STOP_POSITION);
    cr_expect_eq(hart_position(bench.hart), 1000);
    cr_expect_eq(hart_get_csr(bench.hart, SCAUSE), 2);
    finish(&bench);
}

Test(hart, idles_after_wfi_unless_an_interrupt_is_pending)
{
    struct bench bench;
    START(&bench, WFI, WFI, NOP);
    cr_expect_eq(hart_run(bench.hart, 100), HART_STOP_IDLE);
    cr_expect_eq(hart_position(bench.hart), 1);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 4);
    hart_set_csr(bench.hart, SIE, 0x200);
    hart_set_external_interrupt(bench.hart, true);
    cr_expect(hart_has_interrupt(bench.hart));
    cr_expect_eq(hart_run(bench.hart, 3), HART_STOP_POSITION);
    finish(&bench);
}

Test(hart, the_external_line_interrupts_and_is_level_triggered)
{
    struct bench bench;
    START(&bench, LOOP);
    hart_set_csr(bench.hart, SIE, 0x200);
    hart_set_csr(bench.hart, SSTATUS, 2);
    hart_run(bench.hart, 10);
    hart_set_external_interrupt(bench.hart, true);
    hart_run(bench.hart, 11);
    cr_expect_eq(hart_get_csr(bench.hart, SCAUSE), UINT64_C(1) << 63 | 9);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 0x800);
    cr_expect_eq(hart_get_csr(bench.hart, SEPC), GUEST_RAM_START);
    hart_set_external_interrupt(bench.hart, false);
    cr_expect_eq(hart_get_csr(bench.hart, SIP), 0);
    finish(&bench);
}

Test(hart, devices_see_the_exact_position)
{
    struct bench bench;
    /* lui a0, 0x10000; nop; ld a1, 8(a0); j . */
    START(&bench, 0x10000537, NOP, 0x00853583, LOOP);
    hart_run(bench.hart, 100);
    cr_expect_eq(bench.reads, 1);
    cr_expect_eq(bench.seen_position, 2);
    cr_expect_eq(hart_get_x(bench.hart, 11), 0x10000010);
    finish(&bench);
}

Test(hart, an_interrupt_raised_by_a_device_access_is_taken_right_after_it)
{
    struct bench bench;
    /* lui a0, 0x10000; sw a1, 0(a0); nop; j . */
    START(&bench, 0x10000537, 0x00b52023, NOP, LOOP);
    hart_set_csr(bench.hart, SIE, 0x200);
    hart_set_csr(bench.hart, SSTATUS, 2);
    bench.raise_interrupt = true;
    hart_run(bench.hart, 3);
    cr_expect_eq(hart_get_csr(bench.hart, SEPC), GUEST_RAM_START + 8);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 0x800);
    finish(&bench);
}

Test(hart, a_refused_access_is_an_access_fault)
{
    struct bench bench;
    START(&bench, 0x10000537, 0x00b52023);
    bench.refuse = true;
    hart_run(bench.hart, 2);
    cr_expect_eq(hart_get_csr(bench.hart, SCAUSE), 7);
    finish(&bench);
}

Test(hart, a_callback_can_stop_the_run_after_its_instruction)
{
    struct bench bench;
    START(&bench, 0x10000537, 0x00853583, NOP, LOOP);
    bench.request_stop = true;
    cr_expect_eq(hart_run(bench.hart, 100), HART_STOP_REQUESTED);
    cr_expect_eq(hart_position(bench.hart), 2);
    cr_expect_eq(hart_get_x(bench.hart, 11), 0x10000010);
    cr_expect_eq(hart_run(bench.hart, 100), HART_STOP_POSITION);
    finish(&bench);
}

Test(hart, a_refused_access_can_stop_the_run_too)
{
    struct bench bench;
    START(&bench, 0x10000537, 0x00853583, NOP, LOOP);
    bench.request_stop = true;
    bench.refuse = true;
    cr_expect_eq(hart_run(bench.hart, 100), HART_STOP_REQUESTED);
    cr_expect_eq(hart_position(bench.hart), 2);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 0x800);
    finish(&bench);
}

Test(hart, ecall_from_supervisor_mode_is_the_callback)
{
    struct bench bench;
    START(&bench, NOP, 0x00000073, LOOP);
    hart_run(bench.hart, 100);
    cr_expect_eq(bench.calls, 1);
    cr_expect_eq(bench.seen_position, 1);
    cr_expect_eq(hart_get_x(bench.hart, 10), 55);
    cr_expect_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 8);
    finish(&bench);
}

Test(hart, code_written_by_a_device_is_seen)
{
    struct bench bench;
    const uint32_t li = 0x00700513; /* li a0, 7 */
    START(&bench, NOP, 0xffdff06f /* j -4 */);
    hart_run(bench.hart, 100);
    memcpy(bench.memory.host, &li, sizeof li);
    hart_memory_written(bench.hart, GUEST_RAM_START, sizeof li);
    hart_run(bench.hart, 102);
    cr_expect_eq(hart_get_x(bench.hart, 10), 7);
    finish(&bench);
}

Test(hart, the_clock_is_computed_without_overflow)
{
    struct bench bench;
    struct hart_clock clock = {.clock_ns = 1000, .position = 0, .rate_q32 = UINT64_MAX};
    START(&bench, LOOP);
    hart_set_clock(bench.hart, &clock);
    hart_run(bench.hart, 1000);
    /* 1000 instructions of almost 2^32 ns */
    cr_expect_eq(hart_time_ns(bench.hart), 1000 + (UINT64_C(1000) << 32) - 1);
    clock = (struct hart_clock){.clock_ns = 0, .position = 1000, .rate_q32 = 1};
    hart_set_clock(bench.hart, &clock);
    hart_set_csr(bench.hart, SIE, 0x20);
    hart_set_stimecmp(bench.hart, UINT64_MAX / 2);
    cr_expect_eq(hart_run(bench.hart, 100000), HART_STOP_POSITION);
    cr_expect_not(hart_has_interrupt(bench.hart));
    cr_expect_eq(hart_wake_time_ns(bench.hart), UINT64_MAX);
    hart_set_stimecmp(bench.hart, 0);
    cr_expect(hart_has_interrupt(bench.hart));
    finish(&bench);
}

Test(hart, the_timer_fires_at_the_first_position_of_its_tick)
{
    for (uint64_t rate = 1; rate < 40; rate++) {
        struct bench bench;
        struct hart_clock clock = {.clock_ns = 950, .position = 0, .rate_q32 = rate << 30};
        uint64_t due;
        START(&bench, LOOP);
        hart_set_csr(bench.hart, SIE, 0x20);
        hart_set_csr(bench.hart, SSTATUS, 2);
        hart_set_clock(bench.hart, &clock);
        hart_set_stimecmp(bench.hart, 20); /* 2000 ns: 1050 more */
        due = (1050 * 4 + rate - 1) / rate;
        hart_run(bench.hart, due);
        cr_assert_eq(hart_get_pc(bench.hart), GUEST_RAM_START);
        cr_assert_lt(hart_time_ns(bench.hart) - rate / 4 - 1, 2000);
        hart_run(bench.hart, due + 1);
        cr_assert_eq(hart_get_pc(bench.hart), GUEST_RAM_START + 0x800);
        finish(&bench);
    }
}

Test(hart, time_from_the_environment_is_latched_when_it_is_read)
{
    struct bench bench;
    const uint32_t code[] = {0xc0102573 /* rdtime a0 */, NOP, 0xff9ff06f /* j -8 */};
    start_with(&bench, code, 3, true);
    hart_set_csr(bench.hart, SIE, 0x20);
    hart_set_csr(bench.hart, SSTATUS, 2);
    hart_set_stimecmp(bench.hart, 50);
    bench.time_ns = 4999;
    hart_run(bench.hart, 9);
    cr_expect_eq(hart_get_x(bench.hart, 10), 49);
    bench.time_ns = 5000;
    hart_run(bench.hart, 11); /* rdtime, and the interrupt at once */
    cr_expect_eq(hart_get_x(bench.hart, 10), 50);
    cr_expect_eq(hart_get_csr(bench.hart, SEPC), GUEST_RAM_START + 4);
    finish(&bench);
}

Test(hart, a_loaded_hart_has_the_same_digest)
{
    struct bench bench, other;
    struct state_buffer buffer = {0};
    struct state_writer writer = state_buffer_writer(&buffer);
    struct state_reader reader = state_buffer_reader(&buffer);
    START(&bench, LOOP);
    START(&other, LOOP);
    for (unsigned i = 1; i < 32; i++) {
        hart_set_x(bench.hart, i, i * UINT64_C(0x123456789));
        hart_set_f(bench.hart, i, i * UINT64_C(0x987654321));
    }
    hart_run(bench.hart, 77);
    cr_expect_neq(hart_digest(bench.hart), hart_digest(other.hart));
    hart_save(bench.hart, &writer);
    hart_load(other.hart, &reader);
    cr_expect_eq(writer.error, 0);
    cr_expect_eq(reader.error, 0);
    cr_expect_eq(hart_digest(bench.hart), hart_digest(other.hart));
    finish(&bench);
    finish(&other);
}

/* Every byte of a saved state, changed: either refused, with nothing taken, or a hart that runs. */
Test(hart, hostile_states_do_no_harm)
{
    struct bench bench;
    struct state_buffer good = {0};
    struct state_writer writer = state_buffer_writer(&good);
    unsigned refused = 0;
    START(&bench, LOOP);
    hart_save(bench.hart, &writer);
    for (size_t i = 0; i < good.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct state_buffer bad = good;
            struct state_reader reader = state_buffer_reader(&bad);
            uint64_t before = hart_digest(bench.hart);
            bad.bytes[i] ^= (uint8_t)(1u << bit);
            hart_load(bench.hart, &reader);
            if (reader.error != 0) {
                refused++;
                cr_assert_eq(hart_digest(bench.hart), before);
            } else if (bit == 0 || i % 8 == 7) {
                hart_run(bench.hart, hart_position(bench.hart) + 10);
            }
        }
    }
    for (size_t size = 0; size < good.size; size += 5) {
        struct state_buffer bad = good;
        struct state_reader reader = state_buffer_reader(&bad);
        bad.size = size;
        hart_load(bench.hart, &reader);
        cr_assert_neq(reader.error, 0);
    }
    cr_expect_gt(refused, 100);
    finish(&bench);
}

/* More code than the block cache holds. */
Test(hart, a_full_block_cache_does_not_show)
{
    struct bench bench;
    START(&bench, LOOP);
    /* Jumps from line to line: each a block, over all of RAM; the last goes back to the first. */
    for (uint64_t place = 0; place < RAM_SIZE; place += 4) {
        uint32_t jump = place + 4 < RAM_SIZE ? 0x0040006f : 0x801ff06f; /* j +4, j -0x800.. */
        memcpy(bench.memory.host + place, &jump, sizeof jump);
    }
    hart_memory_written(bench.hart, GUEST_RAM_START, RAM_SIZE);
    for (unsigned round = 0; round < 3; round++) {
        hart_set_pc(bench.hart, GUEST_RAM_START);
        hart_run(bench.hart, hart_position(bench.hart) + RAM_SIZE / 4 - 1);
        cr_assert_eq(hart_get_pc(bench.hart), GUEST_RAM_START + RAM_SIZE - 4);
    }
    finish(&bench);
}

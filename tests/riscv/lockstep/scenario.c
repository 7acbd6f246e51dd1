#include "tests/riscv/lockstep/scenario.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/riscv/lockstep/compare.h"
#include "vmm/riscv/csr.h"

#define HANDLER    FRAME_ADDRESS(FRAME_HANDLER)
#define TABLES     ((unsigned)(FRAME_CODE - FRAME_ROOTS))
#define TINY_CACHE (UINT64_C(64) << 10)
#define SPP        UINT64_C(0x100)

struct snapshot {
    uint64_t hart;
    uint64_t memory;
    uint64_t pc;
};

static uint8_t *slice(const struct scenario *s, uint64_t address, uint64_t size)
{
    const struct guest_memory memory = {
        .host = s->program->ram, .start = GUEST_RAM_START, .size = PROGRAM_RAM};
    uint8_t *host = guest_memory_slice(&memory, address, size);
    cr_assert_not_null(host);
    return host;
}

void scenario_at(struct scenario *s, uint64_t address)
{
    s->here = address;
}

void scenario_put(struct scenario *s, uint32_t bits)
{
    unsigned size = (bits & 3) == 3 ? 4 : 2;
    memcpy(slice(s, s->here, size), &bits, size);
    s->here += size;
}

void scenario_put_all(struct scenario *s, const uint32_t *bits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        scenario_put(s, bits[i]);
    }
}

void scenario_store(struct scenario *s, uint64_t address, uint64_t value, unsigned size)
{
    memcpy(slice(s, address, size), &value, size);
}

void scenario_begin(struct scenario *s)
{
    *s = (struct scenario){.program = calloc(1, sizeof *s->program)};
    cr_assert_not_null(s->program);
    s->program->task_pc = SCENARIO_CODE;
    s->program->stvec = HANDLER;
    s->program->sstatus = UINT64_C(1) << 13; /* FS */
    s->program->stimecmp = UINT64_MAX;
    scenario_at(s, HANDLER);
    PUT(s, rv_addi(TRAPS, TRAPS, 1), rv_csrrs(TRAP_CAUSE, CSR_SCAUSE, ZERO),
        rv_csrrs(TRAP_VALUE, CSR_STVAL, ZERO), rv_csrrs(T6, CSR_SEPC, ZERO), rv_addi(T6, T6, 4),
        rv_beq(SHORT_SKIP, ZERO, 8), rv_addi(T6, T6, -2), rv_csrrw(ZERO, CSR_SEPC, T6), RV_SRET);
    scenario_at(s, SCENARIO_CODE);
}

void scenario_end(struct scenario *s)
{
    run_destroy(s->run);
    free(s->program);
}

static uint64_t table_address(unsigned index)
{
    return FRAME_ADDRESS(FRAME_ROOTS + index);
}

static uint64_t pointer_to(uint64_t address)
{
    return address / GUEST_PAGE_SIZE << 10 | 1;
}

uint64_t scenario_map(struct scenario *s, uint64_t virtual_address, uint64_t physical,
                      unsigned flags)
{
    uint64_t table = table_address(0);
    uint64_t place;

    for (unsigned level = 2; level > 0; level--) {
        uint64_t entry;
        place = table + (virtual_address >> (12 + 9 * level) & 0x1ff) * 8;
        memcpy(&entry, slice(s, place, sizeof entry), sizeof entry);
        if (entry == 0) {
            cr_assert_lt(s->table_count, TABLES);
            entry = pointer_to(table_address(s->table_count++));
            scenario_store(s, place, entry, sizeof entry);
        }
        table = entry >> 10 << 12;
    }
    place = table + (virtual_address >> 12 & 0x1ff) * 8;
    scenario_store(s, place, pointer_to(physical) | flags, 8);
    return place;
}

void scenario_page(struct scenario *s)
{
    s->table_count = 1;
    s->program->satp = UINT64_C(8) << 60 | table_address(0) / GUEST_PAGE_SIZE;
    for (unsigned frame = 0; frame < PROGRAM_PAGES; frame++) {
        scenario_map(s, FRAME_ADDRESS(frame), FRAME_ADDRESS(frame), PAGE_ALL);
    }
}

void scenario_put_entry_to_user(struct scenario *s, uint64_t pc)
{
    cr_assert_lt(pc, UINT64_C(1) << 31);
    PUT(s, rv_lui(T6, (uint32_t)pc), rv_addi(T6, T6, (int32_t)(pc & 0xfff)),
        rv_csrrw(ZERO, CSR_SEPC, T6), rv_addi(T6, ZERO, SPP), rv_csrrc(ZERO, CSR_SSTATUS, T6),
        RV_SRET);
    cr_assert_lt(pc & 0xfff, 0x800);
}

void scenario_event(struct scenario *s, const struct program_event *event)
{
    cr_assert_lt(s->program->event_count, PROGRAM_EVENTS);
    s->program->events[s->program->event_count++] = *event;
}

static struct snapshot take_snapshot(const struct run *run)
{
    return (struct snapshot){.hart = hart_digest(run->hart),
                             .memory = XXH3_64bits(run->memory.host, PROGRAM_RAM),
                             .pc = hart_get_pc(run->hart)};
}

static struct manner interpreted(enum cuts cuts)
{
    struct manner manner = {.name = "interpreter", .cuts = cuts};
    hart_config_init(&manner.config);
    manner.config.engine = HART_INTERPRETER;
    manner.other_config = manner.config;
    return manner;
}

static struct manner translated(uint32_t hot_after, uint64_t cache_size, enum cuts cuts)
{
    struct manner manner = {.name = "best engine", .cuts = cuts, .seed = hot_after};
    hart_config_init(&manner.config);
    manner.config.hot_after = hot_after;
    manner.config.code_cache_size = cache_size != 0 ? cache_size : manner.config.code_cache_size;
    manner.other_config = manner.config;
    return manner;
}

static struct run *start(const struct scenario *s, const struct manner *manner)
{
    struct run *run = run_create(s->program, manner);
    cr_assert_not_null(run);
    return run;
}

static void cut_otherwise(struct run *run, enum cuts cuts)
{
    run->manner.cuts = cuts;
    run_restart(run);
}

/* To the end, in pieces. On a difference, the two say where it begins. */
static void expect_same_end(const struct scenario *s, struct run *run, enum cuts cuts,
                            const struct run *reference)
{
    cut_otherwise(run, cuts);
    run_to(run, s->program->length);
    if (!runs_agree(reference, run)) {
        const struct manner pair[2] = {reference->manner, run->manner};
        manners_agree(s->program, pair, "this scenario");
        cr_assert_fail("the engines differ");
    }
}

/* To each position without a cut before it: each is a place where a budget may end. */
static void expect_each_position(const struct scenario *s, struct run *run,
                                 const struct snapshot *expected)
{
    for (uint64_t position = 1; position <= s->program->length; position++) {
        struct snapshot snapshot;
        cut_otherwise(run, CUT_NEVER);
        run_to(run, position);
        snapshot = take_snapshot(run);
        cr_assert_eq(snapshot.pc, expected[position].pc,
                     "run to %" PRIu64 ": pc %" PRIx64 ", stepwise %" PRIx64, position, snapshot.pc,
                     expected[position].pc);
        cr_assert_eq(snapshot.hart, expected[position].hart, "run to %" PRIu64 ": hart", position);
        cr_assert_eq(snapshot.memory, expected[position].memory, "run to %" PRIu64 ": memory",
                     position);
    }
}

/* In all manners that a configuration of the engine is good for. Returns the run at its end. */
static struct run *run_translated(const struct scenario *s, uint32_t hot_after, uint64_t cache_size,
                                  const struct run *reference, const struct snapshot *snapshots)
{
    const struct manner manner = translated(hot_after, cache_size, CUT_NEVER);
    struct run *run = start(s, &manner);

    if (hot_after == 0 && cache_size == 0) {
        expect_same_end(s, run, CUT_EVERY, reference);
    }
    if (hot_after <= 1 && cache_size == 0) {
        expect_each_position(s, run, snapshots);
    }
    expect_same_end(s, run, CUT_SHORT, reference);
    expect_same_end(s, run, CUT_NEVER, reference);
    return run;
}

void scenario_run(struct scenario *s, uint64_t length)
{
    static const uint8_t heats[] = {1, 2, 24};
    const struct manner stepwise = interpreted(CUT_EVERY);
    struct snapshot *snapshots = calloc(length + 1, sizeof *snapshots);
    struct run *reference = start(s, &stepwise);

    cr_assert_not_null(snapshots);
    s->program->length = length;
    for (uint64_t position = 1; position <= length; position++) {
        run_to(reference, position);
        snapshots[position] = take_snapshot(reference);
    }
    for (unsigned i = 0; i < sizeof heats; i++) {
        run_destroy(run_translated(s, heats[i], 0, reference, snapshots));
    }
    run_destroy(run_translated(s, 0, TINY_CACHE, reference, snapshots));
    s->run = run_translated(s, 0, 0, reference, snapshots);
    run_destroy(reference);
    free(snapshots);
}

uint64_t scenario_x(const struct scenario *s, unsigned index)
{
    return hart_get_x(s->run->hart, index);
}

uint64_t scenario_csr(const struct scenario *s, unsigned number)
{
    return hart_get_csr(s->run->hart, number);
}

uint64_t scenario_load(const struct scenario *s, uint64_t address)
{
    uint64_t value;
    memcpy(&value, guest_memory_slice(&s->run->memory, address, sizeof value), sizeof value);
    return value;
}

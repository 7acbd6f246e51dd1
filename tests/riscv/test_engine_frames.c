/* Several accesses to one page in a row, as to a stack frame: an engine that translates their base
 * once must notice all that happens between them. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY rv_jal(ZERO, 0)

#define HERE    UINT64_C(0x10000)
#define BESIDE  (HERE + GUEST_PAGE_SIZE)
#define FRAME_A SCENARIO_DATA
#define FRAME_B (SCENARIO_DATA + GUEST_PAGE_SIZE)
#define VALID   1u

#define SSTATUS_SUM UINT64_C(0x40000)
#define ROUNDS      4

static uint64_t entry_for(uint64_t physical, unsigned flags)
{
    return physical / GUEST_PAGE_SIZE << 10 | flags | VALID;
}

/* SP in the middle of a page; S1 its entry; T0 counts rounds of the loop to come. */
static void begin_frame(struct scenario *s, unsigned flags)
{
    scenario_begin(s);
    scenario_page(s);
    s->program->x[SP] = HERE + 512;
    s->program->x[S1] = scenario_map(s, HERE, FRAME_A, flags);
    s->program->x[T0] = ROUNDS;
    s->program->x[A0] = 0xa;
}

static void put_end_of_round(struct scenario *s, uint64_t start)
{
    PUT(s, rv_addi(T0, T0, -1), rv_bne(T0, ZERO, (int32_t)(start - s->here - 4)), STAY);
}

Test(engine_frames, accesses_see_each_other)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    PUT(&s, rv_sd(A0, 0, SP), rv_lw(A1, 0, SP), rv_sb(A1, 9, SP), rv_lh(A2, 8, SP),
        rv_sd(A2, 3, SP), rv_ld(A3, 1, SP), rv_add(A0, A0, A3), rv_fld(1, 0, SP),
        rv_fsd(1, -8, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 46);
    scenario_end(&s);
}

Test(engine_frames, a_base_that_changes_moves_what_follows)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    PUT(&s, rv_sd(A0, 0, SP), rv_sd(T0, 8, SP), rv_ld(A1, 0, SP), rv_addi(SP, SP, 16),
        rv_sd(A1, 0, SP), rv_sd(T0, 8, SP), rv_ld(A2, -8, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, SP), HERE + 512 + 16 * ROUNDS);
    scenario_end(&s);
}

Test(engine_frames, a_base_that_is_loaded_from_its_own_frame_moves_what_follows)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    scenario_store(&s, FRAME_A + 512, HERE + 1024, 8);
    scenario_store(&s, FRAME_A + 1024, HERE + 512, 8);
    PUT(&s, rv_ld(A1, 0, SP), rv_sd(T0, 8, SP), rv_ld(SP, 0, SP), rv_sd(T0, 16, SP),
        rv_ld(A2, 8, SP), rv_sd(A2, 24, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 36);
    cr_expect_eq(scenario_x(&s, SP), HERE + 512);
    scenario_end(&s);
}

Test(engine_frames, a_frame_may_lie_in_two_pages)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, FRAME_A - GUEST_PAGE_SIZE * 2, PAGE_ALL); /* not the next frame */
    s.program->x[SP] = BESIDE - 16;
    PUT(&s, rv_sd(A0, 0, SP), rv_sd(T0, 8, SP), rv_sd(A0, 16, SP), rv_sd(T0, 12, SP),
        rv_ld(A1, 8, SP), rv_ld(A2, 16, SP), rv_add(A0, A1, A2));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 40);
    scenario_end(&s);
}

Test(engine_frames, the_second_page_of_a_frame_may_be_missing)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    s.program->x[SP] = BESIDE - 16;
    PUT(&s, rv_sd(A0, 0, SP), rv_sd(T0, 8, SP), rv_sd(A0, 16, SP), rv_addi(A0, A0, 1),
        rv_ld(A2, 0, SP), rv_ld(A3, 12, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 120);
    cr_expect_eq(scenario_x(&s, TRAPS), 2 * ROUNDS);
    cr_expect_eq(scenario_x(&s, A0), 0xa + ROUNDS);
    scenario_end(&s);
}

Test(engine_frames, a_read_only_page_is_read_and_faults_when_written)
{
    struct scenario s;
    begin_frame(&s, PAGE_READ | PAGE_ACCESSED);
    scenario_store(&s, FRAME_A + 512, 5, 8);
    PUT(&s, rv_ld(A1, 0, SP), rv_add(A2, A2, A1), rv_ld(A1, 0, SP), rv_sd(A0, 8, SP),
        rv_add(A2, A2, A1), rv_ld(A3, 8, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 80);
    cr_expect_eq(scenario_x(&s, A2), 5 * 2 * ROUNDS);
    cr_expect_eq(scenario_x(&s, A3), 0);
    cr_expect_eq(scenario_x(&s, TRAPS), ROUNDS);
    scenario_end(&s);
}

Test(engine_frames, a_page_that_is_remapped_between_accesses_is_another_for_the_next)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL) ^ entry_for(FRAME_B, PAGE_ALL);
    s.program->x[S3] = entry_for(FRAME_A, PAGE_ALL);
    PUT(&s, rv_sd(A0, 0, SP), rv_ld(A1, 8, SP), rv_xor(S3, S3, S2), rv_sd(S3, 0, S1),
        rv_sd(A0, 16, SP), rv_ld(A2, 0, SP), rv_addi(A0, A0, 1), rv_sd(A2, 8, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 44);
    cr_expect_eq(scenario_load(&s, FRAME_A + 512), 0xc);
    cr_expect_eq(scenario_load(&s, FRAME_B + 512), 0xd);
    cr_expect_eq(scenario_load(&s, FRAME_A + 512 + 16), 0xd);
    scenario_end(&s);
}

/* The load between the stores walks through a table that lies in the frame's own page: the page is
 * one to be watched from then on, and the last store unmaps what the load has read. */
Test(engine_frames, a_page_that_becomes_a_table_between_accesses_is_watched_by_the_next)
{
    const uint64_t elsewhere = UINT64_C(0x200000) + 65 * GUEST_PAGE_SIZE;
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    scenario_map(&s, elsewhere, FRAME_B, PAGE_ALL);
    /* Its last table is moved into the frame: entry 65 is at 520. */
    uint64_t middle = 0;
    for (unsigned frame = FRAME_ROOTS; frame < FRAME_CODE; frame++) {
        uint64_t entry;
        memcpy(&entry, s.program->ram + frame * GUEST_PAGE_SIZE + 8, sizeof entry);
        if (entry == entry_for(FRAME_ADDRESS(FRAME_ROOTS + s.table_count - 1), 0)) {
            middle = FRAME_ADDRESS(frame) + 8;
        }
    }
    cr_assert_neq(middle, 0);
    scenario_store(&s, middle, entry_for(FRAME_A, 0), 8);
    scenario_store(&s, FRAME_A + 520, entry_for(FRAME_B, PAGE_ALL), 8);
    scenario_store(&s, FRAME_B, 0x77, 8);
    s.program->x[S2] = elsewhere;
    s.program->x[S3] = entry_for(FRAME_B, PAGE_ALL);
    PUT(&s, rv_sd(S3, 8, SP), rv_sd(A0, 0, SP), rv_ld(A1, 0, S2), rv_sd(ZERO, 8, SP),
        rv_ld(A2, 0, S2), rv_sd(A0, 16, SP), rv_add(A3, A3, A1), rv_add(A4, A4, A2));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 80);
    cr_expect_eq(scenario_x(&s, A3), 0x77 * ROUNDS);
    cr_expect_eq(scenario_x(&s, A4), 0);
    cr_expect_eq(scenario_x(&s, TRAPS), ROUNDS);
    scenario_end(&s);
}

Test(engine_frames, a_frame_in_the_page_of_the_code_can_change_the_code)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    s.program->x[SP] = SCENARIO_CODE;
    s.program->x[A1] = rv_addi(A2, A2, 1);
    s.program->x[A3] = UINT64_C(1) << 20;
    PUT(&s, rv_sd(A0, 512, SP), rv_ld(A4, 512, SP), rv_sw(A1, 16, SP), rv_sd(A0, 520, SP),
        rv_addi(A2, A2, 1), rv_add(A1, A1, A3), rv_ld(A4, 512, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A2), 1 + 2 + 3 + 4);
    scenario_end(&s);
}

Test(engine_frames, a_frame_of_a_device_is_accessed_one_by_one)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, DEVICE_START, PAGE_ALL & ~PAGE_EXECUTE);
    s.program->x[SP] = BESIDE;
    PUT(&s, rv_sd(A0, 0, SP), rv_ld(A1, 8, SP), rv_sw(A0, 16, SP), rv_lw(A2, 24, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 30);
    cr_expect_eq(s.run->world.count, 4 * ROUNDS);
    scenario_end(&s);
}

/* The frame's page is executed in between, so it is one to be watched; then it is written. */
Test(engine_frames, a_page_that_becomes_code_between_accesses_is_watched_by_the_next)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    s.program->x[A1] = rv_addi(A2, A2, 1);
    s.program->x[A3] = UINT64_C(1) << 20;
    s.program->x[A4] = RV_RET;
    s.program->x[S2] = HERE + 512;
    PUT(&s, rv_sw(A1, 0, SP), rv_sw(A4, 4, SP), rv_sd(A0, 16, SP), rv_jalr(RA, S2, 0),
        rv_add(A1, A1, A3), rv_sw(A1, 0, SP), rv_sd(A0, 24, SP), rv_sd(A0, 32, SP),
        rv_jalr(RA, S2, 0));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 64);
    cr_expect_eq(scenario_x(&s, A2), 1 + 2 * (2 + 3 + 4) + 5);
    scenario_end(&s);
}

/* A branch over some of the accesses, now taken and now not. */
Test(engine_frames, accesses_may_be_skipped)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    PUT(&s, rv_sd(A0, 0, SP), rv_andi(T1, T0, 1), rv_beq(T1, ZERO, 16), rv_sd(T0, 8, SP),
        rv_ld(A1, 0, SP), rv_addi(A0, A0, 1), rv_sd(A0, 16, SP), rv_ld(A2, 8, SP),
        rv_add(A3, A3, A2));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 44);
    cr_expect_eq(scenario_x(&s, A0), 0xa + ROUNDS / 2);
    cr_expect_eq(scenario_x(&s, A3), 0 + 3 + 3 + 1);
    scenario_end(&s);
}

/* What is skipped makes A5 a word; where it is skipped, A5 is none. Between the accesses behind
 * that, to the same page, one to another page takes the slow way. */
Test(engine_frames, a_word_made_of_a_register_among_what_is_skipped_is_none_behind_it)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, FRAME_B, PAGE_ALL);
    s.program->x[A5] = UINT64_C(0xf6553bbe747757f8);
    s.program->x[S0] = BESIDE;
    PUT(&s, rv_bne(T0, ZERO, 20), rv_addiw(A5, A5, 1), rv_ld(A1, 0, SP), rv_ld(A2, 8, SP),
        rv_ld(A3, 16, SP), rv_ld(A1, 24, SP), rv_ld(A4, 0, S0), rv_ld(A2, 32, SP),
        rv_ld(A3, 40, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A5), UINT64_C(0xf6553bbe747757f8));
    scenario_end(&s);
}

/* A user's page, which S mode may access in one part of the row only. */
Test(engine_frames, sum_within_a_row_of_accesses_decides_each)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL | PAGE_USER);
    s.program->x[S2] = SSTATUS_SUM;
    PUT(&s, rv_csrrs(ZERO, CSR_SSTATUS, S2), rv_sd(A0, 0, SP), rv_ld(A1, 0, SP), rv_sd(A0, 8, SP),
        rv_csrrc(ZERO, CSR_SSTATUS, S2), rv_sd(ZERO, 0, SP), rv_ld(A1, 8, SP), rv_sd(ZERO, 8, SP),
        rv_addi(A0, A0, 1));
    put_end_of_round(&s, SCENARIO_CODE);
    scenario_run(&s, 160);
    cr_expect_eq(scenario_x(&s, TRAPS), 3 * ROUNDS);
    cr_expect_eq(scenario_load(&s, FRAME_A + 512), 0xa + ROUNDS - 1);
    cr_expect_eq(scenario_load(&s, FRAME_A + 520), 0xa + ROUNDS - 1);
    scenario_end(&s);
}

/* What is known of the unit on the way without skipping is not known behind it. */
Test(engine_frames, a_skipped_access_says_nothing_about_the_unit)
{
    struct scenario s;
    begin_frame(&s, PAGE_ALL);
    s.program->sstatus = 0; /* the unit is off */
    s.program->x[T1] = 1;
    PUT(&s, rv_sd(A0, 0, SP), rv_ld(A1, 0, SP), rv_bne(T1, ZERO, 8), rv_fsd(1, 8, SP),
        rv_fsd(2, 16, SP), rv_ld(A2, 24, SP), rv_sd(A2, 32, SP));
    put_end_of_round(&s, SCENARIO_CODE);
    s.program->f[2] = 7;
    scenario_run(&s, 90);
    cr_expect_eq(scenario_x(&s, TRAPS), ROUNDS);
    cr_expect_eq(scenario_load(&s, FRAME_A + 512 + 16), 0);
    scenario_end(&s);
}

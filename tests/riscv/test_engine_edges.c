/* What only just fits, and what only just does not: shapes of code at the edges of what a
 * translation allows. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY rv_jal(ZERO, 0)

/* Again from the first instruction, t0 times all told */
static void put_end_of_loop(struct scenario *s)
{
    PUT(s, rv_addi(T0, T0, -1));
    PUT(s, rv_bne(T0, ZERO, (int32_t)(SCENARIO_CODE - s->here)), STAY);
}

/* if (t0 bit || t1 bit) a1++ */
Test(engine_edges, a_branch_may_lead_to_what_an_unpredictable_one_skips)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 16;
    PUT(&s, rv_andi(T1, T0, 1), rv_andi(T2, T0, 2), rv_bne(T1, ZERO, 8), rv_beq(T2, ZERO, 8),
        rv_addi(A1, A1, 1), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -24), STAY);
    scenario_run(&s, 110);
    cr_expect_eq(scenario_x(&s, A1), 12);
    scenario_end(&s);
}

/* csrs sstatus at the end of a page, with an interrupt pending */
Test(engine_edges, an_interrupt_enabled_by_the_last_instruction_of_a_page_returns_to_the_next_page)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[A0] = 2; /* SIE and SSIP and SSIE */
    PUT(&s, rv_csrrs(ZERO, CSR_SIE, A0), rv_jal(ZERO, 0xff0 - 4));
    scenario_at(&s, SCENARIO_CODE + 0xff0);
    PUT(&s, rv_addi(A2, A2, 1), rv_csrrc(ZERO, CSR_SSTATUS, A0), rv_csrrs(ZERO, CSR_SIP, A0),
        rv_csrrs(ZERO, CSR_SSTATUS, A0));
    PUT(&s, rv_addi(A3, A3, 1), rv_csrrc(ZERO, CSR_SIP, A0), rv_csrrc(ZERO, CSR_SSTATUS, A0),
        rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -0x20), STAY);
    scenario_run(&s, 60);
    scenario_end(&s);
}

/* The first group of a block lies in a skip, the second behind it */
Test(engine_edges, a_row_of_accesses_may_begin_among_what_is_skipped)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[SP] = SCENARIO_DATA + 512;
    s.program->x[S1] = SCENARIO_DATA + 4096 - 16; /* the group lies in two pages */
    s.program->x[S3] = UINT64_C(1) << 33;
    PUT(&s, rv_addi(A4, S3, 1), rv_addi(A4, A4, -1), rv_andi(T1, T0, 1), rv_beq(T1, ZERO, 20),
        rv_ld(A1, 0, SP), rv_ld(A2, 8, SP), rv_ld(A3, 16, SP), rv_lw(A4, 0, SP), rv_ld(A5, 0, S1),
        rv_ld(A6, 8, S1), rv_ld(A7, 16, S1), rv_add(S4, S4, A4), rv_bne(A4, ZERO, 12),
        rv_addi(S2, S2, 1), rv_addi(S5, S2, 1));
    put_end_of_loop(&s);
    scenario_run(&s, 70);
    cr_expect_eq(scenario_x(&s, S2), 2);
    scenario_end(&s);
}

static uint32_t fmadd(unsigned format, unsigned rd, unsigned rs1, unsigned rs2, unsigned rs3)
{
    return rs3 << 27 | format << 25 | rs2 << 20 | rs1 << 15 | 7u << 12 | rd << 7 | 0x43;
}

Test(engine_edges, fused_operations_without_end_can_be_translated)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    for (unsigned i = 0; i < 62; i++) {
        scenario_put(&s, fmadd(0, i % 12, 12 + i % 3, 12 + (i + 1) % 3, 12 + (i + 2) % 3));
    }
    put_end_of_loop(&s);
    scenario_run(&s, 200);
    scenario_end(&s);
}

Test(engine_edges, fused_operations_on_values_that_are_no_singles_can_be_translated)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[S1] = SCENARIO_DATA;
    for (unsigned i = 0; i < 380; i++) {
        scenario_put(&s, fmadd(0, i % 12, 12 + i % 3, 12 + (i + 1) % 3, 12 + (i + 2) % 3));
    }
    put_end_of_loop(&s);
    scenario_run(&s, 1000);
    scenario_end(&s);
}

/* An AMO that changes its own block, of which it is the first instruction */
Test(engine_edges, an_amo_that_writes_its_own_block_does_what_it_says)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[S1] = SCENARIO_CODE + 12;
    s.program->x[A1] = 1 << 20;
    PUT(&s, rv_addi(T0, T0, -1), rv_jal(ZERO, 4));
    PUT(&s, 0x0004a52f | A1 << 20, /* amoadd.w a0, a1, (s1) */
        rv_addi(A2, A2, 0), rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A2), 10);
    scenario_end(&s);
}

/* A page table entry that is a load, the first instruction of its block, and maps what it loads:
 * setting its A bit kills the block. */
Test(engine_edges, a_load_whose_walk_writes_its_own_block_does_what_it_says)
{
    struct scenario s;
    scenario_begin(&s);
    scenario_page(&s);
    uint64_t place = scenario_map(&s, 0, FRAME_ADDRESS(1), PAGE_READ);
    scenario_store(&s, place, rv_lb(A0, 0x200, ZERO), 8);
    scenario_store(&s, FRAME_ADDRESS(1) + 0x200, 0x80, 1);
    s.program->x[S1] = place;
    PUT(&s, rv_jalr(RA, S1, 0), STAY);
    scenario_run(&s, 4);
    cr_expect_eq(scenario_x(&s, A0), (uint64_t)-128);
    scenario_end(&s);
}

/* Of (t1 && t2) || ..: the second branch skips from within the first skip to behind it. */
Test(engine_edges, a_word_survives_branches_that_cross)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 16;
    s.program->x[A1] = UINT64_C(0x7fffffff);
    PUT(&s, rv_andi(T1, T0, 1), rv_andi(T2, T0, 2), rv_addi(A0, A1, 0), rv_beq(T1, ZERO, 12),
        rv_addw(A0, A0, A1), rv_beq(T2, ZERO, 12), rv_addi(A2, A2, 1), rv_addi(A3, A3, 1),
        rv_add(S2, S2, A0));
    put_end_of_loop(&s);
    scenario_run(&s, 160);
    scenario_end(&s);
}

Test(engine_edges, a_shift_by_a_negative_constant_takes_its_low_bits)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A0] = UINT64_C(0x123456789abcdef0);
    PUT(&s, rv_addi(T1, ZERO, -5), rv_addi(A1, A0, 0), rv_slli(A1, A1, 32),
        rv_r(0, T1, A1, 5, A1, 0x33), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A1), UINT64_C(0x9abcdef0) << 32 >> 59);
    scenario_end(&s);
}

/* The interpreter reads the environment's clock, then translated code enables interrupts. */
Test(engine_edges, a_timer_found_due_by_the_interpreter_fires_in_translated_code)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->environment_clock = true;
    s.program->stimecmp = 1;
    s.program->sie = 0x20;
    s.program->x[T0] = 3;
    s.program->x[A0] = 2;
    PUT(&s, rv_csrrs(ZERO, CSR_SSTATUS, A0), rv_addi(A1, A1, 1), rv_csrrc(ZERO, CSR_SSTATUS, A0),
        rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -16), rv_csrrs(T1, CSR_TIME, ZERO),
        rv_jal(ZERO, -24));
    scenario_run(&s, 80);
    scenario_end(&s);
}

Test(engine_edges, store_conditionals_without_end_can_be_translated)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[S1] = SCENARIO_DATA;
    s.program->x[SP] = SCENARIO_DATA + 512;
    PUT(&s, rv_ld(A0, 0, SP));
    for (unsigned i = 0; i < 46; i++) {
        scenario_put(&s, rv_sc_d(T2, T1, S1));
    }
    PUT(&s, rv_ld(A0, 0, SP), rv_ld(A0, 0, SP));
    for (unsigned i = 0; i < 12; i++) {
        scenario_put(&s, rv_fld(i, 0, S1));
    }
    put_end_of_loop(&s);
    scenario_run(&s, 200);
    scenario_end(&s);
}

Test(engine_edges, fused_operations_in_a_hot_loop_can_be_translated, .timeout = 120)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 30;
    for (unsigned i = 0; i < 380; i++) {
        scenario_put(&s, fmadd(0, i % 12, 12 + i % 3, 12 + (i + 1) % 3, 12 + (i + 2) % 3));
    }
    put_end_of_loop(&s);
    s.program->length = 11600;
    struct manner m = {.name = "jit"};
    hart_config_init(&m.config);
    m.config.hot_after = 24;
    m.other_config = m.config;
    struct run *run = run_create(s.program, &m);
    run_to(run, 11600);
    run_destroy(run);
    scenario_end(&s);
}

Test(engine_edges, store_conditionals_away_from_home_can_be_translated)
{
    static const uint8_t away[] = {T3, T4, T5, S2, S3, S4, S5, S6};
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[S1] = SCENARIO_DATA;
    s.program->x[SP] = SCENARIO_DATA + 512;
    PUT(&s, rv_ld(A0, 0, SP));
    for (unsigned i = 0; i < 45; i++) {
        scenario_put(&s, rv_sc_w(away[i % 8], away[(i + 3) % 8], S1));
    }
    PUT(&s, rv_ld(A0, 0, SP), rv_ld(A0, 0, SP));
    for (unsigned i = 0; i < 12; i++) {
        scenario_put(&s, rv_fld(i, 0, S1));
    }
    put_end_of_loop(&s);
    scenario_run(&s, 200);
    scenario_end(&s);
}

/* What a compiler makes of an unrolled loop over doubles */
static void run_over_doubles(unsigned accesses, unsigned additions)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[T0] = 4;
    s.program->x[SP] = SCENARIO_DATA + 512;
    for (unsigned i = 0; i < accesses; i++) {
        scenario_put(&s, rv_fld(i, (int32_t)i * 8, SP));
    }
    for (unsigned i = 0; i < additions; i++) {
        scenario_put(&s, rv_fadd_d(i % 12, (i + 1) % 12, (i + 5) % 12, 7));
    }
    for (unsigned i = 0; i < accesses; i++) {
        scenario_put(&s, rv_fsd(i, (int32_t)i * 8, SP));
    }
    put_end_of_loop(&s);
    scenario_run(&s, 200);
    scenario_end(&s);
}

Test(engine_edges, doubles_without_end_can_be_translated)
{
    run_over_doubles(12, 38);
}

Test(engine_edges, doubles_around_a_row_of_accesses_can_be_translated)
{
    run_over_doubles(3, 56);
}

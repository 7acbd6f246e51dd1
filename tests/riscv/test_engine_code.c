/* Code that is written while it runs, or lies where it might be mistaken for other code. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY     rv_jal(ZERO, 0)
#define LI(x, n) rv_addi(x, ZERO, n)

/* A register holds an instruction to be stored, another the place. */
static void give(struct scenario *s, unsigned x, uint64_t value)
{
    s->program->x[x] = value;
}

Test(engine_code, a_store_to_the_next_instruction_takes_effect_at_once)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 8);
    give(&s, S1, LI(A0, 7));
    PUT(&s, RV_NOP, rv_sw(S1, 0, S0), LI(A0, 1), rv_addi(A0, A0, 100), STAY);
    scenario_run(&s, 10);
    cr_expect_eq(scenario_x(&s, A0), 107);
    scenario_end(&s);
}

Test(engine_code, a_store_far_ahead_in_the_same_block_takes_effect)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 4 * 20);
    give(&s, S1, LI(A0, 7));
    PUT(&s, rv_sw(S1, 0, S0));
    for (unsigned i = 0; i < 19; i++) {
        PUT(&s, rv_addi(A1, A1, 1));
    }
    PUT(&s, LI(A0, 1), STAY);
    scenario_run(&s, 25);
    cr_expect_eq(scenario_x(&s, A0), 7);
    cr_expect_eq(scenario_x(&s, A1), 19);
    scenario_end(&s);
}

Test(engine_code, a_loop_that_changes_itself_does_so_in_every_round)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE);
    give(&s, S1, rv_addi(A0, A0, 1));
    give(&s, T0, UINT64_C(1) << 20); /* one more in the immediate */
    PUT(&s, rv_addi(A0, A0, 1), rv_add(S1, S1, T0), rv_sw(S1, 0, S0), rv_jal(ZERO, -12));
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A0), 55);
    scenario_end(&s);
}

Test(engine_code, a_store_behind_in_the_same_block_takes_effect_in_the_next_round)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 4);
    give(&s, S1, rv_addi(A0, A0, 16));
    give(&s, T0, 3);
    PUT(&s, RV_NOP, rv_addi(A0, A0, 1), rv_sw(S1, 0, S0), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A0), 33);
    scenario_end(&s);
}

/* The jump to the second block is taken often enough to be linked, then its target is rewritten. */
Test(engine_code, a_linked_jump_finds_the_new_code_of_its_target)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 64);
    give(&s, S1, rv_addi(A0, A0, 100));
    give(&s, T0, 5);
    PUT(&s, rv_addi(T0, T0, -1), rv_bne(T0, ZERO, 8), rv_sw(S1, 0, S0), rv_jal(ZERO, 52));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(A0, A0, 1), rv_bne(T0, ZERO, -68), STAY);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A0), 104);
    scenario_end(&s);
}

Test(engine_code, a_linked_call_into_another_page_finds_the_new_code_there)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + GUEST_PAGE_SIZE);
    give(&s, S1, rv_addi(A0, A0, 100));
    give(&s, T0, 4);
    PUT(&s, rv_jal(RA, GUEST_PAGE_SIZE), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -8),
        rv_sw(S1, 0, S0), rv_jal(RA, GUEST_PAGE_SIZE - 16), STAY);
    scenario_at(&s, SCENARIO_CODE + GUEST_PAGE_SIZE);
    PUT(&s, rv_addi(A0, A0, 1), RV_RET);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A0), 104);
    scenario_end(&s);
}

Test(engine_code, an_indirect_jump_finds_the_new_code_of_its_target)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 128);
    give(&s, S1, rv_addi(A0, A0, 100));
    give(&s, T0, 4);
    PUT(&s, rv_jalr(RA, S0, 0), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -8), rv_sw(S1, 0, S0),
        rv_jalr(RA, S0, 0), STAY);
    scenario_at(&s, SCENARIO_CODE + 128);
    PUT(&s, rv_addi(A0, A0, 1), RV_RET);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A0), 104);
    scenario_end(&s);
}

Test(engine_code, a_return_finds_the_new_code_behind_its_call)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 4);
    give(&s, S1, rv_addi(A0, A0, 100));
    PUT(&s, rv_jal(RA, 64), rv_addi(A0, A0, 1), rv_jal(ZERO, -8));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(T0, T0, 1), rv_slti(T1, T0, 3), rv_bne(T1, ZERO, 8), rv_sw(S1, 0, S0), RV_RET);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A0), 202);
    scenario_end(&s);
}

Test(engine_code, stores_of_each_kind_to_code_are_seen)
{
    const uint32_t stores[] = {rv_sb(S1, 0, S0),         rv_sh(S1, 0, S0),
                               rv_sw(S1, 0, S0),         rv_sd(S1, 0, S0),
                               rv_fsw(9, 0, S0),         rv_fsd(9, 0, S0),
                               rv_amoswap_w(T1, S1, S0), rv_atomic(0x01, 3, T1, S1, S0)};
    for (unsigned i = 0; i < sizeof stores / sizeof *stores; i++) {
        const uint32_t after = rv_addi(A0, A0, 1); /* behind the one that is written */
        struct scenario s;
        scenario_begin(&s);
        give(&s, S0, SCENARIO_CODE + 8);
        give(&s, S1, (uint64_t)after << 32 | rv_addi(A0, A1, 2));
        s.program->f[9] = s.program->x[S1];
        give(&s, T0, 3);
        PUT(&s, stores[i], RV_NOP, rv_addi(A0, A0, 2), rv_addi(A0, A0, 1), rv_addi(T0, T0, -1),
            rv_bne(T0, ZERO, -20), STAY);
        scenario_run(&s, 24);
        scenario_end(&s);
    }
}

Test(engine_code, a_store_conditional_to_the_next_instruction_takes_effect)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 8);
    give(&s, S1, LI(A0, 7));
    PUT(&s, rv_lr_w(T0, S0), rv_sc_w(T1, S1, S0), LI(A0, 1), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 7);
    cr_expect_eq(scenario_x(&s, T1), 0);
    scenario_end(&s);
}

Test(engine_code, half_an_instruction_can_be_replaced)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 4 + 2);
    give(&s, S1, LI(A0, 7) >> 16);
    PUT(&s, rv_sh(S1, 0, S0), LI(A0, 1), STAY);
    scenario_run(&s, 5);
    cr_expect_eq(scenario_x(&s, A0), 7);
    scenario_end(&s);
}

Test(engine_code, two_short_instructions_can_become_one_long_one)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 8);
    give(&s, S1, LI(A0, 0x123));
    give(&s, T0, 2);
    /* c.li a0, 5; c.addi a0, 1 */
    PUT(&s, RV_NOP, RV_NOP, 0x4515, 0x0505, rv_sw(S1, 0, S0), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -12), STAY);
    scenario_run(&s, 16);
    cr_expect_eq(scenario_x(&s, A0), 0x123);
    scenario_end(&s);
}

Test(engine_code, the_second_half_of_an_instruction_across_pages_can_be_replaced)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + GUEST_PAGE_SIZE);
    give(&s, S1, LI(A0, 7) >> 16);
    give(&s, T0, 2);
    scenario_at(&s, SCENARIO_CODE + GUEST_PAGE_SIZE - 2);
    PUT(&s, LI(A0, 1), rv_add(A1, A1, A0), rv_sh(S1, 0, S0), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    s.program->task_pc = SCENARIO_CODE + GUEST_PAGE_SIZE - 2;
    scenario_run(&s, 16);
    cr_expect_eq(scenario_x(&s, A1), 8);
    scenario_end(&s);
}

Test(engine_code, data_beside_code_can_be_written_without_harm)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 512);
    give(&s, T0, 8);
    PUT(&s, rv_ld(A0, 0, S0), rv_addi(A0, A0, 3), rv_sd(A0, 0, S0), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 50);
    cr_expect_eq(scenario_load(&s, SCENARIO_CODE + 512), 24);
    scenario_end(&s);
}

Test(engine_code, a_jump_into_the_middle_of_a_block_runs_its_rest)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, T0, 4);
    PUT(&s, rv_addi(A0, A0, 1), rv_addi(A0, A0, 16), rv_addi(A0, A0, 256), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -8), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A0), 1 + 16 + 4 * 256);
    scenario_end(&s);
}

/* The upper half of an instruction is one itself: c.addi a1, 1. */
Test(engine_code, a_jump_into_the_middle_of_an_instruction_runs_what_is_there)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, T0, 3);
    PUT(&s, rv_lui(A0, UINT32_C(0x05850000)), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -6), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A0), 0x05850000);
    cr_expect_eq(scenario_x(&s, A1), 2);
    scenario_end(&s);
}

Test(engine_code, a_store_to_code_seen_from_two_entries_changes_both)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, SCENARIO_CODE + 72);
    give(&s, S1, rv_addi(A0, A0, 100));
    PUT(&s, rv_jal(RA, 64), rv_jal(RA, 64), rv_sw(S1, 0, S0), rv_jal(RA, 52), rv_jal(RA, 52), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(A1, A1, 1), rv_addi(A1, A1, 1), rv_addi(A0, A0, 1), RV_RET);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A0), 202);
    cr_expect_eq(scenario_x(&s, A1), 6);
    scenario_end(&s);
}

Test(engine_code, a_device_that_writes_code_during_a_store_is_seen_at_once)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, S0, DEVICE_START + DEVICE_WRITES_RAM);
    give(&s, S1, SCENARIO_CODE + 12); /* becomes addi a0, a0, 4 */
    PUT(&s, RV_NOP, rv_sd(S1, 0, S0), RV_NOP, LI(A0, 1), rv_addi(A0, A0, 32), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A0), 36);
    scenario_end(&s);
}

Test(engine_code, an_sbi_call_that_writes_code_is_seen_at_once)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, A0, SCENARIO_CODE + 12);
    give(&s, A7, 5);
    PUT(&s, RV_NOP, RV_NOP, RV_ECALL, rv_addi(A0, A0, 1), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A0), 4);
    scenario_end(&s);
}

Test(engine_code, a_code_page_replaced_by_a_device_is_seen)
{
    const struct program_event copy = {.position = 10,
                                       .kind = EVENT_COPY,
                                       .address = SCENARIO_CODE,
                                       .value = SCENARIO_CODE + GUEST_PAGE_SIZE,
                                       .size = GUEST_PAGE_SIZE};
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_addi(A0, A0, 1), rv_jal(ZERO, -4));
    scenario_at(&s, SCENARIO_CODE + GUEST_PAGE_SIZE);
    PUT(&s, rv_addi(A0, A0, 64), rv_jal(ZERO, -4));
    scenario_event(&s, &copy);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A0), 5 + 5 * 64);
    scenario_end(&s);
}

Test(engine_code, fence_i_loses_nothing)
{
    struct scenario s;
    scenario_begin(&s);
    give(&s, T0, 5);
    PUT(&s, rv_addi(A0, A0, 1), RV_FENCE_I, rv_addi(A0, A0, 1), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A0), 10);
    scenario_end(&s);
}

/* More code than a small cache of translations holds, run over and over. */
Test(engine_code, more_code_than_fits_is_translated_again)
{
    struct scenario s;
    scenario_begin(&s);
    for (unsigned i = 0; i < 100; i++) {
        PUT(&s, rv_addi(A0, A0, 1), rv_xor(A1, A1, A0), rv_jal(ZERO, 100));
        scenario_at(&s, s.here - 4 + 100);
    }
    PUT(&s, rv_jal(ZERO, (int32_t)(SCENARIO_CODE - s.here)));
    scenario_run(&s, 400);
    cr_expect_eq(scenario_x(&s, A0), 133);
    scenario_end(&s);
}

/* Straight lines as long as they get, of what takes the most code of the host. */
Test(engine_code, a_line_of_costly_instructions_fits_into_the_smallest_cache)
{
    const uint32_t costly[] = {rv_r(3 << 2, 2, 1, 1, 3, 0x43), /* fmadd.s, to zero */
                               rv_r(3 << 2, 2, 1, 7, 3, 0x4f), /* fnmadd.s */
                               rv_float(0x0b, 0, 3, 1, 0, 4),  /* fsqrt.s, ties away */
                               rv_float(0x05, 0, 3, 1, 2, 0),  /* fmin.s */
                               rv_float(0x14, 0, A0, 1, 2, 1), /* flt.s */
                               rv_float(0x18, 0, A0, 1, 3, 1), /* fcvt.lu.s */
                               rv_float(0x1a, 0, 1, A0, 3, 1), /* fcvt.s.lu */
                               rv_float(0x08, 0, 3, 1, 1, 7),  /* fcvt.s.d */
                               rv_fld(1, 0, S0),
                               rv_fsw(1, 0, S0),
                               rv_ld(A0, 0, S0),
                               rv_sb(A0, 0, S0),
                               rv_sd(A0, 2040, S0),
                               rv_lr_w(A0, S0),
                               rv_sc_w(A0, A1, S0),
                               rv_atomic(0x1c, 2, A0, A1, S0), /* amomaxu.w */
                               rv_csrrs(A0, CSR_SSTATUS, ZERO),
                               rv_csrrc(A0, CSR_SSTATUS, ZERO),
                               rv_csrrw(A0, CSR_SSTATUS, S1),
                               rv_csrrw(A0, CSR_SSCRATCH, A1),
                               rv_r(0x01, A1, A0, 2, A2, 0x33), /* mulhsu */
                               rv_div(A0, A1, A2),
                               rv_rem(A0, A1, A2),
                               rv_i(0x287, A0, 5, A1, 0x13), /* orc.b */
                               rv_bne(A0, A1, 4),
                               rv_sfence_vma(ZERO, ZERO),
                               RV_EBREAK};
    for (unsigned i = 0; i < sizeof costly / sizeof *costly; i++) {
        struct scenario s;
        scenario_begin(&s);
        give(&s, S0, SCENARIO_DATA);
        give(&s, S1, UINT64_C(1) << 13);
        for (unsigned n = 0; n < 70; n++) {
            PUT(&s, costly[i]);
        }
        PUT(&s, rv_jal(ZERO, -280));
        scenario_run(&s, 150);
        scenario_end(&s);
    }
}

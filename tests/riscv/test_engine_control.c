/* Jumps, calls, and where a run may be cut. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY     rv_jal(ZERO, 0)
#define LI(x, n) rv_addi(x, ZERO, n)

Test(engine_control, a_jump_to_itself_counts_each_round)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, STAY);
    scenario_run(&s, 50);
    cr_expect_eq(hart_position(s.run->hart), 50);
    cr_expect_eq(hart_get_pc(s.run->hart), SCENARIO_CODE);
    scenario_end(&s);
}

Test(engine_control, a_branch_to_itself_counts_each_round)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, RV_NOP, rv_beq(A0, ZERO, 0));
    scenario_run(&s, 50);
    cr_expect_eq(hart_get_pc(s.run->hart), SCENARIO_CODE + 4);
    scenario_end(&s);
}

Test(engine_control, a_branch_to_the_next_instruction_is_the_same_taken_or_not)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_xori(T0, T0, 1), rv_beq(T0, ZERO, 4), rv_addi(A0, A0, 1), rv_jal(ZERO, -12));
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, A0), 10);
    scenario_end(&s);
}

Test(engine_control, a_jump_to_the_next_instruction_still_links)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_jal(RA, 4), rv_addi(A0, RA, 0), STAY);
    scenario_run(&s, 5);
    cr_expect_eq(scenario_x(&s, A0), SCENARIO_CODE + 4);
    scenario_end(&s);
}

/* The value of the counter after the loop is used, and the loop is entered twice. */
Test(engine_control, loops_within_loops_can_be_cut_anywhere)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = 3;
    PUT(&s, LI(T0, 4), rv_addi(A0, A0, 1), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -8),
        rv_add(A1, A1, T0), rv_addi(S0, S0, -1), rv_bne(S0, ZERO, -24), STAY);
    scenario_run(&s, 60);
    cr_expect_eq(scenario_x(&s, A0), 12);
    cr_expect_eq(scenario_x(&s, A1), 0);
    scenario_end(&s);
}

Test(engine_control, a_straight_line_longer_than_any_block_can_be_cut_anywhere)
{
    struct scenario s;
    scenario_begin(&s);
    for (unsigned i = 0; i < 150; i++) {
        PUT(&s, i % 3 == 0 ? 0x0505 /* c.addi a0, 1 */ : rv_add(A1, A1, A0));
    }
    PUT(&s, STAY);
    scenario_run(&s, 155);
    cr_expect_eq(scenario_x(&s, A0), 50);
    scenario_end(&s);
}

Test(engine_control, a_comparison_before_a_branch_leaves_its_result)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A1] = 5;
    s.program->x[A2] = UINT64_MAX;
    PUT(&s, rv_slt(T0, A2, A1), rv_bne(T0, ZERO, 8), LI(A0, 1), rv_sltu(T1, A2, A1),
        rv_beq(T1, ZERO, 8), LI(A0, 2), rv_sltiu(T2, A1, 5), rv_bne(T2, ZERO, 8), LI(A3, 3), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, T0), 1);
    cr_expect_eq(scenario_x(&s, T1), 0);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_x(&s, A3), 3);
    scenario_end(&s);
}

Test(engine_control, a_comparison_may_overwrite_what_it_compares)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A0] = 5;
    s.program->x[A1] = 9;
    PUT(&s, rv_slt(A0, A0, A1), rv_beq(A0, ZERO, 8), rv_addi(A2, A0, 40), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A2), 41);
    scenario_end(&s);
}

Test(engine_control, the_first_half_of_a_constant_is_a_result_too)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_lui(A0, 0x80000000), rv_addi(A1, A0, 0x7ff), rv_auipc(A2, 0xfffff000),
        rv_addi(A2, A2, -1), rv_lui(A3, 0x12345000), rv_addiw(A3, A3, 0x678), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A0), UINT64_C(0xffffffff80000000));
    cr_expect_eq(scenario_x(&s, A1), UINT64_C(0xffffffff800007ff));
    cr_expect_eq(scenario_x(&s, A2), SCENARIO_CODE + 8 - 0x1000 - 1);
    cr_expect_eq(scenario_x(&s, A3), 0x12345678);
    scenario_end(&s);
}

Test(engine_control, jalr_jumps_by_the_old_value_of_its_own_link_register)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[RA] = SCENARIO_CODE + 64;
    PUT(&s, rv_jalr(RA, RA, 0));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(A0, RA, 0), STAY);
    scenario_run(&s, 5);
    cr_expect_eq(scenario_x(&s, A0), SCENARIO_CODE + 4);
    scenario_end(&s);
}

Test(engine_control, jalr_clears_the_last_bit_of_its_target)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_CODE + 64;
    s.program->x[S1] = SCENARIO_CODE + 65;
    PUT(&s, rv_jalr(RA, S0, 1), rv_jalr(RA, S1, 0), rv_jalr(RA, S1, 1), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(A0, A0, 1), RV_NOP, RV_RET);
    scenario_run(&s, 16);
    /* 65 + 1 is the middle of the first instruction, a hint that does nothing. */
    cr_expect_eq(scenario_x(&s, A0), 2);
    scenario_end(&s);
}

Test(engine_control, a_function_returns_to_each_of_its_callers)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_jal(RA, 64), rv_addi(A0, A0, 16), rv_jal(RA, 56), rv_addi(A0, A0, 256),
        rv_jal(ZERO, -16));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(A0, A0, 1), RV_RET);
    scenario_run(&s, 45);
    cr_expect_eq(scenario_x(&s, A0), 5 * (2 + 16 + 256));
    scenario_end(&s);
}

Test(engine_control, a_return_may_go_elsewhere_than_its_call_came_from)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, rv_jal(RA, 64), LI(A0, 1), rv_addi(A1, A1, 1), rv_jal(ZERO, -12));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(RA, RA, 4), RV_RET);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_x(&s, A1), 6);
    scenario_end(&s);
}

Test(engine_control, returns_may_skip_callers)
{
    struct scenario s;
    scenario_begin(&s);
    /* outer calls middle, which calls inner, which returns to outer at once */
    PUT(&s, rv_jal(RA, 64), rv_addi(A0, A0, 1), rv_jal(ZERO, -8));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(S2, RA, 0), rv_jal(RA, 60), LI(A1, 1), rv_jalr(ZERO, S2, 0));
    scenario_at(&s, SCENARIO_CODE + 128);
    PUT(&s, rv_jalr(ZERO, S2, 0));
    scenario_run(&s, 36);
    cr_expect_eq(scenario_x(&s, A0), 6);
    cr_expect_eq(scenario_x(&s, A1), 0);
    scenario_end(&s);
}

/* Deeper than a return-address stack is likely to be. */
Test(engine_control, recursion_returns_from_any_depth)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[SP] = SCENARIO_DATA + GUEST_PAGE_SIZE;
    PUT(&s, LI(A0, 70), rv_jal(RA, 60), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, rv_addi(SP, SP, -8), rv_sd(RA, 0, SP), rv_addi(A0, A0, -1), rv_beq(A0, ZERO, 8),
        rv_jal(RA, -16), rv_addi(A1, A1, 1), rv_ld(RA, 0, SP), rv_addi(SP, SP, 8), RV_RET);
    scenario_run(&s, 640);
    cr_expect_eq(scenario_x(&s, A1), 70);
    cr_expect_eq(hart_get_pc(s.run->hart), SCENARIO_CODE + 8);
    scenario_end(&s);
}

/* The same place jumps to a different one each time. */
Test(engine_control, an_indirect_jump_goes_wherever_its_register_says)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_CODE + 64;
    PUT(&s, rv_andi(T0, T1, 3), rv_slli(T0, T0, 4), rv_add(T0, T0, S0), rv_addi(T1, T1, 1),
        rv_jalr(RA, T0, 0), rv_jal(ZERO, -20));
    scenario_at(&s, SCENARIO_CODE + 64);
    for (int32_t i = 0; i < 4; i++) {
        PUT(&s, rv_addi(A0, A0, 1 << 2 * i), RV_RET, RV_NOP, RV_NOP);
    }
    scenario_run(&s, 8 * 9);
    cr_expect_eq(scenario_x(&s, A0), 2 * (1 + 4 + 16 + 64) + 1);
    scenario_end(&s);
}

Test(engine_control, writes_to_x0_are_lost)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_DATA;
    s.program->x[A1] = 5;
    PUT(&s, rv_addi(ZERO, A1, 1), rv_ld(ZERO, 0, S0), rv_amoadd_d(ZERO, A1, S0),
        rv_csrrw(ZERO, CSR_SSCRATCH, A1), rv_jal(ZERO, 4), rv_jalr(ZERO, RA, 0));
    s.program->x[RA] = SCENARIO_CODE + 28;
    scenario_at(&s, SCENARIO_CODE + 28);
    PUT(&s, rv_addi(A0, ZERO, 0), rv_mul(ZERO, A1, A1), rv_add(A0, ZERO, ZERO), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, ZERO), 0);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_load(&s, SCENARIO_DATA), 5);
    scenario_end(&s);
}

Test(engine_control, instret_reads_the_exact_position_inside_a_loop)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, RV_NOP, rv_csrrs(A0, CSR_INSTRET, ZERO), rv_csrrs(A1, CSR_CYCLE, ZERO),
        rv_add(A2, A2, A0), rv_jal(ZERO, -16));
    scenario_run(&s, 28);
    cr_expect_eq(scenario_x(&s, A0), 26);
    cr_expect_eq(scenario_x(&s, A1), 27);
    scenario_end(&s);
}

Test(engine_control, time_is_computed_from_the_exact_position)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->clock.rate_q32 = UINT64_C(50) << 32;
    PUT(&s, RV_NOP, rv_csrrs(A0, CSR_TIME, ZERO), RV_NOP, rv_jal(ZERO, -12));
    scenario_run(&s, 22);
    cr_expect_eq(scenario_x(&s, A0), 21 * 50 / HART_TIME_TICK_NS);
    scenario_end(&s);
}

Test(engine_control, division_by_zero_and_overflow_do_not_trap)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A1] = UINT64_C(1) << 63;
    s.program->x[A2] = UINT64_MAX;
    s.program->x[A6] = 0x80000000;
    PUT(&s, rv_div(A3, A1, ZERO), rv_rem(A4, A1, ZERO), rv_div(A5, A1, A2), rv_rem(S2, A1, A2),
        rv_divw(S3, A6, A2), rv_divw(S4, A6, ZERO), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A3), UINT64_MAX);
    cr_expect_eq(scenario_x(&s, A4), UINT64_C(1) << 63);
    cr_expect_eq(scenario_x(&s, A5), UINT64_C(1) << 63);
    cr_expect_eq(scenario_x(&s, S2), 0);
    cr_expect_eq(scenario_x(&s, S3), UINT64_C(0xffffffff80000000));
    cr_expect_eq(scenario_x(&s, S4), UINT64_MAX);
    scenario_end(&s);
}

Test(engine_control, shifts_take_as_many_bits_of_their_amount_as_they_need)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A1] = UINT64_C(0x8000000080000000);
    s.program->x[A2] = 64 + 32 + 1;
    PUT(&s, rv_sll(A3, A1, A2), rv_sra(A4, A1, A2), rv_srlw(A5, A1, A2), rv_sll(A2, A2, A2), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A3), 0);
    cr_expect_eq(scenario_x(&s, A4), UINT64_C(0xffffffffc0000000));
    cr_expect_eq(scenario_x(&s, A5), 0x40000000);
    cr_expect_eq(scenario_x(&s, A2), UINT64_C(97) << 33);
    scenario_end(&s);
}

/* Each CSR of S mode written whole, in part, and read back. */
Test(engine_control, csrs_keep_what_is_legal_of_a_value)
{
    static const struct {
        uint16_t number;
        uint64_t kept; /* of all ones */
    } csrs[] = {{CSR_SSCRATCH, UINT64_MAX},
                {CSR_SEPC, UINT64_MAX - 1},
                {CSR_SCAUSE, UINT64_MAX},
                {CSR_STVAL, UINT64_MAX},
                {CSR_STVEC, UINT64_MAX - 2},
                {CSR_SSTATUS, UINT64_C(0x80000002000c6122)},
                {CSR_SIE, 0x222},
                {CSR_SIP, 0x002},
                {CSR_SCOUNTEREN, 7},
                {CSR_SENVCFG, 1},
                {CSR_STIMECMP, UINT64_MAX},
                {CSR_SATP, 0}, /* no such mode */
                {CSR_FCSR, 0xff},
                {CSR_FRM, 7},
                {CSR_FFLAGS, 0x1f}};
    for (unsigned i = 0; i < sizeof csrs / sizeof *csrs; i++) {
        const uint32_t csr = csrs[i].number;
        struct scenario s;
        scenario_begin(&s);
        s.program->x[S0] = UINT64_MAX;
        s.program->x[S1] = UINT64_C(0x5555555555555555);
        PUT(&s, rv_csrrw(A0, csr, S0), rv_csrrs(A1, csr, ZERO), rv_csrrc(A2, csr, S1),
            rv_csrrs(A3, csr, S1), rv_csrrci(A4, csr, 3), rv_csrrsi(A5, csr, 3),
            rv_csrrwi(ZERO, csr, 9), rv_csrrw(S1, csr, S1), rv_csrrw(ZERO, csr, ZERO), STAY);
        scenario_run(&s, 16);
        cr_expect_eq(scenario_x(&s, A1), csrs[i].kept, "CSR %x: %llx", csr,
                     (unsigned long long)scenario_x(&s, A1));
        scenario_end(&s);
    }
}

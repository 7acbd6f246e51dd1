/* Faults in the middle of a straight line, and interrupts between any two instructions. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY     rv_jal(ZERO, 0)
#define LI(x, n) rv_addi(x, ZERO, n)

#define NOWHERE         UINT64_C(0x1000) /* no RAM, and the device there refuses */
#define SSTATUS_SIE     2
#define SIE_SOFTWARE    0x002
#define SIE_TIMER       0x020
#define SIE_EXTERNAL    0x200
#define CAUSE_INTERRUPT (UINT64_C(1) << 63)

Test(engine_traps, a_fault_keeps_what_came_before_and_nothing_of_what_comes_after)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = NOWHERE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, rv_addi(A0, A0, 1), rv_addi(A1, A1, 1), rv_ld(A2, 0, S0), rv_addi(A0, A0, 1),
        rv_addi(A3, A3, 1));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_x(&s, A1), 1);
    cr_expect_eq(scenario_x(&s, A3), 0);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 8);
    cr_expect_eq(scenario_csr(&s, CSR_SCAUSE), 5);
    cr_expect_eq(scenario_csr(&s, CSR_STVAL), NOWHERE);
    scenario_end(&s);
}

Test(engine_traps, a_faulting_load_leaves_its_register_and_its_base)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = NOWHERE;
    s.program->x[A0] = 77;
    s.program->f[10] = 78;
    PUT(&s, rv_ld(A0, 8, S0), rv_ld(S0, 16, S0), rv_fld(10, 24, S0), rv_lr_d(A0, S0),
        rv_amoadd_d(A0, A0, S0), STAY);
    scenario_run(&s, 60);
    cr_expect_eq(scenario_x(&s, A0), 77);
    cr_expect_eq(scenario_x(&s, S0), NOWHERE);
    cr_expect_eq(hart_get_f(s.run->hart, 10), 78);
    cr_expect_eq(scenario_x(&s, TRAPS), 5);
    scenario_end(&s);
}

Test(engine_traps, a_loop_that_faults_in_every_round_goes_on)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = NOWHERE;
    s.program->x[T0] = 5;
    PUT(&s, rv_addi(A0, A0, 1), rv_sd(A0, 0, S0), rv_addi(A0, A0, 1), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 80);
    cr_expect_eq(scenario_x(&s, A0), 10);
    cr_expect_eq(scenario_x(&s, TRAPS), 5);
    scenario_end(&s);
}

/* The same instruction works in one round and faults in the next. */
Test(engine_traps, a_load_that_worked_before_may_fault)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_DATA + PROGRAM_DATA_PAGES * GUEST_PAGE_SIZE - 32;
    s.program->x[S1] = UINT64_C(1) << 40;
    s.program->x[T0] = 6;
    PUT(&s, rv_ld(A0, 0, S0), rv_addi(A1, A1, 1), rv_xor(S0, S0, S1), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 80);
    cr_expect_eq(scenario_x(&s, A1), 6);
    scenario_end(&s);
}

Test(engine_traps, a_trap_loop_counts_each_trap)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->stvec = SCENARIO_CODE + 4; /* the one that traps */
    PUT(&s, RV_NOP, 0xffffffff);
    scenario_run(&s, 40);
    cr_expect_eq(hart_position(s.run->hart), 40);
    cr_expect_eq(hart_get_pc(s.run->hart), SCENARIO_CODE + 4);
    scenario_end(&s);
}

Test(engine_traps, a_handler_outside_of_memory_counts_each_fetch)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->stvec = NOWHERE;
    PUT(&s, RV_NOP, RV_EBREAK);
    scenario_run(&s, 40);
    cr_expect_eq(hart_get_pc(s.run->hart), NOWHERE);
    cr_expect_eq(scenario_csr(&s, CSR_SCAUSE), 1);
    scenario_end(&s);
}

Test(engine_traps, a_jump_out_of_memory_faults_at_its_target)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = NOWHERE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, LI(A0, 1), rv_jalr(RA, S0, 4));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 5);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), NOWHERE + 4);
    cr_expect_eq(scenario_csr(&s, CSR_STVAL), NOWHERE + 4);
    cr_expect_eq(scenario_x(&s, RA), SCENARIO_CODE + 8);
    scenario_end(&s);
}

Test(engine_traps, stval_of_an_illegal_instruction_is_its_bits)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[SHORT_SKIP] = 1;
    PUT(&s, LI(A0, 1), 0x0000 /* defined to be illegal */, rv_addi(A1, TRAP_VALUE, 0),
        LI(SHORT_SKIP, 0), 0xfe00007f, rv_addi(A2, TRAP_VALUE, 0), STAY);
    scenario_run(&s, 32);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_x(&s, A2), 0xfe00007f);
    cr_expect_eq(scenario_x(&s, TRAPS), 2);
    scenario_end(&s);
}

Test(engine_traps, breakpoints_of_both_lengths_report_their_address)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[SHORT_SKIP] = 1;
    PUT(&s, RV_NOP, 0x9002, rv_addi(A1, TRAP_VALUE, 0), LI(SHORT_SKIP, 0), RV_EBREAK,
        rv_addi(A2, TRAP_VALUE, 0), STAY);
    scenario_run(&s, 32);
    cr_expect_eq(scenario_x(&s, A1), SCENARIO_CODE + 4);
    cr_expect_eq(scenario_x(&s, A2), SCENARIO_CODE + 14);
    scenario_end(&s);
}

Test(engine_traps, misaligned_atomics_trap_and_misaligned_loads_do_not)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_DATA + 4;
    s.program->x[S1] = SCENARIO_DATA + 2;
    scenario_store(&s, SCENARIO_DATA, UINT64_C(0x1122334455667788), 8);
    PUT(&s, rv_amoadd_d(A0, A1, S0), rv_lw(A2, 0, S1), rv_lr_w(A3, S1), rv_sd(A2, 3, S1), STAY);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, TRAPS), 2);
    cr_expect_eq(scenario_x(&s, A2), 0x33445566);
    cr_expect_eq(scenario_x(&s, A0), 0);
    scenario_end(&s);
}

Test(engine_traps, a_device_in_the_middle_of_a_line_sees_the_exact_state)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = DEVICE_START;
    s.program->f[1] = s.program->f[2] = UINT64_C(0x3fd5555555555555);
    /* The digests that the world records hold flags, registers and position. */
    PUT(&s, rv_addi(A0, A0, 1), rv_fmul_d(3, 1, 2, 0), rv_ld(A1, 0, S0), rv_addi(A0, A0, 1),
        rv_sw(A0, 4, S0), rv_lbu(A2, 1, S0), rv_jal(ZERO, -24));
    scenario_run(&s, 30);
    cr_expect_eq(s.run->world.count, 12);
    cr_expect_eq(s.run->world.records[0].position, 2);
    cr_expect_eq(s.run->world.records[0].pc, SCENARIO_CODE + 8);
    scenario_end(&s);
}

Test(engine_traps, a_misaligned_access_to_a_device_is_refused)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = DEVICE_START + 2;
    PUT(&s, rv_lw(A0, 0, S0), rv_sd(A0, 0, S0), rv_lhu(A1, 0, S0), STAY);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, TRAPS), 2);
    cr_expect_eq(s.run->world.count, 1);
    scenario_end(&s);
}

Test(engine_traps, a_device_can_stop_the_run_in_the_middle_of_a_line)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = DEVICE_START + DEVICE_STOPS;
    PUT(&s, rv_addi(A0, A0, 1), rv_ld(A1, 0, S0), rv_addi(A0, A0, 1), rv_ld(A1, 8, S0),
        rv_addi(A0, A0, 1), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(s.run->world.count, 4); /* two reads, each with a stop; the second is refused */
    cr_expect_eq(s.run->world.records[1].kind, RECORD_STOP);
    cr_expect_eq(s.run->world.records[1].position, 2);
    cr_expect_eq(scenario_x(&s, TRAPS), 1);
    scenario_end(&s);
}

Test(engine_traps, a_line_raised_by_a_device_interrupts_before_the_next_instruction)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = DEVICE_START + DEVICE_RAISES;
    s.program->sie = SIE_EXTERNAL;
    s.program->sstatus |= SSTATUS_SIE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, rv_addi(A0, A0, 1), rv_sw(A0, 0, S0), rv_addi(A0, A0, 1), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 8);
    cr_expect_eq(scenario_csr(&s, CSR_SCAUSE), CAUSE_INTERRUPT | 9);
    scenario_end(&s);
}

/* Each of these makes a pending software interrupt deliverable. */
Test(engine_traps, an_interrupt_enabled_by_a_csr_write_comes_before_the_next_instruction)
{
    const uint32_t enablers[] = {rv_csrrsi(ZERO, CSR_SSTATUS, SSTATUS_SIE),
                                 rv_csrrwi(A2, CSR_SIE, SIE_SOFTWARE),
                                 rv_csrrsi(ZERO, CSR_SIP, SIE_SOFTWARE)};
    for (unsigned i = 0; i < 3; i++) {
        struct scenario s;
        scenario_begin(&s);
        s.program->sstatus |= i == 0 ? 0 : SSTATUS_SIE;
        s.program->sie = i == 1 ? 0 : SIE_SOFTWARE;
        s.program->stvec = SCENARIO_CODE + 64;
        PUT(&s, i == 2 ? RV_NOP : rv_csrrsi(ZERO, CSR_SIP, SIE_SOFTWARE), rv_addi(A0, A0, 1),
            enablers[i], rv_addi(A0, A0, 1), STAY);
        scenario_at(&s, SCENARIO_CODE + 64);
        PUT(&s, STAY);
        scenario_run(&s, 8);
        cr_expect_eq(scenario_x(&s, A0), 1, "enabler %u", i);
        cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 12);
        scenario_end(&s);
    }
}

Test(engine_traps, an_interrupt_enabled_by_sret_comes_before_the_next_instruction)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_CODE + 32;
    s.program->x[S1] = 0x120; /* SPP, SPIE */
    s.program->sie = SIE_SOFTWARE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, rv_csrrsi(ZERO, CSR_SIP, SIE_SOFTWARE), rv_csrrw(ZERO, CSR_SEPC, S0),
        rv_csrrs(ZERO, CSR_SSTATUS, S1), RV_SRET);
    scenario_at(&s, SCENARIO_CODE + 32);
    PUT(&s, LI(A0, 1), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 32);
    scenario_end(&s);
}

Test(engine_traps, the_timer_fires_at_its_exact_position_inside_a_loop)
{
    for (uint64_t tick = 1; tick < 12; tick++) {
        struct scenario s;
        scenario_begin(&s);
        s.program->clock.rate_q32 = UINT64_C(30) << 32;
        s.program->stimecmp = tick;
        s.program->sie = SIE_TIMER;
        s.program->sstatus |= SSTATUS_SIE;
        s.program->stvec = SCENARIO_CODE + 64;
        PUT(&s, rv_addi(A0, A0, 1), rv_addi(A1, A1, 1), rv_jal(ZERO, -8));
        scenario_at(&s, SCENARIO_CODE + 64);
        PUT(&s, rv_csrrs(A2, CSR_INSTRET, ZERO), STAY);
        scenario_run(&s, 48);
        cr_expect_eq(scenario_x(&s, A2), (tick * 100 + 29) / 30 + 1);
        scenario_end(&s);
    }
}

Test(engine_traps, a_timer_set_into_the_past_fires_at_once)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->clock.clock_ns = 1000;
    s.program->sie = SIE_TIMER;
    s.program->sstatus |= SSTATUS_SIE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, LI(T0, 10), rv_csrrw(ZERO, CSR_STIMECMP, T0), LI(A0, 1), STAY);
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 0);
    scenario_end(&s);
}

Test(engine_traps, a_timer_shows_in_sip_at_its_exact_position)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->clock.rate_q32 = UINT64_C(100) << 32;
    s.program->stimecmp = 10;
    PUT(&s, rv_csrrs(T0, CSR_SIP, ZERO), rv_bne(T0, ZERO, 8), rv_jal(ZERO, -8),
        rv_csrrs(A0, CSR_INSTRET, ZERO), STAY);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, T0), SIE_TIMER);
    cr_expect_eq(scenario_x(&s, A0), 14);
    scenario_end(&s);
}

Test(engine_traps, time_from_the_environment_can_make_the_timer_fire_at_once)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->environment_clock = true;
    s.program->stimecmp = 2; /* 200 ns: 10 instructions */
    s.program->sie = SIE_TIMER;
    s.program->sstatus |= SSTATUS_SIE;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, rv_csrrs(A0, CSR_TIME, ZERO), rv_addi(A1, A1, 1), rv_jal(ZERO, -8));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 4);
    cr_expect_eq(scenario_x(&s, A1), 4);
    scenario_end(&s);
}

/* What enables interrupts is hot, and what finds the timer due before it is not. */
Test(engine_traps, a_timer_found_due_by_cold_code_fires_in_hot_code)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->environment_clock = true;
    s.program->stimecmp = 2;
    s.program->sie = SIE_TIMER;
    s.program->stvec = SCENARIO_CODE + 64;
    s.program->x[T0] = 40;
    PUT(&s, rv_csrrci(ZERO, CSR_SSTATUS, SSTATUS_SIE), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, 8),
        rv_jal(ZERO, 20), rv_csrrsi(ZERO, CSR_SSTATUS, SSTATUS_SIE), rv_addi(A1, A1, 1),
        rv_bne(T0, ZERO, -24), STAY);
    PUT(&s, rv_csrrs(A0, CSR_TIME, ZERO), rv_jal(ZERO, -20));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 300);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + 20);
    cr_expect_eq(scenario_x(&s, A1), 39);
    scenario_end(&s);
}

Test(engine_traps, wfi_stops_only_if_nothing_is_pending)
{
    struct scenario s;
    scenario_begin(&s);
    PUT(&s, LI(A0, 1), RV_WFI, rv_csrrsi(ZERO, CSR_SIP, SIE_SOFTWARE),
        rv_csrrsi(ZERO, CSR_SIE, SIE_SOFTWARE), RV_WFI, LI(A0, 2), STAY);
    scenario_run(&s, 10);
    cr_expect_eq(s.run->world.count, 1);
    cr_expect_eq(s.run->world.records[0].value, HART_STOP_IDLE);
    cr_expect_eq(s.run->world.records[0].position, 2);
    scenario_end(&s);
}

Test(engine_traps, a_level_set_between_runs_interrupts_wherever_the_loop_is)
{
    for (uint64_t position = 0; position < 8; position++) {
        const struct program_event raise = {
            .position = position, .kind = EVENT_EXTERNAL, .value = 1};
        struct scenario s;
        scenario_begin(&s);
        s.program->sie = SIE_EXTERNAL;
        s.program->sstatus |= SSTATUS_SIE;
        s.program->stvec = SCENARIO_CODE + 64;
        PUT(&s, rv_addi(A0, A0, 1), rv_addi(A0, A0, 1), rv_addi(A0, A0, 1), rv_jal(ZERO, -12));
        scenario_at(&s, SCENARIO_CODE + 64);
        PUT(&s, STAY);
        scenario_event(&s, &raise);
        scenario_run(&s, 12);
        cr_expect_eq(scenario_csr(&s, CSR_SEPC), SCENARIO_CODE + position % 4 * 4);
        scenario_end(&s);
    }
}

Test(engine_traps, an_sbi_call_may_change_registers_that_the_block_has_read)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[A7] = 0;
    PUT(&s, rv_addi(A0, A0, 5), rv_add(A2, A0, A1), RV_ECALL, rv_add(A3, A0, A1),
        rv_jal(ZERO, -16));
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A3), scenario_x(&s, A1));
    cr_expect_neq(scenario_x(&s, A3), 0);
    scenario_end(&s);
}

Test(engine_traps, a_loop_without_exit_is_left_by_an_interrupt)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->clock.rate_q32 = UINT64_C(10) << 32;
    s.program->stimecmp = 4;
    s.program->sie = SIE_TIMER;
    s.program->sstatus |= SSTATUS_SIE;
    s.program->x[S0] = SCENARIO_DATA;
    s.program->stvec = SCENARIO_CODE + 64;
    PUT(&s, rv_ld(A0, 0, S0), rv_addi(A0, A0, 1), rv_sd(A0, 0, S0), rv_jal(ZERO, -12));
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 50);
    cr_expect_eq(scenario_load(&s, SCENARIO_DATA), 10);
    cr_expect_eq(scenario_x(&s, A0), 10);
    scenario_end(&s);
}

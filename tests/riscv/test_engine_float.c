/* Floating point: what is rounded how, and which flags are seen when. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY     rv_jal(ZERO, 0)
#define LI(x, n) rv_addi(x, ZERO, n)

#define DYNAMIC 7
#define NOWHERE UINT64_C(0x1000)

#define INEXACT   1
#define UNDERFLOW 2
#define OVERFLOW  4
#define DIVIDE    8
#define INVALID   16

#define ONE        UINT64_C(0x3ff0000000000000)
#define THREE      UINT64_C(0x4008000000000000)
#define TINY       UINT64_C(0x0010000000000000) /* the least normal number */
#define DENORMAL   UINT64_C(0x0000000000000003)
#define LARGEST    UINT64_C(0x7fefffffffffffff)
#define SIGNALING  UINT64_C(0x7ff0000000000001)
#define QUIET      UINT64_C(0x7ff8000000000abc)
#define CANONICAL  UINT64_C(0x7ff8000000000000)
#define BOX        UINT64_C(0xffffffff00000000)
#define SINGLE_ONE (BOX | 0x3f800000)
#define SINGLE_NAN (BOX | 0x7fc00000)
#define SSTATUS_FS UINT64_C(0x6000)
#define FS_INITIAL UINT64_C(0x2000)

static uint64_t f(const struct scenario *s, unsigned index)
{
    return hart_get_f(s->run->hart, index);
}

Test(engine_float, flags_of_a_line_that_faults_are_kept)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = ONE;
    s.program->f[2] = THREE;
    s.program->x[S0] = NOWHERE;
    PUT(&s, rv_fdiv_d(3, 1, 2, DYNAMIC), rv_ld(A0, 0, S0), rv_fdiv_d(4, 1, 0, DYNAMIC),
        rv_csrrs(A1, CSR_FFLAGS, ZERO), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A1), INEXACT | DIVIDE);
    scenario_end(&s);
}

Test(engine_float, flags_read_inside_a_line_are_those_of_the_operations_before)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = ONE;
    s.program->f[2] = THREE;
    s.program->f[5] = LARGEST;
    PUT(&s, rv_csrrs(A0, CSR_FFLAGS, ZERO), rv_fadd_d(3, 1, 2, 0), rv_csrrs(A1, CSR_FFLAGS, ZERO),
        rv_fdiv_d(3, 1, 2, 0), rv_csrrs(A2, CSR_FCSR, ZERO), rv_fmul_d(3, 5, 5, 0),
        rv_csrrw(A3, CSR_FFLAGS, ZERO), rv_csrrs(A4, CSR_FFLAGS, ZERO), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_x(&s, A2), INEXACT);
    cr_expect_eq(scenario_x(&s, A3), INEXACT | OVERFLOW);
    cr_expect_eq(scenario_x(&s, A4), 0);
    scenario_end(&s);
}

Test(engine_float, flags_that_were_cleared_are_raised_again_in_a_loop)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = ONE;
    s.program->f[2] = THREE;
    PUT(&s, rv_csrrw(A0, CSR_FFLAGS, ZERO), rv_add(A1, A1, A0), rv_fdiv_d(3, 1, 2, DYNAMIC),
        rv_jal(ZERO, -12));
    scenario_run(&s, 22);
    cr_expect_eq(scenario_x(&s, A1), 5);
    scenario_end(&s);
}

/* 1/3 in all modes that the host has, and the one that it lacks; set where the line runs. */
Test(engine_float, frm_changed_inside_a_line_rounds_what_follows)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = ONE;
    s.program->f[2] = THREE;
    for (uint32_t mode = 0; mode < 5; mode++) {
        PUT(&s, rv_csrrwi(ZERO, CSR_FRM, mode), rv_fdiv_d(10 + mode, 1, 2, DYNAMIC));
    }
    PUT(&s, rv_jal(ZERO, -40));
    scenario_run(&s, 25);
    cr_expect_eq(f(&s, 10), UINT64_C(0x3fd5555555555555));
    cr_expect_eq(f(&s, 11), UINT64_C(0x3fd5555555555555));
    cr_expect_eq(f(&s, 12), UINT64_C(0x3fd5555555555555));
    cr_expect_eq(f(&s, 13), UINT64_C(0x3fd5555555555556));
    cr_expect_eq(f(&s, 14), UINT64_C(0x3fd5555555555555));
    scenario_end(&s);
}

Test(engine_float, static_modes_do_not_disturb_dynamic_ones)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = ONE;
    s.program->f[2] = THREE;
    s.program->fcsr = 3 << 5; /* up */
    PUT(&s, rv_fdiv_d(10, 1, 2, 1), rv_fdiv_d(11, 1, 2, DYNAMIC), rv_fdiv_d(12, 1, 2, 4),
        rv_fdiv_d(13, 1, 2, DYNAMIC), rv_fdiv_d(14, 1, 2, 3), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(f(&s, 10), UINT64_C(0x3fd5555555555555));
    cr_expect_eq(f(&s, 11), UINT64_C(0x3fd5555555555556));
    cr_expect_eq(f(&s, 12), UINT64_C(0x3fd5555555555555));
    cr_expect_eq(f(&s, 13), UINT64_C(0x3fd5555555555556));
    cr_expect_eq(f(&s, 14), UINT64_C(0x3fd5555555555556));
    scenario_end(&s);
}

Test(engine_float, ties_away_from_zero_are_rounded_so)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = UINT64_C(0x3ff0000000000001); /* 1 + ulp; half of an ulp of 2 */
    s.program->f[2] = ONE;
    s.program->fcsr = 4 << 5;
    PUT(&s, rv_fadd_d(10, 1, 2, DYNAMIC), rv_fadd_d(11, 1, 2, 0), rv_fadd_d(12, 1, 2, 4), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(f(&s, 10), UINT64_C(0x4000000000000001));
    cr_expect_eq(f(&s, 11), UINT64_C(0x4000000000000000));
    cr_expect_eq(f(&s, 12), UINT64_C(0x4000000000000001));
    scenario_end(&s);
}

Test(engine_float, what_is_no_rounding_mode_is_illegal)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = s.program->f[2] = ONE;
    PUT(&s, rv_fadd_d(10, 1, 2, 5), rv_csrrwi(ZERO, CSR_FRM, 6), rv_fadd_d(11, 1, 2, DYNAMIC),
        rv_fadd_d(12, 1, 2, 0), rv_float(0x14, 1, A0, 1, 2, 2), STAY);
    scenario_run(&s, 40);
    cr_expect_eq(scenario_x(&s, TRAPS), 2);
    cr_expect_eq(f(&s, 10), 0);
    cr_expect_eq(f(&s, 11), 0);
    cr_expect_eq(f(&s, 12), UINT64_C(0x4000000000000000));
    cr_expect_eq(scenario_x(&s, A0), 1, "comparisons do not round");
    scenario_end(&s);
}

Test(engine_float, nan_results_are_canonical_and_signaling_ones_invalid)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = QUIET;
    s.program->f[2] = ONE;
    s.program->f[3] = SIGNALING;
    PUT(&s, rv_fadd_d(10, 1, 2, 0), rv_csrrw(A0, CSR_FFLAGS, ZERO), rv_fadd_d(11, 2, 3, 0),
        rv_csrrw(A1, CSR_FFLAGS, ZERO), rv_float(0x05, 1, 12, 2, 1, 0), /* fmin */
        rv_csrrw(A2, CSR_FFLAGS, ZERO), rv_float(0x05, 1, 13, 3, 2, 1), /* fmax */
        rv_csrrw(A3, CSR_FFLAGS, ZERO), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(f(&s, 10), CANONICAL);
    cr_expect_eq(f(&s, 11), CANONICAL);
    cr_expect_eq(f(&s, 12), ONE);
    cr_expect_eq(f(&s, 13), ONE);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_x(&s, A1), INVALID);
    cr_expect_eq(scenario_x(&s, A2), 0);
    cr_expect_eq(scenario_x(&s, A3), INVALID);
    scenario_end(&s);
}

Test(engine_float, comparisons_differ_in_what_quiet_nans_raise)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = QUIET;
    s.program->f[2] = ONE;
    s.program->f[3] = UINT64_C(1) << 63; /* -0 */
    PUT(&s, rv_float(0x14, 1, A0, 1, 2, 2), rv_csrrw(A1, CSR_FFLAGS, ZERO),
        rv_float(0x14, 1, A2, 1, 2, 1), rv_csrrw(A3, CSR_FFLAGS, ZERO),
        rv_float(0x14, 1, A4, 0, 3, 2), rv_float(0x14, 1, A5, 3, 0, 1),
        rv_float(0x05, 1, 10, 0, 3, 0), rv_float(0x05, 1, 11, 3, 0, 1), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_x(&s, A3), INVALID);
    cr_expect_eq(scenario_x(&s, A4), 1, "zeros are equal");
    cr_expect_eq(scenario_x(&s, A5), 0);
    cr_expect_eq(f(&s, 10), UINT64_C(1) << 63, "but ordered by fmin");
    cr_expect_eq(f(&s, 11), 0);
    scenario_end(&s);
}

Test(engine_float, a_single_that_is_not_boxed_is_nan)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = 0x3f800000; /* 1, not boxed */
    s.program->f[2] = SINGLE_ONE;
    PUT(&s, rv_fadd_s(10, 1, 2, 0), rv_fadd_s(11, 2, 2, 0), rv_float(0x04, 0, 12, 1, 1, 0),
        rv_float(0x1c, 0, A0, 1, 0, 0) /* fmv.x.w takes the bits */, rv_float(0x14, 0, A1, 1, 1, 2),
        STAY);
    scenario_run(&s, 8);
    cr_expect_eq(f(&s, 10), SINGLE_NAN);
    cr_expect_eq(f(&s, 11), BOX | 0x40000000);
    cr_expect_eq(f(&s, 12), SINGLE_NAN);
    cr_expect_eq(scenario_x(&s, A0), 0x3f800000);
    cr_expect_eq(scenario_x(&s, A1), 0);
    scenario_end(&s);
}

Test(engine_float, loads_box_singles_and_stores_take_their_bits)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_DATA;
    s.program->f[2] = UINT64_C(0x1234567855667788);
    scenario_store(&s, SCENARIO_DATA, UINT64_C(0x7f80000112345678), 8);
    PUT(&s, rv_flw(1, 4, S0), rv_fsw(2, 8, S0), rv_fld(3, 8, S0), rv_fsd(1, 16, S0),
        rv_csrrs(A0, CSR_FFLAGS, ZERO), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(f(&s, 1), BOX | 0x7f800001, "signaling, as it was");
    cr_expect_eq(f(&s, 3), 0x55667788);
    cr_expect_eq(scenario_load(&s, SCENARIO_DATA + 16), BOX | 0x7f800001);
    cr_expect_eq(scenario_x(&s, A0), 0);
    scenario_end(&s);
}

Test(engine_float, denormals_are_computed_and_underflow_only_if_inexact)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = DENORMAL;
    s.program->f[2] = TINY;
    s.program->f[3] = THREE;
    s.program->f[4] = ONE;
    PUT(&s, rv_fadd_d(10, 1, 1, 0), rv_csrrw(A0, CSR_FFLAGS, ZERO), rv_fdiv_d(11, 2, 3, 0),
        rv_csrrw(A1, CSR_FFLAGS, ZERO), rv_fmul_d(12, 1, 4, 0), rv_csrrw(A2, CSR_FFLAGS, ZERO),
        STAY);
    scenario_run(&s, 8);
    cr_expect_eq(f(&s, 10), 6);
    cr_expect_eq(scenario_x(&s, A0), 0);
    cr_expect_eq(scenario_x(&s, A1), UNDERFLOW | INEXACT);
    cr_expect_eq(f(&s, 12), 3);
    cr_expect_eq(scenario_x(&s, A2), 0);
    scenario_end(&s);
}

Test(engine_float, conversions_saturate_and_raise_invalid_alone)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = LARGEST;
    s.program->f[2] = QUIET;
    s.program->f[3] = UINT64_C(0xbfe0000000000000); /* -0.5 */
    s.program->f[4] = UINT64_C(0xbff8000000000000); /* -1.5 */
    PUT(&s, rv_float(0x18, 1, A0, 1, 0, 1), rv_csrrw(A1, CSR_FFLAGS, ZERO),
        rv_float(0x18, 1, A2, 2, 2, 1), rv_float(0x18, 1, A3, 3, 3, 1),
        rv_csrrw(A4, CSR_FFLAGS, ZERO), rv_float(0x18, 1, A5, 4, 3, 1),
        rv_csrrw(S2, CSR_FFLAGS, ZERO), rv_float(0x18, 1, S3, 4, 0, 2), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A0), 0x7fffffff);
    cr_expect_eq(scenario_x(&s, A1), INVALID);
    cr_expect_eq(scenario_x(&s, A2), INT64_MAX);
    cr_expect_eq(scenario_x(&s, A3), 0);
    cr_expect_eq(scenario_x(&s, A4), INVALID | INEXACT, "of the two conversions before");
    cr_expect_eq(scenario_x(&s, A5), 0);
    cr_expect_eq(scenario_x(&s, S2), INVALID);
    cr_expect_eq(scenario_x(&s, S3), UINT64_C(0xfffffffffffffffe));
    scenario_end(&s);
}

Test(engine_float, everything_is_illegal_while_the_unit_is_off)
{
    const uint32_t operations[] = {rv_fadd_d(1, 2, 3, 0),
                                   rv_fld(1, 0, S0),
                                   rv_fsw(1, 0, S0),
                                   rv_float(0x1c, 1, A0, 1, 0, 0),
                                   rv_float(0x1e, 1, 1, A0, 0, 0),
                                   rv_csrrs(A0, CSR_FRM, ZERO),
                                   rv_float(0x18, 1, A0, 1, 0, 0)};
    for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct scenario s;
        scenario_begin(&s);
        s.program->x[S0] = SCENARIO_DATA;
        s.program->x[S1] = SSTATUS_FS;
        s.program->x[A0] = 77;
        s.program->f[1] = 78;
        PUT(&s, rv_csrrc(ZERO, CSR_SSTATUS, S1), rv_addi(A1, A1, 1), operations[i],
            rv_addi(A1, A1, 1), STAY);
        scenario_run(&s, 16);
        cr_expect_eq(scenario_x(&s, TRAPS), 1);
        cr_expect_eq(scenario_x(&s, TRAP_CAUSE), 2);
        cr_expect_eq(scenario_x(&s, A0), 77);
        cr_expect_eq(scenario_x(&s, A1), 2);
        scenario_end(&s);
    }
}

/* A loop that ran with the unit on meets it off. */
Test(engine_float, the_unit_can_be_turned_off_in_a_loop)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S1] = SSTATUS_FS;
    s.program->x[T0] = 6;
    s.program->f[2] = ONE;
    PUT(&s, rv_fadd_d(1, 1, 2, DYNAMIC), rv_addi(T0, T0, -1), rv_slti(T1, T0, 4),
        rv_beq(T1, ZERO, 8), rv_csrrc(ZERO, CSR_SSTATUS, S1), rv_bne(T0, ZERO, -20), STAY);
    scenario_run(&s, 80);
    cr_expect_eq(f(&s, 1), THREE);
    cr_expect_eq(scenario_x(&s, TRAPS), 3);
    scenario_end(&s);
}

Test(engine_float, operations_make_the_unit_dirty_and_reads_do_not)
{
    const struct {
        uint32_t operation;
        bool dirty;
    } cases[] = {{rv_fadd_d(1, 2, 3, 0), true},
                 {rv_flw(1, 0, S0), true},
                 {rv_fsd(1, 0, S0), false},
                 {rv_float(0x1c, 1, A0, 1, 0, 0), false},
                 {rv_float(0x1e, 1, 1, A0, 0, 0), true},
                 {rv_csrrwi(ZERO, CSR_FRM, 1), true},
                 {rv_csrrs(A0, CSR_FCSR, ZERO), false}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scenario s;
        scenario_begin(&s);
        s.program->x[S0] = SCENARIO_DATA;
        PUT(&s, rv_csrrs(A1, CSR_SSTATUS, ZERO), cases[i].operation,
            rv_csrrs(A2, CSR_SSTATUS, ZERO), STAY);
        scenario_run(&s, 6);
        cr_expect_eq(scenario_x(&s, A1) & SSTATUS_FS, FS_INITIAL);
        cr_expect_eq(scenario_x(&s, A2) & SSTATUS_FS, cases[i].dirty ? SSTATUS_FS : FS_INITIAL,
                     "case %u", i);
        scenario_end(&s);
    }
}

Test(engine_float, a_sum_in_a_loop_can_be_cut_anywhere)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->x[S0] = SCENARIO_DATA;
    s.program->x[T0] = 8;
    s.program->f[2] = UINT64_C(0x3fb999999999999a); /* 0.1 */
    s.program->f[3] = BOX | 0x3dcccccd;
    s.program->f[4] = SINGLE_ONE;
    PUT(&s, rv_fadd_d(1, 1, 2, DYNAMIC), rv_fadd_s(4, 4, 3, DYNAMIC), rv_fsd(1, 0, S0),
        rv_addi(S0, S0, 8), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -20), STAY);
    scenario_run(&s, 52);
    cr_expect_eq(f(&s, 1), UINT64_C(0x3fe9999999999999));
    scenario_end(&s);
}

Test(engine_float, fused_operations_round_once)
{
    struct scenario s;
    scenario_begin(&s);
    s.program->f[1] = UINT64_C(0x3ff0000000000001);
    s.program->f[2] = UINT64_C(0xbff0000000000002);
    /* (1 + e)^2 - (1 + 2e) = e^2, lost if the product were rounded */
    PUT(&s, rv_r(2 << 2 | 1, 1, 1, DYNAMIC, 10, 0x43), rv_fmul_d(11, 1, 1, DYNAMIC),
        rv_fadd_d(11, 11, 2, DYNAMIC), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(f(&s, 10), UINT64_C(0x3970000000000000));
    cr_expect_eq(f(&s, 11), 0);
    scenario_end(&s);
}

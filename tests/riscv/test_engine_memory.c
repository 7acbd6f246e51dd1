/* Translations that change under a program, and one place in memory by several names. */
#include <criterion/criterion.h>

#include "tests/riscv/lockstep/scenario.h"
#include "vmm/riscv/csr.h"

#define STAY     rv_jal(ZERO, 0)
#define LI(x, n) rv_addi(x, ZERO, n)

#define HERE   UINT64_C(0x10000) /* virtual pages of the tests */
#define BESIDE (HERE + GUEST_PAGE_SIZE)

#define FRAME_A SCENARIO_DATA
#define FRAME_B (SCENARIO_DATA + GUEST_PAGE_SIZE)
/* Tables by hand. */
#define FRAME_C (SCENARIO_DATA + 2 * GUEST_PAGE_SIZE)

#define SUM        UINT64_C(0x40000)
#define MXR        UINT64_C(0x80000)
#define VALID      1u
#define LOAD_PAGE  13
#define STORE_PAGE 15
#define FETCH_PAGE 12

static uint64_t entry_for(uint64_t physical, unsigned flags)
{
    return physical / GUEST_PAGE_SIZE << 10 | flags | VALID;
}

/* Two frames with different contents, S0 the virtual page that maps the first, S1 its entry. */
static void begin_paged(struct scenario *s, unsigned flags)
{
    scenario_begin(s);
    scenario_page(s);
    s->program->x[S0] = HERE;
    s->program->x[S1] = scenario_map(s, HERE, FRAME_A, flags);
    scenario_map(s, s->program->x[S1] & ~UINT64_C(0xfff), s->program->x[S1] & ~UINT64_C(0xfff),
                 PAGE_ALL);
    scenario_store(s, FRAME_A, 0xa, 8);
    scenario_store(s, FRAME_B, 0xb, 8);
}

Test(engine_memory, a_page_that_is_remapped_is_read_from_its_new_frame)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[S2] = entry_for(FRAME_B, PAGE_ALL);
    PUT(&s, rv_ld(A0, 0, S0), rv_sd(S2, 0, S1), rv_ld(A1, 0, S0), STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 0xa);
    cr_expect_eq(scenario_x(&s, A1), 0xb);
    scenario_end(&s);
}

Test(engine_memory, a_loop_sees_each_remapping)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL) ^ entry_for(FRAME_B, PAGE_ALL);
    s.program->x[T0] = 6;
    PUT(&s, rv_ld(A0, 0, S0), rv_add(A1, A1, A0), rv_sd(A1, 8, S0), rv_ld(A2, 0, S1),
        rv_xor(A2, A2, S2), rv_sd(A2, 0, S1), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -28), STAY);
    scenario_run(&s, 52);
    cr_expect_eq(scenario_x(&s, A1), 3 * 0xa + 3 * 0xb);
    scenario_end(&s);
}

Test(engine_memory, a_store_faults_as_soon_as_its_page_is_read_only)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL & ~PAGE_WRITE);
    PUT(&s, LI(A0, 1), rv_sd(A0, 0, S0), rv_sd(S2, 0, S1), LI(A0, 2), rv_sd(A0, 0, S0),
        rv_ld(A1, 0, S0), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A1), 1);
    cr_expect_eq(scenario_x(&s, TRAPS), 1);
    cr_expect_eq(scenario_x(&s, TRAP_CAUSE), STORE_PAGE);
    scenario_end(&s);
}

Test(engine_memory, dirty_is_set_by_the_first_store_and_again_after_it_was_cleared)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL & ~(PAGE_ACCESSED | PAGE_DIRTY));
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL & ~PAGE_DIRTY);
    PUT(&s, rv_ld(A0, 0, S1), rv_ld(A1, 0, S0), rv_ld(A1, 0, S1), rv_sd(ZERO, 0, S0),
        rv_ld(A2, 0, S1), rv_sd(S2, 0, S1), rv_sd(ZERO, 8, S0), rv_ld(A3, 0, S1), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A0) & 0xc0, 0);
    cr_expect_eq(scenario_x(&s, A1) & 0xc0, PAGE_ACCESSED);
    cr_expect_eq(scenario_x(&s, A2) & 0xc0, PAGE_ACCESSED | PAGE_DIRTY);
    cr_expect_eq(scenario_x(&s, A3) & 0xc0, PAGE_ACCESSED | PAGE_DIRTY);
    scenario_end(&s);
}

Test(engine_memory, sum_between_two_loads_decides_each)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL | PAGE_USER);
    s.program->x[S2] = SUM;
    s.program->x[T0] = 3;
    PUT(&s, rv_csrrs(ZERO, CSR_SSTATUS, S2), rv_ld(A0, 0, S0), rv_csrrc(ZERO, CSR_SSTATUS, S2),
        rv_ld(A1, 0, S0), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -20), STAY);
    scenario_run(&s, 60);
    cr_expect_eq(scenario_x(&s, A0), 0xa);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_x(&s, TRAPS), 3);
    cr_expect_eq(scenario_x(&s, TRAP_CAUSE), LOAD_PAGE);
    scenario_end(&s);
}

Test(engine_memory, mxr_between_two_loads_decides_each)
{
    struct scenario s;
    begin_paged(&s, PAGE_EXECUTE | PAGE_ACCESSED);
    s.program->x[S2] = MXR;
    s.program->x[T0] = 3;
    PUT(&s, rv_csrrs(ZERO, CSR_SSTATUS, S2), rv_ld(A0, 0, S0), rv_csrrc(ZERO, CSR_SSTATUS, S2),
        rv_ld(A1, 0, S0), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -20), STAY);
    scenario_run(&s, 60);
    cr_expect_eq(scenario_x(&s, A0), 0xa);
    cr_expect_eq(scenario_x(&s, TRAPS), 3);
    scenario_end(&s);
}

Test(engine_memory, a_store_through_one_alias_is_read_through_the_other)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, FRAME_A, PAGE_ALL);
    s.program->x[S2] = BESIDE;
    s.program->x[T0] = 4;
    PUT(&s, rv_ld(A0, 0, S0), rv_addi(A0, A0, 1), rv_sd(A0, 0, S2), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 24);
    cr_expect_eq(scenario_load(&s, FRAME_A), 0xe);
    scenario_end(&s);
}

Test(engine_memory, code_is_watched_through_all_aliases_that_wrote_to_it_before)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, FRAME_A, PAGE_ALL);
    scenario_store(&s, FRAME_A, rv_addi(A0, A0, 1), 4);
    scenario_store(&s, FRAME_A + 4, RV_RET, 4);
    s.program->x[S2] = BESIDE;
    s.program->x[S3] = rv_addi(A0, A0, 16);
    s.program->x[S4] = FRAME_A;
    /* Written through all, run through one, rewritten through another. */
    PUT(&s, rv_sd(ZERO, 64, S0), rv_sd(ZERO, 64, S2), rv_sd(ZERO, 64, S4), rv_jalr(RA, S0, 0),
        rv_sw(S3, 0, S0), rv_jalr(RA, S2, 0), rv_addi(S3, S3, 0), rv_sd(ZERO, 72, S2));
    PUT(&s, rv_lui(T1, 0x04000000), rv_add(S3, S3, T1), rv_sw(S3, 0, S2), rv_jalr(RA, S4, 0),
        rv_add(S3, S3, T1), rv_sw(S3, 0, S4), rv_jalr(RA, S0, 0), STAY);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A0), 1 + 16 + (16 + 64) + (16 + 128));
    scenario_end(&s);
}

/* The program unmaps the page that it runs in: the next instruction is fetched no more. */
Test(engine_memory, code_that_unmaps_itself_faults_at_the_next_instruction)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->task_pc = HERE;
    scenario_at(&s, FRAME_A);
    PUT(&s, rv_addi(A0, A0, 1), rv_sd(ZERO, 0, S1), rv_addi(A0, A0, 1), rv_addi(A0, A0, 1));
    s.program->stvec = SCENARIO_CODE;
    scenario_at(&s, SCENARIO_CODE);
    PUT(&s, STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), HERE + 8);
    cr_expect_eq(scenario_csr(&s, CSR_SCAUSE), FETCH_PAGE);
    scenario_end(&s);
}

Test(engine_memory, code_that_remaps_itself_goes_on_in_the_new_frame)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->task_pc = HERE;
    s.program->x[S2] = entry_for(FRAME_B, PAGE_ALL);
    scenario_at(&s, FRAME_A);
    PUT(&s, rv_addi(A0, A0, 1), rv_sd(S2, 0, S1), rv_addi(A0, A0, 1), rv_jal(ZERO, -4));
    scenario_at(&s, FRAME_B);
    PUT(&s, RV_NOP, RV_NOP, rv_addi(A0, A0, 16), rv_jal(ZERO, -4));
    scenario_run(&s, 10);
    cr_expect_eq(scenario_x(&s, A0), 1 + 4 * 16);
    scenario_end(&s);
}

/* A jump within the page is not checked again, but its page may have become another. */
Test(engine_memory, a_return_finds_another_frame_in_its_page)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->task_pc = HERE;
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL) ^ entry_for(FRAME_B, PAGE_ALL);
    s.program->x[S3] = SCENARIO_CODE;
    scenario_at(&s, FRAME_A);
    PUT(&s, rv_jalr(RA, S3, 0), rv_addi(A0, A0, 1), rv_jal(ZERO, -8));
    scenario_at(&s, FRAME_B);
    PUT(&s, rv_jalr(RA, S3, 0), rv_addi(A0, A0, 16), rv_jal(ZERO, -8));
    scenario_at(&s, SCENARIO_CODE);
    PUT(&s, rv_ld(A2, 0, S1), rv_xor(A2, A2, S2), rv_sd(A2, 0, S1), RV_RET);
    scenario_run(&s, 42);
    cr_expect_eq(scenario_x(&s, A0), 3 * (1 + 16));
    scenario_end(&s);
}

Test(engine_memory, a_page_that_loses_its_execute_permission_is_fetched_from_no_more)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[S2] = entry_for(FRAME_A, PAGE_ALL & ~PAGE_EXECUTE);
    scenario_store(&s, FRAME_A, RV_RET, 4);
    PUT(&s, rv_jalr(RA, S0, 0), rv_jalr(RA, S0, 0), rv_sd(S2, 0, S1), rv_jalr(RA, S0, 0));
    s.program->stvec = SCENARIO_CODE + 64;
    scenario_at(&s, SCENARIO_CODE + 64);
    PUT(&s, STAY);
    scenario_run(&s, 10);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), HERE);
    cr_expect_eq(scenario_csr(&s, CSR_SCAUSE), FETCH_PAGE);
    scenario_end(&s);
}

/* One virtual page after the other, but two frames that are not. */
static void begin_straddling(struct scenario *s, unsigned second_flags)
{
    begin_paged(s, PAGE_ALL);
    s->program->x[S2] = scenario_map(s, BESIDE, FRAME_C, second_flags);
    s->program->task_pc = HERE + GUEST_PAGE_SIZE - 6;
    scenario_at(s, FRAME_A + GUEST_PAGE_SIZE - 6);
    PUT(s, rv_addi(A0, A0, 1));
    /* addi a1, a1, 0x111, in two halves */
    scenario_store(s, FRAME_A + GUEST_PAGE_SIZE - 2, rv_addi(A1, A1, 0x111) & 0xffff, 2);
    scenario_store(s, FRAME_C, rv_addi(A1, A1, 0x111) >> 16, 2);
    scenario_at(s, FRAME_C + 2);
}

Test(engine_memory, an_instruction_may_lie_in_two_frames)
{
    struct scenario s;
    begin_straddling(&s, PAGE_ALL);
    s.program->x[T0] = 4;
    PUT(&s, rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -12), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A0), 4);
    cr_expect_eq(scenario_x(&s, A1), 4 * 0x111);
    scenario_end(&s);
}

Test(engine_memory, an_instruction_whose_second_page_is_missing_faults_there)
{
    struct scenario s;
    begin_straddling(&s, 0);
    s.program->stvec = SCENARIO_CODE;
    scenario_at(&s, SCENARIO_CODE);
    PUT(&s, STAY);
    scenario_run(&s, 6);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_csr(&s, CSR_SEPC), HERE + GUEST_PAGE_SIZE - 2);
    cr_expect_eq(scenario_csr(&s, CSR_STVAL), BESIDE);
    scenario_end(&s);
}

/* The second frame of the instruction changes while the first stays. */
Test(engine_memory, an_instruction_across_pages_takes_its_second_half_from_the_new_frame)
{
    struct scenario s;
    begin_straddling(&s, PAGE_ALL);
    s.program->x[T0] = 4;
    s.program->x[S3] = entry_for(FRAME_B, PAGE_ALL);
    PUT(&s, rv_sd(S3, 0, S2), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -16), STAY);
    scenario_store(&s, FRAME_B, rv_addi(A1, A1, 0x222) >> 16, 2);
    scenario_at(&s, FRAME_B + 2);
    PUT(&s, RV_NOP, rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 24);
    cr_expect_eq(scenario_x(&s, A1), 0x111 + 3 * 0x222);
    scenario_end(&s);
}

Test(engine_memory, a_line_goes_on_in_the_next_virtual_page_whatever_its_frame)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, FRAME_C, PAGE_ALL);
    s.program->task_pc = HERE + GUEST_PAGE_SIZE - 8;
    scenario_at(&s, FRAME_A + GUEST_PAGE_SIZE - 8);
    PUT(&s, rv_addi(A0, A0, 1), rv_addi(A0, A0, 1));
    scenario_at(&s, FRAME_B); /* what follows physically */
    PUT(&s, rv_addi(A0, A0, 100), STAY);
    scenario_at(&s, FRAME_C);
    PUT(&s, rv_addi(A0, A0, 16), rv_jal(ZERO, -12));
    scenario_run(&s, 16);
    cr_expect_eq(scenario_x(&s, A0), 4 * 18);
    scenario_end(&s);
}

Test(engine_memory, accesses_across_pages_touch_both_frames_or_none)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[S2] = scenario_map(&s, BESIDE, FRAME_C, PAGE_ALL);
    s.program->x[S0] = BESIDE - 3;
    s.program->x[S3] = entry_for(FRAME_C, PAGE_ALL & ~PAGE_WRITE);
    s.program->x[A0] = UINT64_C(0x1122334455667788);
    PUT(&s, rv_sd(A0, 0, S0), rv_ld(A1, 0, S0), rv_lw(A2, 0, S0), rv_lhu(A3, 2, S0),
        rv_sd(S3, 0, S2), rv_sd(ZERO, 0, S0), rv_ld(A4, 0, S0), STAY);
    scenario_run(&s, 24);
    cr_expect_eq(scenario_x(&s, A1), UINT64_C(0x1122334455667788));
    cr_expect_eq(scenario_x(&s, A2), 0x55667788);
    cr_expect_eq(scenario_x(&s, A3), 0x5566);
    cr_expect_eq(scenario_x(&s, A4), scenario_x(&s, A1), "nothing was stored");
    cr_expect_eq(scenario_x(&s, TRAP_VALUE), BESIDE);
    scenario_end(&s);
}

/* The same virtual pages, in another address space. */
Test(engine_memory, satp_takes_effect_for_the_next_load)
{
    struct scenario s;
    uint64_t entry;
    begin_paged(&s, PAGE_ALL);
    /* A second root, with the same tables but for the one of the tests' pages: a 2 MiB page. */
    entry = UINT64_C(8) << 60 | FRAME_C / GUEST_PAGE_SIZE;
    s.program->x[S2] = entry ^ s.program->satp;
    s.program->x[S3] = s.program->satp;
    memcpy(s.program->ram + (FRAME_C - GUEST_RAM_START),
           s.program->ram + FRAME_ROOTS * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
    scenario_store(&s, FRAME_C, entry_for(GUEST_RAM_START, PAGE_ALL), 8);
    scenario_store(&s, GUEST_RAM_START + HERE, 0xc, 8);
    s.program->task_pc = SCENARIO_CODE + 64;
    scenario_at(&s, SCENARIO_CODE + 64);
    s.program->x[T0] = 4;
    PUT(&s, rv_ld(A0, 0, S0), rv_add(A1, A1, A0), rv_xor(S3, S3, S2), rv_csrrw(ZERO, CSR_SATP, S3),
        rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -20), STAY);
    scenario_run(&s, 30);
    cr_expect_eq(scenario_x(&s, A1), 2 * (0xa + 0xc));
    scenario_end(&s);
}

Test(engine_memory, user_pages_are_for_the_user_alone_after_sret)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL | PAGE_USER);
    s.program->x[S2] = SCENARIO_DATA; /* of S mode */
    scenario_at(&s, FRAME_A + 64);
    PUT(&s, rv_ld(A0, 0, S0), rv_ld(A1, 0, S2), RV_ECALL, rv_csrrs(A2, CSR_SSTATUS, ZERO), STAY);
    scenario_at(&s, SCENARIO_CODE);
    scenario_put_entry_to_user(&s, HERE + 64);
    scenario_run(&s, 50);
    cr_expect_eq(scenario_x(&s, A0), 0xa);
    cr_expect_eq(scenario_x(&s, A1), 0);
    cr_expect_eq(scenario_x(&s, TRAPS), 3);
    cr_expect_eq(scenario_x(&s, TRAP_CAUSE), 2);
    scenario_end(&s);
}

Test(engine_memory, the_same_code_behaves_by_its_privilege)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    /* One frame for both modes: it reads a CSR of S mode. */
    scenario_map(&s, BESIDE, FRAME_A, PAGE_ALL | PAGE_USER);
    scenario_at(&s, FRAME_A + 64);
    PUT(&s, rv_addi(A0, A0, 1), rv_csrrs(A1, CSR_SCAUSE, ZERO), rv_addi(A0, A0, 1), RV_RET);
    s.program->x[RA] = SCENARIO_CODE + 8;
    scenario_at(&s, SCENARIO_CODE);
    PUT(&s, rv_jalr(RA, S0, 64));
    scenario_put_entry_to_user(&s, BESIDE + 64);
    scenario_run(&s, 50);
    cr_expect_eq(scenario_x(&s, A0), 4);
    cr_expect_geq(scenario_x(&s, TRAPS), 1);
    scenario_end(&s);
}

Test(engine_memory, a_large_page_can_be_split_while_it_is_in_use)
{
    struct scenario s;
    const uint64_t large = UINT64_C(0x40000000);
    begin_paged(&s, PAGE_ALL);
    /* The gibibyte at `large` is RAM; then its first page is another frame, by a table in FRAME_C
     * and one in FRAME_B. */
    s.program->x[S0] = large + (FRAME_A - GUEST_RAM_START);
    s.program->x[S1] = FRAME_ADDRESS(FRAME_ROOTS) + 8;
    s.program->x[S2] = entry_for(FRAME_C, 0);
    scenario_store(&s, FRAME_ADDRESS(FRAME_ROOTS) + 8, entry_for(GUEST_RAM_START, PAGE_ALL), 8);
    scenario_map(&s, FRAME_ADDRESS(FRAME_ROOTS), FRAME_ADDRESS(FRAME_ROOTS), PAGE_ALL);
    scenario_store(&s, FRAME_C, entry_for(FRAME_B, 0), 8);
    scenario_store(&s, FRAME_B + (FRAME_A - GUEST_RAM_START) / 512, entry_for(FRAME_C, PAGE_ALL),
                   8);
    PUT(&s, rv_ld(A0, 0, S0), rv_sd(S2, 0, S1), rv_ld(A1, 0, S0), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A0), 0xa);
    cr_expect_eq(scenario_x(&s, A1), entry_for(FRAME_B, 0));
    scenario_end(&s);
}

Test(engine_memory, a_table_replaced_by_a_device_is_walked_anew)
{
    struct program_event write = {.position = 9, .kind = EVENT_WRITE, .size = 8};
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    write.address = s.program->x[S1];
    write.value = entry_for(FRAME_B, PAGE_ALL);
    PUT(&s, rv_ld(A0, 0, S0), rv_add(A1, A1, A0), rv_jal(ZERO, -8));
    scenario_event(&s, &write);
    scenario_run(&s, 18);
    cr_expect_eq(scenario_x(&s, A1), 3 * 0xa + 3 * 0xb);
    scenario_end(&s);
}

Test(engine_memory, fences_of_all_forms_lose_nothing)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[T0] = 3;
    PUT(&s, rv_ld(A0, 0, S0), rv_sfence_vma(ZERO, ZERO), rv_ld(A0, 0, S0), rv_sfence_vma(S0, ZERO),
        rv_ld(A0, 0, S0), rv_sfence_vma(S0, S2), rv_sfence_vma(ZERO, S2), rv_sd(A0, 8, S0),
        rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -36), STAY);
    scenario_run(&s, 36);
    cr_expect_eq(scenario_load(&s, FRAME_A + 8), 0xa);
    scenario_end(&s);
}

Test(engine_memory, a_page_of_a_device_stays_one_after_many_accesses)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_map(&s, BESIDE, DEVICE_START, PAGE_ALL & ~PAGE_EXECUTE);
    s.program->x[S2] = BESIDE;
    s.program->x[T0] = 4;
    PUT(&s, rv_sd(A0, 0, S0), rv_sd(A0, 0, S2), rv_lw(A0, 4, S2), rv_addi(T0, T0, -1),
        rv_bne(T0, ZERO, -16), STAY);
    scenario_run(&s, 24);
    cr_expect_eq(s.run->world.count, 8);
    scenario_end(&s);
}

Test(engine_memory, a_store_between_load_reserved_and_store_conditional_shows)
{
    /* The same place through another name, and a value that differs or not. */
    for (uint64_t value = 0xa; value <= 0xb; value++) {
        struct scenario s;
        begin_paged(&s, PAGE_ALL);
        s.program->x[S2] = FRAME_A;
        s.program->x[A1] = value;
        s.program->x[A2] = 0xc;
        PUT(&s, rv_lr_d(A0, S0), rv_sd(A1, 0, S2), rv_sc_d(A3, A2, S0), rv_sc_d(A4, A2, S0), STAY);
        scenario_run(&s, 8);
        cr_expect_eq(scenario_x(&s, A3), value != 0xa);
        cr_expect_eq(scenario_x(&s, A4), 1);
        scenario_end(&s);
    }
}

Test(engine_memory, store_conditional_needs_the_address_that_was_reserved)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_store(&s, FRAME_A + 8, 0xa, 8);
    s.program->x[S2] = HERE + 8;
    PUT(&s, rv_sc_w(A0, A5, S0), rv_lr_w(A5, S0), rv_sc_w(A1, A5, S2), rv_lr_d(A5, S0),
        rv_sc_w(A2, A5, S0), rv_lr_w(A5, S0), rv_lr_w(A5, S2), rv_sc_w(A3, A5, S0), STAY);
    scenario_run(&s, 12);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_x(&s, A1), 1);
    cr_expect_eq(scenario_x(&s, A3), 1);
    scenario_end(&s);
}

Test(engine_memory, a_reservation_outlives_a_trap)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    s.program->x[A2] = 0xc;
    PUT(&s, rv_lr_d(A0, S0), RV_EBREAK, rv_sc_d(A3, A2, S0), STAY);
    scenario_run(&s, 20);
    cr_expect_eq(scenario_x(&s, A3), 0);
    cr_expect_eq(scenario_load(&s, FRAME_A), 0xc);
    scenario_end(&s);
}

Test(engine_memory, atomics_on_words_compare_as_words)
{
    struct scenario s;
    begin_paged(&s, PAGE_ALL);
    scenario_store(&s, FRAME_A, UINT64_C(0x1111111180000000), 8);
    s.program->x[A1] = UINT64_C(0xffffffff00000001); /* 1, as a word */
    /* amomax.w, amominu.w, amomin.w */
    PUT(&s, rv_atomic(0x14, 2, A2, A1, S0), rv_atomic(0x18, 2, A3, A1, S0), rv_sw(A2, 0, S0),
        rv_atomic(0x10, 2, S0, A1, S0), STAY);
    scenario_run(&s, 8);
    cr_expect_eq(scenario_x(&s, A2), UINT64_C(0xffffffff80000000));
    cr_expect_eq(scenario_x(&s, A3), 1);
    cr_expect_eq(scenario_x(&s, S0), UINT64_C(0xffffffff80000000), "rd is the base as well");
    cr_expect_eq(scenario_load(&s, FRAME_A), UINT64_C(0x1111111180000000));
    scenario_end(&s);
}

/* Addresses whose upper bits are not all the same are no addresses, whatever lies at the lower
 * ones; a function there runs in another address space before. */
Test(engine_memory, a_jump_beyond_the_address_space_faults)
{
    const uint64_t function = SCENARIO_CODE + 256;
    struct scenario s;
    scenario_begin(&s);
    scenario_page(&s);
    s.program->x[S2] = s.program->satp;
    s.program->satp = 0;
    s.program->x[S0] = function;
    s.program->x[S1] = UINT64_C(1) << 39;
    s.program->x[T0] = 40;
    s.program->stvec = SCENARIO_CODE + 512;
    PUT(&s, rv_jalr(RA, S0, 0), rv_csrrw(ZERO, CSR_SATP, S2), rv_add(A1, A1, S1),
        rv_xor(A2, A1, S0), rv_jalr(RA, A2, 0), rv_addi(T0, T0, -1), rv_bne(T0, ZERO, -16), STAY);
    scenario_at(&s, function);
    PUT(&s, rv_addi(A0, A0, 1), RV_RET);
    scenario_at(&s, SCENARIO_CODE + 512);
    PUT(&s, rv_addi(TRAPS, TRAPS, 1), rv_csrrw(ZERO, CSR_SEPC, RA), RV_SRET);
    scenario_run(&s, 400);
    cr_expect_eq(scenario_x(&s, A0), 1);
    cr_expect_eq(scenario_x(&s, TRAPS), 40);
    scenario_end(&s);
}

/* The trap handler of random programs. It uses no memory but its context, at a fixed distance
 * behind it, so that it works through each alias. */
#include <stddef.h>
#include <string.h>

#include "tests/riscv/programs/emitter.h"
#include "tests/riscv/programs/program.h"
#include "vmm/riscv/csr.h"

#define VECTORS 16u /* causes that get a vector: all interrupts */
#define DRAWN   T1  /* a random number, new for each trap */
#define CONTEXT T6

/* The context: saved registers, the random number and its multiplier, tasks. */
#define SAVED_AT      0
#define RANDOM_AT     40
#define MULTIPLIER_AT 48
#define TASKS_AT      64u

static const uint8_t saved[] = {T0, T1, T2, T3, T4};

/* DRAWN = bits `low` and up of the random number, `bits` of them, times 1 << shift. */
static void draw(struct emitter *e, uint32_t rd, int32_t low, int32_t bits, int32_t shift)
{
    emit(e, rv_slli(rd, DRAWN, 64 - low - bits));
    emit(e, rv_srli(rd, rd, 64 - bits));
    emit(e, rv_slli(rd, rd, shift));
}

static void enter(struct emitter *e)
{
    emit(e, rv_csrrw(CONTEXT, CSR_SSCRATCH, CONTEXT));
    emit(e, RV_NOP);
    emit(e, rv_auipc(CONTEXT, GUEST_PAGE_SIZE)); /* at offset PROGRAM_CONTEXT */
    for (unsigned i = 0; i < sizeof saved; i++) {
        emit(e, rv_sd(saved[i], SAVED_AT + 8 * (int32_t)i, CONTEXT));
    }
    emit(e, rv_ld(DRAWN, RANDOM_AT, CONTEXT));
    emit(e, rv_ld(T2, MULTIPLIER_AT, CONTEXT));
    emit(e, rv_mul(DRAWN, DRAWN, T2));
    emit(e, rv_addi(DRAWN, DRAWN, 0x123));
    emit(e, rv_sd(DRAWN, RANDOM_AT, CONTEXT));
    emit(e, rv_csrrs(T0, CSR_SCAUSE, ZERO));
}

static void leave(struct emitter *e)
{
    for (unsigned i = 0; i < sizeof saved; i++) {
        emit(e, rv_ld(saved[i], SAVED_AT + 8 * (int32_t)i, CONTEXT));
    }
    emit(e, rv_csrrw(CONTEXT, CSR_SSCRATCH, CONTEXT));
    emit(e, RV_SRET);
}

/* Exceptions: T0 is the cause. Goes on behind the instruction, with SUM, MXR and FS as drawn. */
static void skip_instruction(struct emitter *e)
{
    emit(e, rv_csrrs(T2, CSR_SEPC, ZERO));
    emit(e, rv_addi(T3, ZERO, 2));
    emit(e, rv_bne(T0, T3, 24));
    emit(e, rv_csrrs(T3, CSR_STVAL, ZERO));
    emit(e, rv_andi(T3, T3, 3));
    emit(e, rv_addi(T3, T3, -3));
    emit(e, rv_beq(T3, ZERO, 8));
    emit(e, rv_addi(T2, T2, -2)); /* it was a compressed one */
    emit(e, rv_addi(T2, T2, 4));
    emit(e, rv_csrrw(ZERO, CSR_SEPC, T2));
    emit(e, rv_lui(T4, 0xc0000));
    draw(e, T3, 20, 2, 18);
    emit(e, rv_csrrc(ZERO, CSR_SSTATUS, T4));
    emit(e, rv_csrrs(ZERO, CSR_SSTATUS, T3));
    draw(e, T3, 22, 2, 13); /* mostly on */
    emit(e, rv_csrrs(ZERO, CSR_SSTATUS, T3));
}

/* Interrupts: T0 is twice the cause. Makes the source silent. */
static void acknowledge(struct emitter *e)
{
    emit(e, rv_addi(T2, T0, -2));
    emit(e, rv_bne(T2, ZERO, 8));
    emit(e, rv_csrrci(ZERO, CSR_SIP, 2));
    emit(e, rv_addi(T2, T0, -18));
    emit(e, rv_bne(T2, ZERO, 12));
    emit(e, rv_lui(T3, (uint32_t)DEVICE_START));
    emit(e, rv_sw(ZERO, DEVICE_LOWERS, T3));
    emit(e, rv_addi(T2, T0, -10));
    emit(e, rv_bne(T2, ZERO, 28));
    emit(e, rv_csrrs(T2, CSR_TIME, ZERO));
    draw(e, T3, 30, 8, 0);
    emit(e, rv_add(T2, T2, T3));
    emit(e, rv_csrrw(ZERO, CSR_STIMECMP, T2));
}

/* Takes all that makes a task from its entry. */
static void choose_task(struct emitter *e)
{
    static const uint8_t registers[] = {SP, GP, S0};

    draw(e, T3, 50, 4, 6);
    emit(e, rv_add(T3, T3, CONTEXT));
    emit(e, rv_ld(T2, TASKS_AT + offsetof(struct program_task, satp), T3));
    emit(e, rv_csrrw(ZERO, CSR_SATP, T2));
    emit(e, rv_ld(T2, TASKS_AT + offsetof(struct program_task, pc), T3));
    emit(e, rv_csrrw(ZERO, CSR_SEPC, T2));
    emit(e, rv_ld(T2, TASKS_AT + offsetof(struct program_task, sstatus), T3));
    emit(e, rv_csrrw(ZERO, CSR_SSTATUS, T2));
    for (unsigned i = 0; i < sizeof registers; i++) {
        emit(e, rv_ld(registers[i], TASKS_AT + offsetof(struct program_task, sp) + 8 * i, T3));
    }
}

/* Each but the last is patched when its target is known. */
struct patches {
    unsigned to_main[VECTORS];
    unsigned to_task[3];
    unsigned to_interrupt;
    unsigned to_leave[2];
};

static void patch_branch(struct emitter *e, unsigned place, uint32_t funct3, uint32_t rs1,
                         uint32_t rs2)
{
    emit_at(e, place, rv_branch(funct3, rs1, rs2, (int32_t)e->used - (int32_t)place));
}

static unsigned reserve(struct emitter *e)
{
    emit(e, RV_NOP);
    return e->used - 4;
}

void program_make_handler(struct program *program, struct choices *choices)
{
    struct emitter e = {.choices = choices,
                        .code = program->ram + FRAME_HANDLER * GUEST_PAGE_SIZE,
                        .size = GUEST_PAGE_SIZE};
    uint8_t *context = program->ram + FRAME_CONTEXT * GUEST_PAGE_SIZE + PROGRAM_CONTEXT;
    const uint64_t multiplier = UINT64_C(6364136223846793005);
    uint64_t random = choose_bits(choices);
    struct patches p;

    for (unsigned i = 0; i < VECTORS; i++) {
        p.to_main[i] = reserve(&e);
    }
    for (unsigned i = 0; i < VECTORS; i++) {
        emit_at(&e, p.to_main[i], rv_jal(ZERO, (int32_t)(e.used - p.to_main[i])));
    }
    enter(&e);
    p.to_interrupt = reserve(&e);
    /* A fetch that fails would fail again; and once in a while another task is welcome. */
    emit(&e, rv_addi(T3, ZERO, 12));
    p.to_task[0] = reserve(&e);
    emit(&e, rv_addi(T3, ZERO, 1));
    p.to_task[1] = reserve(&e);
    emit(&e, rv_srli(T4, DRAWN, 60));
    p.to_task[2] = reserve(&e);
    skip_instruction(&e);
    p.to_leave[0] = reserve(&e);

    patch_branch(&e, p.to_interrupt, 4, T0, ZERO);
    emit(&e, rv_slli(T0, T0, 1));
    acknowledge(&e);
    emit(&e, rv_srli(T4, DRAWN, 62));
    p.to_leave[1] = reserve(&e);

    patch_branch(&e, p.to_task[0], 0, T0, T3);
    patch_branch(&e, p.to_task[1], 0, T0, T3);
    patch_branch(&e, p.to_task[2], 0, T4, ZERO);
    program->task_pc = FRAME_ADDRESS(FRAME_HANDLER) + e.used;
    program->x[CONTEXT] = FRAME_ADDRESS(FRAME_CONTEXT) + PROGRAM_CONTEXT;
    choose_task(&e);

    patch_branch(&e, p.to_leave[0], 0, ZERO, ZERO);
    patch_branch(&e, p.to_leave[1], 1, T4, ZERO);
    leave(&e);
    memcpy(context + RANDOM_AT, &random, sizeof random);
    memcpy(context + MULTIPLIER_AT, &multiplier, sizeof multiplier);
}

void program_make_tasks(struct program *program, struct choices *choices)
{
    static const uint64_t user_aliases[] = {ALIAS_USER, ALIAS_USER, ALIAS_USER_2M, ALIAS_USER_1G};
    static const uint64_t supervisor_aliases[] = {ALIAS_RAM, ALIAS_RAM, ALIAS_HIGH, ALIAS_HIGH_2M,
                                                  ALIAS_LOW_2M};

    for (unsigned i = 0; i < PROGRAM_TASKS; i++) {
        bool user = choose(choices, 2) == 0;
        bool paged = user || !choose_one_in(choices, 8) || program->stvec >= ALIAS_HIGH;
        uint64_t place = FRAME_CODE * GUEST_PAGE_SIZE +
                         2 * choose(choices, PROGRAM_CODE_PAGES * GUEST_PAGE_SIZE / 2);
        uint64_t data[3];
        struct program_task task = {
            .satp = paged ? program_satp(choose(choices, PROGRAM_SPACES)) : 0,
            /* UXL is fixed; SPIE, SPP, SUM, MXR and FS are drawn. */
            .sstatus = (uint64_t)choose(choices, 4) << 18 | (uint64_t)choose(choices, 2) << 5 |
                       (choose_one_in(choices, 6) ? 0 : UINT64_C(1) << 13) |
                       (user ? 0 : UINT64_C(1) << 8),
        };
        task.pc = place + (user    ? CHOOSE_FROM(choices, user_aliases)
                           : paged ? CHOOSE_FROM(choices, supervisor_aliases)
                                   : ALIAS_RAM);
        for (unsigned n = 0; n < 3; n++) {
            uint64_t alias = user || choose_one_in(choices, 4)
                                 ? CHOOSE_FROM(choices, user_aliases)
                                 : CHOOSE_FROM(choices, supervisor_aliases);
            data[n] = (paged ? alias : ALIAS_RAM) +
                      (FRAME_DATA + choose(choices, PROGRAM_DATA_PAGES)) * GUEST_PAGE_SIZE;
        }
        task.sp = data[0];
        task.gp = data[1];
        task.s0 = data[2];
        memcpy(program->ram + FRAME_CONTEXT * GUEST_PAGE_SIZE + PROGRAM_CONTEXT + TASKS_AT +
                   i * sizeof task,
               &task, sizeof task);
    }
}

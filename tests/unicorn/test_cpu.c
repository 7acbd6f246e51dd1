/*
 * Unicorn as a processor for two replicas: where it stops, and that it goes on as if it had not.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "examples/unicorn/board.h"
#include "examples/unicorn/cpu.h"
#include "tests/unicorn/guest_code.h"

#define CONSOLE_BIT (UINT64_C(1) << BOARD_IRQ_CONSOLE)
#define TIMER_BIT   (UINT64_C(1) << BOARD_IRQ_TIMER)
#define MSTATUS_MIE UINT64_C(8)

struct rig {
    struct cpu cpu;
    uint8_t *ram;
    bool wants_stop;
    unsigned asked;
};

static bool attend(void *context)
{
    struct rig *rig = context;
    rig->asked++;
    return rig->wants_stop;
}

static void setup(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->ram = aligned_alloc(4096, BOARD_RAM_SIZE);
    memset(rig->ram, 0, BOARD_RAM_SIZE);
    memcpy(rig->ram, guest_code, sizeof guest_code);
    cr_assert_eq(cpu_open(&rig->cpu, rig->ram, attend, rig), UC_ERR_OK);
}

static void teardown(struct rig *rig)
{
    cpu_close(&rig->cpu);
    free(rig->ram);
}

/* Runs until the guest sleeps, stopped at each multiple of `step`. */
static void run_in_steps(struct rig *rig, uint64_t step)
{
    enum cpu_stop stop;
    do {
        stop = cpu_run(&rig->cpu, rig->cpu.position + step);
    } while (stop == CPU_STOPPED);
    cr_assert_eq(stop, CPU_WAITS);
}

static void expect_equal(const struct rig *a, const struct rig *b)
{
    struct cpu_registers of_a;
    struct cpu_registers of_b;
    cpu_read(&a->cpu, &of_a);
    cpu_read(&b->cpu, &of_b);
    cr_expect_eq(a->cpu.position, b->cpu.position);
    cr_expect_eq(memcmp(&of_a, &of_b, sizeof of_a), 0);
    cr_expect_eq(memcmp(a->ram, b->ram, BOARD_RAM_SIZE), 0);
}

static void interruptible(struct rig *rig)
{
    struct cpu_registers registers;
    cpu_read(&rig->cpu, &registers);
    registers.csr[CPU_mtvec] = GUEST_HANDLER;
    registers.csr[CPU_mie] = CONSOLE_BIT | TIMER_BIT;
    registers.csr[CPU_mstatus] |= MSTATUS_MIE;
    cr_assert(cpu_write(&rig->cpu, &registers));
}

Test(unicorn_cpu, every_instruction_is_counted_once)
{
    struct rig rig;
    setup(&rig);
    run_in_steps(&rig, UINT32_MAX);
    cr_expect_eq(rig.cpu.position, GUEST_LENGTH);
    cr_expect_eq(rig.cpu.pc, GUEST_ENDS);
    teardown(&rig);
}

Test(unicorn_cpu, where_it_was_stopped_changes_nothing)
{
    static const uint64_t steps[] = {1, 4, 7, 20, 333, 4096};
    struct rig straight;
    setup(&straight);
    run_in_steps(&straight, UINT32_MAX);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct rig stopped;
        setup(&stopped);
        run_in_steps(&stopped, steps[i]);
        expect_equal(&straight, &stopped);
        teardown(&stopped);
    }
    teardown(&straight);
}

Test(unicorn_cpu, a_position_is_reached_or_just_passed_alike_by_all_ways)
{
    for (uint64_t target = 4; target < 400; target += 4) {
        struct rig direct;
        struct rig detour;
        setup(&direct);
        setup(&detour);
        cr_assert_eq(cpu_run(&direct.cpu, target), CPU_STOPPED);
        for (uint64_t at = 0; at < target;) {
            at = at + 12 < target ? at + 12 : target;
            cr_assert_eq(cpu_run(&detour.cpu, at), CPU_STOPPED);
        }
        cr_expect_geq(direct.cpu.position, target);
        expect_equal(&direct, &detour);
        teardown(&direct);
        teardown(&detour);
    }
}

Test(unicorn_cpu, a_fresh_processor_goes_on_where_another_stopped)
{
    struct rig first;
    setup(&first);
    cr_assert_eq(cpu_run(&first.cpu, GUEST_LENGTH / 2), CPU_STOPPED);
    struct rig second;
    setup(&second);
    struct cpu_registers registers;
    cpu_read(&first.cpu, &registers);
    cr_assert(cpu_write(&second.cpu, &registers));
    memcpy(second.ram, first.ram, BOARD_RAM_SIZE);
    second.cpu.position = first.cpu.position;

    run_in_steps(&first, UINT32_MAX);
    run_in_steps(&second, 100);
    expect_equal(&first, &second);
    teardown(&first);
    teardown(&second);
}

Test(unicorn_cpu, an_interrupt_runs_the_handler_and_returns)
{
    struct rig rig;
    setup(&rig);
    interruptible(&rig);
    cr_assert_eq(cpu_run(&rig.cpu, 40), CPU_STOPPED);
    uint64_t interrupted_pc = rig.cpu.pc;
    uint64_t interrupted_at = rig.cpu.position;
    cr_expect_eq(cpu_takes(&rig.cpu, TIMER_BIT), BOARD_IRQ_TIMER);

    cpu_interrupt(&rig.cpu, BOARD_IRQ_TIMER);
    cr_expect_eq(rig.cpu.pc, GUEST_HANDLER);
    cr_expect_eq(cpu_takes(&rig.cpu, TIMER_BIT), -1, "the handler is not to be interrupted");
    cr_assert_eq(cpu_run(&rig.cpu, interrupted_at + 8), CPU_STOPPED);

    struct cpu_registers registers;
    cpu_read(&rig.cpu, &registers);
    cr_expect_eq(registers.x[8 - 1], 1);
    cr_expect_eq(rig.cpu.pc, interrupted_pc);
    cr_expect_eq(registers.csr[CPU_mcause], UINT64_C(1) << 63 | BOARD_IRQ_TIMER);
    cr_expect_eq(cpu_takes(&rig.cpu, CONSOLE_BIT), BOARD_IRQ_CONSOLE);
    teardown(&rig);
}

Test(unicorn_cpu, attend_is_asked_from_its_position_on)
{
    struct rig rig;
    setup(&rig);
    rig.cpu.attention = 1000;
    cr_assert_eq(cpu_run(&rig.cpu, 1000), CPU_STOPPED);
    cr_expect_eq(rig.asked, 0);
    rig.wants_stop = true;
    cr_assert_eq(cpu_run(&rig.cpu, 2000), CPU_STOPPED);
    cr_expect_eq(rig.asked, 1);
    cr_expect_lt(rig.cpu.position, 2000);
    teardown(&rig);
}

Test(unicorn_cpu, reading_from_nowhere_is_a_fault_of_its_block)
{
    struct rig rig;
    setup(&rig);
    run_in_steps(&rig, UINT32_MAX);
    cr_expect_eq(cpu_run(&rig.cpu, UINT64_MAX), CPU_FAULT);
    cr_expect_eq(rig.cpu.fault, UC_ERR_READ_UNMAPPED);
    cr_expect_eq(rig.cpu.pc, GUEST_ENDS);
    cr_expect_eq(rig.cpu.position, GUEST_LENGTH);
    teardown(&rig);
}

Test(unicorn_cpu, a_jump_to_nowhere_is_a_fault)
{
    struct rig rig;
    setup(&rig);
    rig.cpu.pc = 0;
    cr_expect_eq(cpu_run(&rig.cpu, UINT64_MAX), CPU_FAULT);
    teardown(&rig);
}

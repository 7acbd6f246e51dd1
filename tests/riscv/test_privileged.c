/* Self-checking guest programs: each reports the line of the first check that failed. */
#include <criterion/criterion.h>

#include "tests/riscv/support/guest_host.h"

static void expect_success(const char *program)
{
    struct guest_host host;
    guest_host_start(&host, program);
    uint64_t line = guest_host_run(&host, 20000000);
    cr_expect_eq(
        line, 0, "tests/riscv/guest/%s.c:%llu; latest trap: cause %llx, value %llx, pc %llx",
        program, (unsigned long long)line, (unsigned long long)hart_get_csr(host.hart, 0x142),
        (unsigned long long)hart_get_csr(host.hart, 0x143),
        (unsigned long long)hart_get_csr(host.hart, 0x141));
    guest_host_stop(&host);
}

Test(privileged, traps_report_cause_value_and_place)
{
    expect_success("traps");
}

Test(privileged, paging_follows_the_tables_at_once)
{
    expect_success("paging");
}

Test(privileged, interrupts_arrive_exactly)
{
    expect_success("interrupts");
}

Test(privileged, the_program_of_the_test_of_determinism_runs)
{
    expect_success("mixture");
}

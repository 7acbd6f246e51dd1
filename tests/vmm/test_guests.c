/* Bare-metal guests that check the machine from the inside; see tests/vmm/guest. */
#include <sys/stat.h>

#include "tests/vmm/guests.h"

static void passes(const char *kernel, const char *last_line, enum machine_clock clock)
{
    struct recording recording = {0};
    struct guest_run run;
    struct machine_description description = guest_description();
    struct machine_local local = {.kernel = kernel};
    description.clock = clock;
    guest_prepare(&run, &description, &local, &recording);
    run.node.stop_position = 100000000;
    guest_go(&run);
    bytes_append(&run.console, "", 1);
    cr_expect(run.result == FTVM_E_HALTED, "%s", ftvm_strerror(run.result));
    cr_expect(guest_printed(&run, last_line) && !guest_printed(&run, "FAIL"), "%s",
              (char *)run.console.data);
    guest_free(&run);
    recording_free(&recording);
}

Test(guests, finds_the_sbi_as_specified)
{
    passes(TEST_GUESTS "/firmware.img", "**\nfirmware: done", MACHINE_CLOCK_COMPUTED);
}

Test(guests, finds_the_sbi_as_specified_with_a_logged_clock)
{
    passes(TEST_GUESTS "/firmware.img", "firmware: done", MACHINE_CLOCK_LOGGED);
}

Test(guests, is_interrupted_as_specified)
{
    passes(TEST_GUESTS "/interrupts.img", "interrupts: done", MACHINE_CLOCK_COMPUTED);
}

Test(guests, restarts_as_if_switched_on)
{
    passes(TEST_GUESTS "/restart.img", "round 0\nrestart: round 1\nrestart: round 2\n",
           MACHINE_CLOCK_COMPUTED);
}

Test(guests, work_comes_to_its_end)
{
    passes(TEST_GUESTS "/work.img", "work: done", MACHINE_CLOCK_COMPUTED);
}

Test(guests, a_map_for_perf_that_cannot_be_written_is_named)
{
    struct machine_description description = guest_description();
    struct machine_local local = {.kernel = TEST_GUESTS "/work.img"};
    struct hart_config cpu;
    struct machine *machine;
    char path[64], error[MACHINE_ERROR_SIZE] = "";
    hart_config_init(&cpu);
    cpu.perf_map = true;
    local.cpu = &cpu;
    if (cpu.engine != HART_JIT) {
        return; /* the interpreter writes none */
    }
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    cr_assert(mkdir(path, 0700) == 0);
    cr_expect(machine_create(&machine, &description, &local, error, sizeof error) < 0);
    cr_expect(strstr(error, path) != NULL, "%s", error);
    rmdir(path);
}

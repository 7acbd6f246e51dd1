/* Real processes from start to end: exit codes, signals, the control socket. The guests are a few
 * instructions long. */
#include "program.h"

#include <sys/stat.h>

#include "cli/exit_codes.h"

#define ALONE "run --kernel image --console none --control socket --memory 64M "

static bool control_appears(void)
{
    for (unsigned waited = 0; waited < PROGRAM_PATIENCE_S * 1000; waited += 20) {
        if (access("socket", F_OK) == 0)
            return true;
        program_sleep_ms(20);
    }
    return false;
}

/* Until the guest waits: before that a signal may meet a replica that is still starting. */
static void start_alone(struct program *program, const char *path, const char *line)
{
    program_start(program, path, line);
    cr_assert(program_wait_for(program, "running"), "%s", program->error);
    cr_assert(control_appears());
}

Test(replica, a_guest_that_powers_off_ends_it_with_0)
{
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_write_power_off_image("image");
    program_run(&program, path, ALONE);
    cr_expect_eq(program.code, CLI_EXIT_GOOD);
    cr_expect_str_eq(program.error, "ftvm: the guest powered off\n");
    cr_expect_neq(access("socket", F_OK), 0, "the control socket is gone");
    program_leave_folder(folder);
}

Test(replica, signals_stop_it_in_good_order)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        start_alone(&program, path, ALONE "--verbose");
        kill(program.process, signals[i]);
        program_finish(&program);
        cr_expect_eq(program.code, CLI_EXIT_GOOD, "%s", strsignal(signals[i]));
        cr_expect(strstr(program.error, "stopped in good order"), "%s", program.error);
    }
    program_leave_folder(folder);
}

Test(replica, status_and_stop_reach_it_through_its_socket)
{
    char path[4096], folder[32];
    struct program replica, client;
    struct stat socket;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    start_alone(&replica, path, ALONE "--name vm --verbose");
    cr_assert_eq(stat("socket", &socket), 0);
    cr_expect_eq(socket.st_mode & 0777, 0600);

    program_run(&client, path, "status --control socket");
    cr_expect_eq(client.code, CLI_EXIT_GOOD);
    cr_expect(strstr(client.output, "primary, unprotected"), "%s", client.output);
    program_run(&client, path, "status --control socket --json");
    cr_expect_eq(client.code, CLI_EXIT_GOOD);
    cr_expect(strstr(client.output, "\"name\": \"vm\""), "%s", client.output);
    cr_expect(strstr(client.output, "\"cpu\": {"), "%s", client.output);
    program_run(&client, path, "promote --control socket");
    cr_expect_eq(client.code, CLI_EXIT_REQUEST, "a primary cannot be promoted");

    program_run(&client, path, "stop --control socket");
    cr_expect_eq(client.code, CLI_EXIT_GOOD, "%s", client.error);
    program_finish(&replica);
    cr_expect_eq(replica.code, CLI_EXIT_GOOD);
    program_leave_folder(folder);
}

Test(replica, status_counts_what_its_engine_does)
{
    char path[4096], folder[32];
    struct program replica, client;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    start_alone(&replica, path, ALONE "--cpu interp --verbose");
    /* They are published at boundaries, and the first one may be yet to come. */
    unsigned tries = 0;
    do {
        program_run(&client, path, "status --control socket");
        cr_assert(strstr(client.output, "interp; "), "%s", client.output);
        cr_assert(tries++ < 100, "no block is ever decoded");
    } while (strstr(client.output, "interp; blocks decoded: 0,"));
    cr_expect_null(strstr(client.output, "code cache"), "%s", client.output);
    program_run(&client, path, "status --control socket --json");
    cr_expect(strstr(client.output, "\"engine\": \"interp\""), "%s", client.output);
    cr_expect(strstr(client.output, "\"code_capacity\": 0"), "%s", client.output);

    program_run(&client, path, "stop --control socket");
    program_finish(&replica);
    program_leave_folder(folder);
}

Test(replica, a_socket_in_use_is_refused_and_a_stale_one_replaced)
{
    char path[4096], folder[32];
    struct program first, second;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    start_alone(&first, path, ALONE "--verbose");
    program_run(&second, path, ALONE);
    cr_expect_eq(second.code, CLI_EXIT_START);
    cr_expect(strstr(second.error, "in use by another replica"), "%s", second.error);

    kill(first.process, SIGKILL);
    program_finish(&first);
    cr_expect_eq(access("socket", F_OK), 0, "killed, it left its socket");
    start_alone(&second, path, ALONE "--verbose");
    kill(second.process, SIGTERM);
    program_finish(&second);
    cr_expect_eq(second.code, CLI_EXIT_GOOD);
    program_leave_folder(folder);
}

Test(replica, a_full_disk_under_the_events_does_not_stop_the_machine)
{
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    start_alone(&program, path, ALONE "--verbose --events /dev/full");
    cr_expect(program_wait_for(&program, "cannot write events to /dev/full"));
    kill(program.process, SIGTERM);
    program_finish(&program);
    cr_expect_eq(program.code, CLI_EXIT_GOOD);
    program_leave_folder(folder);
}

Test(replica, a_full_disk_under_the_trace_does_not_stop_the_machine)
{
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_write_power_off_image("image");
    program_run(&program, path, ALONE "--quiet --trace /dev/full");
    cr_expect_eq(program.code, CLI_EXIT_GOOD);
    cr_expect(strstr(program.error, "warning: trace: No space left on device"), "%s",
              program.error);
    program_leave_folder(folder);
}

Test(replica, a_trace_goes_to_standard_output)
{
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_write_power_off_image("image");
    program_run(&program, path, ALONE "--trace -,to=3");
    cr_expect_eq(program.code, CLI_EXIT_GOOD);
    cr_expect(strstr(program.output, "\n           2 S 0000000080200044"), "%s", program.output);
    cr_expect_null(strstr(program.output, "\n           3 "), "%s", program.output);
    program_leave_folder(folder);
}

Test(replica, a_backup_that_waits_for_its_primary_ends_at_the_first_signal)
{
    char path[4096], folder[32];
    struct program program;

    program_path(path);
    program_enter_folder(folder);
    program_start(&program, path,
                  "backup --join 127.0.0.1:1 --arbiter file:a --control socket "
                  "--join-timeout-ms 60000 --console none");
    cr_assert(control_appears());
    kill(program.process, SIGTERM);
    program_finish(&program);
    cr_expect_eq(program.code, 128 + SIGTERM);
    cr_expect_neq(access("socket", F_OK), 0, "the control socket is gone");
    program_leave_folder(folder);
}

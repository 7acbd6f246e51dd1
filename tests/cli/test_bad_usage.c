/* What cannot work ends with its documented exit code and one line that says why. */
#include "program.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "cli/exit_codes.h"
#include "vmm/riscv/hart.h"

struct bad {
    const char *line;
    int code;
    const char *says;
};

static void expect_bad(const char *path, const struct bad *bad)
{
    struct program program;

    program_run(&program, path, bad->line);
    cr_expect_eq(program.code, bad->code, "'%s' exits with %d: %s", bad->line, program.code,
                 program.error);
    cr_expect(strstr(program.error, bad->says), "'%s' says '%s' and not '%s'", bad->line,
              program.error, bad->says);
    cr_expect_eq(program_error_lines(&program), 1, "'%s' says '%s'", bad->line, program.error);
    cr_expect_eq(strncmp(program.error, "ftvm: ", 6), 0);
    cr_expect_str_eq(program.output, "");
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fputs(content, file);
    fclose(file);
}

/* A port where somebody listens. */
static int take_port(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

Test(bad_usage, wrong_options_exit_with_2)
{
    static const struct bad cases[] = {
        {"start", CLI_EXIT_USAGE, "unknown command 'start'"},
        {"rnu", CLI_EXIT_USAGE, "did you mean 'run'?"},
        {"run", CLI_EXIT_USAGE, "--kernel FILE is missing"},
        {"run --kernle x", CLI_EXIT_USAGE, "did you mean --kernel?"},
        {"run --config /nonexistent", CLI_EXIT_USAGE, "No such file"},
        {"status", CLI_EXIT_USAGE, "--control PATH is missing"},
        {"help nothing", CLI_EXIT_USAGE, "unknown command 'nothing'"},
    };
    char path[4096];

    program_path(path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_bad(path, &cases[i]);
}

Test(bad_usage, what_is_missing_or_wrong_on_the_host_exits_with_3)
{
    static const struct bad cases[] = {
        {"run --console none --kernel nowhere", CLI_EXIT_START, "nowhere"},
        {"run --console none --kernel .", CLI_EXIT_START, "."},
        {"run --console none --kernel empty", CLI_EXIT_START, "empty"},
        {"run --console none --kernel text", CLI_EXIT_START, "text"},
        {"run --console none --kernel image --initrd nowhere", CLI_EXIT_START, "nowhere"},
        {"run --console none --kernel image --disk nowhere", CLI_EXIT_START,
         "--disk nowhere: No such file"},
        {"run --console none --kernel image --disk text", CLI_EXIT_START, "multiple of 512"},
        {"run --console none --kernel image --disk empty", CLI_EXIT_START, "multiple of 512"},
        {"run --console none --kernel image --net tap:nosuchif0", CLI_EXIT_START, "nosuchif0"},
        {"run --console none --kernel image --net pcap:nosuchif0", CLI_EXIT_START, "nosuchif0"},
        {"run --console file:/nonexistent/log --kernel image", CLI_EXIT_START, "/nonexistent/log"},
        {"run --console unix:text --kernel image", CLI_EXIT_START, "text"},
        {"run --console none --kernel image --events /nonexistent/e", CLI_EXIT_START,
         "--events /nonexistent/e: No such file"},
        {"run --console none --kernel image --trace /nonexistent/t,from=5", CLI_EXIT_START,
         "trace: '/nonexistent/t' cannot be written: No such file"},
        {"run --console none --kernel image --control text", CLI_EXIT_START,
         "exists and is not a socket"},
        {"run --console none --kernel image --control /nonexistent/c", CLI_EXIT_START,
         "No such file"},
    };
    char path[4096], folder[32];

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    write_file("empty", "");
    write_file("text", "no kernel, no disk\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_bad(path, &cases[i]);
    program_leave_folder(folder);
}

Test(bad_usage, an_engine_that_the_host_has_not_exits_with_3)
{
    static const struct bad cases[] = {
        {"run --console none --kernel image --cpu jit", CLI_EXIT_START, "--cpu jit: there is none"},
        {"backup --join 127.0.0.1:1 --arbiter file:a --cpu jit", CLI_EXIT_START,
         "use --cpu interp"},
    };
    static const struct bad no_use = {"run --console none --kernel image --cpu interp --perf-map",
                                      CLI_EXIT_START, "--perf-map: names what the JIT translates"};
    char path[4096], folder[32];

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    for (size_t i = 0; !hart_has_jit() && i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_bad(path, &cases[i]);
    expect_bad(path, &no_use);
    program_leave_folder(folder);
}

Test(bad_usage, a_busy_port_is_named)
{
    char path[4096], folder[32], line[256], says[16];
    struct bad bad = {line, CLI_EXIT_START, says};
    uint16_t port;

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    int listener = take_port(&port);
    snprintf(says, sizeof(says), "%u", port);

    snprintf(line, sizeof(line),
             "primary --console none --kernel image --arbiter file:a --listen 127.0.0.1:%u", port);
    expect_bad(path, &bad);
    snprintf(line, sizeof(line),
             "run --console none --kernel image --net user,hostfwd=tcp:127.0.0.1:%u-:22", port);
    expect_bad(path, &bad);
    close(listener);
    program_leave_folder(folder);
}

Test(bad_usage, without_a_primary_a_backup_gives_up)
{
    char path[4096], folder[32], line[256];
    struct bad bad = {line, CLI_EXIT_START, "--join"};
    uint16_t port;

    program_path(path);
    program_enter_folder(folder);
    close(take_port(&port));
    snprintf(line, sizeof(line),
             "backup --join 127.0.0.1:%u --listen 127.0.0.1:0 --arbiter file:a "
             "--join-timeout-ms 200",
             port);
    expect_bad(path, &bad);
    program_leave_folder(folder);
}

Test(bad_usage, an_arbiter_out_of_reach_exits_with_6)
{
    static const struct bad bad = {"primary --console none --kernel image --listen 127.0.0.1:0 "
                                   "--arbiter file:/nonexistent/folder/record",
                                   CLI_EXIT_ARBITER, "/nonexistent/folder"};
    char path[4096], folder[32];

    program_path(path);
    program_enter_folder(folder);
    program_write_idle_image("image");
    expect_bad(path, &bad);
    program_leave_folder(folder);
}

Test(bad_usage, where_nobody_answers_a_client_says_so)
{
    static const struct bad cases[] = {
        {"status --control nowhere", CLI_EXIT_REQUEST, "nobody answers at nowhere"},
        {"stop --control nowhere", CLI_EXIT_REQUEST, "nobody answers at nowhere"},
        {"promote --control nowhere", CLI_EXIT_REQUEST, "nobody answers at nowhere"},
    };
    char path[4096];

    program_path(path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_bad(path, &cases[i]);
}

Test(bad_usage, help_and_version_go_to_stdout)
{
    static const char *const lines[] = {"--help",        "help",           "help backup",
                                        "run --help",    "primary --help", "backup -h",
                                        "status --help", "--version"};
    char path[4096];
    struct program program;

    program_path(path);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        program_run(&program, path, lines[i]);
        cr_expect_eq(program.code, CLI_EXIT_GOOD, "%s", lines[i]);
        cr_expect_neq(program.output[0], '\0', "%s", lines[i]);
        cr_expect_str_eq(program.error, "", "%s", lines[i]);
    }
}

/* The console: terminal, pipe, file and socket, and what happens where bytes cannot go on. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <stdatomic.h>
#include <termios.h>

#include "vmm/backends/console.h"
#include "vmm/backends/console_escape.h"

#include "inputs.h"
#include "scratch.h"

struct stage {
    struct inputs *inputs;
    struct reactor *reactor;
    struct console *console;
    struct scratch *scratch;
    atomic_int quits;
};

static void count_quit(void *context)
{
    struct stage *stage = context;

    stage->quits++;
}

static struct stage *stage_new(void)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    stage->inputs = inputs_new();
    stage->scratch = scratch_new();
    cr_assert_eq(reactor_create(&stage->reactor, inputs_sink, stage->inputs), 0);
    return stage;
}

static int create(struct stage *stage, enum console_kind kind, const char *path, char *error,
                  size_t error_size)
{
    struct console_config config = {.kind = kind};

    if (path)
        strcpy(config.path, path);
    return console_create(&stage->console, &config, stage->reactor, 9, count_quit, stage, error,
                          error_size);
}

static void start(struct stage *stage, enum console_kind kind, const char *path)
{
    char error[256] = "";

    cr_assert_eq(create(stage, kind, path, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(reactor_start(stage->reactor), 0);
}

static void stage_free(struct stage *stage)
{
    reactor_stop(stage->reactor);
    console_destroy(stage->console);
    reactor_destroy(stage->reactor);
    inputs_free(stage->inputs);
    scratch_free(stage->scratch);
    free(stage);
}

static void emit(struct stage *stage, const char *text)
{
    console_emit(stage->console, text, strlen(text));
}

/* Reads from a descriptor until `wanted` was seen. */
static bool reads(int fd, const char *wanted)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char text[4096] = "";
    size_t size = 0;

    while (!strstr(text, wanted) && size < sizeof(text) - 1 &&
           poll(&readable, 1, INPUTS_WAIT_MS) == 1) {
        ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);

        if (got <= 0)
            return false;
        size += (size_t)got;
        text[size] = '\0';
    }
    return strstr(text, wanted);
}

static bool file_holds(const char *path, const char *wanted)
{
    char text[4096] = "";

    for (unsigned waited = 0; waited < INPUTS_WAIT_MS / 10; waited++) {
        int fd = open(path, O_RDONLY);
        ssize_t size = read(fd, text, sizeof(text) - 1);

        close(fd);
        text[size > 0 ? size : 0] = '\0';
        if (strcmp(text, wanted) == 0)
            return true;
        usleep(10000);
    }
    cr_log_error("'%s' holds '%s'", path, text);
    return false;
}

static bool error_becomes(struct stage *stage, int code)
{
    for (unsigned waited = 0; waited < INPUTS_WAIT_MS; waited++) {
        if (console_error(stage->console) == code)
            return true;
        usleep(1000);
    }
    return false;
}

static void write_text(int fd, const char *text)
{
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int client(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
                 strerror(errno));
    return fd;
}

/* A client to whom the console speaks: it was accepted, as bytes before that are dropped. */
static int greeted_client(struct stage *stage, const char *path)
{
    int fd = client(path);
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    for (unsigned waited = 0; waited < INPUTS_WAIT_MS; waited++) {
        emit(stage, ".");
        if (poll(&readable, 1, 1) == 1)
            return fd;
    }
    cr_assert_fail("no client is accepted");
    return fd;
}

Test(console_config, names_the_console_or_says_what_was_expected)
{
    static const char *const bad[] = {"", "tty", "stdio:", "file", "file:", "unix:", "none:x"};
    struct console_config config;
    char error[256], text[400] = "file:";

    cr_expect_eq(console_config_parse(&config, "none", NULL, 0), 0);
    cr_expect_eq(config.kind, CONSOLE_NONE);
    cr_expect_eq(console_config_parse(&config, "stdio", NULL, 0), 0);
    cr_expect_eq(config.kind, CONSOLE_STDIO);
    cr_expect_eq(console_config_parse(&config, "file:/a:b", NULL, 0), 0);
    cr_expect_eq(config.kind, CONSOLE_FILE);
    cr_expect_str_eq(config.path, "/a:b");
    cr_expect_eq(console_config_parse(&config, "unix:s", NULL, 0), 0);
    cr_expect_eq(config.kind, CONSOLE_UNIX);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(console_config_parse(&config, bad[i], error, sizeof(error)), -EINVAL, "%s",
                     bad[i]);
        cr_expect_not_null(strstr(error, "expected stdio, file:PATH"), "%s", error);
    }
    memset(text + 5, 'a', sizeof(text) - 6);
    cr_expect_eq(console_config_parse(&config, text, error, sizeof(error)), -EINVAL);
}

Test(console_escape, passes_on_everything_but_the_two_commands)
{
    static const struct {
        const char *typed, *passed;
        bool quit;
    } cases[] = {
        {"plain x", "plain x", false},
        {"a\001\001b", "a\001b", false},
        {"ls\001x", "ls", true},
        {"\001\001x", "\001x", false},
        {"\001b\001l", "\001b\001l", false},
        {"\001xnot seen", "", true},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned split = 0; split < 2; split++) { /* at once, and key by key */
            struct console_escape escape = {0};
            size_t size = strlen(cases[i].typed), step = split ? 1 : size, passed = 0;
            uint8_t out[64];
            bool quit = false;

            for (size_t at = 0; at < size && !quit; at += step)
                passed += console_escape_filter(&escape, (const uint8_t *)cases[i].typed + at, step,
                                                out + passed, &quit);
            out[passed] = '\0';
            cr_expect_str_eq((char *)out, cases[i].passed);
            cr_expect_eq(quit, cases[i].quit);
        }
    }
}

Test(console_file, what_is_printed_is_appended)
{
    struct stage *stage = stage_new();
    const char *path = scratch_file(stage->scratch, "console", 0);
    int fd = open(path, O_WRONLY);

    write_text(fd, "before\n");
    close(fd);
    start(stage, CONSOLE_FILE, path);
    emit(stage, "one ");
    emit(stage, "two\n");
    cr_expect(file_holds(path, "before\none two\n"));
    cr_expect_eq(console_error(stage->console), 0);
    stage_free(stage);
}

Test(console_file, the_last_words_are_written_at_the_end)
{
    struct stage *stage = stage_new();
    struct scratch *scratch = stage->scratch;
    const char *path = scratch_path(scratch, "console");

    start(stage, CONSOLE_FILE, path);
    reactor_stop(stage->reactor);
    emit(stage, "Power down\n");
    console_destroy(stage->console);
    stage->console = NULL;
    cr_expect(file_holds(path, "Power down\n"));
    stage_free(stage);
}

Test(console_file, a_full_disk_is_said_and_loses_nothing)
{
    struct stage *stage = stage_new();
    char filler[16384], path[160];
    int fd;

    scratch_limit(stage->scratch, "64k");
    strcpy(path, scratch_path(stage->scratch, "console"));
    start(stage, CONSOLE_FILE, path);
    memset(filler, 'x', sizeof(filler));
    fd = open(scratch_path(stage->scratch, "filler"), O_WRONLY | O_CREAT, 0600);
    while (write(fd, filler, sizeof(filler)) > 0)
        continue;
    emit(stage, "kept ");
    cr_expect(error_becomes(stage, -ENOSPC));
    emit(stage, "and written");
    cr_assert_eq(ftruncate(fd, 0), 0);
    close(fd);
    cr_expect(file_holds(path, "kept and written"));
    cr_expect(error_becomes(stage, 0));
    stage_free(stage);
}

Test(console_file, a_path_that_cannot_be_written_is_named)
{
    struct stage *stage = stage_new();
    char error[256] = "";

    cr_expect_eq(create(stage, CONSOLE_FILE, "/nowhere/console", error, sizeof(error)), -ENOENT);
    cr_expect_not_null(strstr(error, "/nowhere/console"), "%s", error);
    stage_free(stage);
}

Test(console_none, takes_everything_and_keeps_nothing)
{
    struct stage *stage = stage_new();
    char *text = calloc(1, 65536);

    start(stage, CONSOLE_NONE, NULL);
    for (unsigned i = 0; i < 64; i++) {
        console_emit(stage->console, text, 65536);
        usleep(1000);
    }
    free(text);
    stage_free(stage);
}

Test(console_unix, a_client_speaks_and_listens)
{
    struct stage *stage = stage_new();
    const char *path = scratch_path(stage->scratch, "socket");
    char *text;
    int fd;

    start(stage, CONSOLE_UNIX, path);
    emit(stage, "nobody hears this");
    fd = greeted_client(stage, path);
    emit(stage, "login: ");
    cr_expect(reads(fd, "login: "));
    write_text(fd, "root\001x\n"); /* the escape is of terminals, not of sockets */
    text = inputs_wait_text(stage->inputs, "root\001x\n");
    cr_expect_not_null(text);
    cr_expect_eq(stage->inputs->list[0].device, 9);
    cr_expect_eq(stage->quits, 0);
    free(text);
    close(fd);
    stage_free(stage);
}

Test(console_unix, a_second_client_is_told_and_one_after_another_is_served)
{
    struct stage *stage = stage_new();
    const char *path = scratch_path(stage->scratch, "socket");
    int first, second;

    start(stage, CONSOLE_UNIX, path);
    first = greeted_client(stage, path);
    second = client(path);
    cr_expect(reads(second, "in use"));
    cr_expect_not(reads(second, "anything more"));
    close(second);
    emit(stage, "still here");
    cr_expect(reads(first, "still here"));
    close(first);
    second = greeted_client(stage, path); /* at once: who has left is not in the way */
    emit(stage, "next");
    cr_expect(reads(second, "next"));
    close(second);
    stage_free(stage);
}

Test(console_unix, a_script_sends_its_commands_and_reads_the_answers)
{
    struct stage *stage = stage_new();
    const char *path = scratch_path(stage->scratch, "socket");
    int fd;

    start(stage, CONSOLE_UNIX, path);
    fd = client(path);
    write_text(fd, "poweroff\n");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    free(inputs_wait_text(stage->inputs, "poweroff\n"));
    usleep(20000);
    emit(stage, "going down");
    cr_expect(reads(fd, "going down"));
    close(fd);
    fd = greeted_client(stage, path);
    close(fd);
    stage_free(stage);
}

Test(console_unix, a_client_that_does_not_read_blocks_nobody)
{
    struct stage *stage = stage_new();
    const char *path = scratch_path(stage->scratch, "socket");
    char *text = calloc(1, CONSOLE_BACKLOG);
    int fd;

    start(stage, CONSOLE_UNIX, path);
    fd = greeted_client(stage, path);
    for (unsigned i = 0; i < 4; i++) {
        console_emit(stage->console, text, CONSOLE_BACKLOG);
        usleep(10000);
    }
    cr_expect(error_becomes(stage, -ENOBUFS));
    close(fd);
    fd = greeted_client(stage, path);
    emit(stage, "alive");
    cr_expect(reads(fd, "alive"));
    close(fd);
    free(text);
    stage_free(stage);
}

Test(console_unix, a_stale_socket_is_replaced_and_a_living_one_is_not)
{
    struct stage *stage = stage_new(), *rival = stage_new();
    char path[160], error[256] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(path, scratch_path(stage->scratch, "socket"));
    strcpy(address.sun_path, path);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_expect_eq(create(rival, CONSOLE_UNIX, path, error, sizeof(error)), -EADDRINUSE);
    cr_expect_not_null(strstr(error, path), "%s", error);
    close(fd); /* as if killed: the file stays */
    start(stage, CONSOLE_UNIX, path);
    fd = greeted_client(stage, path);
    close(fd);
    cr_expect_eq(create(rival, CONSOLE_UNIX, path, error, sizeof(error)), -EADDRINUSE);
    reactor_stop(stage->reactor);
    console_destroy(stage->console);
    stage->console = NULL;
    cr_expect_eq(access(path, F_OK), -1, "the socket is removed at the end");
    stage_free(rival);
    stage_free(stage);
}

Test(console_unix, a_path_that_will_not_do_is_named_with_the_reason)
{
    struct stage *stage = stage_new();
    char error[256] = "", path[256];

    strcpy(path, scratch_file(stage->scratch, "precious", 10));
    cr_expect_eq(create(stage, CONSOLE_UNIX, path, error, sizeof(error)), -EEXIST);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(create(stage, CONSOLE_UNIX, "/nowhere/socket", error, sizeof(error)), -ENOENT);
    memset(path, 'a', 200);
    path[200] = '\0';
    cr_expect_eq(create(stage, CONSOLE_UNIX, path, error, sizeof(error)), -ENAMETOOLONG);
    stage_free(stage);
}

/* A terminal whose user is the test; the process has its other end as standard input and output. */
static int become_terminal(void)
{
    int user = posix_openpt(O_RDWR | O_NOCTTY);
    int ours;

    cr_assert_geq(user, 0);
    cr_assert_eq(grantpt(user), 0);
    cr_assert_eq(unlockpt(user), 0);
    ours = open(ptsname(user), O_RDWR | O_NOCTTY);
    cr_assert_geq(ours, 0);
    dup2(ours, 0);
    dup2(ours, 1);
    close(ours);
    return user;
}

static tcflag_t local_modes(void)
{
    struct termios terminal;

    cr_assert_eq(tcgetattr(0, &terminal), 0);
    return terminal.c_lflag;
}

Test(console_stdio, a_terminal_is_raw_while_it_is_the_console)
{
    struct stage *stage = stage_new();
    int user = become_terminal();
    tcflag_t before = local_modes();
    char *text;

    cr_assert(before & ICANON);
    start(stage, CONSOLE_STDIO, NULL);
    cr_expect_eq(local_modes() & (ICANON | ECHO | ISIG), 0);
    emit(stage, "login: ");
    cr_expect(reads(user, "login: "));
    write_text(user, "\003\032\004\r"); /* Ctrl-C, Ctrl-Z and Ctrl-D are for the guest */
    text = inputs_wait_text(stage->inputs, "\003\032\004\r");
    cr_expect_not_null(text);
    free(text);
    console_restore(stage->console);
    cr_expect_eq(local_modes(), before);
    stage_free(stage);
    cr_expect_eq(local_modes(), before);
    close(user);
}

Test(console_stdio, ctrl_a_x_asks_to_quit)
{
    struct stage *stage = stage_new();
    int user = become_terminal();

    start(stage, CONSOLE_STDIO, NULL);
    write_text(user, "\001");
    write_text(user, "x");
    for (unsigned waited = 0; waited < INPUTS_WAIT_MS && !stage->quits; waited++)
        usleep(1000);
    cr_expect_eq(stage->quits, 1);
    cr_expect_eq(inputs_count(stage->inputs), 0);
    stage_free(stage);
    close(user);
}

Test(console_stdio, a_stopped_terminal_blocks_nobody_and_loses_nothing)
{
    struct stage *stage = stage_new();
    int user = become_terminal();

    start(stage, CONSOLE_STDIO, NULL);
    cr_assert_eq(tcflow(1, TCOOFF), 0);
    emit(stage, "while it was stopped");
    write_text(user, "typed");
    free(inputs_wait_text(stage->inputs, "typed")); /* the reactor is alive */
    cr_expect_geq(inputs_count(stage->inputs), 1);
    cr_assert_eq(tcflow(1, TCOON), 0);
    cr_expect(reads(user, "while it was stopped"));
    stage_free(stage);
    close(user);
}

Test(console_stdio, what_a_full_sink_refuses_is_offered_again)
{
    struct stage *stage = stage_new();
    int user = become_terminal();
    char *text;

    start(stage, CONSOLE_STDIO, NULL);
    inputs_set_full(stage->inputs, true);
    write_text(user, "first ");
    cr_assert(inputs_wait_refused(stage->inputs));
    write_text(user, "second");
    inputs_set_full(stage->inputs, false);
    text = inputs_wait_text(stage->inputs, "second");
    cr_assert_not_null(text);
    cr_expect_str_eq(text, "first second");
    free(text);
    stage_free(stage);
    close(user);
}

Test(console_stdio, a_script_pipes_in_and_out)
{
    struct stage *stage = stage_new();
    int in[2], out[2];
    char *text;

    cr_assert_eq(pipe(in), 0);
    cr_assert_eq(pipe(out), 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(out[1]);
    start(stage, CONSOLE_STDIO, NULL);
    write_text(in[1], "commands\n");
    close(in[1]);
    text = inputs_wait_text(stage->inputs, "commands\n");
    cr_expect_not_null(text);
    free(text);
    usleep(20000); /* the end of the input ends nothing else */
    emit(stage, "answer");
    cr_expect(reads(out[0], "answer"));
    cr_expect_eq(fcntl(1, F_GETFL) & O_NONBLOCK, 0, "others share our standard output");
    close(out[0]);
    emit(stage, "to nobody");
    cr_expect(error_becomes(stage, -EPIPE), "an error and no signal");
    emit(stage, "to nobody again");
    stage_free(stage);
}

/* Runs the `ftvm` that was built, as a user would: arguments in, exit code and stderr out. */
#ifndef TESTS_CLI_PROGRAM_H
#define TESTS_CLI_PROGRAM_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM_WORDS      48
#define PROGRAM_PATIENCE_S 20 /* a host that does other things too */

struct program {
    pid_t process;
    int error_pipe;
    int output_pipe;
    int code; /* exit code, or 128 + signal */
    char error[8192];
    char output[8192];
};

/* A folder of the test's own, its current one from here on. */
static inline void program_enter_folder(char folder[32])
{
    strcpy(folder, "/tmp/ftvm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static inline void program_leave_folder(const char *folder)
{
    char line[64];

    cr_assert_eq(chdir("/"), 0);
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    cr_assert_eq(system(line), 0);
}

/* The path of the program, absolute, as tests go to folders of their own. To be asked before. */
static inline const char *program_path(char path[4096])
{
    const char *given = getenv("FTVM");

    given = given ? given : FTVM_BINARY;
    cr_assert_not_null(realpath(given, path), "%s", given);
    return path;
}

static inline void program_start(struct program *program, const char *path, const char *line)
{
    char text[2048], *words[PROGRAM_WORDS] = {"ftvm"}, *rest;
    int error_ends[2], output_ends[2], count = 1;

    memset(program, 0, sizeof(*program));
    snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    cr_assert_eq(pipe2(error_ends, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(output_ends, O_CLOEXEC), 0);
    program->process = fork();
    if (program->process == 0) {
        /* A test that fails leaves nothing running. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGHUP, SIG_DFL); /* whatever the tests were started by has done to it */
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(output_ends[1], STDOUT_FILENO);
        dup2(error_ends[1], STDERR_FILENO);
        execv(path, words);
        _exit(127);
    }
    close(error_ends[1]);
    close(output_ends[1]);
    program->error_pipe = error_ends[0];
    program->output_pipe = output_ends[0];
}

static inline void program_sleep_ms(unsigned milliseconds)
{
    struct timespec pause = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

/* Reads what is there within the time, appending. False at the end of the stream or of patience. */
static inline bool program_read(int descriptor, char *text, size_t capacity, int patience_ms)
{
    struct pollfd source = {.fd = descriptor, .events = POLLIN};
    size_t used = strlen(text);

    if (poll(&source, 1, patience_ms) <= 0)
        return false;
    ssize_t size = read(descriptor, text + used, capacity - used - 1);
    if (size <= 0)
        return false;
    text[used + (size_t)size] = '\0';
    return true;
}

/* Until stderr contains the words. */
static inline bool program_wait_for(struct program *program, const char *words)
{
    while (!strstr(program->error, words))
        if (!program_read(program->error_pipe, program->error, sizeof(program->error),
                          PROGRAM_PATIENCE_S * 1000))
            return false;
    return true;
}

static inline void program_finish(struct program *program)
{
    int status = 0;

    for (unsigned waited = 0; waitpid(program->process, &status, WNOHANG) == 0; waited += 20) {
        if (waited > PROGRAM_PATIENCE_S * 1000) {
            kill(program->process, SIGKILL);
            cr_assert_fail("it did not end: %s", program->error);
        }
        program_sleep_ms(20);
    }
    while (program_read(program->error_pipe, program->error, sizeof(program->error), 0))
        continue;
    while (program_read(program->output_pipe, program->output, sizeof(program->output), 0))
        continue;
    close(program->error_pipe);
    close(program->output_pipe);
    program->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void program_run(struct program *program, const char *path, const char *line)
{
    program_start(program, path, line);
    program_finish(program);
}

static inline unsigned program_error_lines(const struct program *program)
{
    unsigned count = 0;

    for (const char *letter = program->error; *letter; letter++)
        count += *letter == '\n';
    return count;
}

/* ---- Guests of a few instructions ---- */

static inline void put_u32(uint8_t *place, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        place[i] = (uint8_t)(value >> (8 * i));
}

/* A Linux Image in form: a header of 64 bytes, which jumps behind itself to `code`. */
static inline void program_write_image(const char *path, const uint32_t *code, size_t count)
{
    uint8_t image[4096] = {0};

    put_u32(image, 0x0400006f);         /* jal x0, 64 */
    put_u32(image + 8, 0x200000);       /* text offset */
    put_u32(image + 16, sizeof(image)); /* image size */
    put_u32(image + 32, 2);             /* header version 0.2 */
    memcpy(image + 48, "RISCV\0\0\0RSC\x05", 12);
    for (size_t i = 0; i < count; i++)
        put_u32(image + 64 + 4 * i, code[i]);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(image, sizeof(image), 1, file), 1);
    fclose(file);
}

/* Waits for interrupts for ever. */
static inline void program_write_idle_image(const char *path)
{
    static const uint32_t code[] = {0x10500073 /* wfi */, 0xffdff06f /* jal x0, -4 */};

    program_write_image(path, code, sizeof(code) / sizeof(code[0]));
}

/* Counts in t0 for ever. */
static inline void program_write_counting_image(const char *path)
{
    static const uint32_t code[] = {0x00128293 /* addi t0, t0, 1 */, 0xffdff06f /* jal x0, -4 */};

    program_write_image(path, code, sizeof(code) / sizeof(code[0]));
}

/* Powers off at once: SBI system reset, type 0. */
static inline void program_write_power_off_image(const char *path)
{
    static const uint32_t code[] = {
        0x535258b7 /* lui a7, 0x53525 */, 0x35488893 /* addi a7, a7, 0x354 */,
        0x00000813 /* li a6, 0 */,        0x00000513 /* li a0, 0 */,
        0x00000593 /* li a1, 0 */,        0x00000073 /* ecall */,
        0x0000006f /* jal x0, 0 */,
    };

    program_write_image(path, code, sizeof(code) / sizeof(code[0]));
}

#endif

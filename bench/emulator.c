#include "bench/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BOOT_MS  120000u
#define RUN_MS   600000u /* an interpreter takes its time */
#define MARK     '@'     /* begins the lines that are meant for us (bench/guest/linux/init.c) */
#define NS_PER_S 1000000000u

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static bool fail(struct emulator *emulator,
                                                       const char *format, ...)
{
    va_list arguments;
    int size = snprintf(emulator->error, sizeof(emulator->error), "%s: ", emulator->label);

    va_start(arguments, format);
    vsnprintf(emulator->error + size, sizeof(emulator->error) - (size_t)size, format, arguments);
    va_end(arguments);
    emulator_end(emulator);
    return false;
}

/* ---- The process --------------------------------------------------------------------------- */

/* In the child; returns only if it cannot be executed. */
static void become(const struct emulator *emulator, int input, int output)
{
    int log = open(emulator->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        (log >= 0 && dup2(log, STDERR_FILENO) < 0))
        return;
    execvp(emulator->arguments[0], (char *const *)emulator->arguments);
}

static bool start(struct emulator *emulator)
{
    int to[2], from[2];

    emulator->size = 0;
    if (pipe2(to, O_CLOEXEC))
        return fail(emulator, "no pipe: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC)) {
        close(to[0]);
        close(to[1]);
        return fail(emulator, "no pipe: %s", strerror(errno));
    }
    fflush(NULL);
    emulator->pid = fork();
    if (emulator->pid == 0) {
        become(emulator, to[0], from[1]);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    emulator->input = to[1];
    emulator->output = from[0];
    if (emulator->pid > 0)
        return true;
    close(emulator->input);
    close(emulator->output);
    emulator->pid = 0;
    return fail(emulator, "no process: %s", strerror(errno));
}

void emulator_end(struct emulator *emulator)
{
    if (emulator->pid <= 0)
        return;
    kill(emulator->pid, SIGKILL);
    waitpid(emulator->pid, NULL, 0);
    close(emulator->input);
    close(emulator->output);
    emulator->pid = 0;
}

/* ---- Lines of the console ------------------------------------------------------------------ */

static bool receive(struct emulator *emulator, uint64_t deadline)
{
    struct pollfd descriptor = {.fd = emulator->output, .events = POLLIN};
    uint64_t now = now_ns();
    ssize_t size;

    /* A line of such a length is none of ours. */
    if (emulator->size == sizeof(emulator->received))
        emulator->size = 0;
    if (now >= deadline || poll(&descriptor, 1, (int)((deadline - now) / 1000000u) + 1) == 0)
        return fail(emulator, "no answer in time (%s)", emulator->log);
    size = read(emulator->output, emulator->received + emulator->size,
                sizeof(emulator->received) - emulator->size);
    emulator->arrived_ns = now_ns();
    if (size <= 0)
        return fail(emulator, "it has ended (%s)", emulator->log);
    emulator->size += (size_t)size;
    return true;
}

/* Takes the first whole line out of what was received. */
static bool take_line(struct emulator *emulator, char *line, size_t room)
{
    char *end = memchr(emulator->received, '\n', emulator->size);
    size_t size;

    if (!end)
        return false;
    size = (size_t)(end - emulator->received);
    snprintf(line, room, "%.*s", (int)size, emulator->received);
    line[strcspn(line, "\r")] = '\0';
    emulator->size -= size + 1;
    memmove(emulator->received, end + 1, emulator->size);
    return true;
}

/* Until a line begins with MARK and `word`. A terminal or firmware may have left something on the
 * line before it. */
static bool wait_for(struct emulator *emulator, const char *word, uint64_t deadline, char *line,
                     size_t room)
{
    for (;;) {
        while (take_line(emulator, line, room)) {
            char *mark = strrchr(line, MARK);

            if (!mark)
                continue;
            if (strncmp(mark + 1, "failed ", 7) == 0)
                return fail(emulator, "the guest has no program '%s', or no memory for it",
                            mark + 8);
            if (strncmp(mark + 1, word, strlen(word)) == 0) {
                memmove(line, mark, strlen(mark) + 1);
                return true;
            }
        }
        if (!receive(emulator, deadline))
            return false;
    }
}

bool emulator_boot(struct emulator *emulator, double *seconds)
{
    uint64_t begin = now_ns();
    char line[128];

    if (!start(emulator) ||
        !wait_for(emulator, "ready", begin + BOOT_MS * UINT64_C(1000000), line, sizeof(line)))
        return false;
    *seconds = (double)(emulator->arrived_ns - begin) / 1e9;
    return true;
}

bool emulator_run(struct emulator *emulator, const char *program, unsigned percent, double *seconds,
                  char value[EMULATOR_VALUE_SIZE])
{
    uint64_t deadline = now_ns() + RUN_MS * UINT64_C(1000000), begin;
    char line[128];
    int size = snprintf(line, sizeof(line), "%s %u\n", program, percent);

    if (write(emulator->input, line, (size_t)size) != size)
        return fail(emulator, "it has ended (%s)", emulator->log);
    if (!wait_for(emulator, "begin ", deadline, line, sizeof(line)))
        return false;
    begin = emulator->arrived_ns;
    if (!wait_for(emulator, "end ", deadline, line, sizeof(line)))
        return false;
    *seconds = (double)(emulator->arrived_ns - begin) / 1e9;
    snprintf(value, EMULATOR_VALUE_SIZE, "%s", strrchr(line, ' ') + 1);
    return true;
}

/* The kernel's paths: system calls, a clock, switches between processes, new processes. A value
 * below what was asked for means that something failed on the way. */
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "programs.h"

#define GETPID_ROUNDS     1200000u
#define CLOCK_VDSO_ROUNDS 9000000u
#define CLOCK_CALL_ROUNDS 200000u
#define PIPE_ROUNDS       8000u
#define FORK_EXEC_ROUNDS  220u

uint64_t getpid_run(const struct work *work)
{
    uint64_t done = 0;

    for (uint64_t rounds = work_rounds(work, GETPID_ROUNDS); rounds > 0; rounds--)
        done += syscall(SYS_getpid) == 1;
    return done;
}

/* Does time not run backwards? */
static bool goes_on(struct timespec *last, const struct timespec *now)
{
    bool good = now->tv_sec > last->tv_sec ||
                (now->tv_sec == last->tv_sec && now->tv_nsec >= last->tv_nsec);

    *last = *now;
    return good;
}

/* The C library asks the vDSO, which reads the time register without the kernel. */
uint64_t clock_vdso_run(const struct work *work)
{
    struct timespec last = {0}, now;
    uint64_t done = 0;

    for (uint64_t rounds = work_rounds(work, CLOCK_VDSO_ROUNDS); rounds > 0; rounds--)
        done += clock_gettime(CLOCK_MONOTONIC, &now) == 0 && goes_on(&last, &now);
    return done;
}

uint64_t clock_call_run(const struct work *work)
{
    struct timespec last = {0}, now;
    uint64_t done = 0;

    for (uint64_t rounds = work_rounds(work, CLOCK_CALL_ROUNDS); rounds > 0; rounds--)
        done += syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0 && goes_on(&last, &now);
    return done;
}

/* ---- Processes ----------------------------------------------------------------------------- */

static void echo_bytes(int from, int to)
{
    char byte;

    while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
        ;
    _exit(0);
}

static uint64_t ping_pong(int to, int from, uint64_t rounds)
{
    char byte = 'x';
    uint64_t done = 0;

    while (done < rounds && write(to, &byte, 1) == 1 && read(from, &byte, 1) == 1)
        done++;
    return done;
}

uint64_t pipe_run(const struct work *work)
{
    int there[2], back[2];
    uint64_t done;
    pid_t child;

    if (pipe(there))
        return 0;
    if (pipe(back)) {
        close(there[0]);
        close(there[1]);
        return 0;
    }
    child = fork();
    if (child == 0) {
        close(there[1]);
        echo_bytes(there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    done = child < 0 ? 0 : ping_pong(there[1], back[0], work_rounds(work, PIPE_ROUNDS));
    close(there[1]);
    close(back[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    return done;
}

/* Executes this same program, told to do nothing. */
static bool fork_exec_once(void)
{
    char *const arguments[] = {"init", "nothing", NULL};
    char *const environment[] = {NULL};
    pid_t child = fork();
    int status;

    if (child == 0) {
        execve("/init", arguments, environment);
        _exit(1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

uint64_t fork_exec_run(const struct work *work)
{
    uint64_t done = 0;

    for (uint64_t rounds = work_rounds(work, FORK_EXEC_ROUNDS); rounds > 0; rounds--)
        done += fork_exec_once();
    return done;
}

/* A starved process gets what it is said to get. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/lab/faults/starve.h"

static void *spin(void *context)
{
    for (volatile uint64_t i = 0;; i = i + 1)
        ;
    return context;
}

static pid_t start(unsigned threads)
{
    pid_t pid = fork();
    pthread_t thread;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, spin, NULL))
            _exit(1);
    spin(NULL);
    _exit(0);
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Other work on this host can only take away, so what is missing is not looked at closely. */
static void check_share(unsigned threads, unsigned percent)
{
    struct lab lab = {.signals = -1};
    pid_t pid = start(threads);
    struct starve *starve;
    double got;

    cr_assert(starve_begin(&starve, &lab, pid, percent), "%s", lab.error);
    usleep(1000000);
    got = starve_end(starve);
    end(pid);
    cr_log_info("%u threads, %u %%: got %.1f %%", threads, percent, got);
    cr_assert(got <= percent + 3 && got >= percent * 0.5, "%u threads, %u %%: got %.1f %%", threads,
              percent, got);
}

Test(starve, a_thread_gets_its_share)
{
    check_share(1, 5);
    check_share(1, 20);
    check_share(1, 60);
}

Test(starve, threads_share_one_share)
{
    check_share(2, 20);
}

static char state_of(pid_t pid)
{
    char path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file)
        fclose(file);
    return state;
}

Test(starve, runs_freely_afterwards)
{
    struct lab lab = {.signals = -1};
    pid_t pid = start(1);
    struct starve *starve;

    cr_assert(starve_begin(&starve, &lab, pid, 1));
    usleep(100000);
    starve_end(starve);
    usleep(10000);
    cr_assert_eq(state_of(pid), 'R');
    end(pid);
}

Test(starve, does_not_wake_one_that_is_held, .timeout = 60)
{
    struct lab lab = {.signals = -1};
    pid_t pid = start(1);
    struct starve *starve;

    cr_assert(starve_begin(&starve, &lab, pid, 50));
    starve_hold(starve, true);
    kill(pid, SIGSTOP);
    while (state_of(pid) != 'T') { /* it stops when it gets to run, which a busy host delays */
        usleep(1000);
    }
    for (unsigned i = 0; i < 50; i++) {
        usleep(2000);
        cr_assert_eq(state_of(pid), 'T');
    }
    starve_end(starve);
    usleep(10000);
    cr_assert_eq(state_of(pid), 'T');
    end(pid);
}

Test(starve, outlives_its_process)
{
    struct lab lab = {.signals = -1};
    pid_t pid = start(1);
    struct starve *starve;

    cr_assert(starve_begin(&starve, &lab, pid, 10));
    end(pid);
    usleep(50000);
    starve_end(starve);
}

#include "fault-injection/lab/faults/starve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 10000000 /* a third of the least timeout that a pair may have */
#define LOOK_NS   100000   /* between two looks at what it has used */

struct starve {
    pthread_t thread;
    int process; /* a pidfd: its number may be another's by now, this is not */
    clockid_t clock;
    int64_t share_ns; /* of a period */
    atomic_bool ending;
    pthread_mutex_t mutex; /* for what follows, and while a signal is sent because of it */
    bool held;
    uint64_t start_ns;
    int64_t start_used_ns, used_ns;
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 0 after its end: then nothing is left to be measured. */
static int64_t used_ns(struct starve *starve)
{
    int64_t used = clock_ns(starve->clock);

    if (used > starve->used_ns)
        starve->used_ns = used;
    return starve->used_ns;
}

static void tell(struct starve *starve, int signal)
{
    pthread_mutex_lock(&starve->mutex);
    if (signal != SIGCONT || !starve->held)
        syscall(SYS_pidfd_send_signal, starve->process, signal, NULL, 0);
    pthread_mutex_unlock(&starve->mutex);
}

static void sleep_until(int64_t deadline)
{
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* What it used too much is taken off its next share, what it did not use is gone. The kernel's
 * account of threads that run is a tick old; at the start of a period it is right, as they have
 * been stopped. */
static void *run(void *context)
{
    struct starve *starve = context;
    int64_t left = 0, accounted = used_ns(starve), start = clock_ns(CLOCK_MONOTONIC);

    prctl(PR_SET_TIMERSLACK, 1000);
    while (!atomic_load(&starve->ending)) {
        int64_t end = start + PERIOD_NS, before = used_ns(starve), now;

        left += starve->share_ns - (before - accounted);
        left = left < starve->share_ns ? left : starve->share_ns;
        accounted = before;
        if (left > 0)
            tell(starve, SIGCONT);
        while ((now = clock_ns(CLOCK_MONOTONIC)) < end && left > used_ns(starve) - before)
            sleep_until(now + LOOK_NS < end ? now + LOOK_NS : end);
        if (left <= used_ns(starve) - before)
            tell(starve, SIGSTOP);
        sleep_until(end);
        now = clock_ns(CLOCK_MONOTONIC);
        start = now < end + PERIOD_NS ? end : now;
    }
    return NULL;
}

bool starve_begin(struct starve **starve, struct lab *lab, pid_t pid, unsigned percent)
{
    struct starve *made = calloc(1, sizeof(*made));
    int error;

    *starve = NULL;
    if (!made)
        return lab_fail(lab, "out of memory");
    made->process = (int)syscall(SYS_pidfd_open, pid, 0);
    error = made->process < 0 ? errno : clock_getcpuclockid(pid, &made->clock);
    pthread_mutex_init(&made->mutex, NULL);
    made->share_ns = (int64_t)percent * (PERIOD_NS / 100);
    made->start_ns = lab_now_ns();
    if (!error) {
        made->start_used_ns = used_ns(made);
        error = pthread_create(&made->thread, NULL, run, made);
    }
    if (error) {
        if (made->process >= 0)
            close(made->process);
        pthread_mutex_destroy(&made->mutex);
        free(made);
        return lab_fail(lab, "process %d cannot be starved: %s", (int)pid, strerror(error));
    }
    *starve = made;
    return true;
}

double starve_end(struct starve *starve)
{
    double got;

    if (!starve)
        return 0;
    atomic_store(&starve->ending, true);
    pthread_join(starve->thread, NULL);
    got = (double)(used_ns(starve) - starve->start_used_ns) * 100.0 /
          (double)(lab_now_ns() - starve->start_ns);
    tell(starve, SIGCONT);
    close(starve->process);
    pthread_mutex_destroy(&starve->mutex);
    free(starve);
    return got;
}

void starve_hold(struct starve *starve, bool held)
{
    pthread_mutex_lock(&starve->mutex);
    starve->held = held;
    pthread_mutex_unlock(&starve->mutex);
}

#include "vmm/backends/signals.h"

#include <time.h>

int signals_start_thread(pthread_t *thread, void *(*run)(void *context), void *context)
{
    sigset_t all, saved;
    int code;

    sigfillset(&all);
    code = pthread_sigmask(SIG_SETMASK, &all, &saved);
    if (code)
        return -code;
    code = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return -code;
}

static void write_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
    sigaddset(set, SIGXFSZ);
}

void signals_hold(sigset_t *saved)
{
    sigset_t held;

    write_signals(&held);
    pthread_sigmask(SIG_BLOCK, &held, saved);
}

void signals_restore(const sigset_t *saved)
{
    const struct timespec at_once = {0};
    sigset_t held;

    /* What the writes raised is pending on this thread: it is taken away before the mask opens. */
    write_signals(&held);
    while (sigtimedwait(&held, NULL, &at_once) > 0)
        continue;
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}

#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    signals_received *received;
    void *context;
    int source; /* signalfd */
    int ending; /* eventfd */
    pthread_t thread;
};

static void watched_set(sigset_t *set)
{
    struct sigaction hangup;

    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    /* A blocked signal is kept even if it is to be ignored, so that is asked for. */
    if (sigaction(SIGHUP, NULL, &hangup) < 0 || hangup.sa_handler != SIG_IGN)
        sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;

    watched_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void *wait_for_signals(void *context)
{
    struct signals *signals = context;
    struct pollfd sources[2] = {{.fd = signals->source, .events = POLLIN},
                                {.fd = signals->ending, .events = POLLIN}};
    struct signalfd_siginfo information;
    unsigned count = 0;

    for (;;) {
        if (poll(sources, 2, -1) < 0)
            continue;
        if (sources[1].revents)
            return NULL;
        if (read(signals->source, &information, sizeof(information)) == sizeof(information))
            signals->received(signals->context, (int)information.ssi_signo, ++count);
    }
}

static void free_signals(struct signals *signals)
{
    if (signals->source >= 0)
        close(signals->source);
    if (signals->ending >= 0)
        close(signals->ending);
    free(signals);
}

int signals_create(struct signals **signals, signals_received *received, void *context)
{
    struct signals *made = calloc(1, sizeof(*made));
    sigset_t set;
    int result;

    *signals = NULL;
    if (!made)
        return -ENOMEM;
    made->received = received;
    made->context = context;
    watched_set(&set);
    made->source = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    made->ending = eventfd(0, EFD_CLOEXEC);
    result = made->source < 0 || made->ending < 0 ? -errno : 0;
    if (result == 0)
        result = -pthread_create(&made->thread, NULL, wait_for_signals, made);
    if (result < 0) {
        free_signals(made);
        return result;
    }
    *signals = made;
    return 0;
}

void signals_destroy(struct signals *signals)
{
    if (!signals)
        return;
    eventfd_write(signals->ending, 1);
    pthread_join(signals->thread, NULL);
    free_signals(signals);
}

#include "vmm/backends/reactor.h"

#include <ev.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/backends/signals.h"

struct reactor {
    struct ev_loop *loop;
    ev_async stop;
    pthread_t thread;
    bool running;
    input_sink *sink;
    void *sink_context;
};

static void stop_requested(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)watcher;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

int reactor_create(struct reactor **reactor, input_sink *sink, void *sink_context)
{
    struct reactor *created = calloc(1, sizeof(*created));

    if (!created)
        return -ENOMEM;
    /* A loop of its own: the default loop would claim SIGCHLD and is one per process. */
    created->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!created->loop) {
        free(created);
        return -ENOMEM;
    }
    created->sink = sink;
    created->sink_context = sink_context;
    ev_async_init(&created->stop, stop_requested);
    ev_async_start(created->loop, &created->stop);
    *reactor = created;
    return 0;
}

static void *reactor_run(void *context)
{
    struct reactor *reactor = context;

    ev_run(reactor->loop, 0);
    return NULL;
}

int reactor_start(struct reactor *reactor)
{
    int code;

    if (reactor->running)
        return -EALREADY;
    code = signals_start_thread(&reactor->thread, reactor_run, reactor);
    if (code == 0)
        reactor->running = true;
    return code;
}

void reactor_stop(struct reactor *reactor)
{
    if (!reactor->running)
        return;
    ev_async_send(reactor->loop, &reactor->stop);
    pthread_join(reactor->thread, NULL);
    reactor->running = false;
}

void reactor_destroy(struct reactor *reactor)
{
    if (!reactor)
        return;
    reactor_stop(reactor);
    ev_async_stop(reactor->loop, &reactor->stop);
    ev_loop_destroy(reactor->loop);
    free(reactor);
}

struct ev_loop *reactor_loop(struct reactor *reactor)
{
    return reactor->loop;
}

int reactor_input(struct reactor *reactor, uint32_t device, const void *data, size_t size)
{
    return reactor->sink(reactor->sink_context, device, data, size);
}

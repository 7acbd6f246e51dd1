#include "vmm/backends/slirp_poll.h"

#include <stdlib.h>

static int poll_events(int slirp_events)
{
    return (slirp_events & SLIRP_POLL_IN ? POLLIN : 0) |
           (slirp_events & SLIRP_POLL_OUT ? POLLOUT : 0) |
           (slirp_events & SLIRP_POLL_PRI ? POLLPRI : 0) |
           (slirp_events & SLIRP_POLL_ERR ? POLLERR : 0) |
           (slirp_events & SLIRP_POLL_HUP ? POLLHUP : 0);
}

static int slirp_events(int events)
{
    return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (events & POLLPRI ? SLIRP_POLL_PRI : 0) | (events & POLLERR ? SLIRP_POLL_ERR : 0) |
           (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* No watcher is started while this may move the arrays. */
static int grow(struct slirp_poll *poll)
{
    unsigned capacity = poll->capacity ? poll->capacity * 2 : 32;
    struct pollfd *sockets = realloc(poll->sockets, capacity * sizeof(*sockets));
    ev_io *watchers;

    if (!sockets)
        return -1;
    poll->sockets = sockets;
    watchers = realloc(poll->watchers, capacity * sizeof(*watchers));
    if (!watchers)
        return -1;
    poll->watchers = watchers;
    poll->capacity = capacity;
    return 0;
}

/* A socket for which there is no memory is not watched this time: index -1 never has events. */
static int add_socket(int fd, int events, void *opaque)
{
    struct slirp_poll *poll = opaque;

    if (poll->count == poll->capacity && grow(poll))
        return -1;
    poll->sockets[poll->count] = (struct pollfd){.fd = fd, .events = (short)poll_events(events)};
    return (int)poll->count++;
}

static int socket_events(int index, void *opaque)
{
    struct slirp_poll *poll = opaque;

    if (index < 0 || (unsigned)index >= poll->count)
        return 0;
    return slirp_events(poll->sockets[index].revents);
}

static void stop_watching(struct slirp_poll *poll)
{
    for (unsigned i = 0; i < poll->watching; i++)
        ev_io_stop(poll->loop, &poll->watchers[i]);
    poll->watching = 0;
    ev_timer_stop(poll->loop, &poll->deadline);
}

/* The watchers have nothing to do but to wake the loop. */
static void woken(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static void deadline_passed(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static void before_sleep(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct slirp_poll *poll = watcher->data;
    uint32_t timeout_ms = UINT32_MAX;

    (void)events;
    stop_watching(poll);
    poll->count = 0;
    slirp_pollfds_fill(poll->slirp, &timeout_ms, add_socket, poll);
    for (unsigned i = 0; i < poll->count; i++) {
        int wanted = (poll->sockets[i].events & (POLLIN | POLLPRI) ? EV_READ : 0) |
                     (poll->sockets[i].events & POLLOUT ? EV_WRITE : 0);

        ev_io_init(&poll->watchers[i], woken, poll->sockets[i].fd, wanted);
        if (wanted)
            ev_io_start(loop, &poll->watchers[i]);
    }
    poll->watching = poll->count;
    if (timeout_ms != UINT32_MAX) {
        ev_timer_set(&poll->deadline, timeout_ms / 1000., 0.);
        ev_timer_start(loop, &poll->deadline);
    }
}

static void after_sleep(struct ev_loop *loop, ev_check *watcher, int events)
{
    struct slirp_poll *self = watcher->data;
    int code;

    (void)loop;
    (void)events;
    stop_watching(self);
    /* Asked again, as libslirp tells urgent data and hang-ups apart and libev does not. */
    code = poll(self->sockets, self->count, 0);
    slirp_pollfds_poll(self->slirp, code < 0, socket_events, self);
    self->count = 0;
}

void slirp_poll_start(struct slirp_poll *poll, struct ev_loop *loop, Slirp *slirp)
{
    *poll = (struct slirp_poll){.loop = loop, .slirp = slirp};
    ev_prepare_init(&poll->before_sleep, before_sleep);
    poll->before_sleep.data = poll;
    ev_prepare_start(loop, &poll->before_sleep);
    ev_check_init(&poll->after_sleep, after_sleep);
    poll->after_sleep.data = poll;
    /* Before any other callback gives libslirp a frame, which may close sockets that were polled.
     */
    ev_set_priority(&poll->after_sleep, EV_MAXPRI);
    ev_check_start(loop, &poll->after_sleep);
    ev_timer_init(&poll->deadline, deadline_passed, 0., 0.);
}

void slirp_poll_stop(struct slirp_poll *poll)
{
    stop_watching(poll);
    ev_prepare_stop(poll->loop, &poll->before_sleep);
    ev_check_stop(poll->loop, &poll->after_sleep);
    free(poll->sockets);
    free(poll->watchers);
    *poll = (struct slirp_poll){0};
}

/*
 * libslirp in a libev loop: before the loop sleeps, libslirp says which of its sockets matter and
 * for how long it may sleep; after that it is told what happened. Reactor thread only.
 */
#ifndef VMM_BACKENDS_SLIRP_POLL_H
#define VMM_BACKENDS_SLIRP_POLL_H

#include <ev.h>
#include <poll.h>
#include <slirp/libslirp.h>

struct slirp_poll {
    struct ev_loop *loop;
    Slirp *slirp;
    ev_prepare before_sleep;
    ev_check after_sleep;
    ev_timer deadline;
    struct pollfd *sockets;
    ev_io *watchers; /* one per socket, started only while the loop sleeps */
    unsigned count, capacity, watching;
};

void slirp_poll_start(struct slirp_poll *poll, struct ev_loop *loop, Slirp *slirp);
void slirp_poll_stop(struct slirp_poll *poll);

#endif

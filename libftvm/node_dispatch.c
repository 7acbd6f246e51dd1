/*
 * The loop of a node that has no thread of its own: the embedder's loop watches an epoll
 * descriptor, and each dispatch goes through the node's loop without waiting, until nothing is left
 * to do and the descriptor tells of all that may come.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "libftvm/clock.h"
#include "libftvm/node_state.h"

/* Timers of the channel and of joining are libev's, of which no descriptor tells. So the one that
 * the node has a descriptor for is never set further ahead than this. */
#define SERVED_EVERY_NS UINT64_C(200000000)
/* Times through the loop in one dispatch: a flood of messages must not keep the embedder's loop. */
#define MAX_ROUNDS 8u
/* A vCPU thread that dispatches for want of anybody else looks so often whether somebody does. */
#define NOBODY_NS UINT64_C(10000000)
/* While last words leave, it is looked so often whether they have, or their time is over. */
#define FAREWELL_LOOK_MS 10

uint64_t dispatch_deadline(struct ftvm_node *node, uint64_t deadline_ns)
{
    uint64_t now_ns = node_now_ns(node);
    uint64_t latest_ns = now_ns + SERVED_EVERY_NS;
    deadline_ns = deadline_ns < latest_ns ? deadline_ns : latest_ns;
    /* One that is set for earlier serves, too. */
    bool serves = node->timer_set_ns > now_ns && node->timer_set_ns <= deadline_ns;
    return serves ? node->timer_set_ns : deadline_ns;
}

static void invoke_pending(struct ev_loop *loop)
{
    struct ftvm_node *node = ev_userdata(loop);
    node->worked |= node->polled && ev_pending_count(loop) > 0;
    ev_invoke_pending(loop);
}

static bool watch_own(struct ftvm_node *node, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return fd >= 0 && epoll_ctl(node->poll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

int dispatch_prepare(struct ftvm_node *node)
{
    node->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    node->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (node->poll_fd < 0 || !watch_own(node, node->kick_fd) || !watch_own(node, node->timer_fd)) {
        return node_set_error(node, FTVM_E_SYSTEM, "no descriptor to dispatch by: %s",
                              strerror(errno));
    }
    ev_set_invoke_pending_cb(node->loop, invoke_pending);
    return 0;
}

/* What a callback has begun to wait for may be ready; so the last round has to be one in which
 * nothing was called. True when there is nothing left to dispatch, ever. */
static bool dispatch(struct ftvm_node *node)
{
    pthread_t nobody = 0;
    if (!atomic_compare_exchange_strong(&node->dispatching, &nobody, pthread_self())) {
        return false; /* another thread does it */
    }
    pthread_mutex_lock(&node->engine_lock);
    unsigned rounds = 0;
    do {
        node->polled = node->worked = false;
        ev_run(node->loop, EVRUN_NOWAIT);
    } while (node->worked && !node->farewell_over && ++rounds < MAX_ROUNDS);
    int result = channel_watch(node->channel, node->poll_fd);
    if (result < 0) {
        ftvm_node_fail(node, "a connection cannot be watched: no memory for epoll");
    }
    bool over = node->farewell_over;
    if ((node->worked || result < 0) && !over) {
        node_kick(node);
    }
    pthread_mutex_unlock(&node->engine_lock);
    atomic_store(&node->dispatching, 0);
    return over;
}

int ftvm_node_fd(const struct ftvm_node *node)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    if (!node->started || node->config.io != FTVM_IO_CALLER) {
        return node_set_error((struct ftvm_node *)node, FTVM_E_STATE,
                              "ftvm_node_fd: for a started node with config.io = FTVM_IO_CALLER");
    }
    return node->poll_fd;
}

int ftvm_node_dispatch(struct ftvm_node *node)
{
    int fd = ftvm_node_fd(node);
    if (fd < 0) {
        return fd;
    }
    bool own = atomic_load(&node->began) && pthread_equal(pthread_self(), node->vcpu_thread);
    bool again = pthread_equal(atomic_load(&node->dispatching), pthread_self());
    if (again || (own && atomic_load(&node->inside))) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_node_dispatch: not from inside of a callback");
    }
    atomic_store(&node->dispatcher, pthread_self());
    return dispatch(node) ? atomic_load(&node->ended) : 0;
}

bool dispatch_is_mine(struct ftvm_node *node)
{
    pthread_t dispatcher = atomic_load(&node->dispatcher);
    return node->config.io == FTVM_IO_CALLER &&
           (dispatcher == 0 || pthread_equal(dispatcher, pthread_self()));
}

void dispatch_and_wait(struct ftvm_node *node, uint64_t until_ns)
{
    struct pollfd ready = {.fd = node->poll_fd, .events = POLLIN};
    uint64_t now_ns = node_now_ns(node);
    if (atomic_load(&node->dispatcher) == 0 && until_ns > now_ns + NOBODY_NS) {
        until_ns = now_ns + NOBODY_NS;
    }
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    if (ppoll(&ready, 1, until_ns == UINT64_MAX ? NULL : &wait, NULL) != 0) {
        (void)dispatch(node);
    }
}

void dispatch_farewell(struct ftvm_node *node)
{
    if (node->config.io != FTVM_IO_CALLER || node->ended_ns == 0) {
        return;
    }
    while (!dispatch(node)) {
        struct pollfd ready = {.fd = node->poll_fd, .events = POLLIN};
        poll(&ready, 1, FAREWELL_LOOK_MS);
    }
}

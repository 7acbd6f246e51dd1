/*
 * The loop: it brings what the channel says to the engine, and takes a turn (node_turn.c) before it
 * sleeps. It holds `engine_lock` but while it sleeps. It runs on the I/O thread, or, for who has a
 * loop already, once through at each ftvm_node_dispatch() (node_dispatch.c).
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libftvm/clock.h"
#include "libftvm/node_state.h"
#include "libftvm/thread.h"

static void set_timer(struct ftvm_node *node, uint64_t deadline_ns)
{
    if (node->config.io == FTVM_IO_CALLER) {
        deadline_ns = dispatch_deadline(node, deadline_ns);
    }
    if (deadline_ns == node->timer_set_ns) {
        return;
    }
    node->timer_set_ns = deadline_ns;
    struct itimerspec spec = {0};
    if (deadline_ns != UINT64_MAX) {
        /* Zero would disarm the timer. */
        uint64_t host_ns = clock_host_deadline_ns(node->hooks, deadline_ns);
        uint64_t at_ns = host_ns == 0 ? 1 : host_ns;
        spec.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
        spec.it_value.tv_nsec = (long)(at_ns % 1000000000u);
    }
    timerfd_settime(node->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void leave_when_ended(struct ftvm_node *node)
{
    bool farewell_over = channel_closing(node->channel) == 0 ||
                         node_now_ns(node) - node->ended_ns > NODE_FAREWELL_NS;
    if (farewell_over) {
        node->farewell_over = true;
        ev_break(node->loop, EVBREAK_ALL);
        return;
    }
    set_timer(node, node_now_ns(node) + 1000000);
}

static void pump(struct ftvm_node *node)
{
    /* Who has ended has said so to its peer, and lets that leave. */
    if (atomic_load(&node->quit) && node->ended_ns == 0) {
        ev_break(node->loop, EVBREAK_ALL);
        return;
    }
    bool more = node_turn(node);
    node->loop_touched = false; /* the loop sees it now */
    (void)channel_take_touched(node->channel);
    if (node->ended_ns != 0) {
        leave_when_ended(node);
        return;
    }
    set_timer(node, engine_watch_deadline(node->engine));
    if (more) {
        node_kick(node); /* an event fed from here would be over before the loop sleeps */
    }
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

static void on_kick(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events; /* pump() runs before the loop sleeps */
}

static void on_before_sleep(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop;
    (void)events;
    pump(watcher->data);
}

static void on_timer(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct ftvm_node *node = watcher->data;
    uint64_t expirations;
    if (read(node->timer_fd, &expirations, sizeof expirations) > 0) {
        node->timer_set_ns = UINT64_MAX;
    }
}

static void on_connected(void *context, channel_peer peer, bool incoming, const char *address)
{
    struct ftvm_node *node = context;
    node_log(node, FTVM_LOG_DEBUG, "%s %s", incoming ? "connection from" : "connected to", address);
    struct engine_event event = {.type = ENGINE_CONNECTED, .peer = peer, .incoming = incoming};
    node_step(node, &event);
    if (!incoming) {
        node_join_connected(node, peer);
    }
}

static void on_received(void *context, channel_peer peer, const struct message *message)
{
    struct ftvm_node *node = context;
    struct engine_event event = {.type = ENGINE_MESSAGE, .peer = peer, .message = message};
    hook_received(node->hooks, message->type);
    node_step(node, &event);
}

static void on_lost(void *context, channel_peer peer, const char *reason)
{
    struct ftvm_node *node = context;
    node_log(node, FTVM_LOG_DEBUG, "connection ended: %s", reason);
    struct engine_event event = {.type = ENGINE_PEER_LOST, .peer = peer, .reason = reason};
    node_step(node, &event);
    if (peer == node->joining_peer) {
        node_join_lost(node, reason);
    }
}

static void on_drained(void *context, channel_peer peer)
{
    (void)context;
    (void)peer; /* pump() takes the pieces that waited */
}

static void on_kick_fd(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    uint64_t kicks;
    ssize_t taken = read(watcher->fd, &kicks, sizeof kicks);
    (void)taken; /* that it is not readable any more is all */
}

void node_kick(struct ftvm_node *node)
{
    if (node->kick_fd < 0) {
        ev_async_send(node->loop, &node->kick);
        return;
    }
    const uint64_t one = 1;
    ssize_t written = write(node->kick_fd, &one, sizeof one);
    (void)written; /* it fails only if it is readable anyway */
}

static void start_kick(struct ftvm_node *node)
{
    if (node->kick_fd >= 0) {
        ev_io_init(&node->kicked, on_kick_fd, node->kick_fd, EV_READ);
        ev_io_start(node->loop, &node->kicked);
        return;
    }
    ev_async_init(&node->kick, on_kick);
    ev_async_start(node->loop, &node->kick);
}

int node_io_prepare(struct ftvm_node *node)
{
    node->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    node->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
    if (node->timer_fd < 0 || node->loop == NULL) {
        return node_set_error(node, FTVM_E_SYSTEM, "no event loop: %s", strerror(errno));
    }
    struct channel_callbacks callbacks = {node, on_connected, on_received, on_lost, on_drained};
    if (channel_create(&node->channel, node->memory, node->loop, &callbacks) < 0) {
        return node_set_error(node, FTVM_E_MEMORY, "no memory for the channel");
    }
    node->timer_set_ns = UINT64_MAX;
    if (node->config.io == FTVM_IO_CALLER) {
        int result = dispatch_prepare(node);
        if (result < 0) {
            return result;
        }
    }
    start_kick(node);
    ev_prepare_init(&node->before_sleep, on_before_sleep);
    node->before_sleep.data = node;
    ev_prepare_start(node->loop, &node->before_sleep);
    ev_io_init(&node->timer_ready, on_timer, node->timer_fd, EV_READ);
    node->timer_ready.data = node;
    ev_io_start(node->loop, &node->timer_ready);
    ev_timer_init(&node->reconnect, node_on_reconnect, 0., NODE_RECONNECT_S);
    node->reconnect.data = node;
    return 0;
}

/* The loop sleeps without the lock, and only then. */
static void before_poll(struct ev_loop *loop) EV_NOEXCEPT
{
    struct ftvm_node *node = ev_userdata(loop);
    pthread_mutex_unlock(&node->engine_lock);
}

static void after_poll(struct ev_loop *loop) EV_NOEXCEPT
{
    struct ftvm_node *node = ev_userdata(loop);
    pthread_mutex_lock(&node->engine_lock);
    node->polled = true;
}

static void *run(void *argument)
{
    struct ftvm_node *node = argument;
    pthread_mutex_lock(&node->engine_lock);
    ev_run(node->loop, 0);
    pthread_mutex_unlock(&node->engine_lock);
    return NULL;
}

int node_io_start(struct ftvm_node *node)
{
    ev_set_userdata(node->loop, node);
    ev_set_loop_release_cb(node->loop, before_poll, after_poll);
    if (node->config.role == FTVM_ROLE_BACKUP) {
        ev_timer_start(node->loop, &node->reconnect);
    }
    if (node->config.io == FTVM_IO_CALLER) {
        node_kick(node); /* the first dispatch is due at once */
        return 0;
    }
    int failed = thread_start(&node->thread, run, node);
    if (failed != 0) {
        return node_set_error(node, FTVM_E_SYSTEM, "no I/O thread: %s", strerror(failed));
    }
    node->thread_started = true;
    return 0;
}

void node_io_stop(struct ftvm_node *node)
{
    if (node->thread_started) {
        atomic_store(&node->quit, true);
        node_kick(node);
        pthread_join(node->thread, NULL);
        node->thread_started = false;
    }
    dispatch_farewell(node);
    node_drop_backlog(node);
    claimer_destroy(node->claimer); /* before the loop, which it wakes with its answers */
    node->claimer = NULL;
    arbiter_close(node->arbiter);
    if (node->loop != NULL) {
        channel_destroy(node->channel);
        ev_loop_destroy(node->loop);
    }
    if (node->timer_fd >= 0) {
        close(node->timer_fd);
    }
    if (node->kick_fd >= 0) {
        close(node->kick_fd);
    }
    if (node->poll_fd >= 0) {
        close(node->poll_fd);
    }
}

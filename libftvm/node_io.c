/*
 * The I/O thread: it brings events to the engine (node_step.c does what the engine says).
 *
 * Each turn of the loop ends, before it sleeps, in pump(): commands, the vCPU's records, inputs,
 * answers of the arbiter, a tick if one is due, and the timer set to the engine's deadline.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libftvm/node_state.h"
#include "libftvm/thread.h"

/* Inputs stepped in one turn, so that a flood does not starve the vCPU's requests. */
#define INPUTS_PER_TURN 256u
/* The vCPU's records stepped in one turn, and their bytes: however fast they come, the peer is
 * heard and timers run in between. */
#define RECORDS_PER_TURN      1024u
#define RECORD_BYTES_PER_TURN (1u << 20)

static void step_vcpu_record(struct ftvm_node *node, const struct ring_record *record)
{
    struct vcpu_request request;
    assert(record->size >= sizeof request);
    memcpy(&request, record->data, sizeof request);
    struct engine_event event = {
        .position = request.position,
        .digest = request.digest,
        .wake_ns = request.wake_ns,
        .size = request.size,
        .device = request.device,
        .idle = request.idle,
        .halt = request.halt,
        .is_clock = request.is_clock,
        .ok = request.ok,
        .data = {record->data + sizeof request, record->size - sizeof request},
    };
    switch ((enum vcpu_record)record->type) {
    case VCPU_BEGIN: event.type = ENGINE_BEGIN; break;
    case VCPU_BOUNDARY: event.type = ENGINE_BOUNDARY; break;
    case VCPU_VALUE: event.type = ENGINE_VALUE; break;
    case VCPU_OUTPUT: event.type = ENGINE_OUTPUT; break;
    case VCPU_STATE_SIZE: event.type = ENGINE_STATE_SIZE; break;
    case VCPU_STATE_CHUNK: event.type = ENGINE_STATE_CHUNK; break;
    case VCPU_STATE_SAVED: event.type = ENGINE_STATE_SAVED; break;
    case VCPU_STATE_LOADED: event.type = ENGINE_STATE_LOADED; break;
    }
    node_step(node, &event);
}

/* A piece of state waits in the ring until the peer's queue has room, which holds up the save. */
static bool may_take(struct ftvm_node *node, const struct ring_record *record)
{
    if (!engine_accepts_vcpu(node->engine)) {
        return false;
    }
    if (record->type != VCPU_STATE_CHUNK) {
        return true;
    }
    struct engine_status status;
    engine_get_status(node->engine, &status);
    return !status.saving || channel_send_space(node->channel, status.peer) >=
                                 CHANNEL_SEND_LIMIT - (size_t)NODE_STATE_QUEUE;
}

/* True if there is more for the next turn. */
static bool take_vcpu_records(struct ftvm_node *node)
{
    struct ring_record record;
    unsigned count = 0;
    size_t bytes = 0;
    bool more = false;
    while (ring_peek(node->from_vcpu, &record) && may_take(node, &record)) {
        more = count == RECORDS_PER_TURN || bytes >= RECORD_BYTES_PER_TURN;
        if (more) {
            break;
        }
        count++;
        bytes += record.size;
        step_vcpu_record(node, &record);
        ring_release(node->from_vcpu);
    }
    if (count > 0) {
        wake_all(&node->vcpu_wake);
    }
    return more;
}

static bool take_inputs(struct ftvm_node *node)
{
    struct ring_record record;
    for (unsigned i = 0; i < INPUTS_PER_TURN; i++) {
        if (!ring_peek(node->inputs, &record)) {
            return false;
        }
        if (!engine_accepts_input(node->engine, record.size)) {
            return false;
        }
        uint32_t device;
        memcpy(&device, record.data, sizeof device);
        struct engine_event event = {
            .type = ENGINE_INPUT,
            .device = device,
            .data = {record.data + 8, record.size - 8},
        };
        node_step(node, &event);
        ring_release(node->inputs);
    }
    return true;
}

static enum engine_outcome outcome_of(enum arbiter_outcome outcome)
{
    switch (outcome) {
    case ARBITER_WON: return ENGINE_WON;
    case ARBITER_LOST: return ENGINE_LOST;
    case ARBITER_STOPPED: return ENGINE_RELEASED;
    case ARBITER_ABSENT:
    case ARBITER_UNREACHABLE: return ENGINE_UNREACHABLE;
    }
    return ENGINE_UNREACHABLE;
}

static void take_answers(struct ftvm_node *node)
{
    struct claimer_answer answer;
    while (claimer_take_answer(node->claimer, &answer)) {
        struct engine_event event = {
            .type = answer.question == CLAIMER_CLAIM ? ENGINE_CLAIM_ANSWER : ENGINE_RELEASE_ANSWER,
            .claim_id = answer.claim_id,
            .outcome = outcome_of(answer.outcome),
            .reason = answer.reason,
        };
        node_step(node, &event);
    }
}

static void take_commands(struct ftvm_node *node)
{
    struct engine_event event = {.type = ENGINE_STOP};
    if (atomic_exchange(&node->stop_asked, false)) {
        node_step(node, &event);
    }
    if (atomic_exchange(&node->promote_asked, false)) {
        event = (struct engine_event){.type = ENGINE_PROMOTE};
        node_step(node, &event);
    }
    if (atomic_exchange(&node->fail_asked, false)) {
        char reason[NODE_ERROR_SIZE];
        pthread_mutex_lock(&node->lock);
        memcpy(reason, node->fail_reason, sizeof reason);
        pthread_mutex_unlock(&node->lock);
        event = (struct engine_event){.type = ENGINE_FAIL, .reason = reason};
        node_step(node, &event);
    }
}

static void control_flow(struct ftvm_node *node, const struct engine_status *status)
{
    node_move_backlog(node);
    bool pause = node->backlog_bytes > NODE_BACKLOG_PAUSE;
    if (status->peer != 0 && pause != node->peer_paused) {
        channel_set_reading(node->channel, status->peer, !pause);
        node->peer_paused = pause;
    }
    if (node->peer_paused) {
        struct engine_event event = {.type = ENGINE_HEARD, .peer = status->peer};
        node_step(node, &event);
    }
}

static void publish(struct ftvm_node *node, const struct engine_status *status)
{
    atomic_store(&node->save_wanted, status->saving);
    pthread_mutex_lock(&node->lock);
    struct ftvm_status *to = &node->status;
    to->role = status->role == ENGINE_PRIMARY ? FTVM_ROLE_PRIMARY : FTVM_ROLE_BACKUP;
    to->is_protected = status->is_protected;
    to->joining = status->joining;
    to->claiming = status->claiming;
    to->ended = status->end != ENGINE_RUNNING;
    to->error = atomic_load(&node->ended);
    to->term = status->term;
    to->epoch = status->epoch;
    to->position = status->position;
    to->peer_position = status->peer_position;
    to->clock_ns = status->clock_ns;
    to->lsn = status->lsn;
    to->lsn_acked = status->lsn_acked;
    to->lsn_consumed = status->lsn_consumed;
    to->outputs = status->outputs;
    to->outputs_released = status->outputs_released;
    to->outputs_held = status->outputs_held;
    to->inputs = status->inputs_delivered;
    to->log_bytes = status->log_bytes;
    to->sent_bytes = channel_sent_bytes(node->channel);
    to->received_bytes = channel_received_bytes(node->channel);
    node->heard_ns = status->peer != 0 ? status->peer_heard_ns : 0;
    snprintf(to->peer, sizeof to->peer, "%s", status->peer != 0 ? status->peer_name : "");
    pthread_mutex_unlock(&node->lock);
}

static void set_timer(struct ftvm_node *node, uint64_t deadline_ns)
{
    if (deadline_ns == node->timer_set_ns) {
        return;
    }
    node->timer_set_ns = deadline_ns;
    struct itimerspec spec = {0};
    if (deadline_ns != UINT64_MAX) {
        /* Zero would disarm the timer. */
        uint64_t at_ns = deadline_ns == 0 ? 1 : deadline_ns;
        spec.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
        spec.it_value.tv_nsec = (long)(at_ns % 1000000000u);
    }
    timerfd_settime(node->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void leave_when_ended(struct ftvm_node *node)
{
    bool farewell_over =
        channel_closing(node->channel) == 0 || node_now_ns() - node->ended_ns > NODE_FAREWELL_NS;
    if (farewell_over) {
        ev_break(node->loop, EVBREAK_ALL);
        return;
    }
    set_timer(node, node_now_ns() + 1000000);
}

static void pump(struct ftvm_node *node)
{
    /* Who has ended has said so to its peer, and lets that leave. */
    if (atomic_load(&node->quit) && node->ended_ns == 0) {
        ev_break(node->loop, EVBREAK_ALL);
        return;
    }
    take_commands(node);
    take_answers(node);
    bool more = take_vcpu_records(node);
    more = take_inputs(node) || more;
    if (engine_deadline(node->engine) <= node_now_ns()) {
        struct engine_event event = {.type = ENGINE_TICK};
        node_step(node, &event);
        more = take_vcpu_records(node) || more; /* what the tick made acceptable */
    }
    struct engine_status status;
    engine_get_status(node->engine, &status);
    control_flow(node, &status);
    engine_get_status(node->engine, &status);
    publish(node, &status);
    if (status.end != ENGINE_RUNNING) {
        leave_when_ended(node);
        return;
    }
    set_timer(node, engine_deadline(node->engine));
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
    struct engine_event event = {.type = ENGINE_MESSAGE, .peer = peer, .message = message};
    node_step(context, &event);
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

void node_kick(struct ftvm_node *node)
{
    ev_async_send(node->loop, &node->kick);
}

int node_io_prepare(struct ftvm_node *node)
{
    node->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    node->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
    struct channel_callbacks callbacks = {node, on_connected, on_received, on_lost, on_drained};
    if (node->timer_fd < 0 || node->loop == NULL ||
        channel_create(&node->channel, node->loop, &callbacks) < 0) {
        return node_set_error(node, FTVM_E_SYSTEM, "no event loop: %s", strerror(errno));
    }
    node->timer_set_ns = UINT64_MAX;
    ev_async_init(&node->kick, on_kick);
    ev_async_start(node->loop, &node->kick);
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

static void *run(void *argument)
{
    struct ftvm_node *node = argument;
    if (node->config.role == FTVM_ROLE_BACKUP) {
        ev_timer_start(node->loop, &node->reconnect);
    }
    ev_run(node->loop, 0);
    return NULL;
}

int node_io_start(struct ftvm_node *node)
{
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
    node_drop_backlog(node);
    claimer_destroy(node->claimer); /* before the loop, which it wakes with its answers */
    node->claimer = NULL;
    if (node->loop != NULL) {
        channel_destroy(node->channel);
        ev_loop_destroy(node->loop);
    }
    if (node->timer_fd >= 0) {
        close(node->timer_fd);
    }
}

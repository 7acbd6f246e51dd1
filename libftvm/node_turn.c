/*
 * A turn: what the queues hold is brought to the engine, and what it says is done.
 *
 * The I/O thread takes a turn before it sleeps; the vCPU thread takes one for each of its requests,
 * so that a boundary at which nothing needs to be waited for costs no hand-over between threads.
 * All under `engine_lock`.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libftvm/node_state.h"

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
        node->loop_touched = true;
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
    to->ended = status->end != ENGINE_RUNNING || node->ended_ns != 0;
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

/* The vCPU thread sleeps until an idle guest is to go on; it must hear if that has become earlier.
 */
static void publish_idle_deadline(struct ftvm_node *node)
{
    uint64_t deadline_ns = engine_idle_deadline(node->engine);
    uint64_t before_ns = atomic_exchange(&node->idle_deadline_ns, deadline_ns);
    if (deadline_ns < before_ns) {
        wake_all(&node->vcpu_wake);
    }
}

bool node_turn(struct ftvm_node *node)
{
    take_commands(node);
    take_answers(node);
    /* Inputs first: a boundary among the records takes them. */
    bool more = take_inputs(node);
    more = take_vcpu_records(node) || more;
    if (engine_deadline(node->engine) <= node_now_ns(node)) {
        struct engine_event event = {.type = ENGINE_TICK};
        node_step(node, &event);
        more = take_vcpu_records(node) || more; /* what the tick made acceptable */
    }
    struct engine_status status;
    engine_get_status(node->engine, &status);
    control_flow(node, &status);
    engine_get_status(node->engine, &status);
    publish(node, &status);
    publish_idle_deadline(node);
    atomic_store(&node->has_peer, status.peer != 0);
    atomic_store(&node->may_cut, engine_may_cut(node->engine));
    atomic_store(&node->boundary_wanted, engine_wants_boundary(node->engine));
    return more;
}

void node_take_turn(struct ftvm_node *node)
{
    pthread_mutex_lock(&node->engine_lock);
    bool more = node_turn(node);
    bool loop_must_know = channel_take_touched(node->channel) || node->loop_touched || more ||
                          engine_watch_deadline(node->engine) < node->timer_set_ns;
    pthread_mutex_unlock(&node->engine_lock);
    if (loop_must_know) {
        node_kick(node);
    }
}

/* The calls of the vCPU thread, once node_calls.c has found them in order. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libftvm/clock.h"
#include "libftvm/digest.h"
#include "libftvm/error.h"
#include "libftvm/node_state.h"

static bool still_runs(struct ftvm_node *node)
{
    return atomic_load(&node->ended) == 0;
}

static bool is_request(const struct ftvm_node *node, enum vcpu_record type)
{
    switch (type) {
    case VCPU_BEGIN:
    case VCPU_BOUNDARY:
    case VCPU_STATE_SAVED:
    case VCPU_STATE_LOADED: return true;
    case VCPU_VALUE: return !node->vcpu_live;
    case VCPU_OUTPUT:
    case VCPU_STATE_SIZE:
    case VCPU_STATE_CHUNK: return false;
    }
    return false;
}

/* Until there is something new for this thread, or node_now_ns() is `until_ns`. */
static void sleep_until(struct ftvm_node *node, uint32_t ticket, uint64_t until_ns)
{
    if (dispatch_is_mine(node)) {
        dispatch_and_wait(node, until_ns);
        return;
    }
    wake_sleep(&node->vcpu_wake, ticket, clock_host_deadline_ns(node->hooks, until_ns));
}

/* What is answered is brought to the engine by this thread itself, as it would only wait for
 * another to do so; all else is done by the I/O thread while the guest runs on. */
int vcpu_push(struct ftvm_node *node, enum vcpu_record type, const struct vcpu_request *request,
              const void *data, size_t size)
{
    uint32_t total = (uint32_t)(sizeof *request + size);
    for (;;) {
        if (!still_runs(node)) {
            return atomic_load(&node->ended);
        }
        uint32_t ticket = wake_ticket(&node->vcpu_wake);
        uint8_t *room = ring_reserve(node->from_vcpu, total);
        if (room != NULL) {
            memcpy(room, request, sizeof *request);
            if (size > 0) {
                memcpy(room + sizeof *request, data, size);
            }
            ring_commit(node->from_vcpu, type);
            if (is_request(node, type)) {
                node_take_turn(node);
            } else {
                node_kick(node);
            }
            return 0;
        }
        if (still_runs(node)) {
            sleep_until(node, ticket, UINT64_MAX);
        }
    }
}

/* An idle guest is woken by its inputs and by its timer: who brings the input, and the clock, wake
 * this thread, and no other on the way. */
static bool has_work_for_engine(struct ftvm_node *node)
{
    return !ring_is_empty(node->inputs) ||
           atomic_load(&node->idle_deadline_ns) <= node_now_ns(node);
}

int vcpu_wait(struct ftvm_node *node, struct ring_record *record)
{
    for (;;) {
        uint32_t ticket = wake_ticket(&node->vcpu_wake);
        if (!ring_peek(node->to_vcpu, record) && has_work_for_engine(node)) {
            node_take_turn(node);
        }
        if (!still_runs(node)) {
            return atomic_load(&node->ended);
        }
        if (ring_peek(node->to_vcpu, record)) {
            return 0;
        }
        sleep_until(node, ticket, atomic_load(&node->idle_deadline_ns));
    }
}

static void go_live(struct ftvm_node *node, const struct vcpu_reply *reply)
{
    if (!reply->live) {
        return;
    }
    node->vcpu_live = true;
    node->clock_offset_ns = reply->clock_offset_ns;
    if (reply->promoted) {
        hook_pass(node->hooks, HOOKS_PROMOTED);
        /* Before the machine settles its I/O: what it announces again must not be ignored. */
        atomic_store(&node->live, true);
        if (node->ops.promoted != NULL) {
            node->may_output = true;
            node->ops.promoted(node->machine, node->config.settle);
            node->may_output = false;
        }
    }
}

static void fill_epoch(struct ftvm_node *node, struct ftvm_epoch *to,
                       const struct engine_epoch *from)
{
    *to = (struct ftvm_epoch){
        .number = from->number,
        .position = from->position,
        .length = from->length,
        .clock_ns = from->clock_ns,
        .rate_q32 = from->rate_q32,
    };
    node->epoch_number = from->number;
    if (from->clock_ns > node->last_clock_ns) {
        node->last_clock_ns = from->clock_ns;
    }
    pace_start(&node->pace, from->position, from->length, from->rate_q32, node_now_ns(node));
}

static int deliver_inputs(struct ftvm_node *node, const struct vcpu_reply *reply,
                          const uint8_t *data)
{
    int result = 0;
    node->may_output = true;
    for (uint32_t i = 0; i < reply->input_count && result >= 0; i++) {
        struct vcpu_input input;
        memcpy(&input, data, sizeof input);
        data += sizeof input;
        result = node->ops.deliver(node->machine, input.device, data, input.size);
        data += (input.size + 7u) / 8u * 8u;
    }
    node->may_output = false;
    if (result < 0) {
        char number[ERROR_TEXT_SIZE], reason[NODE_ERROR_SIZE];
        snprintf(reason, sizeof reason, "the machine's deliver failed: %s",
                 error_text(result, number));
        ftvm_node_fail(node, reason);
        return node_set_error(node, FTVM_E_MACHINE, "%s", reason);
    }
    return 0;
}

/* After a save the library says whether to save again (the joiner was lost while the machine waits
 * for its first backup) or to go on. */
static int save_until_told_to_go(struct ftvm_node *node)
{
    for (;;) {
        int result = vcpu_save(node);
        if (result < 0) {
            return result;
        }
        struct ring_record record;
        result = vcpu_wait(node, &record);
        if (result < 0) {
            return result;
        }
        bool go = record.type == ENGINE_REPLY_GO + 1;
        ring_release(node->to_vcpu);
        if (go) {
            return 0;
        }
    }
}

static int take_epoch(struct ftvm_node *node, struct ftvm_epoch *next)
{
    struct ring_record record;
    int result = vcpu_wait(node, &record);
    if (result < 0) {
        return result;
    }
    assert(record.type == ENGINE_REPLY_EPOCH + 1);
    struct vcpu_reply reply;
    memcpy(&reply, record.data, sizeof reply);
    go_live(node, &reply);
    fill_epoch(node, next, &reply.epoch);
    result = deliver_inputs(node, &reply, record.data + sizeof reply);
    ring_release(node->to_vcpu);
    if (result < 0) {
        return result;
    }
    return reply.save ? save_until_told_to_go(node) : 0;
}

static int begin(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *first)
{
    bool primary = node->config.role == FTVM_ROLE_PRIMARY;
    int result = !primary && node->config.io == FTVM_IO_CALLER ? node_wait_for_welcome(node) : 0;
    if (result < 0) {
        return result;
    }
    /* Without memory for it the node tells less of a divergence, which is no reason to end. */
    node->parts = node->ops.digest != NULL ? part_history_create(node->memory) : NULL;
    node->vcpu_live = primary;
    struct vcpu_request request = {.position = position};
    result = vcpu_push(node, VCPU_BEGIN, &request, NULL, 0);
    if (result < 0) {
        return result;
    }
    if (node->vcpu_live) {
        return take_epoch(node, first);
    }
    struct ring_record record;
    result = vcpu_wait(node, &record);
    if (result < 0) {
        return result;
    }
    assert(record.type == ENGINE_REPLY_STATE + 1);
    struct vcpu_reply reply;
    memcpy(&reply, record.data, sizeof reply);
    ring_release(node->to_vcpu);
    fill_epoch(node, first, &reply.epoch); /* the machine may look at it while it loads */
    result = vcpu_load(node, &reply.epoch);
    if (result == 0) {
        fill_epoch(node, first, &reply.epoch);
    }
    return result;
}

static ftvm_position stop_at(struct ftvm_node *node, ftvm_position position)
{
    if (!atomic_load(&node->may_cut)) {
        return node->pace.end;
    }
    bool wanted = atomic_load(&node->boundary_wanted) || !ring_is_empty(node->inputs);
    return pace_next(&node->pace, position, node_now_ns(node), wanted);
}

static void keep_part(void *context, const struct digest_part *part)
{
    part_history_add(context, part);
}

static uint64_t take_digest(struct ftvm_node *node, uint64_t position)
{
    struct ftvm_digest digest = {.epoch = node->epoch_number};
    bool keeps = node->parts != NULL && atomic_load(&node->has_peer);
    if (node->ops.digest == NULL) {
        return 0;
    }
    if (!keeps) {
        node->ops.digest(node->machine, &digest);
        return digest.value;
    }
    digest.added = keep_part;
    digest.context = node->parts;
    pthread_mutex_lock(&node->parts_lock);
    part_history_begin(node->parts, position);
    node->ops.digest(node->machine, &digest);
    pthread_mutex_unlock(&node->parts_lock);
    return digest.value;
}

static int end_epoch(struct ftvm_node *node, struct vcpu_request *request, struct ftvm_epoch *next)
{
    request->digest = take_digest(node, request->position);
    if (node->config.io == FTVM_IO_CALLER && dispatch_is_mine(node)) {
        dispatch_and_wait(node, 0); /* a machine that never waits is heard here */
    }
    int result = vcpu_push(node, VCPU_BOUNDARY, request, NULL, 0);
    return result < 0 ? result : take_epoch(node, next);
}

static int output(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    struct vcpu_request request = {.device = device};
    return vcpu_push(node, VCPU_OUTPUT, &request, data, size);
}

static int value(struct ftvm_node *node, const struct vcpu_request *request, void *value,
                 size_t size)
{
    bool alone = node->vcpu_live;
    int result = vcpu_push(node, VCPU_VALUE, request, value, size);
    if (result < 0 || alone) {
        return result;
    }
    struct ring_record record;
    result = vcpu_wait(node, &record);
    if (result < 0) {
        return result;
    }
    struct vcpu_reply reply;
    assert(record.type == ENGINE_REPLY_VALUE + 1 && record.size >= sizeof reply);
    memcpy(&reply, record.data, sizeof reply);
    memcpy(value, record.data + sizeof reply, size);
    ring_release(node->to_vcpu);
    go_live(node, &reply);
    return 0;
}

static uint64_t clock_now_ns(struct ftvm_node *node, ftvm_position position)
{
    (void)position;
    return node->vcpu_live ? node_now_ns(node) + (uint64_t)node->clock_offset_ns : 0;
}

const struct node_calls node_vcpu_calls = {
    .begin = begin,
    .stop_at = stop_at,
    .end_epoch = end_epoch,
    .output = output,
    .value = value,
    .clock_now_ns = clock_now_ns,
    .kick = node_kick,
};

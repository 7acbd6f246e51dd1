/* The calls of the vCPU thread. */
#include <assert.h>
#include <string.h>

#include "libftvm/clock.h"
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
            wake_sleep(&node->vcpu_wake, ticket, UINT64_MAX);
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
        wake_sleep(&node->vcpu_wake, ticket,
                   clock_host_deadline_ns(node->hooks, atomic_load(&node->idle_deadline_ns)));
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
        if (node->ops->promoted != NULL) {
            node->ops->promoted(node->machine, node->config.settle);
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
    if (from->clock_ns > node->last_clock_ns) {
        node->last_clock_ns = from->clock_ns;
    }
    pace_start(&node->pace, from->position, from->length, from->rate_q32, node_now_ns(node));
}

static int deliver_inputs(struct ftvm_node *node, const struct vcpu_reply *reply,
                          const uint8_t *data)
{
    for (uint32_t i = 0; i < reply->input_count; i++) {
        struct vcpu_input input;
        memcpy(&input, data, sizeof input);
        data += sizeof input;
        if (node->ops->deliver(node->machine, input.device, data, input.size) < 0) {
            return node_set_error(node, FTVM_E_MACHINE, "the machine did not take an input");
        }
        data += (input.size + 7u) / 8u * 8u;
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
        ftvm_node_fail(node, "the machine did not take an input");
        return result;
    }
    return reply.save ? save_until_told_to_go(node) : 0;
}

int ftvm_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops, void *machine,
               ftvm_position position, struct ftvm_epoch *first)
{
    if (ops == NULL || first == NULL || ops->deliver == NULL || ops->emit == NULL ||
        ops->save == NULL || ops->load == NULL) {
        return node_set_error(node, FTVM_E_INVALID,
                              "ftvm_begin needs deliver, emit, save and load");
    }
    if (!node->thread_started || node->began) {
        return node_set_error(node, FTVM_E_STATE, "ftvm_begin is called once, after start");
    }
    node->began = true;
    node->ops = ops;
    node->machine = machine;
    node->vcpu_live = node->config.role == FTVM_ROLE_PRIMARY;
    struct vcpu_request request = {.position = position};
    int result = vcpu_push(node, VCPU_BEGIN, &request, NULL, 0);
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

static int end_epoch(struct ftvm_node *node, struct vcpu_request *request, struct ftvm_epoch *next)
{
    if (!node->began) {
        return node_set_error(node, FTVM_E_STATE, "ftvm_begin comes first");
    }
    if (node->ops->digest != NULL) {
        request->digest = node->ops->digest(node->machine);
    }
    int result = vcpu_push(node, VCPU_BOUNDARY, request, NULL, 0);
    return result < 0 ? result : take_epoch(node, next);
}

ftvm_position ftvm_stop_at(struct ftvm_node *node, ftvm_position position)
{
    if (!atomic_load(&node->may_cut)) {
        return node->pace.end;
    }
    bool wanted = atomic_load(&node->boundary_wanted) || !ring_is_empty(node->inputs);
    return pace_next(&node->pace, position, node_now_ns(node), wanted);
}

int ftvm_boundary(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *next)
{
    struct vcpu_request request = {.position = position};
    return end_epoch(node, &request, next);
}

int ftvm_idle(struct ftvm_node *node, ftvm_position position, uint64_t wake_ns,
              struct ftvm_epoch *next)
{
    struct vcpu_request request = {.position = position, .idle = 1, .wake_ns = wake_ns};
    return end_epoch(node, &request, next);
}

int ftvm_halt(struct ftvm_node *node, ftvm_position position)
{
    struct vcpu_request request = {.position = position, .halt = 1};
    struct ftvm_epoch none;
    return end_epoch(node, &request, &none);
}

int ftvm_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    if (size > FTVM_MAX_OUTPUT) {
        return node_set_error(node, FTVM_E_TOO_LARGE, "an output of %zu bytes", size);
    }
    if (!node->began) {
        return node_set_error(node, FTVM_E_STATE, "ftvm_begin comes first");
    }
    struct vcpu_request request = {.device = device};
    return vcpu_push(node, VCPU_OUTPUT, &request, data, size);
}

static int exchange_value(struct ftvm_node *node, struct vcpu_request *request, void *value,
                          size_t size)
{
    if (size == 0 || size > FTVM_MAX_VALUE) {
        return node_set_error(node, FTVM_E_TOO_LARGE, "a value of %zu bytes", size);
    }
    if (!node->began) {
        return node_set_error(node, FTVM_E_STATE, "ftvm_begin comes first");
    }
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

int ftvm_value(struct ftvm_node *node, ftvm_position position, void *value, size_t size)
{
    struct vcpu_request request = {.position = position};
    return exchange_value(node, &request, value, size);
}

int ftvm_clock(struct ftvm_node *node, ftvm_position position, uint64_t *clock_ns)
{
    struct vcpu_request request = {.position = position, .is_clock = 1};
    uint64_t now_ns = node->last_clock_ns;
    if (node->vcpu_live) {
        uint64_t host_ns = node_now_ns(node) + (uint64_t)node->clock_offset_ns;
        now_ns = host_ns > now_ns ? host_ns : now_ns;
    }
    int result = exchange_value(node, &request, &now_ns, sizeof now_ns);
    if (result == 0) {
        node->last_clock_ns = now_ns;
        *clock_ns = now_ns;
    }
    return result;
}

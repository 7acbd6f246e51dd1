/*
 * The public calls of the vCPU thread: who may call, when, and with what. What is in order goes to
 * the node's own way of doing it (struct node_calls).
 */
#include <pthread.h>
#include <string.h>

#include "libftvm/node_state.h"

/* Positions are compared and added to; beyond this they would wrap. */
#define LAST_POSITION (UINT64_C(1) << 62)

static int check_caller(struct ftvm_node *node, const char *call)
{
    if (!node->began) {
        return node_set_error(node, FTVM_E_STATE, "%s: ftvm_begin comes first", call);
    }
    if (!pthread_equal(pthread_self(), node->vcpu_thread)) {
        return node_set_error(node, FTVM_E_THREAD,
                              "%s: only the thread that called ftvm_begin may call it", call);
    }
    return 0;
}

/* A negative result, or the call is under way until leave(). */
static int enter(struct ftvm_node *node, const char *call)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    int result = check_caller(node, call);
    if (result < 0) {
        return result;
    }
    if (atomic_load(&node->inside)) {
        return node_set_error(node, FTVM_E_STATE, "%s: not from inside of a callback", call);
    }
    atomic_store(&node->inside, true);
    return 0;
}

/* A call that tells the end has its line, also if a callback made a wrong call on the way. */
static int leave(struct ftvm_node *node, int result)
{
    if (result < 0 && result == atomic_load(&node->ended)) {
        pthread_mutex_lock(&node->lock);
        if (node->misused && node->end_line[0] != '\0') {
            memcpy(node->error, node->end_line, sizeof node->error);
            node->misused = false;
        }
        pthread_mutex_unlock(&node->lock);
    }
    atomic_store(&node->inside, false);
    return result;
}

/* A machine that lies about where it is would only be found out by its backup. */
static int move_to(struct ftvm_node *node, const char *call, ftvm_position position)
{
    if (position < node->position) {
        return node_set_error(node, FTVM_E_INVALID,
                              "%s: position %llu is before %llu, which was told already; a "
                              "position never decreases",
                              call, (unsigned long long)position,
                              (unsigned long long)node->position);
    }
    if (position > LAST_POSITION) {
        return node_set_error(node, FTVM_E_INVALID, "%s: position %llu is beyond 2^62", call,
                              (unsigned long long)position);
    }
    node->position = position;
    return 0;
}

static int check_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops,
                       const struct ftvm_epoch *first)
{
    if (ops == NULL || first == NULL || ops->size < sizeof ops->size ||
        ops->size > sizeof node->ops) {
        return node_set_error(node, FTVM_E_INVALID,
                              "ftvm_begin: needs ops, with ops->size = sizeof(struct "
                              "ftvm_machine_ops), and an epoch");
    }
    memset(&node->ops, 0, sizeof node->ops);
    memcpy(&node->ops, ops, ops->size);
    if (node->ops.deliver == NULL || node->ops.emit == NULL || node->ops.save == NULL ||
        node->ops.load == NULL) {
        return node_set_error(node, FTVM_E_INVALID,
                              "ftvm_begin: the machine needs deliver, emit, save and load");
    }
    return 0;
}

int ftvm_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops, void *machine,
               ftvm_position position, struct ftvm_epoch *first)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    if (!node->started || node->began) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_begin: called once, after ftvm_node_start was successful");
    }
    int result = check_begin(node, ops, first);
    if (result == 0) {
        result = move_to(node, "ftvm_begin", position);
    }
    if (result < 0) {
        return result;
    }
    node->machine = machine;
    node->vcpu_thread = pthread_self();
    node->began = true;
    atomic_store(&node->inside, true);
    result = node->calls->begin(node, position, first);
    if (result == 0) {
        node->position = first->position;
    }
    return leave(node, result);
}

ftvm_position ftvm_stop_at(struct ftvm_node *node, ftvm_position position)
{
    if (node == NULL || check_caller(node, "ftvm_stop_at") < 0) {
        return position;
    }
    return node->calls->stop_at(node, position);
}

static int end_epoch(struct ftvm_node *node, const char *call, struct vcpu_request *request,
                     struct ftvm_epoch *next)
{
    int result = enter(node, call);
    if (result < 0) {
        return result;
    }
    result = next == NULL ? node_set_error(node, FTVM_E_INVALID, "%s: next is NULL", call)
                          : move_to(node, call, request->position);
    if (result == 0) {
        result = node->calls->end_epoch(node, request, next);
    }
    return leave(node, result);
}

int ftvm_boundary(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *next)
{
    struct vcpu_request request = {.position = position};
    return end_epoch(node, "ftvm_boundary", &request, next);
}

int ftvm_idle(struct ftvm_node *node, ftvm_position position, uint64_t wake_ns,
              struct ftvm_epoch *next)
{
    struct vcpu_request request = {.position = position, .idle = 1, .wake_ns = wake_ns};
    return end_epoch(node, "ftvm_idle", &request, next);
}

int ftvm_halt(struct ftvm_node *node, ftvm_position position)
{
    struct vcpu_request request = {.position = position, .halt = 1};
    struct ftvm_epoch none;
    return end_epoch(node, "ftvm_halt", &request, &none);
}

int ftvm_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    int result = check_caller(node, "ftvm_output");
    if (result < 0) {
        return result;
    }
    if (size > FTVM_MAX_OUTPUT) {
        return node_set_error(node, FTVM_E_TOO_LARGE, "ftvm_output: %zu bytes; %u are allowed",
                              size, FTVM_MAX_OUTPUT);
    }
    if (data == NULL && size > 0) {
        return node_set_error(node, FTVM_E_INVALID, "ftvm_output: data is NULL");
    }
    /* An input may have an answer at once: deliver and promoted may make outputs. */
    bool nested = atomic_load(&node->inside);
    if (nested && !node->may_output) {
        return node_set_error(
            node, FTVM_E_STATE,
            "ftvm_output: of the callbacks, only deliver and promoted may call it");
    }
    atomic_store(&node->inside, true);
    result = node->calls->output(node, device, data, size);
    atomic_store(&node->inside, nested);
    return result;
}

static int exchange_value(struct ftvm_node *node, const char *call, struct vcpu_request *request,
                          void *value, size_t size)
{
    if (size == 0 || size > FTVM_MAX_VALUE) {
        return node_set_error(node, FTVM_E_TOO_LARGE, "%s: %zu bytes; 1 to %u are allowed", call,
                              size, FTVM_MAX_VALUE);
    }
    if (value == NULL) {
        return node_set_error(node, FTVM_E_INVALID, "%s: value is NULL", call);
    }
    int result = move_to(node, call, request->position);
    return result < 0 ? result : node->calls->value(node, request, value, size);
}

int ftvm_value(struct ftvm_node *node, ftvm_position position, void *value, size_t size)
{
    struct vcpu_request request = {.position = position};
    int result = enter(node, "ftvm_value");
    if (result < 0) {
        return result;
    }
    return leave(node, exchange_value(node, "ftvm_value", &request, value, size));
}

int ftvm_clock(struct ftvm_node *node, ftvm_position position, uint64_t *clock_ns)
{
    struct vcpu_request request = {.position = position, .is_clock = 1};
    int result = enter(node, "ftvm_clock");
    if (result < 0) {
        return result;
    }
    uint64_t now_ns = node->calls->clock_now_ns(node, position);
    now_ns = now_ns > node->last_clock_ns ? now_ns : node->last_clock_ns;
    result = exchange_value(node, "ftvm_clock", &request, clock_ns != NULL ? &now_ns : NULL,
                            sizeof now_ns);
    if (result == 0) {
        node->last_clock_ns = now_ns;
        *clock_ns = now_ns;
    }
    return leave(node, result);
}

/* One step of the engine, and doing what it says. I/O thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libftvm/error.h"
#include "libftvm/node_state.h"

/* False: it could not leave. A machine that fails over it leaves it to the other replica. */
static bool emit_one(struct ftvm_node *node, const struct engine_output *output)
{
    int result =
        node->ops.emit(node->machine, output->number, output->device, output->data, output->size);
    if (result >= 0) {
        return true;
    }
    engine_refuse_output(node->engine, output->number);
    if (result != FTVM_E_FULL) {
        char reason[NODE_ERROR_SIZE];
        char number[ERROR_TEXT_SIZE];
        snprintf(reason, sizeof reason, "the machine's emit failed: %s",
                 error_text(result, number));
        ftvm_node_fail(node, reason);
    }
    return false;
}

static void emit(struct ftvm_node *node, const struct engine_output *outputs, bool held)
{
    uint64_t now_ns = node_now_ns(node);
    for (const struct engine_output *output = outputs; output != NULL; output = output->next) {
        hook_pass(node->hooks, HOOKS_BEFORE_EMIT);
        if (!emit_one(node, output)) {
            return;
        }
        hook_pass(node->hooks, HOOKS_AFTER_EMIT);
        if (held) {
            uint64_t waited_ns = now_ns - output->made_ns;
            pthread_mutex_lock(&node->lock);
            node->hold_ns[node->hold_count++ % NODE_HOLD_SAMPLES] = waited_ns;
            node->hold_total_ns += waited_ns;
            pthread_mutex_unlock(&node->lock);
        }
    }
}

static void end_node(struct ftvm_node *node, enum engine_end end, const char *reason)
{
    int error = node_error_of_end(end);
    node->ended_ns = node_now_ns(node);
    node_set_error(node, error, "%s", reason);
    pthread_mutex_lock(&node->lock);
    memcpy(node->end_line, node->error, sizeof node->end_line);
    pthread_mutex_unlock(&node->lock);
    atomic_store(&node->live, false);
    atomic_store(&node->ended, error);
    wake_all(&node->vcpu_wake);
    if (node->join_state == JOIN_CONNECTING) {
        node_join_failed(node, error, reason);
    }
    node_tell_end(node, error, reason);
}

static int send_farewell(struct ftvm_node *node, const struct engine_action *action)
{
    struct message message = action->message;
    struct part_list parts;
    node_add_parts(node, &message.bye, &parts);
    return channel_send(node->channel, action->peer, &message);
}

static void send_message(struct ftvm_node *node, const struct engine_action *action)
{
    bool tells_parts =
        action->message.type == MESSAGE_BYE && action->message.bye.code == BYE_DIVERGED;
    int result = tells_parts ? send_farewell(node, action)
                             : channel_send(node->channel, action->peer, &action->message);
    if (result == 0) {
        hook_sent(node->hooks, action->message.type);
    }
    if (result == 0 || result == -ENOTCONN) {
        return;
    }
    /* A message that is not sent would leave a gap in the log: the connection is worth nothing. The
     * engine hears of it when all of its update is done. */
    channel_abort(node->channel, action->peer);
    node->loop_touched = true;
    node->broken_peer = action->peer;
    node->broken_reason = result == -ENOBUFS  ? "it takes less than it is sent"
                          : result == -ENOMEM ? "no memory for a message to it"
                                              : "a message beyond a limit";
}

static void perform(struct ftvm_node *node, const struct engine_action *action, bool held)
{
    if (action->type != ENGINE_DO_SEND && action->type != ENGINE_DO_REPLY &&
        action->type != ENGINE_DO_EMIT) {
        node->loop_touched = true;
    }
    switch (action->type) {
    case ENGINE_DO_SEND: send_message(node, action); return;
    case ENGINE_DO_AUTHORISE: channel_authorise(node->channel, action->peer); return;
    case ENGINE_DO_CLOSE: channel_close(node->channel, action->peer); return;
    case ENGINE_DO_EMIT: emit(node, action->outputs, held); return;
    case ENGINE_DO_REPLY: node_reply(node, &action->reply); return;
    case ENGINE_DO_CLAIM:
        claimer_ask(node->claimer, CLAIMER_CLAIM, action->term, action->claim_id);
        return;
    case ENGINE_DO_RELEASE: claimer_ask(node->claimer, CLAIMER_RELEASE, action->term, 0); return;
    case ENGINE_DO_WELCOMED: node_join_welcomed(node, &action->message.welcome); return;
    case ENGINE_DO_REFUSED: node_join_refused(node, &action->message.refuse); return;
    case ENGINE_DO_NOTIFY: node_tell_notice(node, &action->notice); return;
    case ENGINE_DO_END: end_node(node, action->end, action->reason); return;
    }
}

void node_step(struct ftvm_node *node, struct engine_event *event)
{
    struct engine_update update;
    struct engine_status before;
    engine_get_status(node->engine, &before);
    event->now_ns = node_now_ns(node);
    engine_step(node->engine, event, &update);
    if (update.count == 0) {
        return;
    }
    bool held = before.live && before.is_protected;
    /* The vCPU's answer first: it need not wait for the system calls that the rest takes. What it
     * does meanwhile is seen by the engine only in a later step. */
    for (size_t i = 0; i < update.count; i++) {
        if (update.actions[i].type == ENGINE_DO_REPLY) {
            perform(node, &update.actions[i], held);
        }
    }
    for (size_t i = 0; i < update.count; i++) {
        if (update.actions[i].type != ENGINE_DO_REPLY) {
            perform(node, &update.actions[i], held);
        }
    }
    if (node->failover_pending) {
        node_tell_failover(node, node_now_ns(node) - event->now_ns);
    }
    if (node->broken_peer != 0) {
        struct engine_event broken = {
            .type = ENGINE_PEER_LOST, .peer = node->broken_peer, .reason = node->broken_reason};
        node->broken_peer = 0;
        node_step(node, &broken);
        if (broken.peer == node->joining_peer) {
            node_join_lost(node, broken.reason);
        }
    }
    if (node->starved != NULL) {
        struct engine_event starved = {.type = ENGINE_NO_MEMORY, .reason = node->starved};
        node->starved = NULL;
        node_step(node, &starved);
    }
}

/* Replies to the vCPU thread, through the ring or, while that is full, a backlog. I/O thread. */
#include <string.h>

#include "libftvm/node_state.h"

static void write_inputs(uint8_t *to, const struct engine_reply *reply)
{
    for (size_t i = 0; i < reply->input_count; i++) {
        const struct log_input *from = &reply->inputs[i];
        struct vcpu_input input = {from->device, (uint32_t)from->data.size};
        memcpy(to, &input, sizeof input);
        to += sizeof input;
        if (input.size > 0) {
            memcpy(to, from->data.data, input.size);
        }
        to += (input.size + 7u) / 8u * 8u;
    }
}

static size_t reply_size(const struct engine_reply *reply)
{
    size_t size = sizeof(struct vcpu_reply) + reply->data.size;
    for (size_t i = 0; i < reply->input_count; i++) {
        size += sizeof(struct vcpu_input) + (reply->inputs[i].data.size + 7u) / 8u * 8u;
    }
    return size;
}

static void write_reply(uint8_t *to, const struct engine_reply *reply)
{
    struct vcpu_reply fixed = {
        .epoch = reply->epoch,
        .clock_offset_ns = reply->clock_offset_ns,
        .input_count = (uint32_t)reply->input_count,
        .save = reply->save,
        .live = reply->live,
        .promoted = reply->promoted,
    };
    memcpy(to, &fixed, sizeof fixed);
    to += sizeof fixed;
    if (reply->data.size > 0) {
        memcpy(to, reply->data.data, reply->data.size);
        to += reply->data.size;
    }
    write_inputs(to, reply);
}

/* A vCPU that is slower than the channel (loading a state) fills the ring: then replies queue up
 * here, and the peer is not read until there is room. */
static void reply_later(struct ftvm_node *node, const struct engine_reply *reply, size_t size)
{
    struct backlog_item *item = memory_allocate(node->memory, sizeof *item + size);
    if (item == NULL) {
        node->starved = "out of memory for a reply to the vCPU";
        return;
    }
    *item = (struct backlog_item){.type = reply->type + 1, .size = (uint32_t)size};
    write_reply(item->data, reply);
    if (node->backlog_last != NULL) {
        node->backlog_last->next = item;
    } else {
        node->backlog_first = item;
    }
    node->backlog_last = item;
    node->backlog_bytes += size;
}

void node_reply(struct ftvm_node *node, const struct engine_reply *reply)
{
    size_t size = reply_size(reply);
    if (node->starved != NULL) {
        return; /* one is missing, and none may take its place */
    }
    if (reply->save || reply->type == ENGINE_REPLY_SAVE) {
        atomic_store(&node->save_wanted, true);
    }
    uint8_t *room =
        node->backlog_first == NULL ? ring_reserve(node->to_vcpu, (uint32_t)size) : NULL;
    if (room == NULL) {
        reply_later(node, reply, size);
        return;
    }
    write_reply(room, reply);
    ring_commit(node->to_vcpu, reply->type + 1);
    wake_all(&node->vcpu_wake);
}

void node_move_backlog(struct ftvm_node *node)
{
    while (node->backlog_first != NULL) {
        struct backlog_item *item = node->backlog_first;
        if (!ring_push(node->to_vcpu, item->type, item->data, item->size)) {
            return;
        }
        node->backlog_first = item->next;
        if (node->backlog_first == NULL) {
            node->backlog_last = NULL;
        }
        node->backlog_bytes -= item->size;
        memory_release(node->memory, item);
        wake_all(&node->vcpu_wake);
    }
}

void node_drop_backlog(struct ftvm_node *node)
{
    while (node->backlog_first != NULL) {
        struct backlog_item *next = node->backlog_first->next;
        memory_release(node->memory, node->backlog_first);
        node->backlog_first = next;
    }
}

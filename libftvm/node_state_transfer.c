/* Saving and loading the machine's state, piece by piece through the rings. vCPU thread. */
#include <assert.h>
#include <string.h>

#include "libftvm/error.h"
#include "libftvm/node_state.h"
#include "libftvm/state_stream.h"

#define CHUNK_SIZE (64u * 1024)

struct chunk_writer {
    struct ftvm_writer base; /* first: it is what the machine knows */
    struct ftvm_node *node;
    size_t used;
    uint8_t chunk[CHUNK_SIZE];
};

struct chunk_reader {
    struct ftvm_reader base; /* first */
    struct ftvm_node *node;
    struct ring_record record; /* the piece being read */
    size_t used;
    bool has_record;
    bool complete;
};

static int flush_chunk(struct chunk_writer *writer)
{
    struct vcpu_request request = {0};
    int result = vcpu_push(writer->node, VCPU_STATE_CHUNK, &request, writer->chunk, writer->used);
    writer->used = 0;
    return result;
}

static int write_chunks(struct ftvm_writer *base, const void *data, size_t size)
{
    struct chunk_writer *writer = (struct chunk_writer *)base;
    const uint8_t *from = data;
    while (size > 0) {
        if (!atomic_load(&writer->node->save_wanted)) {
            return FTVM_E_LOST;
        }
        size_t part = CHUNK_SIZE - writer->used;
        part = part < size ? part : size;
        memcpy(writer->chunk + writer->used, from, part);
        writer->used += part;
        from += part;
        size -= part;
        if (writer->used == CHUNK_SIZE) {
            int result = flush_chunk(writer);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

int vcpu_save(struct ftvm_node *node)
{
    struct chunk_writer writer;
    writer.base = (struct ftvm_writer){.write = write_chunks};
    writer.node = node;
    writer.used = 0;
    struct vcpu_request request = {0};
    if (node->ops.state_size != NULL) {
        request.size = node->ops.state_size(node->machine);
    }
    int result = vcpu_push(node, VCPU_STATE_SIZE, &request, NULL, 0);
    if (result < 0) {
        return result;
    }
    int saved = node->ops.save(node->machine, &writer.base);
    if (saved >= 0 && writer.used > 0) {
        saved = flush_chunk(&writer);
    }
    if (atomic_load(&node->ended) != 0) {
        return atomic_load(&node->ended);
    }
    /* A state that nobody wants any more, or that cannot be saved, is no reason to stop the guest.
     */
    request = (struct vcpu_request){.ok = saved >= 0 && atomic_load(&node->save_wanted)};
    return vcpu_push(node, VCPU_STATE_SAVED, &request, NULL, 0);
}

static void drop_record(struct chunk_reader *reader)
{
    ring_release(reader->node->to_vcpu);
    reader->has_record = false;
}

/* Makes sure that there is a piece with bytes left, unless the state is complete. */
static int next_piece(struct chunk_reader *reader)
{
    while (!reader->complete && !reader->has_record) {
        int result = vcpu_wait(reader->node, &reader->record);
        if (result < 0) {
            return result;
        }
        reader->has_record = true;
        reader->used = sizeof(struct vcpu_reply);
        if (reader->record.type == ENGINE_REPLY_STATE_END + 1) {
            reader->complete = true;
            drop_record(reader);
        } else if (reader->used == reader->record.size) {
            drop_record(reader);
        }
        node_kick(reader->node); /* there is room again */
    }
    return 0;
}

static int read_chunks(struct ftvm_reader *base, void *data, size_t size)
{
    struct chunk_reader *reader = (struct chunk_reader *)base;
    uint8_t *to = data;
    while (size > 0) {
        int result = next_piece(reader);
        if (result < 0) {
            return result;
        }
        if (reader->complete) {
            return FTVM_E_CORRUPT;
        }
        size_t part = reader->record.size - reader->used;
        part = part < size ? part : size;
        memcpy(to, reader->record.data + reader->used, part);
        reader->used += part;
        to += part;
        size -= part;
        if (reader->used == reader->record.size) {
            drop_record(reader);
        }
    }
    return 0;
}

int vcpu_load(struct ftvm_node *node, struct engine_epoch *first)
{
    struct chunk_reader reader = {.base.read = read_chunks, .node = node};
    int loaded = node->ops.load(node->machine, &reader.base);
    int ended = atomic_load(&node->ended);
    if (ended != 0) {
        return ended;
    }
    bool too_long = false;
    while (loaded >= 0 && !reader.complete && !too_long) {
        int result = next_piece(&reader);
        if (result < 0) {
            return result;
        }
        too_long = !reader.complete;
    }
    bool ok = loaded >= 0 && !too_long;
    struct vcpu_request request = {.ok = ok};
    int result = vcpu_push(node, VCPU_STATE_LOADED, &request, NULL, 0);
    if (!ok) {
        char number[ERROR_TEXT_SIZE];
        return too_long ? node_set_error(node, FTVM_E_MACHINE,
                                         "the state is longer than what the machine's load read")
                        : node_set_error(node, FTVM_E_MACHINE, "the machine's load failed: %s",
                                         error_text(loaded, number));
    }
    struct ring_record record;
    result = result < 0 ? result : vcpu_wait(node, &record);
    if (result < 0) {
        return result;
    }
    struct vcpu_reply reply;
    assert(record.type == ENGINE_REPLY_GO + 1);
    memcpy(&reply, record.data, sizeof reply);
    ring_release(node->to_vcpu);
    *first = reply.epoch;
    return 0;
}

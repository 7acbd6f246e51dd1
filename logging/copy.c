/* Copies of messages: a message with all that it points to in one allocation. */
#include "logging/codec.h"

#include <string.h>

#define ALIGNMENT 8u /* of every piece of data, so that embedders may lay structs over it */

/* One walk over all that a message points to serves twice: to count, with `at` NULL, and to copy.
 */
struct copier {
    uint8_t *at;
    size_t size;
};

static void *take(struct copier *copier, const void *data, size_t size)
{
    void *start = copier->at == NULL ? NULL : copier->at + copier->size;

    copier->size += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (start != NULL && size > 0) {
        memcpy(start, data, size);
    }
    return start;
}

static void take_bytes(struct copier *copier, struct log_bytes *bytes)
{
    const uint8_t *copy = take(copier, bytes->data, bytes->size);

    if (copier->at != NULL) {
        bytes->data = bytes->size == 0 ? NULL : copy;
    }
}

static void take_text(struct copier *copier, const char **text)
{
    const char *from = *text == NULL ? "" : *text;
    const char *copy = take(copier, from, strlen(from) + 1);

    if (copier->at != NULL) {
        *text = copy;
    }
}

static void take_inputs(struct copier *copier, struct message_boundary *boundary)
{
    struct log_input *inputs =
        take(copier, boundary->inputs, boundary->input_count * sizeof(*boundary->inputs));

    for (size_t i = 0; i < boundary->input_count; i++) {
        struct log_bytes data = boundary->inputs[i].data;

        take_bytes(copier, &data);
        if (inputs != NULL) {
            inputs[i].data = data;
        }
    }
    if (copier->at != NULL) {
        boundary->inputs = boundary->input_count == 0 ? NULL : inputs;
    }
}

static void take_parts(struct copier *copier, struct message_bye *bye)
{
    struct log_part *parts = take(copier, bye->parts, bye->part_count * sizeof(*bye->parts));

    for (size_t i = 0; i < bye->part_count; i++) {
        struct log_part part = bye->parts[i];

        take_text(copier, &part.name);
        take_bytes(copier, &part.value);
        if (parts != NULL) {
            parts[i] = part;
        }
    }
    if (copier->at != NULL) {
        bye->parts = bye->part_count == 0 ? NULL : parts;
    }
}

static void take_fields(struct copier *copier, struct message *message)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        take_text(copier, &message->hello.name);
        take_text(copier, &message->hello.replica);
        take_bytes(copier, &message->hello.description);
        break;
    case MESSAGE_WELCOME:
        take_text(copier, &message->welcome.name);
        take_text(copier, &message->welcome.replica);
        take_bytes(copier, &message->welcome.description);
        break;
    case MESSAGE_REFUSE: take_text(copier, &message->refuse.reason); break;
    case MESSAGE_STATE_CHUNK: take_bytes(copier, &message->state_chunk.data); break;
    case MESSAGE_VALUE: take_bytes(copier, &message->value.data); break;
    case MESSAGE_BOUNDARY: take_inputs(copier, &message->boundary); break;
    case MESSAGE_BYE:
        take_text(copier, &message->bye.reason);
        take_parts(copier, &message->bye);
        break;
    case MESSAGE_STATE_BEGIN:
    case MESSAGE_STATE_END:
    case MESSAGE_ACK:
    case MESSAGE_PROTECTED:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_TYPE_END: break;
    }
}

struct message *message_copy(const struct memory *memory, const struct message *message)
{
    struct message walked = *message;
    struct copier copier = {.at = NULL};
    struct message *copy;

    take_fields(&copier, &walked);
    copy = memory_allocate(memory, sizeof(*copy) + copier.size);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *message;
    copier = (struct copier){.at = (uint8_t *)(copy + 1)};
    take_fields(&copier, copy);
    return copy;
}

void message_free(const struct memory *memory, struct message *message)
{
    memory_release(memory, message);
}

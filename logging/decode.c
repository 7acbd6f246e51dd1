/*
 * Payloads to messages. protobuf-c unpacks into scratch memory; a view of that is a message that
 * borrows from it; once the view is within all limits it is copied into the one allocation that the
 * caller gets. So nothing that a payload claims costs more than a bounded piece of scratch memory.
 */
#include "logging/payload.h"

#include <string.h>

#include "logging/limits.h"
#include "logging/scratch.h"

/* Scratch memory for a payload beyond twice its size: the structs of the inputs, with what
 * protobuf-c notes for each field of a boundary while it unpacks. */
#define SCRATCH_BASE      (32u * 1024)
#define SCRATCH_PER_INPUT 256u
#define SCRATCH_PER_PART  512u

static const ProtobufCMessageDescriptor *descriptor(enum message_type type)
{
    switch (type) {
    case MESSAGE_HELLO: return &ftvm__log__hello__descriptor;
    case MESSAGE_WELCOME: return &ftvm__log__welcome__descriptor;
    case MESSAGE_REFUSE: return &ftvm__log__refuse__descriptor;
    case MESSAGE_STATE_BEGIN: return &ftvm__log__state_begin__descriptor;
    case MESSAGE_STATE_CHUNK: return &ftvm__log__state_chunk__descriptor;
    case MESSAGE_STATE_END: return &ftvm__log__state_end__descriptor;
    case MESSAGE_VALUE: return &ftvm__log__value__descriptor;
    case MESSAGE_BOUNDARY: return &ftvm__log__boundary__descriptor;
    case MESSAGE_ACK: return &ftvm__log__ack__descriptor;
    case MESSAGE_PROTECTED: return &ftvm__log__protected__descriptor;
    case MESSAGE_HEARTBEAT: return &ftvm__log__heartbeat__descriptor;
    case MESSAGE_BYE: return &ftvm__log__bye__descriptor;
    case MESSAGE_TYPE_END: break;
    }
    return NULL;
}

/* Two versions must understand each other up to the refusal, see log.proto. */
static bool may_hold_unknown_fields(enum message_type type)
{
    return type == MESSAGE_HELLO || type == MESSAGE_WELCOME || type == MESSAGE_REFUSE;
}

static struct log_bytes view_bytes(ProtobufCBinaryData bytes)
{
    return (struct log_bytes){.data = bytes.data, .size = bytes.len};
}

static enum codec_result view_text(struct scratch *scratch, ProtobufCBinaryData bytes, size_t limit,
                                   const char **text)
{
    char *copy;

    if (bytes.len > limit) {
        return CODEC_E_LIMIT;
    }
    if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL) {
        return CODEC_E_PAYLOAD;
    }
    copy = scratch_alloc(scratch, bytes.len + 1);
    if (copy == NULL) {
        return CODEC_E_MEMORY;
    }
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    copy[bytes.len] = '\0';
    *text = copy;
    return CODEC_OK;
}

static enum codec_result view_names(struct scratch *scratch, ProtobufCBinaryData name,
                                    ProtobufCBinaryData replica, const char **name_to,
                                    const char **replica_to)
{
    enum codec_result result = view_text(scratch, name, LOG_MAX_NAME, name_to);

    return result != CODEC_OK ? result : view_text(scratch, replica, LOG_MAX_NAME, replica_to);
}

static enum codec_result view_hello(struct scratch *scratch, const Ftvm__Log__Hello *from,
                                    struct message_hello *to)
{
    to->version = from->version;
    to->term = from->term;
    to->description = view_bytes(from->description);
    return view_names(scratch, from->name, from->replica, &to->name, &to->replica);
}

static enum codec_result view_welcome(struct scratch *scratch, const Ftvm__Log__Welcome *from,
                                      struct message_welcome *to)
{
    to->version = from->version;
    to->term = from->term;
    to->description = view_bytes(from->description);
    to->protocol = from->protocol;
    to->heartbeat_ms = from->heartbeat_ms;
    to->timeout_ms = from->timeout_ms;
    to->arbitrated = from->arbitrated != 0;
    to->lag_epochs = from->lag_epochs;
    to->epoch_length = from->epoch_length;
    to->lag_policy = from->lag_policy;
    to->epoch_min_us = from->epoch_min_us;
    to->epoch_max_us = from->epoch_max_us;
    return view_names(scratch, from->name, from->replica, &to->name, &to->replica);
}

static void view_state_begin(const Ftvm__Log__StateBegin *from, struct message_state_begin *to)
{
    to->term = from->term;
    to->lsn = from->lsn;
    to->position = from->position;
    to->epoch = from->epoch;
    to->length = from->length;
    to->clock_ns = from->clock_ns;
    to->rate_q32 = from->rate_q32;
    to->outputs = from->outputs;
    to->chain = from->chain;
    to->estimate = from->estimate;
}

static void view_value(const Ftvm__Log__Value *from, struct message_value *to)
{
    to->lsn = from->lsn;
    to->term = from->term;
    to->position = from->position;
    to->data = view_bytes(from->data);
}

static enum codec_result view_inputs(struct scratch *scratch, const Ftvm__Log__Boundary *from,
                                     struct message_boundary *to)
{
    struct log_input *inputs;

    to->input_count = from->n_inputs;
    if (from->n_inputs == 0) {
        return CODEC_OK;
    }
    if (from->n_inputs > LOG_MAX_INPUTS) {
        return CODEC_E_LIMIT;
    }
    inputs = scratch_alloc(scratch, from->n_inputs * sizeof(*inputs));
    if (inputs == NULL) {
        return CODEC_E_MEMORY;
    }
    for (size_t i = 0; i < from->n_inputs; i++) {
        if (from->inputs[i]->base.n_unknown_fields > 0) {
            return CODEC_E_PAYLOAD;
        }
        inputs[i].device = from->inputs[i]->device;
        inputs[i].data = view_bytes(from->inputs[i]->data);
    }
    to->inputs = inputs;
    return CODEC_OK;
}

static enum codec_result view_boundary(struct scratch *scratch, const Ftvm__Log__Boundary *from,
                                       struct message_boundary *to)
{
    to->lsn = from->lsn;
    to->term = from->term;
    to->position = from->position;
    to->digest = from->digest;
    to->clock_ns = from->clock_ns;
    to->rate_q32 = from->rate_q32;
    to->next_length = from->next_length;
    to->released = from->released;
    to->chain = from->chain;
    to->final = from->final != 0;
    return view_inputs(scratch, from, to);
}

static enum codec_result view_part(struct scratch *scratch, const Ftvm__Log__Part *from,
                                   struct log_part *to)
{
    to->index = from->index;
    to->size = from->size;
    to->digest = from->digest;
    to->value = view_bytes(from->value);
    return from->base.n_unknown_fields > 0
               ? CODEC_E_PAYLOAD
               : view_text(scratch, from->name, LOG_MAX_NAME, &to->name);
}

static enum codec_result view_bye(struct scratch *scratch, const Ftvm__Log__Bye *from,
                                  struct message_bye *to)
{
    enum codec_result result = view_text(scratch, from->reason, LOG_MAX_REASON, &to->reason);
    struct log_part *parts;

    to->term = from->term;
    to->code = from->code;
    to->position = from->position;
    to->part_count = from->n_parts;
    if (result != CODEC_OK || from->n_parts == 0) {
        return result;
    }
    if (from->n_parts > LOG_MAX_PARTS) {
        return CODEC_E_LIMIT;
    }
    parts = scratch_alloc(scratch, from->n_parts * sizeof(*parts));
    if (parts == NULL) {
        return CODEC_E_MEMORY;
    }
    for (size_t i = 0; i < from->n_parts && result == CODEC_OK; i++) {
        result = view_part(scratch, from->parts[i], &parts[i]);
    }
    to->parts = parts;
    return result;
}

static void view_ack(const Ftvm__Log__Ack *from, struct message_ack *to)
{
    to->term = from->term;
    to->received = from->received;
    to->consumed = from->consumed;
    to->position = from->position;
}

static enum codec_result view(struct scratch *scratch, const union payload *from,
                              struct message *to)
{
    switch (to->type) {
    case MESSAGE_HELLO: return view_hello(scratch, &from->hello, &to->hello);
    case MESSAGE_WELCOME: return view_welcome(scratch, &from->welcome, &to->welcome);
    case MESSAGE_REFUSE:
        to->refuse.code = from->refuse.code;
        return view_text(scratch, from->refuse.reason, LOG_MAX_REASON, &to->refuse.reason);
    case MESSAGE_STATE_BEGIN: view_state_begin(&from->state_begin, &to->state_begin); break;
    case MESSAGE_STATE_CHUNK: to->state_chunk.data = view_bytes(from->state_chunk.data); break;
    case MESSAGE_STATE_END:
        to->state_end.size = from->state_end.size;
        to->state_end.digest = from->state_end.digest;
        break;
    case MESSAGE_VALUE: view_value(&from->value, &to->value); break;
    case MESSAGE_BOUNDARY: return view_boundary(scratch, &from->boundary, &to->boundary);
    case MESSAGE_ACK: view_ack(&from->ack, &to->ack); break;
    case MESSAGE_PROTECTED:
        to->protected_.term = from->protected_.term;
        to->protected_.lsn = from->protected_.lsn;
        break;
    case MESSAGE_HEARTBEAT:
        to->heartbeat.term = from->heartbeat.term;
        to->heartbeat.position = from->heartbeat.position;
        to->heartbeat.released = from->heartbeat.released;
        break;
    case MESSAGE_BYE: return view_bye(scratch, &from->bye, &to->bye);
    case MESSAGE_TYPE_END: break;
    }
    return CODEC_OK;
}

static enum codec_result decode_in(struct scratch *scratch, enum message_type type,
                                   const uint8_t *data, size_t size, struct message **message)
{
    struct message seen = {.type = type};
    enum codec_result result;
    const union payload *payload = (const union payload *)protobuf_c_message_unpack(
        descriptor(type), &scratch->allocator, size, data);

    if (payload == NULL) {
        return scratch->out_of_memory ? CODEC_E_MEMORY : CODEC_E_PAYLOAD;
    }
    if (payload->base.n_unknown_fields > 0 && !may_hold_unknown_fields(type)) {
        return CODEC_E_PAYLOAD;
    }
    result = view(scratch, payload, &seen);
    if (result == CODEC_OK) {
        result = limits_check(&seen);
    }
    if (result != CODEC_OK) {
        return result;
    }
    *message = message_copy(scratch->memory, &seen);
    return *message == NULL ? CODEC_E_MEMORY : CODEC_OK;
}

static size_t scratch_for_elements(enum message_type type)
{
    switch (type) {
    case MESSAGE_BOUNDARY: return LOG_MAX_INPUTS * SCRATCH_PER_INPUT;
    case MESSAGE_BYE: return LOG_MAX_PARTS * SCRATCH_PER_PART;
    default: return 0;
    }
}

enum codec_result payload_decode(const struct memory *memory, enum message_type type,
                                 const uint8_t *data, size_t size, struct message **message)
{
    struct scratch scratch;
    enum codec_result result;

    scratch_init(&scratch, memory, SCRATCH_BASE + 2 * size + scratch_for_elements(type));
    result = decode_in(&scratch, type, data, size, message);
    scratch_free(&scratch);
    return result;
}

/*
 * Messages to payloads. Everything is on the stack: protobuf-c packs from structs that borrow from
 * the message. The inputs of a boundary are packed one after the other, for an array of their
 * structs could take 50 KB, and so are the parts of a farewell. This gives the same bytes: in
 * protobuf the repeated field of a message is nothing but its elements one by one, and these fields
 * have the highest numbers of their messages, so they come last.
 */
#include "logging/payload.h"

#include <string.h>

#define INPUTS_FIELD 12u
#define PARTS_FIELD  5u

/* protobuf-c reads through these pointers only, though its structs say otherwise. */
static ProtobufCBinaryData borrow_bytes(struct log_bytes bytes)
{
    return (ProtobufCBinaryData){.len = bytes.size, .data = (uint8_t *)(uintptr_t)bytes.data};
}

static ProtobufCBinaryData borrow_text(const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);

    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)text};
}

static Ftvm__Log__Input borrow_input(const struct log_input *input)
{
    Ftvm__Log__Input packed = FTVM__LOG__INPUT__INIT;

    packed.device = input->device;
    packed.data = borrow_bytes(input->data);
    return packed;
}

static Ftvm__Log__Part borrow_part(const struct log_part *part)
{
    Ftvm__Log__Part packed = FTVM__LOG__PART__INIT;

    packed.name = borrow_text(part->name);
    packed.index = part->index;
    packed.size = part->size;
    packed.digest = part->digest;
    packed.value = borrow_bytes(part->value);
    return packed;
}

/* Any element of a repeated field. */
union element {
    ProtobufCMessage base;
    Ftvm__Log__Input input;
    Ftvm__Log__Part part;
};

static size_t count_elements(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_BOUNDARY: return message->boundary.input_count;
    case MESSAGE_BYE: return message->bye.part_count;
    default: return 0;
    }
}

/* Returns the element's tag. */
static size_t borrow_element(const struct message *message, size_t i, union element *element)
{
    bool is_input = message->type == MESSAGE_BOUNDARY;

    if (is_input) {
        element->input = borrow_input(&message->boundary.inputs[i]);
    } else {
        element->part = borrow_part(&message->bye.parts[i]);
    }
    return (is_input ? INPUTS_FIELD : PARTS_FIELD) << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

static void fill_hello(Ftvm__Log__Hello *to, const struct message_hello *from)
{
    ftvm__log__hello__init(to);
    to->version = from->version;
    to->name = borrow_text(from->name);
    to->replica = borrow_text(from->replica);
    to->term = from->term;
    to->description = borrow_bytes(from->description);
}

static void fill_welcome(Ftvm__Log__Welcome *to, const struct message_welcome *from)
{
    ftvm__log__welcome__init(to);
    to->version = from->version;
    to->name = borrow_text(from->name);
    to->replica = borrow_text(from->replica);
    to->term = from->term;
    to->description = borrow_bytes(from->description);
    to->protocol = from->protocol;
    to->heartbeat_ms = from->heartbeat_ms;
    to->timeout_ms = from->timeout_ms;
    to->arbitrated = from->arbitrated;
    to->lag_epochs = from->lag_epochs;
    to->epoch_length = from->epoch_length;
    to->lag_policy = from->lag_policy;
    to->epoch_min_us = from->epoch_min_us;
    to->epoch_max_us = from->epoch_max_us;
}

static void fill_state_begin(Ftvm__Log__StateBegin *to, const struct message_state_begin *from)
{
    ftvm__log__state_begin__init(to);
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

static void fill_value(Ftvm__Log__Value *to, const struct message_value *from)
{
    ftvm__log__value__init(to);
    to->lsn = from->lsn;
    to->term = from->term;
    to->position = from->position;
    to->data = borrow_bytes(from->data);
}

static void fill_boundary(Ftvm__Log__Boundary *to, const struct message_boundary *from)
{
    ftvm__log__boundary__init(to);
    to->lsn = from->lsn;
    to->term = from->term;
    to->position = from->position;
    to->digest = from->digest;
    to->clock_ns = from->clock_ns;
    to->rate_q32 = from->rate_q32;
    to->next_length = from->next_length;
    to->released = from->released;
    to->chain = from->chain;
    to->final = from->final;
}

static void fill_ack(Ftvm__Log__Ack *to, const struct message_ack *from)
{
    ftvm__log__ack__init(to);
    to->term = from->term;
    to->received = from->received;
    to->consumed = from->consumed;
    to->position = from->position;
}

static void fill_heartbeat(Ftvm__Log__Heartbeat *to, const struct message_heartbeat *from)
{
    ftvm__log__heartbeat__init(to);
    to->term = from->term;
    to->position = from->position;
    to->released = from->released;
}

static void fill_bye(Ftvm__Log__Bye *to, const struct message_bye *from)
{
    ftvm__log__bye__init(to);
    to->term = from->term;
    to->code = from->code;
    to->reason = borrow_text(from->reason);
    to->position = from->position;
}

void payload_fill(union payload *payload, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_HELLO: fill_hello(&payload->hello, &message->hello); break;
    case MESSAGE_WELCOME: fill_welcome(&payload->welcome, &message->welcome); break;
    case MESSAGE_REFUSE:
        ftvm__log__refuse__init(&payload->refuse);
        payload->refuse.code = message->refuse.code;
        payload->refuse.reason = borrow_text(message->refuse.reason);
        break;
    case MESSAGE_STATE_BEGIN: fill_state_begin(&payload->state_begin, &message->state_begin); break;
    case MESSAGE_STATE_CHUNK:
        ftvm__log__state_chunk__init(&payload->state_chunk);
        payload->state_chunk.data = borrow_bytes(message->state_chunk.data);
        break;
    case MESSAGE_STATE_END:
        ftvm__log__state_end__init(&payload->state_end);
        payload->state_end.size = message->state_end.size;
        payload->state_end.digest = message->state_end.digest;
        break;
    case MESSAGE_VALUE: fill_value(&payload->value, &message->value); break;
    case MESSAGE_BOUNDARY: fill_boundary(&payload->boundary, &message->boundary); break;
    case MESSAGE_ACK: fill_ack(&payload->ack, &message->ack); break;
    case MESSAGE_PROTECTED:
        ftvm__log__protected__init(&payload->protected_);
        payload->protected_.term = message->protected_.term;
        payload->protected_.lsn = message->protected_.lsn;
        break;
    case MESSAGE_HEARTBEAT: fill_heartbeat(&payload->heartbeat, &message->heartbeat); break;
    case MESSAGE_BYE: fill_bye(&payload->bye, &message->bye); break;
    case MESSAGE_TYPE_END: break;
    }
}

static size_t varint_size(size_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7) {
        size++;
    }
    return size;
}

static uint8_t *varint_write(uint8_t *at, size_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at++ = (uint8_t)value;
    return at;
}

size_t payload_size(const union payload *payload, const struct message *message)
{
    size_t size = protobuf_c_message_get_packed_size(&payload->base);

    for (size_t i = 0; i < count_elements(message); i++) {
        union element element;
        size_t tag = borrow_element(message, i, &element);
        size_t element_size = protobuf_c_message_get_packed_size(&element.base);

        size += varint_size(tag) + varint_size(element_size) + element_size;
    }
    return size;
}

size_t payload_pack(const union payload *payload, const struct message *message, uint8_t *buffer)
{
    uint8_t *at = buffer + protobuf_c_message_pack(&payload->base, buffer);

    for (size_t i = 0; i < count_elements(message); i++) {
        union element element;

        at = varint_write(at, borrow_element(message, i, &element));
        at = varint_write(at, protobuf_c_message_get_packed_size(&element.base));
        at += protobuf_c_message_pack(&element.base, at);
    }
    return (size_t)(at - buffer);
}

/*
 * Payloads: messages to protobuf bytes and back, without the frame around them. For codec.c only.
 */
#ifndef LOGGING_PAYLOAD_H
#define LOGGING_PAYLOAD_H

#include "logging/codec.h"
#include "logging/log.pb-c.h"

/* Any message as protobuf-c has it. What it points to is borrowed from the message. */
union payload {
    ProtobufCMessage base;
    Ftvm__Log__Hello hello;
    Ftvm__Log__Welcome welcome;
    Ftvm__Log__Refuse refuse;
    Ftvm__Log__StateBegin state_begin;
    Ftvm__Log__StateChunk state_chunk;
    Ftvm__Log__StateEnd state_end;
    Ftvm__Log__Value value;
    Ftvm__Log__Boundary boundary; /* without the inputs, see payload_pack() */
    Ftvm__Log__Ack ack;
    Ftvm__Log__Protected protected_;
    Ftvm__Log__Heartbeat heartbeat;
    Ftvm__Log__Bye bye;
};

/* Encoding, of a message that is within its limits: no allocation, no failure. */
void payload_fill(union payload *payload, const struct message *message);
size_t payload_size(const union payload *payload, const struct message *message);
size_t payload_pack(const union payload *payload, const struct message *message, uint8_t *buffer);

/* Decoding of hostile bytes into a new message, one allocation, within all limits. `type` is a
 * valid one and size is at most limits_payload(type). */
enum codec_result payload_decode(const struct memory *memory, enum message_type type,
                                 const uint8_t *data, size_t size, struct message **message);

#endif

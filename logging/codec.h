/*
 * Messages to frames and back. The one place where bytes from outside become structs: whatever
 * the bytes are, decoding either yields a message within all limits of logging/message.h or fails.
 *
 * A frame is: u32 payload length, u32 type, u32 CRC32C over length, type and payload (all little
 * endian), payload (the protobuf message of that type in logging/log.proto).
 *
 * Pure functions on memory, safe on any thread.
 */
#ifndef LOGGING_CODEC_H
#define LOGGING_CODEC_H

#include "logging/memory.h"
#include "logging/message.h"

#define FRAME_HEADER_SIZE 12u
#define FRAME_MAX_SIZE    (FRAME_HEADER_SIZE + LOG_MAX_PAYLOAD)

enum codec_result {
    CODEC_OK = 0,
    CODEC_MORE = 1,       /* a frame's beginning: more bytes are needed */
    CODEC_E_LENGTH = -1,  /* length over the limit */
    CODEC_E_TYPE = -2,    /* no such type */
    CODEC_E_CRC = -3,     /* damaged */
    CODEC_E_PAYLOAD = -4, /* not a message of its type */
    CODEC_E_LIMIT = -5,   /* a field beyond its limit */
    CODEC_E_MEMORY = -6,
    CODEC_E_SPACE = -7, /* the encoder's buffer is too small */
};

const char *codec_strerror(enum codec_result result);

/* Bytes that the frame of this message takes, or 0 if the message is beyond a limit. */
size_t codec_frame_size(const struct message *message);

/* Writes one frame. Returns CODEC_OK and its size in *size, or an error and nothing is written. */
enum codec_result codec_encode(const struct message *message, uint8_t *buffer, size_t capacity,
                               size_t *size);

/* Reads the frame at the start of `data`. CODEC_OK: *message is a new message (message_free it) and
 * *used the bytes it took. CODEC_MORE: *used is 0. A negative result is final for the stream. */
enum codec_result codec_decode(const struct memory *memory, const uint8_t *data, size_t size,
                               struct message **message, size_t *used);

/* A message within its limits with all that it points to, in one allocation. NULL: out of memory.
 */
struct message *message_copy(const struct memory *memory, const struct message *message);

/* To where it came from. NULL is none. */
void message_free(const struct memory *memory, struct message *message);

#endif

/* Frames: the header around a payload, see logging/codec.h. */
#include "logging/codec.h"

#include <assert.h>

#include "logging/crc32c.h"
#include "logging/limits.h"
#include "logging/mutant.h"
#include "logging/payload.h"

/* Offsets in the header. */
#define AT_LENGTH 0u
#define AT_TYPE   4u
#define AT_CRC    8u

static_assert(AT_CRC + 4 == FRAME_HEADER_SIZE, "the checksum ends the header");

const char *codec_strerror(enum codec_result result)
{
    switch (result) {
    case CODEC_OK: return "no error";
    case CODEC_MORE: return "the frame is not complete";
    case CODEC_E_LENGTH: return "the frame is longer than its type allows";
    case CODEC_E_TYPE: return "there is no message of this type";
    case CODEC_E_CRC: return "the frame is damaged (CRC32C)";
    case CODEC_E_PAYLOAD: return "the payload is not a message of its type";
    case CODEC_E_LIMIT: return "a field is beyond its limit";
    case CODEC_E_MEMORY: return "out of memory";
    case CODEC_E_SPACE: return "the frame does not fit into the buffer";
    }
    return "?";
}

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Over all of the frame but the checksum itself, so that a damaged length or type shows too. */
static uint32_t frame_crc(const uint8_t *frame, size_t payload_size)
{
    return crc32c(crc32c(0, frame, AT_CRC), frame + FRAME_HEADER_SIZE, payload_size);
}

size_t codec_frame_size(const struct message *message)
{
    union payload payload;

    if (limits_check(message) != CODEC_OK) {
        return 0;
    }
    payload_fill(&payload, message);
    return FRAME_HEADER_SIZE + payload_size(&payload, message);
}

enum codec_result codec_encode(const struct message *message, uint8_t *buffer, size_t capacity,
                               size_t *size)
{
    union payload payload;
    size_t length;
    size_t packed;
    enum codec_result result = limits_check(message);

    if (result != CODEC_OK) {
        return result;
    }
    payload_fill(&payload, message);
    length = payload_size(&payload, message);
    assert(length <= limits_payload(message->type));
    if (capacity < FRAME_HEADER_SIZE || capacity - FRAME_HEADER_SIZE < length) {
        return CODEC_E_SPACE;
    }
    packed = payload_pack(&payload, message, buffer + FRAME_HEADER_SIZE);
    assert(packed == length);
    put_u32(buffer + AT_LENGTH, (uint32_t)packed);
    put_u32(buffer + AT_TYPE, message->type);
    put_u32(buffer + AT_CRC, frame_crc(buffer, packed));
    *size = FRAME_HEADER_SIZE + packed;
    return CODEC_OK;
}

enum codec_result codec_decode(const struct memory *memory, const uint8_t *data, size_t size,
                               struct message **message, size_t *used)
{
    size_t length;
    uint32_t type;
    enum codec_result result;

    *message = NULL;
    *used = 0;
    if (size < FRAME_HEADER_SIZE) {
        return CODEC_MORE;
    }
    length = get_u32(data + AT_LENGTH);
    type = get_u32(data + AT_TYPE);
    if (limits_payload(type) == 0) {
        return CODEC_E_TYPE;
    }
    if (length > limits_payload(type)) {
        return CODEC_E_LENGTH;
    }
    if (size - FRAME_HEADER_SIZE < length) {
        return CODEC_MORE;
    }
    if (get_u32(data + AT_CRC) != frame_crc(data, length) && !MUTANT(CRC_UNCHECKED)) {
        return CODEC_E_CRC;
    }
    result =
        payload_decode(memory, (enum message_type)type, data + FRAME_HEADER_SIZE, length, message);
    if (result == CODEC_OK) {
        *used = FRAME_HEADER_SIZE + length;
    }
    return result;
}

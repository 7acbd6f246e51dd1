/*
 * libFuzzer target: the decoder against any bytes. The first byte of an input chooses: even, the
 * rest is a stream of frames as it came from a peer; odd, the rest is a type and a payload, for
 * which the right header is made, for no fuzzer guesses checksums.
 */
#include <assert.h>
#include <stdlib.h>

#include "logging/codec.h"
#include "logging/crc32c.h"
#include "tests/logging/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded is within the limits, so the encoder takes it; and it means the same then. */
static void expect_round_trip(const struct message *message)
{
    size_t frame_size = codec_frame_size(message);
    uint8_t *frame = malloc(frame_size);
    struct message *again;
    size_t size;
    size_t used;

    assert(frame_size > 0 && frame_size <= FRAME_MAX_SIZE && frame != NULL);
    assert(codec_encode(message, frame, frame_size, &size) == CODEC_OK && size == frame_size);
    assert(codec_decode(NULL, frame, size, &again, &used) == CODEC_OK && used == size);
    assert(same_message(message, again));
    message_free(NULL, again);
    free(frame);
}

static void decode_stream(const uint8_t *data, size_t size)
{
    size_t at = 0;

    for (;;) {
        struct message *message;
        size_t used;
        enum codec_result result = codec_decode(NULL, data + at, size - at, &message, &used);

        if (result != CODEC_OK) {
            assert(message == NULL && used == 0);
            return;
        }
        assert(used >= FRAME_HEADER_SIZE && used <= size - at);
        expect_round_trip(message);
        message_free(NULL, message);
        at += used;
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void decode_payload(uint8_t type, const uint8_t *data, size_t size)
{
    uint8_t *frame = malloc(FRAME_HEADER_SIZE + size);

    assert(frame != NULL);
    put_u32(frame, (uint32_t)size);
    put_u32(frame + 4, type);
    put_u32(frame + 8, crc32c(crc32c(0, frame, 8), data, size));
    if (size > 0) {
        memcpy(frame + FRAME_HEADER_SIZE, data, size);
    }
    decode_stream(frame, FRAME_HEADER_SIZE + size);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 1 && data[0] % 2 == 0) {
        decode_stream(data + 1, size - 1);
    } else if (size >= 2) {
        decode_payload(data[1], data + 2, size - 2);
    }
    return 0;
}

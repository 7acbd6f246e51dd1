#include "vmm/devices/random_stream.h"

#include <endian.h>
#include <string.h>

#define BLOCK_SIZE 64u

static uint32_t load32(const uint8_t *from)
{
    uint32_t little;
    memcpy(&little, from, sizeof little);
    return le32toh(little);
}

static uint32_t rotate_left(uint32_t value, unsigned count)
{
    return value << count | value >> (32 - count);
}

static void quarter_round(uint32_t state[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
    state[a] += state[b];
    state[d] = rotate_left(state[d] ^ state[a], 16);
    state[c] += state[d];
    state[b] = rotate_left(state[b] ^ state[c], 12);
    state[a] += state[b];
    state[d] = rotate_left(state[d] ^ state[a], 8);
    state[c] += state[d];
    state[b] = rotate_left(state[b] ^ state[c], 7);
}

void chacha20_block(const uint8_t key[RANDOM_STREAM_KEY_SIZE], uint32_t counter,
                    const uint8_t nonce[12], uint8_t block[BLOCK_SIZE])
{
    uint32_t initial[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (unsigned i = 0; i < 8; i++) {
        initial[4 + i] = load32(key + 4 * i);
    }
    initial[12] = counter;
    for (unsigned i = 0; i < 3; i++) {
        initial[13 + i] = load32(nonce + 4 * i);
    }
    uint32_t state[16];
    memcpy(state, initial, sizeof state);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++) { /* columns */
            quarter_round(state, i, 4 + i, 8 + i, 12 + i);
        }
        for (unsigned i = 0; i < 4; i++) { /* diagonals */
            quarter_round(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t little = htole32(state[i] + initial[i]);
        memcpy(block + 4 * i, &little, sizeof little);
    }
}

void random_stream_take(struct random_stream *stream, void *data, size_t size)
{
    static const uint8_t nonce[12] = {0}; /* a key is used for one request only */
    uint8_t key[RANDOM_STREAM_KEY_SIZE];
    uint8_t block[BLOCK_SIZE];
    memcpy(key, stream->key, sizeof key);
    /* The first half block becomes the next key. */
    chacha20_block(key, 0, nonce, block);
    memcpy(stream->key, block, sizeof stream->key);
    size_t position = sizeof stream->key;
    uint8_t *to = data;
    for (uint32_t counter = 1; size > 0; position = 0) {
        size_t count = size < BLOCK_SIZE - position ? size : BLOCK_SIZE - position;
        memcpy(to, block + position, count);
        to += count;
        size -= count;
        if (size > 0) {
            chacha20_block(key, counter++, nonce, block);
        }
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(block, sizeof block);
}

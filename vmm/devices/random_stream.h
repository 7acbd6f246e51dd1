/*
 * A deterministic stream of random bytes: ChaCha20 (RFC 8439, 2.3) with fast key erasure. Each
 * request uses its key once and replaces it, so the state does not tell what was given before.
 */
#ifndef VMM_DEVICES_RANDOM_STREAM_H
#define VMM_DEVICES_RANDOM_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_STREAM_KEY_SIZE 32u

struct random_stream {
    uint8_t key[RANDOM_STREAM_KEY_SIZE];
};

void random_stream_take(struct random_stream *stream, void *data, size_t size);

/* The block function: 64 bytes of key stream. For the above and tests. */
void chacha20_block(const uint8_t key[RANDOM_STREAM_KEY_SIZE], uint32_t counter,
                    const uint8_t nonce[12], uint8_t block[64]);

#endif

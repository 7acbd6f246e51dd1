/*
 * Both chains hash one block of little-endian numbers, then the data. Each piece of data comes
 * after its size, so that no two entries have the same bytes; the kind of entry comes first.
 */
#include "logging/digest.h"

#include <assert.h>

#include "logging/mutant.h"

/* Inline, for a state on the stack needs the library's private types. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define NUMBERS_MAX 12u

enum entry_kind { ENTRY_VALUE = 1, ENTRY_BOUNDARY = 2 };

struct numbers {
    uint8_t bytes[NUMBERS_MAX * 8];
    size_t size;
};

static void put(struct numbers *numbers, uint64_t number)
{
    assert(numbers->size < sizeof(numbers->bytes));
    for (unsigned shift = 0; shift < 64; shift += 8) {
        numbers->bytes[numbers->size++] = (uint8_t)(number >> shift);
    }
}

uint64_t digest_bytes(uint64_t seed, const void *data, size_t size)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

static void update(XXH3_state_t *state, const struct numbers *numbers, struct log_bytes data)
{
    XXH3_64bits_update(state, numbers->bytes, numbers->size);
    if (data.size > 0) {
        XXH3_64bits_update(state, data.data, data.size);
    }
}

uint64_t digest_chain_value(uint64_t chain, const struct message_value *value)
{
    struct numbers numbers = {.size = 0};
    XXH3_state_t state;

    put(&numbers, ENTRY_VALUE);
    put(&numbers, chain);
    put(&numbers, value->lsn);
    put(&numbers, value->position);
    put(&numbers, value->data.size);
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    update(&state, &numbers, value->data);
    return XXH3_64bits_digest(&state);
}

uint64_t digest_chain_boundary(uint64_t chain, const struct message_boundary *boundary)
{
    struct numbers numbers = {.size = 0};
    XXH3_state_t state;

    put(&numbers, ENTRY_BOUNDARY);
    put(&numbers, chain);
    put(&numbers, boundary->lsn);
    put(&numbers, boundary->position);
    put(&numbers, boundary->digest);
    put(&numbers, boundary->clock_ns);
    put(&numbers, boundary->rate_q32);
    put(&numbers, boundary->next_length);
    put(&numbers, boundary->final);
    put(&numbers, boundary->input_count);
    if (boundary->input_count == 0 || MUTANT(CHAIN_WITHOUT_INPUTS)) {
        return XXH3_64bits(numbers.bytes, numbers.size);
    }
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    update(&state, &numbers, (struct log_bytes){.size = 0});
    for (size_t i = 0; i < boundary->input_count; i++) {
        const struct log_input *input = &boundary->inputs[i];

        numbers.size = 0;
        put(&numbers, input->device);
        put(&numbers, input->data.size);
        update(&state, &numbers, input->data);
    }
    return XXH3_64bits_digest(&state);
}

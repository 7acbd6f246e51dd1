#include "tests/riscv/programs/choices.h"

#include <string.h>

struct choices choices_from_seed(uint64_t seed)
{
    return (struct choices){.random = seed};
}

struct choices choices_from_bytes(const uint8_t *bytes, size_t size)
{
    struct choices choices = {.bytes = bytes, .left = size};
    size_t used = size < sizeof choices.random ? size : sizeof choices.random;

    if (used != 0) {
        memcpy(&choices.random, bytes, used);
        choices.bytes += used;
        choices.left -= used;
    }
    return choices;
}

/* splitmix64 */
static uint64_t next_random(struct choices *choices)
{
    uint64_t z = choices->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t take(struct choices *choices, size_t size)
{
    uint64_t value = 0;

    if (choices->left < size) {
        return next_random(choices);
    }
    memcpy(&value, choices->bytes, size);
    choices->bytes += size;
    choices->left -= size;
    return value;
}

uint64_t choose_bits(struct choices *choices)
{
    return take(choices, sizeof(uint64_t));
}

uint32_t choose(struct choices *choices, uint32_t limit)
{
    return (uint32_t)(take(choices, limit <= 256 ? 1 : 4) % limit);
}

bool choose_one_in(struct choices *choices, uint32_t count)
{
    return choose(choices, count) == 0;
}

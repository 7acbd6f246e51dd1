#include "fault-injection/simulator/explore_seen.h"

#include <stdlib.h>

#define CAPACITY_AT_FIRST 65536u

static size_t find(const struct seen *seen, uint64_t fingerprint)
{
    size_t at = fingerprint & (seen->capacity - 1);
    while (seen->fingerprints[at] != 0 && seen->fingerprints[at] != fingerprint) {
        at = (at + 1) & (seen->capacity - 1);
    }
    return at;
}

static void grow(struct seen *seen)
{
    struct seen larger = {.capacity = seen->capacity == 0 ? CAPACITY_AT_FIRST : 2 * seen->capacity,
                          .count = seen->count};
    larger.fingerprints = calloc(larger.capacity, sizeof *larger.fingerprints);
    larger.depths = calloc(larger.capacity, sizeof *larger.depths);
    if (larger.fingerprints == NULL || larger.depths == NULL) {
        abort();
    }
    for (size_t i = 0; i < seen->capacity; i++) {
        if (seen->fingerprints[i] != 0) {
            size_t at = find(&larger, seen->fingerprints[i]);
            larger.fingerprints[at] = seen->fingerprints[i];
            larger.depths[at] = seen->depths[i];
        }
    }
    seen_free(seen);
    *seen = larger;
}

enum seen_before seen_note(struct seen *seen, uint64_t fingerprint, uint8_t depth)
{
    fingerprint += fingerprint == 0;
    if (2 * seen->count >= seen->capacity) {
        grow(seen);
    }
    size_t at = find(seen, fingerprint);
    if (seen->fingerprints[at] == 0) {
        seen->fingerprints[at] = fingerprint;
        seen->depths[at] = depth;
        seen->count++;
        return SEEN_NEVER;
    }
    if (seen->depths[at] <= depth) {
        return SEEN_ALREADY;
    }
    seen->depths[at] = depth;
    return SEEN_DEEPER;
}

void seen_free(struct seen *seen)
{
    free(seen->fingerprints);
    free(seen->depths);
    *seen = (struct seen){0};
}

/*
 * The states that were seen, by their fingerprints, each with the smallest number of choices after
 * which it was.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_SEEN_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. */
struct seen {
    uint64_t *fingerprints; /* 0: none. A power of two of places, at most half of them taken */
    uint8_t *depths;
    size_t capacity, count;
};

enum seen_before { SEEN_NEVER, SEEN_DEEPER, SEEN_ALREADY };

/* Notes it; SEEN_ALREADY: at that depth or a smaller one. Aborts if out of memory. */
enum seen_before seen_note(struct seen *seen, uint64_t fingerprint, uint8_t depth);
void seen_free(struct seen *seen);

#endif

/*
 * The parts of a machine's state, of which its digests were made, at the last boundaries: what a
 * primary compares with its backup's when that says that it diverged. A backup runs behind, so it
 * is not the last boundary that counts.
 *
 * The vCPU thread adds, the I/O thread looks; the owner sees to it that they do so in turn.
 */
#ifndef LIBFTVM_PART_HISTORY_H
#define LIBFTVM_PART_HISTORY_H

#include "libftvm/digest.h"
#include "logging/memory.h"
#include "logging/message.h"

/* Boundaries that are remembered, if they have few parts; with LOG_MAX_PARTS, a quarter of them. */
#define PART_HISTORY_BOUNDARIES 256u
#define PART_HISTORY_PARTS      8192u

struct part_history;

/* Parts as messages have them; names and values point into the struct itself. */
struct part_list {
    size_t count;
    struct log_part parts[LOG_MAX_PARTS];
    char names[LOG_MAX_PARTS][LOG_MAX_NAME + 1];
    uint8_t values[LOG_MAX_PARTS][LOG_MAX_PART_VALUE];
};

struct part_history *part_history_create(const struct memory *memory); /* NULL without memory */
void part_history_destroy(const struct memory *memory, struct part_history *history);

/* A boundary, and then each part at it; beyond LOG_MAX_PARTS they are not kept. */
void part_history_begin(struct part_history *history, uint64_t position);
void part_history_add(struct part_history *history, const struct digest_part *part);

/* What was added at a position; false, and an empty list, if that is not known (any more). Where
 * boundaries are at one position (the guest idled twice in one place): those parts whose names and
 * indices are `theirs`, if there are such, as which parts are told may change from boundary to
 * boundary; else, or without `theirs`, the last. */
bool part_history_find(const struct part_history *history, uint64_t position,
                       const struct log_part *theirs, size_t their_count, struct part_list *list);

#endif

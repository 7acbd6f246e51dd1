#include "libftvm/check/check_track.h"

#include <stdlib.h>
#include <string.h>

#include "logging/codec.h"
#include "logging/digest.h"

#define SHORT_OUTPUT 256u /* bytes that are kept of any output */

void track_open(struct track *track, struct names *names, size_t bytes)
{
    *track = (struct track){0};
    track->keeper = (struct keeper){
        .names = names, .arena = &track->arena, .parts_left = KEPT_PARTS, .bytes_left = bytes};
}

void track_close(struct track *track)
{
    for (size_t i = 0; i < track->count; i++) {
        message_free(NULL, track->steps[i].entry);
    }
    free(track->steps);
    free(track->pending);
    arena_release(&track->arena);
    *track = (struct track){0};
}

uint64_t output_digest(uint32_t device, const void *data, size_t size)
{
    return digest_bytes(device, data, size);
}

static bool make_room(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity > 0 ? 2 * *capacity : 64;
    void *grown = realloc(*items, wanted * item_size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

int track_add_output(struct track *track, uint32_t device, const void *data, size_t size)
{
    void *items = track->pending;
    if (!make_room(&items, track->pending_count, &track->pending_capacity,
                   sizeof *track->pending)) {
        return FTVM_E_MEMORY;
    }
    track->pending = items;
    struct kept_output output = {
        .device = device, .size = size, .digest = output_digest(device, data, size)};
    if (size <= SHORT_OUTPUT || size <= track->keeper.bytes_left) {
        output.bytes = arena_copy(&track->arena, data, size);
        if (output.bytes == NULL) {
            return FTVM_E_MEMORY;
        }
        track->keeper.bytes_left -= size > SHORT_OUTPUT ? size : 0;
    }
    track->pending[track->pending_count++] = output;
    track->outputs++;
    return 0;
}

static uint64_t next_ordinal(const struct track *track)
{
    const struct step *last = track_last(track);
    return last == NULL ? 0 : last->ordinal + !last->extra;
}

int track_add_step(struct track *track, const struct step *step, const struct message *entry)
{
    void *items = track->steps;
    if (!make_room(&items, track->count, &track->capacity, sizeof *track->steps)) {
        return FTVM_E_MEMORY;
    }
    track->steps = items;
    struct step added = *step;
    added.ordinal = next_ordinal(track);
    added.entry = message_copy(NULL, entry);
    added.output_count = track->pending_count;
    added.outputs =
        arena_copy(&track->arena, track->pending, track->pending_count * sizeof *track->pending);
    if (added.entry == NULL || added.outputs == NULL) {
        message_free(NULL, added.entry);
        return FTVM_E_MEMORY;
    }
    track->pending_count = 0;
    track->steps[track->count++] = added;
    if (entry->type == MESSAGE_VALUE) {
        track->values++;
    } else {
        track->boundaries++;
        track->inputs += entry->boundary.input_count;
    }
    return 0;
}

size_t track_find(const struct track *track, uint64_t ordinal)
{
    size_t i = 0;
    while (i < track->count && (track->steps[i].extra || track->steps[i].ordinal != ordinal)) {
        i++;
    }
    return i;
}

const struct step *track_last(const struct track *track)
{
    return track->count > 0 ? &track->steps[track->count - 1] : NULL;
}

bool track_looks_between(const struct track *track, ftvm_position after, ftvm_position before)
{
    for (size_t i = 0; i < track->count; i++) {
        const struct call *call = &track->steps[i].call;
        if (call->kind != CALL_VALUE && call->position > after && call->position < before) {
            return true;
        }
    }
    return false;
}

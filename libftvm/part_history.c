#include "libftvm/part_history.h"

#include <string.h>

struct kept_part {
    const char *name;
    uint64_t index;
    uint64_t size;
    uint64_t digest;
    uint8_t value[LOG_MAX_PART_VALUE];
};

struct kept_boundary {
    uint64_t position;
    uint64_t
        first; /* parts are counted without end; the ring's place is the rest of the division */
    size_t count;
};

struct part_history {
    uint64_t boundary_count; /* so far */
    uint64_t part_count;
    struct kept_boundary boundaries[PART_HISTORY_BOUNDARIES];
    struct kept_part parts[PART_HISTORY_PARTS];
};

struct part_history *part_history_create(const struct memory *memory)
{
    return memory_allocate_zeroed(memory, sizeof(struct part_history));
}

void part_history_destroy(const struct memory *memory, struct part_history *history)
{
    memory_release(memory, history);
}

void part_history_begin(struct part_history *history, uint64_t position)
{
    uint64_t number = history->boundary_count++;
    history->boundaries[number % PART_HISTORY_BOUNDARIES] =
        (struct kept_boundary){.position = position, .first = history->part_count};
}

void part_history_add(struct part_history *history, const struct digest_part *part)
{
    uint64_t number = history->boundary_count - 1;
    struct kept_boundary *boundary = &history->boundaries[number % PART_HISTORY_BOUNDARIES];
    if (boundary->count == LOG_MAX_PARTS) {
        return;
    }
    boundary->count++;
    struct kept_part *kept = &history->parts[history->part_count++ % PART_HISTORY_PARTS];
    *kept = (struct kept_part){
        .name = part->name, .index = part->index, .size = part->size, .digest = part->digest};
    if (part->size <= sizeof kept->value && part->size > 0) {
        memcpy(kept->value, part->data, part->size);
    }
}

/* An embedder's name may be anything; a message's has a limit and no control characters. */
static void copy_name(char to[LOG_MAX_NAME + 1], const char *name)
{
    size_t size = 0;
    for (; size < LOG_MAX_NAME && name[size] != '\0'; size++) {
        uint8_t byte = (uint8_t)name[size];
        to[size] = byte < 0x20 || byte == 0x7f ? '?' : name[size];
    }
    to[size] = '\0';
}

static const struct kept_part *part_of(const struct part_history *history,
                                       const struct kept_boundary *boundary, size_t number)
{
    return &history->parts[(boundary->first + number) % PART_HISTORY_PARTS];
}

static bool has_parts(const struct part_history *history, const struct kept_boundary *boundary,
                      const struct log_part *theirs, size_t their_count)
{
    bool same = boundary->count == their_count;
    for (size_t i = 0; i < boundary->count && same; i++) {
        const struct kept_part *kept = part_of(history, boundary, i);
        char name[LOG_MAX_NAME + 1];
        copy_name(name, kept->name);
        same = kept->index == theirs[i].index && strcmp(name, theirs[i].name) == 0;
    }
    return same;
}

static const struct kept_boundary *find(const struct part_history *history, uint64_t position,
                                        const struct log_part *theirs, size_t their_count)
{
    const struct kept_boundary *last = NULL;
    for (uint64_t back = 1; back <= PART_HISTORY_BOUNDARIES && back <= history->boundary_count;
         back++) {
        const struct kept_boundary *boundary =
            &history->boundaries[(history->boundary_count - back) % PART_HISTORY_BOUNDARIES];
        if (history->part_count - boundary->first > PART_HISTORY_PARTS) {
            break; /* overwritten, and all before it */
        }
        if (boundary->position != position) {
            continue;
        }
        if (theirs == NULL || has_parts(history, boundary, theirs, their_count)) {
            return boundary;
        }
        last = last != NULL ? last : boundary;
    }
    return last;
}

bool part_history_find(const struct part_history *history, uint64_t position,
                       const struct log_part *theirs, size_t their_count, struct part_list *list)
{
    list->count = 0;
    const struct kept_boundary *boundary =
        history != NULL ? find(history, position, theirs, their_count) : NULL;
    if (boundary == NULL) {
        return false;
    }
    for (size_t i = 0; i < boundary->count; i++) {
        const struct kept_part *kept = part_of(history, boundary, i);
        bool whole = kept->size <= LOG_MAX_PART_VALUE;
        copy_name(list->names[i], kept->name);
        memcpy(list->values[i], kept->value, sizeof list->values[i]);
        list->parts[i] = (struct log_part){
            .name = list->names[i],
            .index = kept->index,
            .size = kept->size,
            .digest = kept->digest,
            .value = {list->values[i], whole ? kept->size : 0},
        };
    }
    list->count = boundary->count;
    return true;
}

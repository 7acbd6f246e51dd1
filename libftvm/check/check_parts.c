#include "libftvm/check/check_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------------------------- */

static const char *add_name(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? 2 * names->capacity : 64;
        const char **grown = realloc(names->list, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        names->list = grown;
        names->capacity = capacity;
    }
    const char *copy = arena_copy(&names->arena, name, strlen(name) + 1);
    if (copy != NULL) {
        names->last = names->count;
        names->list[names->count++] = copy;
    }
    return copy;
}

/* NULL: out of memory. */
static const char *intern(struct names *names, const char *name)
{
    name = name != NULL ? name : "(no name)";
    for (size_t i = 0; i < names->count; i++) {
        size_t at = (names->last + i) % names->count;
        if (strcmp(names->list[at], name) == 0) {
            names->last = at;
            return names->list[at];
        }
    }
    return add_name(names, name);
}

void names_release(struct names *names)
{
    free(names->list);
    arena_release(&names->arena);
    *names = (struct names){0};
}

/* ---- Keeping ------------------------------------------------------------------------------- */

struct keeping {
    struct keeper *keeper;
    struct kept_part *parts; /* in the making */
    size_t count, capacity;
    uint64_t bytes;
    bool drops; /* too many of them */
    bool failed;
};

static bool make_room(struct keeping *keeping)
{
    if (keeping->count < keeping->capacity) {
        return true;
    }
    size_t capacity = keeping->capacity > 0 ? 2 * keeping->capacity : 32;
    struct kept_part *grown = realloc(keeping->parts, capacity * sizeof *grown);
    if (grown == NULL) {
        keeping->failed = true;
        return false;
    }
    keeping->parts = grown;
    keeping->capacity = capacity;
    return true;
}

static void keep_part(void *context, const struct digest_part *part)
{
    struct keeping *keeping = context;
    struct keeper *keeper = keeping->keeper;
    keeping->bytes += part->size;
    keeping->drops = keeping->drops || keeping->count == keeper->parts_left;
    if (keeping->drops || keeping->failed || !make_room(keeping)) {
        return;
    }
    struct kept_part kept = {
        .name = intern(keeper->names, part->name),
        .index = part->index,
        .size = part->size,
        .digest = part->digest,
    };
    keeping->failed = kept.name == NULL;
    bool is_long = part->size > PART_VALUE_SIZE;
    if (!is_long || part->size <= keeper->bytes_left) {
        kept.bytes = arena_copy(keeper->arena, part->data, part->size);
        keeper->bytes_left -= is_long && kept.bytes != NULL ? part->size : 0;
    }
    keeping->parts[keeping->count++] = kept;
}

int parts_keep(const struct parts_source *source, bool whole, struct keeper *keeper,
               struct kept_state *state)
{
    *state = (struct kept_state){0};
    if (source->ops->digest == NULL) {
        return 0;
    }
    struct keeping keeping = {.keeper = keeper};
    struct ftvm_digest digest = {
        .whole = whole, .epoch = source->epoch, .added = keep_part, .context = &keeping};
    source->ops->digest(source->machine, &digest);
    state->taken = true;
    state->whole = whole;
    state->value = digest.value;
    state->bytes = keeping.bytes;
    if (!keeping.drops && !keeping.failed) {
        keeper->parts_left -= keeping.count;
        state->count = keeping.count;
        state->parts =
            arena_copy(keeper->arena, keeping.parts, keeping.count * sizeof *keeping.parts);
        keeping.failed = state->parts == NULL;
    }
    free(keeping.parts);
    return keeping.failed ? FTVM_E_MEMORY : 0;
}

/* ---- Comparing ----------------------------------------------------------------------------- */

struct comparing {
    const struct kept_state *kept;
    struct names *names;
    struct difference *difference;
    uint64_t told; /* parts of this run so far */
    bool failed;
};

void difference_compare(struct bytes_difference *difference, const void *recorded,
                        size_t recorded_size, const void *again, size_t again_size)
{
    *difference = (struct bytes_difference){.size = {recorded_size, again_size}};
    if (recorded == NULL || again == NULL) {
        return;
    }
    const uint8_t *sides[SIDES] = {recorded, again};
    size_t both = recorded_size < again_size ? recorded_size : again_size;
    size_t offset = 0;
    while (offset < both && sides[0][offset] == sides[1][offset]) {
        offset++;
    }
    difference->known = true;
    difference->offset = offset;
    for (size_t i = offset; i < both; i++) {
        difference->differing += sides[0][i] != sides[1][i];
    }
    /* Of short ones all is shown. */
    bool is_short = recorded_size <= DIFFERENCE_BYTES && again_size <= DIFFERENCE_BYTES;
    size_t from = is_short ? 0 : offset;
    for (unsigned side = 0; side < SIDES; side++) {
        size_t left = difference->size[side] - from;
        size_t shown = left < DIFFERENCE_BYTES ? left : DIFFERENCE_BYTES;
        memcpy(difference->bytes[side], sides[side] + from, shown);
        difference->shown[side] = shown;
    }
}

static bool is_same_part(const struct kept_part *kept, const struct digest_part *part)
{
    const char *name = part->name != NULL ? part->name : "(no name)";
    return kept->index == part->index && strcmp(kept->name, name) == 0;
}

static const struct kept_part *find_part(const struct comparing *comparing,
                                         const struct digest_part *part)
{
    const struct kept_state *kept = comparing->kept;
    for (size_t i = 0; i < kept->count; i++) {
        /* From where it should be on: most are not far away. */
        size_t at = (comparing->told + i) % kept->count;
        if (is_same_part(&kept->parts[at], part)) {
            return &kept->parts[at];
        }
    }
    return NULL;
}

static void tell_part(struct comparing *comparing, const struct kept_part *kept,
                      const struct digest_part *part)
{
    struct difference *difference = comparing->difference;
    if (difference->part_count++ >= DIFFERENCE_PARTS) {
        return;
    }
    struct part_difference *told = &difference->parts[difference->part_count - 1];
    *told = (struct part_difference){.present = {kept != NULL, part != NULL}};
    told->name = kept != NULL ? kept->name : intern(comparing->names, part->name);
    told->index = kept != NULL ? kept->index : part->index;
    comparing->failed = comparing->failed || told->name == NULL;
    difference_compare(&told->bytes, kept != NULL ? kept->bytes : NULL,
                       kept != NULL ? kept->size : 0, part != NULL ? part->data : NULL,
                       part != NULL ? part->size : 0);
}

static void tell_order(struct comparing *comparing, const struct kept_part *kept,
                       const struct digest_part *part)
{
    struct difference *difference = comparing->difference;
    if (difference->reordered) {
        return;
    }
    difference->reordered = true;
    difference->reordered_name[SIDE_RECORDED] = kept->name;
    difference->reordered_index[SIDE_RECORDED] = kept->index;
    difference->reordered_name[SIDE_AGAIN] = intern(comparing->names, part->name);
    difference->reordered_index[SIDE_AGAIN] = part->index;
    comparing->failed = comparing->failed || difference->reordered_name[SIDE_AGAIN] == NULL;
}

static void compare_part(void *context, const struct digest_part *part)
{
    struct comparing *comparing = context;
    const struct kept_state *kept = comparing->kept;
    const struct kept_part *same = NULL;
    if (comparing->told < kept->count) {
        const struct kept_part *here = &kept->parts[comparing->told];
        same = is_same_part(here, part) ? here : find_part(comparing, part);
        if (same != NULL && same != here) {
            tell_order(comparing, here, part);
        }
    } else if (kept->count > 0) {
        same = find_part(comparing, part);
    }
    if (same == NULL || same->digest != part->digest || same->size != part->size) {
        tell_part(comparing, same, part);
    }
    comparing->told++;
}

/* Parts that only the run that was kept told of. The first pass counted those of this one. */
struct seeking {
    const struct kept_part *part;
    bool found;
};

static void seek_part(void *context, const struct digest_part *part)
{
    struct seeking *seeking = context;
    seeking->found = seeking->found || is_same_part(seeking->part, part);
}

static void tell_missing(struct comparing *comparing, const struct parts_source *source)
{
    for (size_t i = 0; i < comparing->kept->count; i++) {
        struct seeking seeking = {.part = &comparing->kept->parts[i]};
        struct ftvm_digest digest = {.whole = comparing->kept->whole,
                                     .epoch = source->epoch,
                                     .added = seek_part,
                                     .context = &seeking};
        source->ops->digest(source->machine, &digest);
        if (!seeking.found) {
            tell_part(comparing, seeking.part, NULL);
        }
        if (comparing->difference->part_count >= DIFFERENCE_PARTS) {
            return;
        }
    }
}

int parts_compare(const struct parts_source *source, const struct kept_state *kept,
                  struct names *names, struct difference *difference)
{
    if (!kept->taken || source->ops->digest == NULL) {
        return 0;
    }
    struct comparing comparing = {.kept = kept, .names = names, .difference = difference};
    struct ftvm_digest digest = {.whole = kept->whole, .epoch = source->epoch};
    if (kept->parts != NULL) {
        digest.added = compare_part;
        digest.context = &comparing;
    }
    source->ops->digest(source->machine, &digest);
    if (comparing.failed) {
        return FTVM_E_MEMORY;
    }
    if (digest.value == kept->value) {
        return 0;
    }
    difference->state_differs = true;
    difference->parts_kept = kept->parts != NULL;
    if (kept->parts != NULL && comparing.told < kept->count) {
        tell_missing(&comparing, source);
    }
    return comparing.failed ? FTVM_E_MEMORY : 1;
}

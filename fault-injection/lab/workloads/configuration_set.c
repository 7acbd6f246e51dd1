#include "fault-injection/lab/workloads/configuration_set.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 32u /* a power of two, as are all further ones */

static uint64_t hash(const struct configuration *item)
{
    uint64_t words[sizeof(*item) / sizeof(uint64_t)], sum = 0;

    memcpy(words, item, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    return sum;
}

/* Where it stands, or the free place where it should. */
static uint32_t *find_place(const struct configuration_set *set, const struct configuration *item)
{
    size_t mask = set->place_count - 1;

    for (size_t i = (size_t)hash(item) & mask;; i = (i + 1) & mask) {
        uint32_t *place = &set->places[i];

        if (*place == 0 || memcmp(&set->items[*place - 1], item, sizeof(*item)) == 0)
            return place;
    }
}

/* Places are twice as many as items, so that there is always a free one. */
static bool grow(struct configuration_set *set)
{
    size_t capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
    struct configuration *items = realloc(set->items, capacity * sizeof(*items));
    uint32_t *places;

    if (!items)
        return false;
    set->items = items;
    places = calloc(2 * capacity, sizeof(*places));
    if (!places)
        return false;
    free(set->places);
    set->places = places;
    set->place_count = 2 * capacity;
    set->capacity = capacity;
    for (size_t i = 0; i < set->count; i++)
        *find_place(set, &set->items[i]) = (uint32_t)i + 1;
    return true;
}

void configuration_set_clear(struct configuration_set *set)
{
    if (set->count > 0)
        memset(set->places, 0, set->place_count * sizeof(*set->places));
    set->count = 0;
}

void configuration_set_free(struct configuration_set *set)
{
    free(set->items);
    free(set->places);
    *set = (struct configuration_set){0};
}

bool configuration_set_add(struct configuration_set *set, const struct configuration *item,
                           size_t limit, bool *is_new)
{
    uint32_t *place;

    if (set->count == set->capacity && !grow(set))
        return false;
    place = find_place(set, item);
    if (is_new)
        *is_new = *place == 0;
    if (*place != 0)
        return true;
    if (set->count == limit)
        return false;
    set->items[set->count++] = *item;
    *place = (uint32_t)set->count;
    return true;
}

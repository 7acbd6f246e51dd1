#include "libftvm/check/check_stops.h"

#define EVERYWHERE_EACH 100u /* epochs */

uint64_t stops_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Which of each hundred; one that there is, where there are fewer. */
static uint64_t everywhere_at(const struct stops *stops)
{
    uint64_t state = stops->seed;
    uint64_t among = stops->epochs < EVERYWHERE_EACH ? stops->epochs : EVERYWHERE_EACH;
    return stops_random(&state) % (among > 0 ? among : 1);
}

void stops_begin_epoch(struct stops *stops, uint64_t ordinal, ftvm_position position)
{
    stops->random = stops->seed;
    stops->random = stops_random(&stops->random) + stops->chunking;
    stops->random = stops_random(&stops->random) + ordinal;
    /* Few stops in one epoch, many in the next. */
    stops->longest = stops->epoch_length >> (stops_random(&stops->random) % 8);
    stops->longest += stops->longest == 0;
    stops->everywhere = stops->chunking == 0 && ordinal % EVERYWHERE_EACH == everywhere_at(stops);
    stops->next = position;
}

ftvm_position stops_after(struct stops *stops, ftvm_position position)
{
    if (!stops->on || position >= stops->last) {
        return UINT64_MAX;
    }
    if (stops->first > position && stops->first - position > stops->epoch_length) {
        return UINT64_MAX; /* not in this epoch */
    }
    if (stops->everywhere) {
        ftvm_position next = position + 1;
        return next > stops->first ? next : stops->first;
    }
    while (stops->next <= position || stops->next < stops->first) {
        stops->next += 1 + stops_random(&stops->random) % stops->longest;
    }
    return stops->next > stops->last ? UINT64_MAX : stops->next;
}

#include "libftvm/pace.h"

typedef unsigned __int128 u128;

static uint64_t at_most(u128 value, uint64_t limit)
{
    return value < limit ? (uint64_t)value : limit;
}

void pace_start(struct pace *pace, uint64_t position, uint64_t length, uint64_t rate_q32,
                uint64_t now_ns)
{
    pace->start = position;
    pace->end = position + length;
    pace->start_ns = now_ns;
    u128 slice = rate_q32 != 0 ? ((u128)pace->min_ns << 32) / rate_q32 : length;
    pace->slice = slice > 0 ? at_most(slice, length) : 1;
}

/* What the epoch has run so far tells the guest's speed better than its predecessor's rate. */
static void measure(struct pace *pace, uint64_t position, uint64_t ran_ns)
{
    if (position > pace->start && ran_ns > 0) {
        u128 slice = (u128)(position - pace->start) * pace->min_ns / ran_ns;
        pace->slice = slice > 0 ? at_most(slice, pace->end - pace->start) : 1;
    }
}

uint64_t pace_next(struct pace *pace, uint64_t position, uint64_t now_ns, bool wanted)
{
    uint64_t ran_ns = now_ns - pace->start_ns;
    if (position >= pace->end) {
        return position;
    }
    /* A slice that was a little too short is not run again for what is missing. */
    bool long_enough = ran_ns >= pace->min_ns - pace->min_ns / 4;
    if (position > pace->start && (ran_ns >= pace->max_ns || (wanted && long_enough))) {
        return position;
    }
    measure(pace, position, ran_ns);
    uint64_t left = pace->end - position;
    return position + (pace->slice < left ? pace->slice : left);
}

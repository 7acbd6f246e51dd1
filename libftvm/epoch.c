/* Guest time inside an epoch, as the engine computes it at the epoch's end (engine_clock.c). */
#include <ftvm/ftvm.h>

typedef unsigned __int128 u128;

uint64_t ftvm_epoch_clock(const struct ftvm_epoch *epoch, ftvm_position at)
{
    u128 elapsed = at > epoch->position ? at - epoch->position : 0;
    return epoch->clock_ns + (uint64_t)(elapsed * epoch->rate_q32 >> 32);
}

ftvm_position ftvm_epoch_position(const struct ftvm_epoch *epoch, uint64_t clock_ns)
{
    if (clock_ns <= epoch->clock_ns) {
        return epoch->position;
    }
    if (epoch->rate_q32 == 0) {
        return UINT64_MAX;
    }
    /* The least number of units whose time, rounded down, is all of it. */
    u128 wanted = (u128)(clock_ns - epoch->clock_ns) << 32;
    u128 units = (wanted + epoch->rate_q32 - 1) / epoch->rate_q32;
    return units > UINT64_MAX - epoch->position ? UINT64_MAX : epoch->position + (uint64_t)units;
}

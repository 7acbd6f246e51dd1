/*
 * Guest time. Inside an epoch it is computed from the position; at boundaries a live replica sets
 * it anew so that it follows the host's clock, never backwards.
 */
#include "logging/mutant.h"
#include "replication/engine_state.h"

/* Epochs shorter than this do not say that the guest is slow. */
#define MEASURE_MIN_INSTRUCTIONS 10000u
/* A guest seen to be slower is believed an eighth for each millisecond, and no more for each epoch.
 */
#define MEASURE_SEEN_NS     1000000u
#define MEASURE_BELIEVED_NS 8000000u
/* An epoch of a guest that was measured to be slow. */
#define LENGTH_MIN MEASURE_MIN_INSTRUCTIONS
/* 0.02 to 1000 nanoseconds per instruction. */
#define RATE_MIN (UINT64_C(1) << 26)
#define RATE_MAX (UINT64_C(1000) << 32)

void clock_begin(struct engine *engine)
{
    engine->clock_offset_ns = -(int64_t)engine->now_ns;
}

/* The survivor's clock goes on from the last boundary that it received, plus the time since then by
 * its own host's clock: the guest sees the time that the failover took. */
void clock_take_over(struct engine *engine)
{
    engine->clock_offset_ns = MUTANT(CLOCK_OF_THE_HOST)
                                  ? 0
                                  : (int64_t)(engine->received_clock_ns - engine->received_at_ns);
}

uint64_t clock_now(const struct engine *engine)
{
    uint64_t clock_ns = engine->now_ns + (uint64_t)engine->clock_offset_ns;
    return clock_ns > engine->last_value_ns || MUTANT(CLOCK_VALUE_FORGOTTEN)
               ? clock_ns
               : engine->last_value_ns;
}

uint64_t clock_computed(const struct engine *engine, uint64_t position)
{
    unsigned __int128 elapsed = position - engine->epoch.position;
    return engine->epoch.clock_ns + (uint64_t)((elapsed * engine->epoch.rate_q32) >> 32);
}

uint64_t clock_at_boundary(const struct engine *engine, uint64_t position)
{
    uint64_t host_ns = clock_now(engine);
    uint64_t computed_ns = clock_computed(engine, position);
    return host_ns > computed_ns || MUTANT(CLOCK_SET_BACK) ? host_ns : computed_ns;
}

/* Chooses the next epoch's rate: a little slower than the guest was measured to run, so that the
 * clock is set forward by a little at each boundary rather than running ahead of the host's.
 *
 * A guest that was seen to be fast is fast, and is believed at once, as its clock would run ahead.
 * One that was seen to be slow may have been so for a moment (it woke with cold caches, its host
 * was busy), and is believed the more the longer that took. */
void clock_measure(struct engine *engine, uint64_t position)
{
    uint64_t instructions = position - engine->epoch.position;
    uint64_t elapsed_ns = engine->epoch_ran_ns;
    if (instructions == 0) {
        return;
    }
    uint64_t measured = (uint64_t)(((unsigned __int128)elapsed_ns << 32) / instructions);
    uint64_t aimed = measured - measured / 32;
    if (clock_computed(engine, position) > clock_now(engine)) {
        aimed = measured - measured / 4;
    }
    uint64_t rate = engine->rate_q32;
    if (aimed <= rate) {
        rate -= (rate - aimed) / 2;
    } else if (instructions >= MEASURE_MIN_INSTRUCTIONS) {
        uint64_t seen_ns = elapsed_ns < MEASURE_SEEN_NS ? elapsed_ns : MEASURE_SEEN_NS;
        rate += (uint64_t)((unsigned __int128)(aimed - rate) * seen_ns / MEASURE_BELIEVED_NS);
    }
    engine->rate_q32 = rate < RATE_MIN ? RATE_MIN : rate > RATE_MAX ? RATE_MAX : rate;
}

/* Differences too small to matter are not worth a record. */
uint64_t clock_rate(const struct engine *engine)
{
    uint64_t before = engine->epoch.rate_q32;
    uint64_t now = engine->rate_q32;
    uint64_t difference = now > before ? now - before : before - now;
    return difference > before / 64 ? now : before;
}

/* A bound in instructions, as nothing but a position can be compared between replicas. Where the
 * guest turns out to be slower than it was, whoever runs the vCPU ends the epoch by the clock. */
uint64_t clock_epoch_length(const struct engine *engine, uint64_t rate_q32)
{
    if (engine->config.epoch_length != 0) {
        return engine->config.epoch_length;
    }
    unsigned __int128 length = ((unsigned __int128)engine->config.epoch_max_ns << 32) / rate_q32;
    return length < LENGTH_MIN ? LENGTH_MIN : (uint64_t)length;
}

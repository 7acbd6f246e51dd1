/* The guest's time, and the position at which its timer interrupt becomes pending. */
#include "vmm/riscv/fpu.h"
#include "vmm/riscv/hart_state.h"

typedef unsigned __int128 u128;

uint64_t hart_time_ns(const struct hart *hart)
{
    const struct hart_state *s = &hart->state;
    uint64_t elapsed = s->position > s->clock_position ? s->position - s->clock_position : 0;

    if (hart->callbacks.environment_time_ns != NULL) {
        return s->environment_ns;
    }
    return s->clock_ns + (uint64_t)((u128)elapsed * s->clock_rate_q32 >> 32);
}

uint64_t hart_time_ticks(const struct hart *hart)
{
    return hart_time_ns(hart) / HART_TIME_TICK_NS;
}

/* The first position at which hart_time_ticks() >= stimecmp. */
void hart_update_deadline(struct hart *hart)
{
    const struct hart_state *s = &hart->state;
    u128 target_ns = (u128)s->stimecmp * HART_TIME_TICK_NS;
    u128 elapsed;

    if (hart->callbacks.environment_time_ns != NULL) {
        hart->deadline = s->environment_ns >= target_ns ? 0 : UINT64_MAX;
        return;
    }
    if (s->clock_ns >= target_ns) {
        hart->deadline = 0;
        return;
    }
    hart->deadline = UINT64_MAX;
    if (target_ns > UINT64_MAX || s->clock_rate_q32 == 0) {
        return;
    }
    /* elapsed * rate >> 32 >= n is the same as elapsed * rate >= n << 32. */
    elapsed = (((target_ns - s->clock_ns) << 32) + s->clock_rate_q32 - 1) / s->clock_rate_q32;
    if (elapsed < UINT64_MAX - s->clock_position) {
        hart->deadline = s->clock_position + (uint64_t)elapsed;
    }
}

uint64_t hart_read_time(struct hart *hart)
{
    if (hart->callbacks.environment_time_ns != NULL) {
        uint64_t now;
        fpu_release(hart);
        now = hart->callbacks.environment_time_ns(hart->callbacks.context);
        fpu_acquire(hart);
        if (now > hart->state.environment_ns) {
            hart->state.environment_ns = now;
            hart_update_deadline(hart);
        }
    }
    return hart_time_ticks(hart);
}

void hart_set_clock(struct hart *hart, const struct hart_clock *clock)
{
    hart->state.clock_ns = clock->clock_ns;
    hart->state.clock_position = clock->position;
    hart->state.clock_rate_q32 = clock->rate_q32;
    hart->state.environment_ns = clock->clock_ns;
    hart_update_deadline(hart);
    hart->leave = true;
}

void hart_set_stimecmp(struct hart *hart, uint64_t ticks)
{
    hart->state.stimecmp = ticks;
    hart_update_deadline(hart);
    hart->leave = true;
}

uint64_t hart_wake_time_ns(const struct hart *hart)
{
    if ((hart->state.sie & INTERRUPT_TIMER) == 0 ||
        hart->state.stimecmp > UINT64_MAX / HART_TIME_TICK_NS) {
        return UINT64_MAX;
    }
    return hart->state.stimecmp * HART_TIME_TICK_NS;
}

#include "libftvm/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ns(const struct hooks_page *hooks)
{
    return read_clock(CLOCK_MONOTONIC) + hook_monotonic_ns(hooks);
}

uint64_t clock_wall_ns(const struct hooks_page *hooks)
{
    return read_clock(CLOCK_REALTIME) + (uint64_t)hook_wall_ns(hooks);
}

uint64_t clock_host_deadline_ns(const struct hooks_page *hooks, uint64_t deadline_ns)
{
    uint64_t ahead_ns = hook_monotonic_ns(hooks);
    if (deadline_ns == UINT64_MAX) {
        return deadline_ns;
    }
    return deadline_ns > ahead_ns ? deadline_ns - ahead_ns : 0;
}

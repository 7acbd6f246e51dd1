/*
 * A node's readings of its host's clocks. Where the node has hooks they are what those say that the
 * clocks are.
 */
#ifndef LIBFTVM_CLOCK_H
#define LIBFTVM_CLOCK_H

#include <stdint.h>

#include "libftvm/hooks.h"

uint64_t clock_monotonic_ns(const struct hooks_page *hooks); /* CLOCK_MONOTONIC; never goes back */
uint64_t clock_wall_ns(const struct hooks_page *hooks);      /* CLOCK_REALTIME */
/* A moment of clock_monotonic_ns() as the host's timers know it, UINT64_MAX being never. Who sleeps
 * until then hears of a jump of the clock when something else wakes it. */
uint64_t clock_host_deadline_ns(const struct hooks_page *hooks, uint64_t deadline_ns);

#endif

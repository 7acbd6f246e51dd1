/* Faults by chance: every knob from one seed. */
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/faults/fault.h"
#include "fault-injection/lab/random.h"

static uint64_t between(uint64_t *state, uint64_t least, uint64_t most)
{
    return least + random_next(state) % (most - least + 1);
}

/* As many small ones as large ones: first the power of two, then what lies above it. */
static uint64_t of_any_size(uint64_t *state, uint64_t least, uint64_t most)
{
    unsigned doublings = 0;
    uint64_t low;

    while (least << (doublings + 1) < most)
        doublings++;
    low = least << between(state, 0, doublings);
    return between(state, low, 2 * low < most ? 2 * low : most);
}

/* How often each is drawn. A flipped bit befalls a backup alone: what a primary computes wrongly is
 * wrong for ever. */
static const uint8_t weights[FAULT_KINDS] = {
    [FAULT_KILL] = 24,      [FAULT_STOP] = 10,  [FAULT_POWER_CYCLE] = 8,  [FAULT_UNPLUG] = 9,
    [FAULT_ONE_WAY] = 8,    [FAULT_DELAY] = 6,  [FAULT_LIMIT] = 4,        [FAULT_STALL] = 7,
    [FAULT_CORRUPT] = 7,    [FAULT_RESET] = 7,  [FAULT_DISK_FULL] = 4,    [FAULT_DISK_ERROR] = 4,
    [FAULT_CLOCK_JUMP] = 5, [FAULT_STARVE] = 5, [FAULT_ARBITER_GONE] = 3, [FAULT_FLIP_BIT] = 3,
};

static enum fault_kind draw_kind(uint64_t *state)
{
    unsigned total = 0, left;

    for (unsigned i = 0; i < FAULT_KINDS; i++)
        total += weights[i];
    left = (unsigned)between(state, 1, total);
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        if (left <= weights[i])
            return (enum fault_kind)i;
        left -= weights[i];
    }
    return FAULT_KILL;
}

static void draw_link(struct fault *fault, uint64_t *state)
{
    static const char *const links[] = {"", "channel", "channel", "lan"};
    const char *link = links[random_next(state) % 4];

    memcpy(fault->link, link, strlen(link) + 1);
}

/* Lengths and sizes on both sides of what a pair of usual options bears: its timeout is a second.
 */
static void draw_parameters(struct fault *fault, uint64_t *state)
{
    switch (fault->kind) {
    case FAULT_STOP: fault->for_ms = of_any_size(state, 200, 4000); break;
    case FAULT_POWER_CYCLE: fault->for_ms = between(state, 1500, 4000); break;
    case FAULT_UNPLUG:
        draw_link(fault, state);
        fault->for_ms = of_any_size(state, 100, 4000);
        break;
    case FAULT_ONE_WAY:
    case FAULT_STALL: fault->for_ms = of_any_size(state, 100, 4000); break;
    case FAULT_DELAY:
        fault->amount[0] = (int64_t)of_any_size(state, 100, 400000);
        fault->amount[1] = (int64_t)of_any_size(state, 100, 100000);
        fault->for_ms = between(state, 500, 4000);
        break;
    case FAULT_LIMIT:
        fault->amount[0] = (int64_t)of_any_size(state, 64, 100000);
        fault->for_ms = between(state, 500, 4000);
        break;
    case FAULT_CORRUPT:
        fault->amount[0] = (int64_t)of_any_size(state, 1, 64);
        fault->for_ms = between(state, 1000, 3000);
        break;
    case FAULT_DISK_FULL:
    case FAULT_DISK_ERROR: fault->for_ms = between(state, 200, 3000); break;
    case FAULT_CLOCK_JUMP:
        fault->amount[0] = (int64_t)of_any_size(state, 10, 20000);
        if (random_next(state) % 2)
            fault->amount[0] = -fault->amount[0];
        fault->for_ms = between(state, 500, 3000);
        break;
    case FAULT_STARVE:
        fault->amount[0] = (int64_t)between(state, 3, 60);
        fault->for_ms = between(state, 1000, 4000);
        break;
    case FAULT_ARBITER_GONE: fault->for_ms = of_any_size(state, 500, 4000); break;
    case FAULT_FLIP_BIT: fault->for_ms = between(state, 500, 3000); break;
    default: break;
    }
}

/* Points that a protected pair passes all the time, in either role. */
static void draw_event(struct fault *fault, uint64_t *state)
{
    static const char *const points[2][5] = {
        [FAULT_AT_PRIMARY] = {"sent-BOUNDARY", "sent-HEARTBEAT", "received-ACK", "before-emit",
                              "after-emit"},
        [FAULT_AT_BACKUP] = {"received-BOUNDARY", "received-HEARTBEAT", "sent-ACK",
                             "sent-HEARTBEAT", "received-BOUNDARY"},
    };
    const char *point = points[fault->victim][random_next(state) % 5];

    snprintf(fault->event, sizeof(fault->event), "%s:%u", point,
             (unsigned)of_any_size(state, 1, 50));
}

void fault_draw(struct fault *fault, uint64_t seed, uint64_t within_ms)
{
    uint64_t state = seed;

    *fault = (struct fault){.kind = draw_kind(&state)};
    fault->victim = random_next(&state) % 5 < 3 ? FAULT_AT_PRIMARY : FAULT_AT_BACKUP;
    if (fault->kind == FAULT_FLIP_BIT)
        fault->victim = FAULT_AT_BACKUP;
    fault->after_ms = between(&state, 0, within_ms);
    draw_parameters(fault, &state);
    if (random_next(&state) % 4 == 0)
        draw_event(fault, &state);
}

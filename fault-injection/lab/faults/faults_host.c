/* Faults of what a host has: the storage of its disk, its clocks; and of the arbiter's storage. */
#include <stdatomic.h>
#include <stdio.h>

#include "fault-injection/lab/faults/faults_parts.h"

#define NS_PER_MS 1000000

/* ---- Storage ----------------------------------------------------------------------------- */

/* An error outweighs a full disk. */
static enum hooks_disk disk_of(const struct faults *faults, const struct replica *victim)
{
    enum hooks_disk mode = HOOKS_DISK_SOUND;

    for (unsigned i = 0; i < faults->count; i++) {
        if (faults->active[i].victim != victim)
            continue;
        if (faults->active[i].fault.kind == FAULT_DISK_ERROR)
            mode = HOOKS_DISK_ERROR;
        else if (faults->active[i].fault.kind == FAULT_DISK_FULL && mode == HOOKS_DISK_SOUND)
            mode = HOOKS_DISK_FULL;
    }
    return mode;
}

bool faults_apply_host(struct faults *faults, struct pair *pair)
{
    bool hidden = false;

    for (unsigned i = 0; i < pair->count; i++)
        if (pair->replicas[i].hooks)
            hooks_disk(pair->replicas[i].hooks, disk_of(faults, &pair->replicas[i]));
    for (unsigned i = 0; i < faults->count; i++)
        hidden |= faults->active[i].fault.kind == FAULT_ARBITER_GONE;
    if (hidden == faults->arbiter_hidden)
        return true;
    faults->arbiter_hidden = hidden;
    return pair_hide_arbiter(pair, hidden);
}

/* ---- Clocks ------------------------------------------------------------------------------ */

/* A jump forward is one of both clocks, as after a suspension; one back can only be the wall
 * clock's. */
void faults_begin_clock(const struct active *active)
{
    struct hooks_page *page = active->victim->hooks;
    int64_t by_ns = active->fault.amount[0] * NS_PER_MS;

    if (active->fault.kind != FAULT_CLOCK_JUMP)
        return;
    hooks_clock(page, atomic_load(&page->monotonic_ns) + (uint64_t)(by_ns > 0 ? by_ns : 0),
                atomic_load(&page->wall_ns) + by_ns);
}

/* The monotonic clock stays where it is: it never goes back. */
void faults_heal_clock(const struct active *active)
{
    struct hooks_page *page = active->victim->hooks;

    if (page && active->fault.kind == FAULT_CLOCK_JUMP)
        hooks_clock(page, 0, atomic_load(&page->wall_ns) - active->fault.amount[0] * NS_PER_MS);
}

/* What may go wrong with replicas, and what operators do to them. */
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "replication/trace.h"

static void kill(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    replica->alive = false;
    replica->vcpu = VCPU_OFF;
    replica->vcpu_due_ns = CLUSTER_NEVER;
}

void cluster_crash(struct cluster *cluster, unsigned number)
{
    if (cluster->replicas[number].alive) {
        cluster_say(cluster, "%s crashes", cluster->replicas[number].name);
        kill(cluster, number);
        network_close_all(cluster, number, "connection reset");
    }
}

void cluster_power_off(struct cluster *cluster, unsigned number)
{
    if (cluster->replicas[number].alive) {
        cluster_say(cluster, "%s is powered off", cluster->replicas[number].name);
        kill(cluster, number);
    }
}

void cluster_pause(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica_runs(replica)) {
        cluster_say(cluster, "%s is paused", replica->name);
        replica->paused = true;
        if (replica->vcpu_due_ns != CLUSTER_NEVER) { /* what is left of its step */
            replica->vcpu_due_ns -=
                cluster->now_ns < replica->vcpu_due_ns ? cluster->now_ns : replica->vcpu_due_ns;
        }
    }
}

void cluster_resume(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->paused) {
        cluster_say(cluster, "%s wakes up", replica->name);
        replica->paused = false;
        if (replica->vcpu_due_ns != CLUSTER_NEVER) {
            replica->vcpu_due_ns += cluster->now_ns;
        }
        network_release_held(cluster);
    }
}

/* False if the engine has no room. */
void cluster_flip_state(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->alive && replica->vcpu != VCPU_OFF) {
        cluster_say(cluster, "a bit of the guest of %s flips", replica->name);
        cluster->flips++;
        replica->flipped = true;
        replica->guest.hash ^= UINT64_C(1) << cluster_random(cluster, 64);
    }
}

void cluster_misguide(struct cluster *cluster, unsigned number, enum guest_fault fault)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->alive && replica->vcpu != VCPU_OFF) {
        cluster_say(cluster, "the guest of %s goes astray", replica->name);
        cluster->flips++;
        replica->flipped = true;
        replica->fault = fault;
    }
}

void cluster_jump_clock(struct cluster *cluster, unsigned number, uint64_t forward_ns)
{
    struct replica *replica = &cluster->replicas[number];
    cluster_say(cluster, "the clock of %s jumps by %llu ms", replica->name,
                (unsigned long long)(forward_ns / MS));
    replica->clock_base_ns += forward_ns;
    cluster->jumped_ns += forward_ns;
}

void cluster_break_disk(struct cluster *cluster, unsigned number, enum disk_fault fault)
{
    static const char *const faults[] = {[DISK_SOUND] = "is sound",
                                         [DISK_FULL] = "is full",
                                         [DISK_FAILS] = "fails",
                                         [DISK_TORN] = "fails in the middle of a write"};
    cluster_say(cluster, "the disk of %s %s", cluster->replicas[number].name, faults[fault]);
    cluster->replicas[number].disk_fault = fault;
}

void cluster_fill_sink(struct cluster *cluster, unsigned number, uint64_t for_ns)
{
    struct replica *replica = &cluster->replicas[number];
    cluster_say(cluster, "nothing takes %s's outputs for %llu ms", replica->name,
                (unsigned long long)(for_ns / MS));
    replica->takes_outputs_ns = cluster->now_ns + for_ns;
}

void cluster_hang(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->vcpu != VCPU_OFF && replica->config.stuck_ns != 0) {
        cluster_say(cluster, "%s hangs at its next step", replica->name);
        replica->hangs = true;
    }
}

void cluster_starve(struct cluster *cluster, unsigned number, uint64_t allocations)
{
    cluster_say(cluster, "%s runs out of memory in %llu allocations",
                cluster->replicas[number].name, (unsigned long long)allocations);
    cluster->replicas[number].allocation_fails_in = allocations;
}

void cluster_start_second_primary(struct cluster *cluster)
{
    unsigned survivor = cluster_survivor(cluster);
    struct arbiter_record before = cluster->record;
    /* Its name is not used again, though it never comes to run. */
    unsigned number = cluster_prepare(cluster, ENGINE_PRIMARY, 0);
    enum arbiter_outcome outcome = arbiter_start_of_day(cluster, number, false);
    cluster_say(cluster, "%s wants to start as primary, and %s", cluster->replicas[number].name,
                outcome == ARBITER_WON ? "may" : "may not");
    if (outcome == ARBITER_WON && before.active && survivor != CLUSTER_MAX_REPLICAS) {
        cluster_violation(cluster, CHECKER_START, "%s starts over term %llu of %s",
                          cluster->replicas[number].name, (unsigned long long)before.term,
                          before.owner);
    }
}

/* ---- Operators ------------------------------------------------------------------------------- */

static void command(struct cluster *cluster, unsigned number, struct engine_event *event)
{
    char line[TRACE_LINE_SIZE];
    if (replica_runs(&cluster->replicas[number])) {
        cluster_say(cluster, "%s %s", cluster->replicas[number].name,
                    trace_event(event, line, sizeof line));
        cluster_step(cluster, number, event);
    }
}

void cluster_stop(struct cluster *cluster, unsigned number)
{
    struct engine_event event = {.type = ENGINE_STOP};
    cluster->stops++;
    command(cluster, number, &event);
}

void cluster_fail(struct cluster *cluster, unsigned number, const char *reason)
{
    struct engine_event event = {.type = ENGINE_FAIL, .reason = reason};
    cluster->replicas[number].fails = true;
    command(cluster, number, &event);
}

void cluster_promote(struct cluster *cluster, unsigned number)
{
    struct engine_event event = {.type = ENGINE_PROMOTE};
    command(cluster, number, &event);
}

/* Virtual time: what happens next, and doing it. */
#include <stdlib.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/world.h"

static bool before(const struct pending *a, const struct pending *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void cluster_push(struct cluster *cluster, const struct pending *pending)
{
    cluster->queue = cluster_grow(cluster->queue, &cluster->queue_capacity, cluster->queue_count,
                                  sizeof *cluster->queue);
    size_t at = cluster->queue_count++;
    cluster->queue[at] = *pending;
    while (at > 0 && before(&cluster->queue[at], &cluster->queue[(at - 1) / 2])) {
        struct pending swap = cluster->queue[at];
        cluster->queue[at] = cluster->queue[(at - 1) / 2];
        cluster->queue[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

static struct pending pop(struct cluster *cluster)
{
    struct pending *queue = cluster->queue;
    struct pending first = queue[0];
    size_t count = --cluster->queue_count;
    queue[0] = queue[count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            least = before(&queue[child], &queue[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        struct pending swap = queue[at];
        queue[at] = queue[least];
        queue[least] = swap;
        at = least;
    }
}

static void arrive(struct cluster *cluster, struct pending *pending)
{
    if (network_blocks(cluster, pending)) {
        cluster->held = cluster_grow(cluster->held, &cluster->held_capacity, cluster->held_count,
                                     sizeof *cluster->held);
        cluster->held[cluster->held_count++] = *pending;
        return;
    }
    if (pending->kind == PENDING_QUESTION || pending->kind == PENDING_ANSWER) {
        arbiter_arrive(cluster, pending);
    } else if (pending->kind == PENDING_DISK || pending->kind == PENDING_CLIENT) {
        world_arrive(cluster, pending);
    } else {
        network_arrive(cluster, pending);
    }
    free(pending->frame);
}

static uint64_t vcpu_time(const struct replica *replica)
{
    bool due = replica_runs(replica) && replica->vcpu_due_ns != CLUSTER_NEVER &&
               engine_accepts_vcpu(replica->engine);
    return due ? replica->vcpu_due_ns : CLUSTER_NEVER;
}

static uint64_t tick_time(const struct replica *replica)
{
    uint64_t deadline_ns = replica_runs(replica) ? engine_deadline(replica->engine) : CLUSTER_NEVER;
    if (deadline_ns == CLUSTER_NEVER) {
        return CLUSTER_NEVER;
    }
    return deadline_ns < replica->clock_base_ns ? 0 : deadline_ns - replica->clock_base_ns;
}

static uint64_t next_time(const struct cluster *cluster)
{
    uint64_t next = cluster->queue_count > 0 ? cluster->queue[0].at_ns : CLUSTER_NEVER;
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        uint64_t vcpu = vcpu_time(&cluster->replicas[i]);
        uint64_t tick = tick_time(&cluster->replicas[i]);
        next = vcpu < next ? vcpu : next;
        next = tick < next ? tick : next;
    }
    return next > cluster->now_ns ? next : cluster->now_ns;
}

/* A deadline that a tick does not move would keep a processor of a real replica busy. */
static void tick(struct cluster *cluster, unsigned replica)
{
    struct engine_event event = {.type = ENGINE_TICK};
    cluster_step(cluster, replica, &event);
    if (tick_time(&cluster->replicas[replica]) <= cluster->now_ns) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s: a tick left the deadline where it was",
                          cluster->replicas[replica].name);
    }
}

static void one_turn(struct cluster *cluster)
{
    while (cluster->queue_count > 0 && cluster->queue[0].at_ns <= cluster->now_ns) {
        struct pending pending = pop(cluster);
        arrive(cluster, &pending);
    }
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (vcpu_time(&cluster->replicas[i]) <= cluster->now_ns) {
            replica_run_vcpu(cluster, i);
        }
    }
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (tick_time(&cluster->replicas[i]) <= cluster->now_ns) {
            tick(cluster, i);
        }
    }
}

bool cluster_run_until(struct cluster *cluster, bool (*is_so)(struct cluster *), uint64_t within_ns)
{
    uint64_t end_ns = cluster->now_ns + within_ns;
    for (;;) {
        if (is_so != NULL && is_so(cluster)) {
            return true;
        }
        if (cluster->violation[0] != '\0') {
            return false;
        }
        uint64_t next = next_time(cluster);
        if (next > end_ns) {
            cluster->now_ns = end_ns;
            return false;
        }
        cluster->now_ns = next;
        one_turn(cluster);
    }
}

void cluster_run(struct cluster *cluster, uint64_t for_ns)
{
    cluster_run_until(cluster, NULL, for_ns);
}

/* ---- One thing at a time ----------------------------------------------------------------------
 */

void cluster_deliver(struct cluster *cluster, uint64_t order)
{
    for (size_t at = 0; at < cluster->queue_count; at++) {
        if (cluster->queue[at].order != order) {
            continue;
        }
        struct pending pending = cluster->queue[at];
        pending.at_ns = 0;
        while (at > 0 && before(&pending, &cluster->queue[(at - 1) / 2])) {
            cluster->queue[at] = cluster->queue[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        cluster->queue[at] = pending;
        pending = pop(cluster);
        arrive(cluster, &pending);
        return;
    }
}

void cluster_tick(struct cluster *cluster, unsigned replica)
{
    tick(cluster, replica);
}

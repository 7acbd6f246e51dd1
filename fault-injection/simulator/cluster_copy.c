#include "fault-injection/simulator/cluster_copy.h"

#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/engine_copy.h"

/* With room for one more, so that a list of none is one too. */
static void *copy_items(const void *items, size_t count, size_t item_size)
{
    void *copy = malloc((count + 1) * item_size);
    if (copy == NULL) {
        abort();
    }
    if (count > 0) {
        memcpy(copy, items, count * item_size);
    }
    return copy;
}

static void copy_replica(struct replica *copy, const struct replica *from)
{
    copy->config.replica = copy->name;
    copy->engine = from->engine != NULL ? engine_copy(from->engine, copy->name) : NULL;
    copy->guest.history = copy_items(from->guest.history, from->guest.outputs, sizeof(uint64_t));
    copy->guest.history_capacity = from->guest.outputs + 1;
    copy->executed = copy_items(from->executed, from->executed_count, sizeof *from->executed);
    copy->executed_capacity = from->executed_count + 1;
    copy->made = copy_items(from->made, from->made_count, sizeof *from->made);
    copy->made_capacity = from->made_count + 1;
    bool has_state = from->vcpu == VCPU_SAVES || from->vcpu == VCPU_LOADS || !from->vcpu_live;
    copy->state = has_state ? copy_items(from->state, from->state_size, 1) : NULL;
    copy->state_size = has_state ? from->state_size : 0;
    copy->state_used = has_state ? from->state_used : 0;
}

static struct pending *copy_pending(const struct pending *from, size_t count)
{
    struct pending *copy = copy_items(from, count, sizeof *from);
    for (size_t i = 0; i < count; i++) {
        if (from[i].frame != NULL) {
            copy[i].frame = copy_items(from[i].frame, from[i].frame_size, 1);
        }
    }
    return copy;
}

/* The same files, and an arbiter of its own in them. */
static void copy_arbiter(struct cluster *copy)
{
    copy->store.calls.context = &copy->store;
    if (arbiter_file_open(&copy->arbiter, NULL, STORE_PATH, &copy->store.calls) != 0) {
        abort();
    }
}

struct cluster *cluster_copy(const struct cluster *cluster)
{
    struct cluster *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        abort();
    }
    *copy = *cluster;
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        copy_replica(&copy->replicas[i], &cluster->replicas[i]);
    }
    copy_arbiter(copy);
    copy->connections =
        copy_items(cluster->connections, cluster->connection_count, sizeof *cluster->connections);
    copy->connection_capacity = cluster->connection_count + 1;
    copy->queue = copy_pending(cluster->queue, cluster->queue_count);
    copy->queue_capacity = cluster->queue_count + 1;
    copy->held = copy_pending(cluster->held, cluster->held_count);
    copy->held_capacity = cluster->held_count + 1;
    copy->emissions =
        copy_items(cluster->emissions, cluster->emission_count, sizeof *cluster->emissions);
    copy->emission_capacity = cluster->emission_count + 1;
    copy->story = copy_items(cluster->story, cluster->story_size + 1, 1);
    copy->story_capacity = cluster->story_size + 1;
    return copy;
}

#include "fault-injection/simulator/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "logging/digest.h"

/* ---- Ink ------------------------------------------------------------------------------------- */

void ink_clear(struct ink *ink)
{
    ink->size = 0;
}

void ink_free(struct ink *ink)
{
    free(ink->data);
    *ink = (struct ink){0};
}

static uint8_t *ink_room(struct ink *ink, size_t size)
{
    if (ink->size + size > ink->capacity) {
        ink->capacity = 2 * (ink->size + size) + 4096;
        ink->data = realloc(ink->data, ink->capacity);
        if (ink->data == NULL) {
            abort();
        }
    }
    uint8_t *room = ink->data + ink->size;
    ink->size += size;
    return room;
}

void ink_number(struct ink *ink, uint64_t number)
{
    memcpy(ink_room(ink, sizeof number), &number, sizeof number);
}

void ink_bytes(struct ink *ink, const void *data, size_t size)
{
    ink_number(ink, size);
    if (size > 0) {
        memcpy(ink_room(ink, size), data, size);
    }
}

void ink_epoch(struct ink *ink, const struct engine_epoch *epoch)
{
    ink_number(ink, epoch->number);
    ink_number(ink, epoch->position);
    ink_number(ink, epoch->length);
    ink_number(ink, epoch->clock_ns);
    ink_number(ink, epoch->rate_q32);
}

uint64_t ink_digest(const struct ink *ink)
{
    return digest_bytes(0, ink->data, ink->size);
}

/* ---- Replicas -------------------------------------------------------------------------------- */

static void put_guest(struct ink *ink, const struct toy_guest *guest)
{
    ink_number(ink, guest->hash);
    ink_number(ink, guest->position);
    ink_number(ink, guest->epochs);
    ink_number(ink, guest->inputs);
    ink_number(ink, guest->last_input);
    ink_number(ink, guest->last_clock_ns);
    ink_number(ink, guest->last_value_ns);
    ink_bytes(ink, guest->history, guest->outputs * sizeof *guest->history);
    ink_epoch(ink, &guest->epoch);
    ink_bytes(ink, guest->steps, strlen(guest->steps));
    ink_number(ink, guest->step);
    ink_number(ink, guest->time_went_back);
    ink_number(ink, guest->input_out_of_order);
    ink_number(ink, guest->powering_off);
}

static void put_vcpu(struct ink *ink, const struct cluster *cluster, unsigned number)
{
    const struct replica *replica = &cluster->replicas[number];
    ink_number(ink, replica->fault);
    ink_number(ink, replica->vcpu);
    ink_number(ink, replica->vcpu_due_ns == CLUSTER_NEVER ? CLUSTER_NEVER
                                                          : replica->vcpu_due_ns - cluster->now_ns);
    ink_number(ink, replica->vcpu_live);
    ink_number(ink, replica->slice_end);
    ink_number(ink, (uint64_t)replica->asked);
    ink_number(ink, replica->last_clock_value_ns);
    if (replica->vcpu_live) {
        ink_number(ink, replica_now(cluster, number) + (uint64_t)replica->clock_offset_ns);
    }
    ink_epoch(ink, &replica->next_epoch);
    ink_number(ink, replica->size_told);
    ink_number(ink, replica->has_state);
    bool has_state =
        replica->vcpu == VCPU_SAVES || (!replica->vcpu_live && replica->vcpu != VCPU_RUNS);
    if (has_state) {
        ink_bytes(ink, replica->state, replica->state_size);
        ink_number(ink, replica->state_used);
    }
}

/* What watch.h compares with. */
static void put_watched(struct ink *ink, const struct replica *replica)
{
    ink_bytes(ink, replica->made, replica->made_count * sizeof *replica->made);
    ink_number(ink, replica->told_term);
    ink_number(ink, replica->told_released);
    ink_number(ink, replica->answers);
    ink_number(ink, replica->epochs_answered);
    ink_number(ink, replica->inputs_given);
    ink_number(ink, replica->inputs_due);
}

static void put_alive(struct ink *ink, const struct cluster *cluster, unsigned number)
{
    const struct replica *replica = &cluster->replicas[number];
    fingerprint_engine(ink, replica->engine, replica_now(cluster, number));
    put_guest(ink, &replica->guest);
    put_vcpu(ink, cluster, number);
    put_watched(ink, replica);
    ink_number(ink, replica->paused);
    ink_number(ink, replica->origin);
    ink_number(ink, replica->backup);
    ink_number(ink, replica->rejoins);
    ink_number(ink, replica->takes_nothing);
    ink_number(ink, replica->first_live_epoch);
    ink_number(ink, replica->promotions);
    ink_number(ink, replica->inputs_taken);
    ink_number(ink, replica->inputs_before_live);
    ink_number(ink, replica->term);
    ink_number(ink, replica->arbiter_cut);
    ink_number(ink, replica->lose_answers);
    ink_number(ink, replica->extra_arbiter_ns);
    ink_number(ink, replica->last_claim_id);
}

/* A backup is compared with whom it joined, lost or not. */
static bool is_compared(const struct cluster *cluster, unsigned number)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (cluster->replicas[i].alive && (i == number || cluster->replicas[i].origin == number)) {
            return true;
        }
    }
    return false;
}

static void put_executed(struct ink *ink, const struct replica *replica)
{
    ink_number(ink, replica->executed_count);
    for (size_t i = 0; i < replica->executed_count; i++) {
        const struct executed *executed = &replica->executed[i];
        ink_number(ink, executed->epoch);
        ink_number(ink, executed->position);
        ink_number(ink, executed->digest);
        ink_number(ink, executed->from_log);
    }
}

static void put_replica(struct ink *ink, const struct cluster *cluster, unsigned number)
{
    const struct replica *replica = &cluster->replicas[number];
    ink_number(ink, replica->alive);
    if (replica->alive) {
        put_alive(ink, cluster, number);
    } else if (replica->engine != NULL) {
        /* How much of the log it had, and how far it was, is what its primary is judged by. */
        ink_number(ink, cluster_status(cluster, number).lsn);
        ink_number(ink, cluster_status(cluster, number).epoch);
        ink_number(ink, replica->epochs_answered);
        ink_number(ink, replica->told_term);
    }
    if (is_compared(cluster, number)) {
        put_executed(ink, replica);
    }
}

/* ---- What is under way ----------------------------------------------------------------------- */

static bool is_taken(const struct cluster *cluster, const struct pending *pending)
{
    if (pending->kind == PENDING_QUESTION) {
        return true; /* whoever asked, the arbiter answers */
    }
    if (pending->kind == PENDING_NOTHING || !cluster->replicas[pending->to].alive) {
        return false;
    }
    if (pending->kind == PENDING_ANSWER || pending->kind == PENDING_REJOIN) {
        return true;
    }
    const struct connection *connection = &cluster->connections[pending->connection];
    return connection->open[connection->ends[0] == pending->to ? 0 : 1];
}

static bool comes_first(const struct pending *a, const struct pending *b)
{
    if (a->to != b->to) {
        return a->to < b->to;
    }
    if (a->connection != b->connection) {
        return a->connection < b->connection;
    }
    return a->order < b->order;
}

static void put_pending(struct ink *ink, const struct cluster *cluster,
                        const struct pending *pending)
{
    ink_number(ink, pending->to);
    ink_number(ink, pending->from);
    ink_number(ink, pending->connection);
    ink_number(ink, pending->kind);
    ink_number(ink, pending->at_ns - cluster->now_ns);
    ink_bytes(ink, pending->frame, pending->frame_size);
    ink_number(ink, pending->release);
    ink_number(ink, pending->term);
    ink_number(ink, pending->claim_id);
    ink_number(ink, pending->outcome);
}

/* Beyond the room they are put as they stand in the queue, which tells states apart needlessly. */
static void put_queue(struct ink *ink, const struct cluster *cluster)
{
    enum { ROOM = 64 };
    const struct pending *sorted[ROOM];
    size_t count = 0;
    for (size_t i = 0; i < cluster->queue_count; i++) {
        const struct pending *pending = &cluster->queue[i];
        if (!is_taken(cluster, pending)) {
            continue;
        }
        if (count == ROOM) {
            put_pending(ink, cluster, pending);
            continue;
        }
        size_t at = count++;
        for (; at > 0 && comes_first(pending, sorted[at - 1]); at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = pending;
    }
    ink_number(ink, count);
    for (size_t i = 0; i < count; i++) {
        put_pending(ink, cluster, sorted[i]);
    }
}

static void put_connections(struct ink *ink, const struct cluster *cluster)
{
    ink_number(ink, cluster->connection_count);
    for (size_t i = 0; i < cluster->connection_count; i++) {
        const struct connection *connection = &cluster->connections[i];
        for (unsigned end = 0; end < 2; end++) {
            bool alive = cluster->replicas[connection->ends[end]].alive;
            ink_number(ink, connection->ends[end]);
            ink_number(ink, connection->open[end] && alive);
            if (alive) {
                ink_number(ink, connection->sent_lsn[end]);
                ink_number(ink, connection->received_lsn[end]);
                ink_number(ink, connection->loaded_lsn[end]);
                ink_number(ink, connection->sent_boundaries[end]);
            }
        }
    }
}

/* ---- Arbiter and world ----------------------------------------------------------------------- */

static void put_world(struct ink *ink, const struct cluster *cluster)
{
    ink_number(ink, cluster->violated);
    ink_number(ink, cluster->calm);
    ink_number(ink, cluster->tainted);
    ink_number(ink, cluster->record.term);
    ink_bytes(ink, cluster->record.owner, strlen(cluster->record.owner));
    ink_number(ink, cluster->record.claim_id);
    ink_number(ink, cluster->record.active);
    ink_number(ink, cluster->input_count);
    ink_number(ink, cluster->violation[0] != '\0');
    ink_number(ink, cluster->emission_count);
    for (size_t i = 0; i < cluster->emission_count; i++) {
        const struct emission *emission = &cluster->emissions[i];
        ink_number(ink, emission->replica);
        ink_number(ink, emission->term);
        ink_number(ink, emission->number);
        ink_number(ink, emission->content);
    }
}

void fingerprint_cluster(struct ink *ink, const struct cluster *cluster)
{
    ink_number(ink, cluster->replica_count);
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        put_replica(ink, cluster, i);
    }
    put_connections(ink, cluster);
    put_queue(ink, cluster);
    put_world(ink, cluster);
}

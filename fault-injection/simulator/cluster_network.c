/* Connections: what is sent, when it arrives, and what is in the way. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "logging/codec.h"
#include "replication/trace.h"
#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/crook.h"
#include "fault-injection/simulator/watch.h"

#define ANSWER_WITHIN_NS (500 * MS) /* a WELCOME or REFUSE to a HELLO */

/* ---- Connections ----------------------------------------------------------------------------- */

static const char *name_of(const struct cluster *cluster, unsigned replica)
{
    return cluster->replicas[replica].name;
}

/* Towards one end; arrivals keep the order of sending. */
static void schedule(struct cluster *cluster, size_t number, unsigned end, enum pending_kind kind,
                     const char *reason, uint8_t *frame, size_t frame_size)
{
    struct connection *connection = &cluster->connections[number];
    uint64_t at_ns = cluster->now_ns + cluster->config.latency_ns +
                     cluster_random(cluster, cluster->config.latency_spread_ns);
    if (at_ns < connection->last_arrival_ns[end]) {
        at_ns = connection->last_arrival_ns[end];
    }
    connection->last_arrival_ns[end] = at_ns;
    struct pending pending = {
        .at_ns = at_ns,
        .order = ++cluster->order,
        .kind = kind,
        .from = connection->ends[1 - end],
        .to = connection->ends[end],
        .connection = number,
        .reason = reason,
        .frame = frame,
        .frame_size = frame_size,
    };
    cluster_push(cluster, &pending);
}

void cluster_connect(struct cluster *cluster, unsigned from, unsigned to)
{
    cluster->connections = cluster_grow(cluster->connections, &cluster->connection_capacity,
                                        cluster->connection_count, sizeof *cluster->connections);
    size_t number = cluster->connection_count++;
    bool answers = cluster->replicas[to].alive;
    cluster->replicas[from].attempt = number;
    if (cluster->replicas[from].rejoins) {
        network_rejoin(cluster, from, ANSWER_WITHIN_NS);
    }
    cluster->connections[number] = (struct connection){
        .ends = {from, to},
        .open = {true, answers},
    };
    if (!answers) {
        schedule(cluster, number, 0, PENDING_LOST, "connection refused", NULL, 0);
        return;
    }
    schedule(cluster, number, 1, PENDING_CONNECTED, NULL, NULL, 0);
    schedule(cluster, number, 0, PENDING_CONNECTED, NULL, NULL, 0);
}

static unsigned end_of(const struct connection *connection, unsigned replica)
{
    return connection->ends[0] == replica ? 0 : 1;
}

void network_send(struct cluster *cluster, unsigned from, engine_peer peer,
                  const struct message *message)
{
    struct connection *connection = &cluster->connections[peer - 1];
    unsigned end = end_of(connection, from);
    if (!connection->open[end]) {
        return;
    }
    char line[TRACE_LINE_SIZE];
    if (cluster->tells && (message->type != MESSAGE_HEARTBEAT || cluster->tells_heartbeats)) {
        cluster_say(cluster, "%s -> %s %s", name_of(cluster, from),
                    name_of(cluster, connection->ends[1 - end]),
                    trace_message(message, line, sizeof line));
    }
    watch_send(cluster, from, connection, message);
    size_t size = codec_frame_size(message);
    uint8_t *frame = malloc(size);
    if (size == 0 || frame == NULL || codec_encode(message, frame, size, &size) != CODEC_OK) {
        fprintf(stderr, "%s cannot be encoded\n", trace_message(message, line, sizeof line));
        abort();
    }
    unsigned *flips = &cluster->flip_frame[from][connection->ends[1 - end]];
    if (*flips > 0) {
        uint64_t bit = cluster_random(cluster, 8 * size);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        --*flips;
    }
    schedule(cluster, peer - 1, 1 - end, PENDING_FRAME, NULL, frame, size);
}

void cluster_forge(struct cluster *cluster, unsigned from, unsigned to,
                   const struct message *message)
{
    for (size_t i = cluster->connection_count; i > 0; i--) {
        const struct connection *connection = &cluster->connections[i - 1];
        unsigned end = end_of(connection, from);
        if (connection->ends[end] == from && connection->ends[1 - end] == to) {
            network_send(cluster, from, i, message);
            return;
        }
    }
}

void network_close(struct cluster *cluster, unsigned replica, engine_peer peer, const char *reason)
{
    struct connection *connection = &cluster->connections[peer - 1];
    unsigned end = end_of(connection, replica);
    if (connection->open[end]) {
        connection->open[end] = false;
        schedule(cluster, peer - 1, 1 - end, PENDING_LOST, reason, NULL, 0);
    }
}

void network_close_all(struct cluster *cluster, unsigned replica, const char *reason)
{
    for (size_t i = 0; i < cluster->connection_count; i++) {
        const struct connection *connection = &cluster->connections[i];
        if (connection->ends[0] == replica || connection->ends[1] == replica) {
            network_close(cluster, replica, i + 1, reason);
        }
    }
}

bool network_is_blocked(const struct cluster *cluster, unsigned from, unsigned to)
{
    return cluster->replicas[to].paused || cluster->cut[from][to];
}

bool network_blocks(const struct cluster *cluster, const struct pending *pending)
{
    if (pending->kind == PENDING_NOTHING || pending->kind == PENDING_QUESTION ||
        pending->kind == PENDING_CLIENT) {
        return false;
    }
    if (cluster->replicas[pending->to].paused) {
        return true;
    }
    return pending->kind != PENDING_ANSWER && pending->kind != PENDING_REJOIN &&
           pending->kind != PENDING_DISK && cluster->cut[pending->from][pending->to];
}

/* Of the connection that it has tried last; should it try another before, that one is waited for.
 */
void network_rejoin(struct cluster *cluster, unsigned number, uint64_t after_ns)
{
    struct pending again = {.at_ns = cluster->now_ns + after_ns,
                            .order = ++cluster->order,
                            .kind = PENDING_REJOIN,
                            .to = number,
                            .connection = cluster->replicas[number].attempt};
    cluster_push(cluster, &again);
}

/* A joiner that has not begun yet tries again. */
static void connection_ended(struct cluster *cluster, unsigned number, struct engine_event *event)
{
    struct replica *replica = &cluster->replicas[number];
    unsigned end = end_of(&cluster->connections[event->peer - 1], number);
    bool connecting = cluster_status(cluster, number).peer == event->peer || end == 0;
    bool told = cluster_status(cluster, number).is_protected;
    cluster_step(cluster, number, event);
    struct engine_status after = cluster_status(cluster, number);
    if (told && after.end == ENGINE_RUNNING && after.peer == event->peer) {
        cluster_violation(cluster, CHECKER_LIVENESS, "%s does not notice that its connection ended",
                          replica->name);
    }
    if (connecting && replica->rejoins && replica->vcpu == VCPU_OFF && replica->alive) {
        network_rejoin(cluster, number, 200 * MS);
    }
}

/* As the channel does with what it cannot read: what came over this connection cannot be trusted
 * any more, and both sides learn of its end. */
static void connection_spoilt(struct cluster *cluster, const struct pending *pending)
{
    struct engine_event event = {
        .type = ENGINE_PEER_LOST, .peer = pending->connection + 1, .reason = "a damaged frame"};
    cluster_say(cluster, "%s cannot read what it gets from %s", name_of(cluster, pending->to),
                name_of(cluster, pending->from));
    network_close(cluster, pending->to, event.peer, "connection closed");
    connection_ended(cluster, pending->to, &event);
}

static void frame_arrives(struct cluster *cluster, const struct pending *pending)
{
    struct message *message;
    size_t used;
    if (replica_decode(cluster, pending->to, pending->frame, pending->frame_size, &message,
                       &used) != CODEC_OK) {
        connection_spoilt(cluster, pending);
        return;
    }
    struct connection *connection = &cluster->connections[pending->connection];
    if (crook_arrives(cluster, pending->to, pending->connection + 1, message)) {
        message_free(NULL, message);
        return;
    }
    watch_receive(cluster, connection, end_of(connection, pending->to), message);
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = pending->connection + 1, .message = message};
    cluster_step(cluster, pending->to, &event);
    message_free(NULL, message);
}

static bool is_open(const struct cluster *cluster, size_t connection, unsigned replica)
{
    const struct connection *its = &cluster->connections[connection];
    return its->open[end_of(its, replica)];
}

/* Who takes a connection and says nothing is tried again, as one that was lost. */
static void try_again(struct cluster *cluster, unsigned replica)
{
    struct replica *joiner = &cluster->replicas[replica];
    unsigned survivor = cluster_survivor(cluster);
    if (!joiner->alive || joiner->vcpu != VCPU_OFF) {
        return;
    }
    if (is_open(cluster, joiner->attempt, replica)) {
        struct engine_event event = {.type = ENGINE_PEER_LOST,
                                     .peer = joiner->attempt + 1,
                                     .reason = "the other side does not answer"};
        network_close(cluster, replica, event.peer, "connection closed");
        cluster_step(cluster, replica, &event);
    }
    if (survivor != CLUSTER_MAX_REPLICAS) {
        joiner->origin = survivor;
    }
    cluster_connect(cluster, replica, joiner->origin);
}

void network_arrive(struct cluster *cluster, struct pending *pending)
{
    if (!cluster->replicas[pending->to].alive || pending->kind == PENDING_NOTHING) {
        return;
    }
    if (pending->kind == PENDING_REJOIN) {
        if (pending->connection == cluster->replicas[pending->to].attempt) {
            try_again(cluster, pending->to);
        }
        return;
    }
    unsigned end = end_of(&cluster->connections[pending->connection], pending->to);
    if (!cluster->connections[pending->connection].open[end]) {
        return;
    }
    struct engine_event event = {.peer = pending->connection + 1};
    switch (pending->kind) {
    case PENDING_FRAME: frame_arrives(cluster, pending); return;
    case PENDING_CONNECTED:
        event.type = ENGINE_CONNECTED;
        event.incoming = end == 1;
        break;
    default:
        cluster->connections[pending->connection].open[end] = false;
        event.type = ENGINE_PEER_LOST;
        event.reason = pending->reason;
        break;
    }
    if (event.type == ENGINE_PEER_LOST) {
        connection_ended(cluster, pending->to, &event);
    } else {
        cluster_step(cluster, pending->to, &event);
    }
}

/* ---- What is in the way ---------------------------------------------------------------------- */

void network_release_held(struct cluster *cluster)
{
    size_t kept = 0;
    for (size_t i = 0; i < cluster->held_count; i++) {
        struct pending pending = cluster->held[i];
        if (network_blocks(cluster, &pending)) {
            cluster->held[kept++] = pending;
        } else {
            pending.at_ns = cluster->now_ns;
            cluster_push(cluster, &pending);
        }
    }
    cluster->held_count = kept;
}

void cluster_cut(struct cluster *cluster, unsigned from, unsigned to)
{
    cluster_say(cluster, "%s -> %s is cut", name_of(cluster, from), name_of(cluster, to));
    cluster->cut[from][to] = true;
}

void cluster_heal(struct cluster *cluster, unsigned from, unsigned to)
{
    cluster_say(cluster, "%s -> %s is healed", name_of(cluster, from), name_of(cluster, to));
    cluster->cut[from][to] = false;
    network_release_held(cluster);
}

void cluster_heal_all(struct cluster *cluster)
{
    memset(cluster->cut, 0, sizeof cluster->cut);
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        cluster->replicas[i].arbiter_cut = false;
        cluster->replicas[i].lose_answers = 0;
        cluster->replicas[i].extra_arbiter_ns = 0;
        cluster_resume(cluster, i);
    }
    network_release_held(cluster);
}

static void lose(struct cluster *cluster, struct pending *pending)
{
    char line[TRACE_LINE_SIZE];
    struct message *message;
    size_t used;
    if (pending->kind == PENDING_FRAME &&
        codec_decode(NULL, pending->frame, pending->frame_size, &message, &used) == CODEC_OK) {
        if (message->type != MESSAGE_HEARTBEAT || cluster->tells_heartbeats) {
            cluster_say(cluster, "%s -> %s %s is lost", name_of(cluster, pending->from),
                        name_of(cluster, pending->to), trace_message(message, line, sizeof line));
        }
        message_free(NULL, message);
    }
    pending->kind = PENDING_NOTHING;
}

static bool goes(const struct pending *pending, unsigned from, unsigned to)
{
    bool travels = pending->kind == PENDING_FRAME || pending->kind == PENDING_LOST ||
                   pending->kind == PENDING_CONNECTED;
    return travels && pending->from == from && pending->to == to;
}

void cluster_lose(struct cluster *cluster, unsigned from, unsigned to)
{
    for (size_t i = 0; i < cluster->queue_count; i++) {
        if (goes(&cluster->queue[i], from, to)) {
            lose(cluster, &cluster->queue[i]);
        }
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        if (goes(&cluster->held[i], from, to)) {
            lose(cluster, &cluster->held[i]);
        }
    }
}

void cluster_flip_frame(struct cluster *cluster, unsigned from, unsigned to)
{
    cluster_say(cluster, "the next frame from %s to %s is damaged", name_of(cluster, from),
                name_of(cluster, to));
    cluster->flip_frame[from][to]++;
}

void cluster_break(struct cluster *cluster, unsigned a, unsigned b)
{
    cluster_say(cluster, "the connection of %s and %s breaks", name_of(cluster, a),
                name_of(cluster, b));
    cluster_lose(cluster, a, b);
    cluster_lose(cluster, b, a);
    for (size_t i = 0; i < cluster->connection_count; i++) {
        const struct connection *connection = &cluster->connections[i];
        for (unsigned end = 0; end < 2; end++) {
            if (connection->ends[end] == a && connection->ends[1 - end] == b) {
                struct pending broken[2] = {{.from = b, .to = a}, {.from = a, .to = b}};
                for (unsigned k = 0; k < 2; k++) {
                    broken[k].at_ns = cluster->now_ns;
                    broken[k].order = ++cluster->order;
                    broken[k].kind = PENDING_LOST;
                    broken[k].connection = i;
                    broken[k].reason = "connection broken";
                    cluster_push(cluster, &broken[k]);
                }
            }
        }
    }
}

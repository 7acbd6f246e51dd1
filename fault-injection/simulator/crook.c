#include "fault-injection/simulator/crook.h"

#include "fault-injection/simulator/cluster_parts.h"

#define CROOK_TEXT(id, text) [CROOK_##id] = text,

static const char *text_of(unsigned crook)
{
    static const char *const texts[CROOK_COUNT] = {[CROOK_NONE] = "nothing", CROOKS(CROOK_TEXT)};
    return texts[crook];
}

void crook_set(struct cluster *cluster, unsigned victim, enum crook crook)
{
    cluster->crook = crook;
    cluster->crook_victim = victim;
}

enum reaction { IGNORES, GIVES_UP_THE_PEER, ENDS };

static void deliver(struct cluster *cluster, unsigned victim, engine_peer peer,
                    const struct message *message, enum reaction expected)
{
    const struct replica *replica = &cluster->replicas[victim];
    struct engine_status before = cluster_status(cluster, victim);
    struct engine_event event = {.type = ENGINE_MESSAGE, .peer = peer, .message = message};
    cluster->replicas[victim].fooled = expected == ENDS;
    cluster_step(cluster, victim, &event);
    struct engine_status after = cluster_status(cluster, victim);
    bool ended = after.end != ENGINE_RUNNING;
    bool good = expected == ENDS ? ended
                : expected == GIVES_UP_THE_PEER
                    ? ended || after.peer != peer
                    : !ended && after.peer == peer && after.lsn_acked == before.lsn_acked &&
                          after.outputs_released == before.outputs_released &&
                          after.outputs_held == before.outputs_held;
    if (!good) {
        cluster_violation(cluster, CHECKER_CROOKED, "%s believes %s", replica->name,
                          text_of(cluster->crook));
    }
}

/* A message of the crook's own, before the true one. */
static bool insert(struct cluster *cluster, unsigned victim, engine_peer peer,
                   const struct message *crooked, enum reaction expected)
{
    deliver(cluster, victim, peer, crooked, expected);
    bool refused = cluster_status(cluster, victim).peer != peer;
    cluster->crook = CROOK_NONE;
    return refused;
}

static bool crooked_ack(struct cluster *cluster, unsigned victim, engine_peer peer,
                        const struct message *true_one)
{
    struct engine_status status = cluster_status(cluster, victim);
    struct message crooked = *true_one;
    struct message_ack *ack = &crooked.ack;
    if (!status.live || !status.is_protected || status.peer != peer || ack->term != status.term) {
        return false;
    }
    switch (cluster->crook) {
    case CROOK_ACK_OF_ANOTHER_TERM:
        ack->term--;
        ack->received = status.lsn;
        return insert(cluster, victim, peer, &crooked, IGNORES);
    case CROOK_ACK_BEYOND_THE_LOG:
        ack->received = status.lsn + 1;
        return insert(cluster, victim, peer, &crooked, GIVES_UP_THE_PEER);
    case CROOK_ACK_GOES_BACK:
        if (status.lsn_acked == 0 || ack->consumed >= status.lsn_acked) {
            return false;
        }
        ack->received = status.lsn_acked - 1;
        return insert(cluster, victim, peer, &crooked, GIVES_UP_THE_PEER);
    default: return false;
    }
}

static bool crooked_heartbeat(struct cluster *cluster, unsigned victim, engine_peer peer,
                              const struct message *true_one)
{
    struct engine_status status = cluster_status(cluster, victim);
    struct message crooked = *true_one;
    if (cluster->crook != CROOK_HEARTBEAT_OF_ANOTHER_TERM || status.live || status.peer != peer ||
        !status.is_protected) {
        return false;
    }
    crooked.heartbeat.term--;
    crooked.heartbeat.released = status.outputs + 1;
    return insert(cluster, victim, peer, &crooked, IGNORES);
}

static bool crooked_promise(struct cluster *cluster, unsigned victim, engine_peer peer,
                            const struct message *true_one)
{
    struct message crooked = *true_one;
    if (cluster->crook != CROOK_PROMISE_BEYOND_THE_LOG) {
        return false;
    }
    crooked.protected_.lsn += 5;
    return insert(cluster, victim, peer, &crooked, ENDS);
}

static bool crooked_handshake(struct cluster *cluster, unsigned victim, engine_peer peer,
                              const struct message *true_one)
{
    struct message crooked = *true_one;
    struct engine_status status = cluster_status(cluster, victim);
    if (true_one->type == MESSAGE_WELCOME && cluster->crook == CROOK_STALE_WELCOME &&
        status.term > 0) {
        crooked.welcome.term = status.term - 1;
        return insert(cluster, victim, peer, &crooked, GIVES_UP_THE_PEER);
    }
    if (true_one->type == MESSAGE_HELLO && cluster->crook == CROOK_LATER_HELLO && status.live &&
        status.peer == 0) {
        crooked.hello.term = status.term + 1;
        return insert(cluster, victim, peer, &crooked, GIVES_UP_THE_PEER);
    }
    return false;
}

/* To a backup that takes entries now. An entry that is changed must never be executed: watch.h
 * waits for that. */
static bool crooked_entry(struct cluster *cluster, unsigned victim, engine_peer peer,
                          struct message *message)
{
    struct replica *replica = &cluster->replicas[victim];
    struct engine_status status = cluster_status(cluster, victim);
    struct message crooked = *message;
    bool boundary = message->type == MESSAGE_BOUNDARY;
    uint64_t *lsn = boundary ? &crooked.boundary.lsn : &crooked.value.lsn;
    uint64_t *term = boundary ? &crooked.boundary.term : &crooked.value.term;
    if (status.live || status.peer != peer || !status.is_protected || status.claiming) {
        return false;
    }
    switch (cluster->crook) {
    case CROOK_ENTRY_OF_ANOTHER_TERM: ++*term; return insert(cluster, victim, peer, &crooked, ENDS);
    case CROOK_ENTRY_MISSING: ++*lsn; return insert(cluster, victim, peer, &crooked, ENDS);
    case CROOK_ENTRY_AGAIN: --*lsn; return insert(cluster, victim, peer, &crooked, ENDS);
    case CROOK_POSITION:
        if (!boundary) {
            return false;
        }
        message->boundary.position++;
        break;
    case CROOK_VALUE_POSITION:
        if (boundary) {
            return false;
        }
        message->value.position++;
        break;
    case CROOK_CHAIN:
        if (!boundary) {
            return false;
        }
        message->boundary.chain ^= 1;
        break;
    case CROOK_DIGEST:
        if (!boundary) {
            return false;
        }
        message->boundary.digest ^= 1;
        break;
    case CROOK_INPUT:
        /* A number that a guest does not look at: only the log's digest can tell. */
        if (!boundary || message->boundary.input_count == 0) {
            return false;
        }
        ((struct log_input *)message->boundary.inputs)[0].device ^= 0x100;
        break;
    default: return false;
    }
    replica->altered_lsn = *lsn;
    cluster->crook = CROOK_NONE;
    return false;
}

static bool crooked_state(struct cluster *cluster, unsigned victim, struct message *message)
{
    if (cluster->crook == CROOK_STATE && message->state_chunk.data.size > 0) {
        ((uint8_t *)message->state_chunk.data.data)[0] ^= 1;
        cluster->replicas[victim].state_altered = true;
        cluster->crook = CROOK_NONE;
    }
    return false;
}

bool crook_arrives(struct cluster *cluster, unsigned victim, engine_peer peer,
                   struct message *message)
{
    if (cluster->crook == CROOK_NONE || cluster->crook_victim != victim) {
        return false;
    }
    unsigned wanted = cluster->crook;
    bool used;
    switch (message->type) {
    case MESSAGE_ACK: used = crooked_ack(cluster, victim, peer, message); break;
    case MESSAGE_HEARTBEAT: used = crooked_heartbeat(cluster, victim, peer, message); break;
    case MESSAGE_HELLO:
    case MESSAGE_WELCOME: used = crooked_handshake(cluster, victim, peer, message); break;
    case MESSAGE_PROTECTED: used = crooked_promise(cluster, victim, peer, message); break;
    case MESSAGE_VALUE:
    case MESSAGE_BOUNDARY: used = crooked_entry(cluster, victim, peer, message); break;
    case MESSAGE_STATE_CHUNK: used = crooked_state(cluster, victim, message); break;
    default: return false;
    }
    if (cluster->crook == CROOK_NONE) {
        cluster_say(cluster, "%s was sent %s", cluster->replicas[victim].name, text_of(wanted));
    }
    return used;
}

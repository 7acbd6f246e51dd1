/* Shared by the files that make up the cluster: cluster.c (replicas, story), cluster_time.c (what
 * happens next), cluster_network.c (connections), cluster_arbiter.c, cluster_replica.c (what
 * engines ask for), cluster_vcpu.c (guests), cluster_faults.c. */
#ifndef FAULT_INJECTION_SIMULATOR_CLUSTER_PARTS_H
#define FAULT_INJECTION_SIMULATOR_CLUSTER_PARTS_H

#include "fault-injection/simulator/cluster.h"
#include "logging/codec.h"

enum pending_kind {
    PENDING_NOTHING, /* was lost */
    PENDING_CONNECTED,
    PENDING_FRAME,
    PENDING_LOST,
    PENDING_QUESTION, /* reaches the arbiter */
    PENDING_ANSWER,   /* reaches the replica */
    PENDING_REJOIN,
    PENDING_DISK,   /* a disk request is done */
    PENDING_CLIENT, /* a client's turn */
};

struct pending {
    uint64_t at_ns;
    uint64_t order; /* among those of one time; and kept when it is held up */
    enum pending_kind kind;
    unsigned from, to; /* replicas */
    size_t connection;
    const char *reason;
    uint8_t *frame;
    size_t frame_size;
    bool release; /* a question: not a claim */
    uint64_t term, claim_id;
    enum engine_outcome outcome;
    uint64_t request; /* of the disk; or the client */
    unsigned generation;
};

void cluster_push(struct cluster *cluster, const struct pending *pending);
void *cluster_grow(void *items, size_t *capacity, size_t count, size_t item_size);

/* For who chooses what happens next, and lets time stand still: what has that order in the queue
 * arrives now, and a replica is told that time has passed. */
void cluster_deliver(struct cluster *cluster, uint64_t order);
void cluster_tick(struct cluster *cluster, unsigned replica);

/* cluster_network.c */
void network_send(struct cluster *cluster, unsigned from, engine_peer peer,
                  const struct message *message);
void network_close(struct cluster *cluster, unsigned replica, engine_peer peer, const char *reason);
void network_close_all(struct cluster *cluster, unsigned replica, const char *reason);
/* Nothing gets from one to the other at the moment. */
bool network_is_blocked(const struct cluster *cluster, unsigned from, unsigned to);
void network_rejoin(struct cluster *cluster, unsigned replica, uint64_t after_ns);
void network_arrive(struct cluster *cluster, struct pending *pending);
bool network_blocks(const struct cluster *cluster, const struct pending *pending);
void network_release_held(struct cluster *cluster);

/* cluster_arbiter.c */
void arbiter_init(struct cluster *cluster);
void arbiter_ask(struct cluster *cluster, unsigned replica, bool release, uint64_t term,
                 uint64_t claim_id);
enum arbiter_outcome arbiter_start_of_day(struct cluster *cluster, unsigned replica,
                                          bool take_over);
void arbiter_arrive(struct cluster *cluster, const struct pending *pending);

/* cluster.c */
bool replica_runs(const struct replica *replica); /* alive, and its host does not stand still */

/* cluster_vcpu.c */
void replica_run_vcpu(struct cluster *cluster, unsigned replica);
void replica_take_reply(struct cluster *cluster, unsigned replica,
                        const struct engine_reply *reply);

/* cluster_replica.c */
uint64_t replica_now(const struct cluster *cluster, unsigned replica);

void replica_destroy(struct replica *replica);
/* With that replica's memory. */
enum codec_result replica_decode(struct cluster *cluster, unsigned number, const uint8_t *frame,
                                 size_t size, struct message **message, size_t *used);
/* cluster.c: False if the engine has no room. */
bool replica_take_input(struct cluster *cluster, unsigned number, uint32_t device,
                        struct log_bytes data);

#endif

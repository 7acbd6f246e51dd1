/*
 * Watches a cluster while it runs, from outside: what replicas send, let go, tell their guests, and
 * how they end. It believes nothing that an engine says about itself where it can see for itself:
 * the log is what was sent, protection is what a backup was told, a record is the arbiter's.
 *
 * The cluster calls these; each reports with cluster_violation().
 */
#ifndef FAULT_INJECTION_SIMULATOR_WATCH_H
#define FAULT_INJECTION_SIMULATOR_WATCH_H

#include "fault-injection/simulator/cluster.h"

void watch_made(struct cluster *cluster, unsigned replica); /* before the engine is told */
void watch_emit(struct cluster *cluster, unsigned replica, const struct engine_output *output);
void watch_send(struct cluster *cluster, unsigned from, struct connection *connection,
                const struct message *message);
void watch_receive(struct cluster *cluster, struct connection *connection, unsigned end,
                   const struct message *message);
void watch_reply(struct cluster *cluster, unsigned replica, const struct engine_reply *reply);
void watch_step(struct cluster *cluster, unsigned replica);
void watch_end(struct cluster *cluster, unsigned replica, enum engine_end end, const char *reason);

#endif

/*
 * A number for the state of a cluster: equal numbers, equal futures. All that decides what may
 * happen from here on is in it, and all of the past that the checks look at.
 *
 * Times are taken relative to the clock of the replica that they belong to, guest times as they
 * are. Left out, because nothing that is decided or checked depends on it:
 *   - what only people are told: the engine's texts, notices and what they are made of (when
 *     suspected, claimed, won; how long a save took; when an output was made)
 *   - memory that an earlier update pointed to
 *   - when an output left, and the readings of the hosts' clocks: they start anywhere, and what is
 *     drawn from them (values) is content that nobody interprets
 *   - the order of two messages of different connections or directions: which arrives first is a
 *     choice. A run that goes on by the clock takes one of those orders
 *   - what is under way to where nobody takes it: a replica that is lost, an end that was closed
 *   - of a lost replica all but what checks compare the living ones with
 *   - disks and clients of the guest, and what is done to storage, memory and frames: exploring has
 *     none of it. Of the arbiter's storage the record, as each question leaves it synced
 *   - the cluster's random numbers, which exploring does not use
 * 64 bits: among ten million states two are taken for one with a probability of 3 in a million.
 */
#ifndef FAULT_INJECTION_SIMULATOR_FINGERPRINT_H
#define FAULT_INJECTION_SIMULATOR_FINGERPRINT_H

#include "fault-injection/simulator/cluster.h"

/* The state as bytes, whose digest is the fingerprint. Starts as {0} and is used again. */
struct ink {
    uint8_t *data;
    size_t size, capacity;
};

void ink_clear(struct ink *ink);
void ink_free(struct ink *ink);
void ink_number(struct ink *ink, uint64_t number);
void ink_bytes(struct ink *ink, const void *data, size_t size); /* and their number */
void ink_epoch(struct ink *ink, const struct engine_epoch *epoch);
uint64_t ink_digest(const struct ink *ink);

void fingerprint_cluster(struct ink *ink, const struct cluster *cluster);
/* `now_ns` is the clock of the engine's host. */
void fingerprint_engine(struct ink *ink, const struct engine *engine, uint64_t now_ns);

#endif

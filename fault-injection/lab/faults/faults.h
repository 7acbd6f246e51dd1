/*
 * Makes faults happen to a pair in the lab, and undoes them. It owns what has to stand between the
 * replicas for that: a user-space link in the channel, and a page of memory that each replica of
 * the build with hooks reads (hooks.h). Used by the lab's main thread alone.
 *
 * Functions that return bool leave a line in lab->error before they return false.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_FAULTS_H
#define FAULT_INJECTION_LAB_FAULTS_FAULTS_H

#include "fault-injection/lab/faults/fault.h"
#include "fault-injection/lab/pair.h"

struct faults;

/* Before a pair is started: adds to `options` what its replicas need. faults_close() is due in
 * either case. */
bool faults_open(struct faults **faults, struct lab *lab, struct replica_options *options);
void faults_close(struct faults *faults);

/* What was done, for tables and reports. */
struct fault_record {
    struct fault fault;
    enum place host; /* of the victim */
    uint64_t at_ns;  /* when it began (lab_now_ns()); 0: not yet */
    uint64_t healed_ns;
    bool loses_replica; /* the victim does not come back by itself */
    bool was_primary;   /* the victim, when it began */
};

/* Arms it: waits out `after` and what is drawn of `random` (from `random`, a number drawn by the
 * caller), then begins it; with an event, begins it when that comes, or after `patience_ms` at
 * once. Returns when it has begun. Several may be on at a time. */
bool faults_begin(struct faults *faults, struct pair *pair, const struct fault *fault,
                  uint64_t random, unsigned patience_ms, struct fault_record *record);
/* Looks what time it is: heals those whose `for` is over. To be called often. */
bool faults_tick(struct faults *faults, struct pair *pair);
/* All that is still on; a replica that was stopped is continued. */
bool faults_heal(struct faults *faults, struct pair *pair);
/* After healing: brings the pair back to one live replica, protected by another. `what` (of
 * LAB_ERROR_SIZE) says what it had to do. */
bool faults_recover(struct faults *faults, struct pair *pair, unsigned timeout_ms, char *what);

#endif

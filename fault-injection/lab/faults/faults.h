/*
 * Makes faults happen to a pair in the lab, and undoes them. It owns what has to stand between the
 * replicas for that: a user-space link in the channel, and a page of memory that each replica of
 * the build with hooks reads (hooks.h). Used by the lab's main thread alone.
 *
 * Faults may overlap: delays add up, of several limits the narrowest counts, and what is cut, held
 * or stopped by two is so until both are healed.
 *
 * Functions that return bool leave a line in lab->error before they return false.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_FAULTS_H
#define FAULT_INJECTION_LAB_FAULTS_FAULTS_H

#include "fault-injection/lab/faults/fault.h"
#include "fault-injection/lab/faults/link.h"
#include "fault-injection/lab/pair.h"

#define FAULTS_ACTIVE    16u  /* at a time */
#define FAULTS_LINK_PORT 7101 /* where joiners find the link, on either host */
#define FAULTS_WHAT_SIZE 512u

struct faults;

/* Before a pair is started: adds to `options` what its replicas need, and keeps memory that they
 * point to. faults_close() is due in either case, after the end of the pair. */
bool faults_open(struct faults **faults, struct lab *lab, struct replica_options *options);
void faults_close(struct faults *faults); /* NULL is fine */

/* What was done, for tables and reports. */
struct fault_record {
    struct fault fault;
    uint64_t number;    /* from 1 on, in the order in which they began */
    enum place host;    /* of the victim */
    char label[12];     /* of the victim, when it began */
    uint64_t at_ns;     /* when it began (lab_now_ns()); 0: not yet */
    uint64_t healed_ns; /* 0: not yet, or nothing to heal; faults_update() looks */
    bool was_primary;   /* the victim, when it began */
    bool event_came;    /* it began at its event, and not as patience was over */
    char what[96];      /* particulars: which bit was flipped, what was killed */
};

/* Arms it: waits out `after` and what is drawn of `random` (from `random`, a number drawn by the
 * caller), then begins it; with an event, begins it when that comes, or after `patience_ms` at
 * once. Returns when it has begun. Several may be on at a time. Fails if there is no such victim.
 *
 * With an event the victim is killed by itself exactly there (kill), or stops there until the fault
 * is on, which takes a few milliseconds (all others). */
bool faults_begin(struct faults *faults, struct pair *pair, const struct fault *fault,
                  uint64_t random, unsigned patience_ms, struct fault_record *record);
/* Looks what time it is: heals those whose `for` is over. To be called often. */
bool faults_tick(struct faults *faults, struct pair *pair);
/* All that is still on; a replica that was stopped is continued. A backup in whose memory a bit was
 * flipped is killed: nobody knows what it would do as a primary. */
bool faults_heal(struct faults *faults, struct pair *pair);
/* When was it healed, if it was meanwhile? */
void faults_update(const struct faults *faults, struct fault_record *record);

/* After faults_heal(): waits until exactly one replica is live and a backup protects it, which it
 * adds if there is none, and sees to it that all others have ended. pair->primary and pair->backup
 * are right then. `what` says what became of whom, in FAULTS_WHAT_SIZE characters.
 *
 * Fails, and says with whom and which terms: if none is live and none can be any more; if two
 * are live at the same term, or one of them unprotected beside a later one, which is a split brain;
 * if a replica has diverged whose memory nobody touched; if a replica neither follows nor ends; if
 * no new backup comes to protect; if the time is over. */
bool faults_recover(struct faults *faults, struct pair *pair, unsigned timeout_ms, char *what);

#endif

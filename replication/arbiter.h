/*
 * The arbiter: where a replica claims a term by one compare-and-swap on a record that both replicas
 * see. It decides who is active; it knows nothing of channels, logs or guests.
 *
 * All calls block: seconds at worst while the lock is taken, and for as long as the storage itself
 * blocks. A worker thread makes them, never the I/O or vCPU thread. One handle is used by one
 * thread at a time; any number of handles, in any number of processes, may stand on one record.
 *
 * An answer is a win only if the record is known to be on stable storage. Whatever stays unknown is
 * ARBITER_UNREACHABLE, and asking again with the same claim id is always right: whether the first
 * attempt took effect or not, at most one of the askers is told that it won.
 */
#ifndef REPLICATION_ARBITER_H
#define REPLICATION_ARBITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logging/memory.h"
#include "logging/message.h"

#define ARBITER_NAME_SIZE  (LOG_MAX_NAME + 1)
#define ARBITER_ERROR_SIZE 512 /* enough for every reason */

/* Text of name and owner: 1 to LOG_MAX_NAME bytes, no control characters. */
struct arbiter_record {
    char name[ARBITER_NAME_SIZE]; /* of the machine */
    uint64_t term;
    char owner[ARBITER_NAME_SIZE]; /* the replica that holds or released the term */
    uint64_t claim_id;             /* with which it was claimed */
    bool active;                   /* false: released in good order */
    uint64_t since_ns;             /* CLOCK_REALTIME of the claim or release; for people only */
};

/* What is asked. `name` and `owner` are borrowed for the call. */
struct arbiter_claim {
    const char *name;
    const char *owner;
    uint64_t term;     /* claim: the term that must stand now; release: the term given up */
    uint64_t claim_id; /* random, one per claim, the same when it is asked again; 0: never "mine
                          already" */
    uint64_t now_ns;   /* CLOCK_REALTIME, goes into the record */
    bool take_over;    /* start only: also over a record that says somebody is active */
};

enum arbiter_outcome {
    ARBITER_WON,         /* the record is as asked; for a read: here it is */
    ARBITER_LOST,        /* it is another's, and stays so */
    ARBITER_STOPPED,     /* claim only: released in good order, there is nothing to take over */
    ARBITER_ABSENT,      /* read only: the storage answers, and there is no record */
    ARBITER_UNREACHABLE, /* unknown: ask again later; never to be taken for won or lost */
};

struct arbiter;

/* `spec` is "file:PATH", with PATH on storage that both replicas see, or "none", which lets every
 * claim win (the fail-stop assumption of the paper). Touches no storage. `memory` is borrowed for
 * the arbiter's life. Returns 0, or -EINVAL or -ENOMEM with a reason in `error`. */
int arbiter_open(struct arbiter **arbiter, const struct memory *memory, const char *spec,
                 char *error, size_t error_size);

void arbiter_close(struct arbiter *arbiter);

/* For the calls below: `current` (may be NULL) gets the record that stands afterwards, or zeroes
 * where it is not known; `error` gets one line of reason for all but ARBITER_WON, for which it is
 * emptied. */

/* Start of day: no record gives term 1, a released one the term after it. An active one is LOST,
 * unless it is this very claim, or `take_over` is set. The only call that makes a record. */
enum arbiter_outcome arbiter_start(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                   struct arbiter_record *current, char *error, size_t error_size);

/* A running replica claims term + 1. Without a record the answer is UNREACHABLE, for a storage that
 * is not mounted looks like this; and so it is if the record is older than `term`, for then it
 * is not the one that this pair wrote. */
enum arbiter_outcome arbiter_claim(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                   struct arbiter_record *current, char *error, size_t error_size);

/* The owner gives up its term in good order. Asked again, it is a win again. */
enum arbiter_outcome arbiter_release(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                     struct arbiter_record *current, char *error,
                                     size_t error_size);

/* Writes nothing and takes no lock. `current` must not be NULL. */
enum arbiter_outcome arbiter_read(struct arbiter *arbiter, struct arbiter_record *current,
                                  char *error, size_t error_size);

#endif

/*
 * A machine and the replicas that it has had: who is primary now, who is backup, and the steps of
 * a pair's life: start, lose one, get a new one.
 */
#ifndef FAULT_INJECTION_LAB_PAIR_H
#define FAULT_INJECTION_LAB_PAIR_H

#include "fault-injection/lab/replica.h"

#define PAIR_MAX_REPLICAS 4096u
#define PAIR_PER_TEST     32u   /* replicas that one test may use up */
#define PAIR_PROTECT_MS   30000 /* a backup joins and has caught up */
#define PAIR_FAILOVER_MS  10000
#define PAIR_GUEST_MS     180000 /* Linux boots, and Redis with it: with short epochs, slowly */
#define PAIR_READY_LINE   "ftvm-guest: ready"

struct pair {
    struct lab *lab;
    struct replica_options options;
    struct replica *replicas; /* in the order of their starts, those that have ended as well:
                                 what they wrote is still looked at. Room for PAIR_MAX_REPLICAS,
                                 of which the system gives memory as they come */
    unsigned count;
    struct replica *primary, *backup; /* or NULL */
};

/* A primary on a clean arbiter, without a backup, whose guest starts at once; pair_end() is due in
 * either case. */
bool pair_start_alone(struct pair *pair, struct lab *lab, const struct replica_options *options);
/* The same with a backup, for which the guest waits. Both replicas run when it returns.
 */
bool pair_start(struct pair *pair, struct lab *lab, const struct replica_options *options);
/* Kills what runs. */
void pair_end(struct pair *pair);

/* Until the primary and the backup both say so. */
bool pair_wait_protected(struct pair *pair);
/* Until the guest prints that it is ready. */
bool pair_wait_guest(struct pair *pair);
/* Is `text` on the console of the replicas so far? */
bool pair_printed(const struct pair *pair, const char *text);

/* A new backup, on the host where the primary is not. The caller waits until it protects. */
bool pair_add_backup(struct pair *pair);
/* SIGKILL. The survivor becomes pair->primary once it is live. */
bool pair_kill_primary(struct pair *pair, struct failover_times *times);
/* The primary is lost already, in whatever way: waits for the backup to go live. */
bool pair_wait_failover(struct pair *pair, struct failover_times *times);
/* SIGKILL; the primary must then go on unprotected. */
bool pair_kill_backup(struct pair *pair);

/* The shared storage of the arbiter goes away, or comes back. */
bool pair_hide_arbiter(struct pair *pair, bool hidden);

#endif

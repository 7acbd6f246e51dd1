/*
 * What a configuration may set by -D, and its defaults. All is bounded, so every run of the model ends; what a
 * property says "eventually" of is then what holds at the end of each.
 */
#define ORIGINAL 1
#define REVISED  2
#ifndef PROTOCOL
#define PROTOCOL REVISED
#endif

/* 0: every claim wins, which is right as long as nobody is taken for lost who lives. */
#ifndef ARBITER
#define ARBITER 1
#endif

#ifndef REPLICAS
#define REPLICAS 2 /* A starts as primary, B as a joiner, C only by a restart */
#endif

/* How much the guest does, and how far the sender of messages may be ahead of who reads them. */
#ifndef OPERATIONS
#define OPERATIONS 4
#endif
#ifndef IN_FLIGHT
#define IN_FLIGHT 3
#endif

/* Faults, each at most so many times in a run, at any step. */
#ifndef CRASHES
#define CRASHES 0 /* a replica is gone, with all that it had */
#endif
#ifndef CUTS
#define CUTS 0 /* a connection is lost, with what was under way on it; both ends live */
#endif
#ifndef PAUSES
#define PAUSES 0 /* a replica takes no step until it wakes up, still having everything */
#endif
#ifndef OUTAGES
#define OUTAGES 0 /* an arbiter is not reached, or its answer is lost */
#endif
#ifndef RESTARTS
#define RESTARTS 0 /* who crashed or was fenced comes back as a joiner that knows nothing */
#endif
#ifndef PROMOTES
#define PROMOTES 0 /* a backup is told to take over while its primary lives */
#endif

/* Terms count from 1, by each claim that is won. */
#define TERMS 8

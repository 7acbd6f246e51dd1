/*
 * All runs of a cluster, up to a number of choices: which message arrives next, whose vCPU or clock
 * goes on, what goes wrong where. After each choice the checks are made; after the last one the run
 * goes on by the clock, without faults, and must recover.
 *
 * A state that was seen after as many choices or fewer is not gone on from again. What a choice may
 * be stands in explore_choices.h, what a state is in fingerprint.h, what must be true in the end in
 * explore_finish.h. Time stands still between choices, and moves only by those that are about it.
 *
 * Where a state has more than one choice, the cluster is copied. So that a copy that is not one
 * does not go unnoticed, one state in EXPLORE_REPLAYED is reached again by its choices alone, from
 * the start, and compared.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_H

#include "fault-injection/simulator/checks.h"
#include "fault-injection/simulator/explore_choices.h"

#define EXPLORE_MAX_DEPTH 100u
#define EXPLORE_REPLAYED  1024u

enum explore_start {
    EXPLORE_FROM_JOIN, /* a primary and a replica that begins to join it */
    EXPLORE_FROM_PAIR, /* a primary and a backup that may claim, calm */
};

struct explore_options {
    enum engine_protocol protocol;
    bool input_ended; /* epochs of no fixed length */
    enum explore_start start;
    const char *program; /* of the guest, see toy_guest.h: makes outputs, and never halts or hangs
                            or waits without a timer */
    uint64_t lag_epochs; /* at least 1 */
    unsigned depth;      /* choices, at most EXPLORE_MAX_DEPTH */
    struct explore_budget budget;
    bool finish_all;          /* go on by the clock from every state, not only from the last ones */
    uint64_t max_transitions; /* 0: no limit */
    /* Asked now and then: true ends the search. NULL: never. */
    bool (*enough)(void *context);
    /* For tests of the search itself: does what no correct replica or arbiter does, after each
     * choice and from the state alone. NULL: none. */
    void (*meddle)(struct cluster *cluster, void *context);
    void *context;
};

/* A choice as a number: that of the step among those enabled, and before which of its actions the
 * replica is lost. */
#define EXPLORE_CHOICE(step, crash_before) ((uint16_t)((step)*32u + (crash_before)))
#define EXPLORE_STEP_OF(choice)            ((choice) / 32u)
#define EXPLORE_CRASH_OF(choice)           ((choice) % 32u)

struct explore_result {
    uint64_t states;      /* distinct */
    uint64_t transitions; /* choices taken */
    uint64_t finished;    /* runs that went on by the clock to their end */
    uint64_t survived;    /* of them, those with a survivor */
    uint64_t promoted;    /* and those in which a backup had gone live */
    uint64_t replayed;
    uint64_t most_enabled; /* steps of one state */
    unsigned deepest;
    bool complete; /* no state within the depth is missing */

    char violation[CHECK_WHY_SIZE]; /* empty: none */
    uint16_t path[EXPLORE_MAX_DEPTH];
    unsigned path_length;
    char *story; /* of the violation, else NULL. explore_result_clear() frees it */
};

/* 14 choices from a calm pair of the revised protocol, with a crash, a break and two timers. */
struct explore_options explore_defaults(void);

/* False if it found a violation, with which it ends. */
bool explore(const struct explore_options *options, struct explore_result *result);

/* The same, one choice deeper each time: a violation is one of those with the fewest choices. What
 * is counted is the last search. Costs half as much again as one search to the full depth. */
bool explore_shortest(const struct explore_options *options, struct explore_result *result);

void explore_result_clear(struct explore_result *result);

/* The run of these choices, with the checks and the end of a run of theirs. True if nothing is
 * violated; otherwise says what, in `why`. The story is the caller's to free, unless NULL. */
bool explore_replay(const struct explore_options *options, const uint16_t *path, unsigned length,
                    char **story, char why[CHECK_WHY_SIZE]);

#endif

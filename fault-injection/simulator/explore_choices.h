/*
 * What may happen next in a cluster whose time stands still: its enabled single steps, and doing
 * one of them (explore_steps.c). explore.c takes them all, one after the other.
 *
 * A link that is cut, a host that stands still and a network that is slow need no choices of their
 * own: they are the runs in which that step is not chosen for long. What a replica's clock makes of
 * it is a choice (STEP_TIMER, STEP_PAUSE), as a host's clock runs whatever the others do.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_CHOICES_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_CHOICES_H

#include "fault-injection/simulator/cluster.h"

/* How many of each a run may have. */
struct explore_budget {
    unsigned crashes;        /* told (connections are reset) or not */
    unsigned breaks;         /* of a connection: what is under way is lost, both are told */
    unsigned timers;         /* a clock moves on to its replica's next deadline */
    unsigned pauses;         /* a clock moves far beyond it, and the replica did not run */
    unsigned inputs;         /* of devices of any replica */
    unsigned arbiter_faults; /* a question, or its answer, is lost */
    unsigned joiners;        /* replicas that are started on the way */
    unsigned promotions;     /* by command, of a backup */
};

enum step_kind {
    STEP_VCPU,          /* of a replica */
    STEP_DELIVER,       /* the first item of one direction of a connection; an arbiter's answer */
    STEP_TICK,          /* of a replica that asked for it at once */
    STEP_QUESTION,      /* reaches the arbiter, which decides */
    STEP_QUESTION_LOST, /* and the replica is told so */
    STEP_ANSWER_LOST,   /* after the arbiter has decided */
    STEP_LOSE,          /* what a crashed replica had sent over a connection, and not arrived yet */
    STEP_INPUT,
    STEP_TIMER,
    STEP_PAUSE,
    STEP_JOIN,
    STEP_PROMOTE,
    STEP_CRASH,     /* between two steps */
    STEP_POWER_OFF, /* and nobody is told */
    STEP_BREAK,
};

struct step {
    enum step_kind kind;
    unsigned replica, other;
    size_t connection; /* STEP_LOSE */
    uint64_t order;    /* of the item in the queue */
};

/* Enabled steps are numbered from 0, in an order that depends on the state alone. */
#define STEPS_MAX 96u

size_t steps_enabled(const struct cluster *cluster, const struct explore_budget *left,
                     struct step steps[STEPS_MAX]);

/* Does it, and takes it off the budget. With `crash_before` n > 0 the replica is lost before the
 * n-th single thing that its engine then asks for (STEP_CRASH's budget). */
void step_do(struct cluster *cluster, struct explore_budget *left, const struct step *step,
             unsigned crash_before);
/* Whether it may ask for anything. */
bool step_is_an_engines(const struct step *step);

/* As a line of the story. */
#define STEP_TEXT_SIZE 128u
const char *step_text(const struct cluster *cluster, const struct step *step, unsigned crash_before,
                      char text[STEP_TEXT_SIZE]);

#endif

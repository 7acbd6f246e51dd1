/*
 * A schedule: everything that a run depends on, drawn from one seed. The knobs of the cluster, and
 * a list of what goes wrong when. It is data, so that a run that fails can be run again with less
 * in it (shrink.h).
 */
#ifndef FAULT_INJECTION_SIMULATOR_SCHEDULE_H
#define FAULT_INJECTION_SIMULATOR_SCHEDULE_H

#include "fault-injection/simulator/cluster.h"

#define SCHEDULE_MAX_ACTS 48u

/* Of whom something is done to. */
enum act_who { WHO_PRIMARY, WHO_BACKUP, WHO_ANY };

enum act_kind {
    ACT_NOTHING, /* shrunk away */
    ACT_CRASH,
    ACT_POWER_OFF,
    ACT_FAIL,
    ACT_TRAP, /* lost at, before or after something that its engine asks for */
    ACT_JOIN,
    ACT_CUT,      /* one way */
    ACT_CUT_BOTH, /* both ways */
    ACT_FLAP,     /* cut and healed, some times in a row */
    ACT_BREAK,    /* connections reset, with what is in flight */
    ACT_HEAL,
    ACT_PAUSE,
    ACT_RESUME,
    ACT_ARBITER_CUT,
    ACT_ARBITER_HEAL,
    ACT_ARBITER_SLOW,
    ACT_ARBITER_LOSES_ANSWERS,
    ACT_STORE_FAILS,     /* one of its next calls */
    ACT_STORE_POWER_OFF, /* now, or in the middle of a question */
    ACT_STORE_POWER_ON,
    ACT_STORE_STALLS,   /* a replica stands still in the middle of a question */
    ACT_STORE_SET_BACK, /* restored from an old copy */
    ACT_SLOW,
    ACT_CLOCK_JUMP,
    ACT_CLOCK_RACES, /* many small jumps */
    ACT_DISK,
    ACT_MEMORY,
    ACT_HANG, /* of a vCPU thread */
    ACT_FLIP_STATE,
    ACT_FLIP_FRAME,
    ACT_PROMOTE,
    ACT_LEAVE, /* stop of a backup */
    ACT_SECOND_PRIMARY,
    ACT_STOP_STALE, /* an operator stops one that was overtaken */
    ACT_JOIN_STALE, /* a replica that knows the term wants to join one that was overtaken */
    ACT_CROOK,      /* a peer that is not correct */
    ACT_OUTAGE,     /* the backup is lost, and nobody can reach the arbiter for seconds */
    ACT_BURST,      /* of inputs */
    ACT_SINK,       /* what outputs go to takes none for a while */
    ACT_KINDS
};

struct act {
    enum act_kind kind;
    enum act_who who;
    uint64_t draw;    /* picks whatever else there is to pick */
    uint64_t amount;  /* by kind */
    uint64_t wait_ns; /* until the next one */
    unsigned inputs;  /* before the wait */
    bool joins;       /* whoever is alone gets a joiner after the wait */
};

/* How a run ends, once all works again. */
enum finale { FINALE_NONE, FINALE_STOP, FINALE_STOP_LOSING_BYE, FINALE_POWER_OFF, FINALES };

struct schedule {
    uint64_t seed;
    enum finale finale;
    struct cluster_config config;
    uint64_t join_after_ns, settle_ns; /* first backup; and until things begin to go wrong */
    uint64_t joiner_instruction_ns, joiner_load_ns;
    size_t count;
    struct act acts[SCHEDULE_MAX_ACTS];
};

/* Same seed, same schedule. Some seeds are without faults that change states, so that any
 * divergence there is a violation. */
void schedule_draw(struct schedule *schedule, uint64_t seed);

const char *act_name(enum act_kind kind);

#endif

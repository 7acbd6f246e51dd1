/*
 * Replicas, network, arbiter and world in virtual time, around the real engine.
 *
 * Each replica is an engine with a toy guest; messages go through the real codec. Connections keep
 * their order. A link that is cut holds what is sent over it until it is healed, as TCP does; a
 * crash loses nothing that was sent, unless it is told to. Nothing here reads a clock or starts a
 * thread: the same calls give the same run, to the bit.
 *
 * Replicas are called A, B, C ... in the order in which they are added, and are named by their
 * number. A crashed one does not come back: a host that was repaired joins as a new replica.
 *
 * What happens is told in lines, collected in cluster->story while cluster_tell() is on.
 */
#ifndef FAULT_INJECTION_SIMULATOR_CLUSTER_H
#define FAULT_INJECTION_SIMULATOR_CLUSTER_H

#include "replication/arbiter.h"
#include "replication/engine.h"
#include "fault-injection/simulator/checker.h"
#include "fault-injection/simulator/store.h"
#include "fault-injection/simulator/toy_guest.h"

#define CLUSTER_MAX_REPLICAS 24u
#define CLUSTER_NEVER        UINT64_MAX
#define MS                   UINT64_C(1000000)

struct cluster_config {
    struct engine_config engine; /* of every replica, but for role, names, term and seed */
    const char *program;         /* of the guest; NULL: it draws its steps */
    uint64_t instruction_ns;     /* what the guest takes for one */
    uint64_t slice;              /* with epochs of no fixed length: so many until the guest looks
                                    whether its epoch is to end */
    uint64_t latency_ns;         /* of a message, one way */
    uint64_t latency_spread_ns;  /* and up to so much more, drawn */
    uint64_t arbiter_ns;         /* question to answer */
    uint64_t load_ns;            /* of a state */
    size_t chunk_size;           /* pieces in which a state is saved */
    uint64_t seed;

    /* For runs that are to go wrong in more ways; off in cluster_defaults(). */
    uint64_t think_ns;  /* a client, after an answer; CLUSTER_NEVER: none asks */
    size_t padding;     /* of each output */
    uint64_t spacing;   /* of the guest's steps, where lengths are not fixed; 0: the usual */
    bool clocks_differ; /* hosts' clocks start where they are drawn, not upwards */
    bool devices;       /* the guest has a disk, and clients (world.h) */
    uint64_t disk_ns;   /* of a disk request, and up to so much more, drawn */
    bool watches_ends;  /* replicas that end for no reason are a violation */
    /* Lets the `countdown`-th allocation from here on fail; 0: none. Returns whether one has failed
     * since the last call, and leaves in *countdown what is left of it. NULL: none ever fails. */
    bool (*allocation_arm)(uint64_t *countdown);
};

enum guest_fault {
    GUEST_SOUND,
    GUEST_FLIPS_HASH,      /* once: its state is not what it should be */
    GUEST_SKIPS_A_VALUE,   /* once: it ends its epoch where it should ask */
    GUEST_STOPS_ELSEWHERE, /* once: one instruction late */
    GUEST_CANNOT_SAVE,
    GUEST_CANNOT_LOAD,
};

enum disk_fault { DISK_SOUND, DISK_FULL, DISK_FAILS, DISK_TORN };

enum vcpu_state {
    VCPU_OFF,
    VCPU_BEGINS,
    VCPU_RUNS,
    VCPU_WAITS,
    VCPU_SAVES,
    VCPU_LOADS,
    VCPU_HANGS
};

/* What a backup executed, to be compared with its primary. */
struct executed {
    uint64_t epoch;
    uint64_t position;
    uint64_t digest;
    bool from_log; /* its end was an entry of the log, not decided here */
};

struct replica {
    struct engine *engine;
    struct engine_config config;
    char name[2];
    bool alive;
    bool paused;
    enum engine_end end;     /* why it ended, if its engine did */
    uint64_t clock_base_ns;  /* its host's clock - virtual time */
    uint64_t instruction_ns; /* 0: the cluster's */
    uint64_t load_ns;
    unsigned origin; /* replica that it joined; itself for a first primary */
    unsigned address;
    unsigned backup;    /* whom it last told PROTECTED */
    bool takes_nothing; /* of a state */
    bool rejoins;       /* tries again if refused for now */
    size_t attempt;     /* the connection that it made last */

    struct toy_guest guest;
    enum guest_fault fault;
    enum vcpu_state vcpu;
    uint64_t vcpu_due_ns;
    bool has_state; /* all of it, to be loaded */
    bool vcpu_live;
    uint64_t slice_end; /* a look is due there, before the next step; 0: none */
    char asked;         /* the step that waits for an answer */
    uint64_t last_clock_value_ns;
    int64_t clock_offset_ns;
    struct engine_epoch next_epoch; /* to run after a save or a load */
    bool size_told;
    uint8_t *state; /* being saved or loaded */
    size_t state_size, state_used;

    struct executed *executed;
    size_t executed_count, executed_capacity;
    uint64_t first_live_epoch; /* CLUSTER_NEVER while it is a backup */
    uint64_t promotions;
    uint64_t inputs_taken; /* by the engine while live */
    uint64_t inputs_before_live;
    uint64_t term;

    uint64_t takes_outputs_ns;    /* what they go to has no room for them before */
    enum disk_fault disk_fault;   /* at its next disk request */
    uint64_t disk_done;           /* the last request that its disk has finished */
    unsigned disk_generation;     /* completions of an earlier one do not come any more */
    uint64_t allocation_fails_in; /* so many allocations; 0: never */
    bool hangs, fails, starves;   /* why it may end */
    bool fooled;                  /* it was sent what no correct replica sends */
    uint64_t altered_lsn;         /* an entry that it must not execute; 0: none */
    bool state_altered;           /* a state that it must not load */
    bool flipped;                 /* its guest's state was changed behind its back */

    /* What watch.h has seen. */
    uint64_t *made; /* [n - 1]: the log's length before output n, 0 for a backup's */
    size_t made_count, made_capacity;
    uint64_t told_term;       /* of the last PROTECTED that it sent, to `backup` */
    uint64_t told_released;   /* by its primary */
    uint64_t answers;         /* entries answered to its guest while a backup */
    uint64_t epochs_answered; /* of them, boundaries */
    uint64_t inputs_given;    /* to its guest while live */
    uint64_t inputs_due;      /* at its next boundary, at least */

    bool arbiter_cut;
    unsigned
        lose_answers; /* of the arbiter: so many come as unreachable, though they took effect */
    uint64_t extra_arbiter_ns;
    uint64_t last_claim_id;
    unsigned claims_asked;
};

struct emission {
    uint64_t at_ns;
    unsigned replica;
    uint64_t term;
    uint64_t number;
    uint64_t content;
};

#define CLUSTER_CLIENTS TOY_CLIENTS

/* A client asks one thing at a time, and again if it hears nothing. */
struct client {
    uint32_t asked, acknowledged; /* number of its last request; of the last one answered */
    uint64_t again_ns;            /* to ask again */
};

struct connection {
    unsigned ends[2]; /* replicas: who connected, who was connected to */
    bool open[2];
    uint64_t last_arrival_ns[2]; /* towards that end */
    /* What watch.h has seen of entries towards that end. */
    uint64_t sent_lsn[2], received_lsn[2], loaded_lsn[2], sent_boundaries[2];
};

/* Something to go wrong in the middle of an update. */
enum trap_moment {
    TRAP_NONE,
    TRAP_BEFORE, /* the replica is lost before it does it, and nothing after it is done */
    TRAP_AFTER,  /* the replica is lost after it; a message is under way */
    TRAP_WITH,   /* a message is sent and lost with the replica */
};

struct trap {
    enum trap_moment moment;
    unsigned replica;
    enum engine_action_type action;
    enum message_type message; /* for ENGINE_DO_SEND */
    unsigned skip;
    bool silent; /* powered off: nobody is told */
};

struct pending;

struct cluster {
    struct cluster_config config;
    uint64_t now_ns;
    uint64_t random;

    struct replica replicas[CLUSTER_MAX_REPLICAS];
    unsigned replica_count;
    struct connection *connections;
    size_t connection_count, connection_capacity;
    bool cut[CLUSTER_MAX_REPLICAS][CLUSTER_MAX_REPLICAS];
    struct pending *queue; /* a heap */
    size_t queue_count, queue_capacity;
    struct pending *held;
    size_t held_count, held_capacity;
    uint64_t order;
    struct trap trap;
    uint64_t crash_at_action; /* counted over all replicas; 0: none */
    bool crash_loses_messages;
    bool answers_lost_at_first; /* of the arbiter, once for each replica */
    uint64_t actions;

    struct store store;
    struct arbiter *arbiter;
    struct arbiter_record lost_record; /* what was there before an old copy was; term 0: none */
    struct arbiter_record record;      /* as it stands on the store, after each question */

    struct emission *emissions;
    size_t emission_count, emission_capacity;
    uint64_t input_count; /* that the world has made */
    struct client clients[CLUSTER_CLIENTS];
    uint64_t flow_epoch; /* when it was last asked whether all goes on */
    size_t flow_emissions;
    unsigned crook, crook_victim; /* crook.h */
    uint64_t jumped_ns;           /* by all clocks together */
    bool calm;           /* nothing goes wrong any more; new replicas are as fast as the rest */
    bool clients_silent; /* they ask nothing more */
    uint64_t steps;      /* of engines */
    unsigned flip_frame[CLUSTER_MAX_REPLICAS][CLUSTER_MAX_REPLICAS]; /* so many lose a bit */
    unsigned flips, stops; /* what was done: states changed behind a guest's back, stop commands */
    bool tainted; /* one with a changed state has gone live: its history is another guest's */
    bool halts;   /* the guest's program does */
    enum checker violated; /* the first violation seen while it ran, or CHECKER_NONE */
    char violation[256];

    char *story;
    size_t story_size, story_capacity;
    uint64_t story_start_ns;
    bool tells;
    bool tells_heartbeats;
};

/* Epochs of 10 ms and 10000 instructions, messages and arbiter 1 ms, heartbeat 50 ms, timeout 1 s.
 */
struct cluster_config cluster_defaults(void);
struct cluster *cluster_create(const struct cluster_config *config);
void cluster_destroy(struct cluster *cluster);
uint64_t cluster_random(struct cluster *cluster, uint64_t below);

/* Both return the replica's number. A primary claims its term at the arbiter at once, and takes
 * over whatever the record says. */
unsigned cluster_add_primary(struct cluster *cluster);
unsigned cluster_add_backup(struct cluster *cluster, unsigned primary);
/* Before it is started: for a test that wants another configuration. */
unsigned cluster_prepare(struct cluster *cluster, enum engine_role role, unsigned primary);
void cluster_start(struct cluster *cluster, unsigned replica);
/* A connects to B; the engine of A decides what to do with it. */
void cluster_connect(struct cluster *cluster, unsigned from, unsigned to);

void cluster_run(struct cluster *cluster, uint64_t for_ns);
/* Runs until it is so; false if it is not within the time. */
bool cluster_run_until(struct cluster *cluster, bool (*is_so)(struct cluster *),
                       uint64_t within_ns);
void cluster_step(struct cluster *cluster, unsigned replica, struct engine_event *event);

/* What may go wrong. */
void cluster_crash(struct cluster *cluster, unsigned replica);     /* its connections are reset */
void cluster_power_off(struct cluster *cluster, unsigned replica); /* silently */
void cluster_pause(struct cluster *cluster, unsigned replica);
void cluster_resume(struct cluster *cluster, unsigned replica);
void cluster_cut(struct cluster *cluster, unsigned from, unsigned to);  /* one way */
void cluster_heal(struct cluster *cluster, unsigned from, unsigned to); /* one way */
void cluster_heal_all(struct cluster *cluster);
void cluster_break(struct cluster *cluster, unsigned a, unsigned b); /* what is under way is lost */
void cluster_lose(struct cluster *cluster, unsigned from, unsigned to); /* what is under way */
void cluster_cut_arbiter(struct cluster *cluster, unsigned replica, bool cut);
/* The arbiter's storage loses its power, with what was not synced, or has it again. */
void cluster_store_power(struct cluster *cluster, bool on);
/* It was restored from a copy that is older than the present term. False if there is no such copy.
 * The second puts back what it was. */
bool cluster_store_set_back(struct cluster *cluster);
void cluster_store_mend(struct cluster *cluster);

/* The next frame from one to the other arrives with one bit changed. */
void cluster_flip_frame(struct cluster *cluster, unsigned from, unsigned to);
/* The state of its guest is changed behind its back. */
void cluster_flip_state(struct cluster *cluster, unsigned replica);
void cluster_misguide(struct cluster *cluster, unsigned replica, enum guest_fault fault);
void cluster_jump_clock(struct cluster *cluster, unsigned replica, uint64_t forward_ns);
void cluster_break_disk(struct cluster *cluster, unsigned replica, enum disk_fault fault);
void cluster_hang(struct cluster *cluster, unsigned replica);
/* What its outputs go to takes none for a while. */
void cluster_fill_sink(struct cluster *cluster, unsigned replica, uint64_t for_ns);
void cluster_starve(struct cluster *cluster, unsigned replica, uint64_t allocations);
/* Somebody starts a second primary without being told to take over. It must not begin. */
void cluster_start_second_primary(struct cluster *cluster);

/* What the world and the operator do. False if the engine has no room for the input. */
bool cluster_input(struct cluster *cluster, unsigned replica);
void cluster_stop(struct cluster *cluster, unsigned replica);
void cluster_fail(struct cluster *cluster, unsigned replica, const char *reason);
void cluster_promote(struct cluster *cluster, unsigned replica);
/* A message as if it came from that replica over the connection between the two. */
void cluster_forge(struct cluster *cluster, unsigned from, unsigned to,
                   const struct message *message);

struct engine_status cluster_status(const struct cluster *cluster, unsigned replica);
bool cluster_is_live(const struct cluster *cluster, unsigned replica); /* alive, and decides */
/* The live replica that holds the record, or CLUSTER_MAX_REPLICAS. */
unsigned cluster_survivor(const struct cluster *cluster);
bool cluster_is_protected(struct cluster *cluster); /* some primary is, and its backup was told */

/* A rule was seen broken. */
void cluster_violation(struct cluster *cluster, enum checker checker, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The story. */
void cluster_tell(struct cluster *cluster, bool tells);
void cluster_say(struct cluster *cluster, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

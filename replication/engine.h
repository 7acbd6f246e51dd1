/*
 * The replication protocol of one replica, as a pure state machine.
 *
 * engine_step() takes one event (a message, a boundary, an output, a claim's answer, a peer lost,
 * time passed) and says what must now be done. The engine has no I/O, no clock, no thread and no
 * randomness: the time comes with every event, random numbers with the configuration. It is the
 * same code in production (libftvm/node.c), in the tests' virtual time and in the simulator.
 *
 * The rules that it obeys are those of docs/protocol.md, R1 to R9; the code names them where it
 * does.
 *
 * Of a machine's state the engine knows a digest and no more: to the BYE of a replica that diverged
 * its owner adds the parts of which that was made.
 *
 * The vCPU thread is seen as a client that makes one request at a time (BEGIN, BOUNDARY, VALUE on a
 * backup) and gets one ENGINE_DO_REPLY for it, possibly much later, and that tells of OUTPUT and,
 * on a live replica, VALUE, without waiting. A replica becomes live (decides for itself) exactly
 * with the reply that says so: what the vCPU did before that request was a backup's, what it does
 * after it is a primary's.
 */
#ifndef REPLICATION_ENGINE_H
#define REPLICATION_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logging/memory.h"
#include "logging/message.h"

typedef uint64_t engine_peer; /* a connection; 0 is none */

/* Limits. What happens at each stands in docs/protocol.md, "Limits". */
#define ENGINE_MAX_PENDING_INPUTS 8192u       /* inputs waiting for a boundary */
#define ENGINE_MAX_PENDING_BYTES  (16u << 20) /* their bytes */
#define ENGINE_MAX_HELD_OUTPUTS   65536u      /* outputs waiting for acknowledgement, or kept */
#define ENGINE_MAX_HELD_BYTES     (64u << 20)
#define ENGINE_MAX_LOG_BYTES      (48u << 20) /* primary: sent and not yet executed by the backup */
#define ENGINE_LOG_CEILING        (512u << 20) /* backup: received and not executed: primary at fault */
#define ENGINE_OFFER_AGAIN_NS     UINT64_C(1000000) /* after an output was refused */
#define ENGINE_CLAIM_RETRY_NS     UINT64_C(200000000)
#define ENGINE_RELEASE_TRIES      10u /* to mark the arbiter's record released, before giving up */

enum engine_role { ENGINE_PRIMARY, ENGINE_BACKUP };
enum engine_protocol { ENGINE_ORIGINAL, ENGINE_REVISED };
enum engine_lag_policy { ENGINE_LAG_WAIT, ENGINE_LAG_DROP };

/* Why a replica ends. */
enum engine_end {
    ENGINE_RUNNING = 0,
    ENGINE_END_STOPPED,  /* in good order, by command */
    ENGINE_END_HALTED,   /* the guest halted */
    ENGINE_END_FENCED,   /* lost a claim */
    ENGINE_END_DIVERGED, /* this backup disagrees with the log */
    ENGINE_END_LOST,     /* primary lost before this backup might claim */
    ENGINE_END_STUCK,    /* vCPU thread reached no boundary for too long */
    ENGINE_END_FAILED,   /* told to fail: machine or host at fault */
    ENGINE_END_CORRUPT,  /* the other side sent what no correct replica sends */
    ENGINE_END_MEMORY,
};

enum engine_outcome { ENGINE_WON, ENGINE_LOST, ENGINE_UNREACHABLE, ENGINE_RELEASED };

struct engine_config {
    const struct memory *memory; /* borrowed for the engine's life */
    enum engine_role role;
    const char *name;    /* of the machine; borrowed for the engine's life, as the next two */
    const char *replica; /* of this replica */
    struct log_bytes description; /* primary: sent to joiners. Backup: expected, may be empty */
    uint64_t term; /* primary: the one claimed at start. Backup: highest seen, or 0 */
    bool arbitrated;
    enum engine_protocol protocol; /* primary's; a backup takes these from WELCOME, to lag_policy */
    uint64_t epoch_length;         /* of each; 0: as the next two say */
    uint64_t epoch_min_ns;         /* for who runs the vCPU: no input ends an epoch before that */
    uint64_t epoch_max_ns;         /* aimed at, by the guest's measured speed */
    uint64_t heartbeat_ns;
    uint64_t timeout_ns;
    uint64_t lag_epochs;
    enum engine_lag_policy lag_policy;
    uint64_t stuck_ns;
    bool wait_backup;
    uint64_t claim_seed; /* random: claim ids are drawn from it */
    uint64_t rate_q32;   /* first guess of nanoseconds per instruction */
};

/* ---- In ------------------------------------------------------------------------------------ */

enum engine_event_type {
    ENGINE_TICK,         /* time passed, or a batch of messages ended: acknowledgements leave now */
    ENGINE_CONNECTED,    /* peer, incoming */
    ENGINE_PEER_LOST,    /* peer, reason */
    ENGINE_MESSAGE,      /* peer, message */
    ENGINE_HEARD,        /* peer: it is not silent, we do not listen (flow control) */
    ENGINE_BEGIN,        /* vCPU request: position; answered by an epoch, or by a state to load */
    ENGINE_BOUNDARY,     /* vCPU request: position, digest, idle, wake_ns, halt */
    ENGINE_VALUE,        /* vCPU: position, data, is_clock; a request on a replica not live */
    ENGINE_OUTPUT,       /* vCPU: device, data */
    ENGINE_INPUT,        /* device, data */
    ENGINE_STATE_SIZE,   /* vCPU: size: a save begins, of about so many bytes (0: unknown) */
    ENGINE_STATE_CHUNK,  /* vCPU: data, inside a save */
    ENGINE_STATE_SAVED,  /* vCPU: ok; a request, answered by GO or SAVE */
    ENGINE_STATE_LOADED, /* vCPU: ok; a request, answered by GO with the epoch to run */
    ENGINE_CLAIM_ANSWER, /* claim_id, outcome, reason */
    ENGINE_RELEASE_ANSWER, /* outcome, reason */
    ENGINE_STOP,           /* command */
    ENGINE_FAIL,           /* command: reason */
    ENGINE_NO_MEMORY,      /* reason: what was to be done could not be, for lack of it */
    ENGINE_PROMOTE,        /* command */
};

/* Pointers are borrowed for the duration of the step. Only the fields named above are read. */
struct engine_event {
    enum engine_event_type type;
    uint64_t now_ns; /* monotonic; never smaller than in an earlier event */
    engine_peer peer;
    bool incoming;
    const struct message *message;
    const char *reason;
    uint64_t position;
    uint64_t digest;
    bool idle;
    uint64_t wake_ns; /* guest time; UINT64_MAX for never */
    bool halt;
    bool is_clock; /* the value is a reading of the guest's clock: 8 bytes, little endian */
    bool ok;
    uint32_t device;
    struct log_bytes data;
    uint64_t size;
    uint64_t claim_id;
    enum engine_outcome outcome;
};

/* ---- Out ----------------------------------------------------------------------------------- */

enum engine_action_type {
    ENGINE_DO_SEND,      /* peer, message */
    ENGINE_DO_AUTHORISE, /* peer: its HELLO was accepted */
    ENGINE_DO_CLOSE,     /* peer: flush and close */
    ENGINE_DO_EMIT,      /* outputs: let them leave, in order */
    ENGINE_DO_REPLY,     /* reply: to the vCPU */
    ENGINE_DO_CLAIM,     /* claim_id, term: ask the arbiter for term -> term + 1 */
    ENGINE_DO_RELEASE,   /* term: mark the record released */
    ENGINE_DO_WELCOMED,  /* this backup was accepted: message is the WELCOME */
    ENGINE_DO_REFUSED,   /* this backup was refused: message is the REFUSE; try again or give up */
    ENGINE_DO_NOTIFY,    /* notice */
    ENGINE_DO_END,       /* end, reason: nothing follows */
};

enum engine_reply_type {
    ENGINE_REPLY_EPOCH,       /* inputs, then the next epoch; save: and save the state first */
    ENGINE_REPLY_VALUE,       /* data */
    ENGINE_REPLY_SAVE,        /* save the state (again) */
    ENGINE_REPLY_GO,          /* after a save or a load: run the epoch */
    ENGINE_REPLY_STATE,       /* to BEGIN on a backup: a state follows, for this epoch */
    ENGINE_REPLY_STATE_CHUNK, /* data */
    ENGINE_REPLY_STATE_END,   /* the state is complete and undamaged */
};

struct engine_epoch {
    uint64_t number;
    uint64_t position;
    uint64_t length;
    uint64_t clock_ns;
    uint64_t rate_q32;
};

struct engine_reply {
    enum engine_reply_type type;
    struct engine_epoch epoch;
    size_t input_count;
    const struct log_input *inputs;
    struct log_bytes data;
    bool save;
    bool live;               /* this replica decides for itself from here on */
    bool promoted;           /* and did not before */
    int64_t clock_offset_ns; /* live: guest time - now_ns */
};

/* An output that leaves; a chain in order. */
struct engine_output {
    struct engine_output *next;
    uint64_t number; /* counted since reset of the history, from 1 */
    uint64_t lsn;    /* last entry before it */
    uint64_t made_ns;
    uint32_t device;
    size_t size;
    uint8_t data[];
};

enum engine_notice_type {
    ENGINE_NOTICE_ROLE,     /* role, protection or term changed */
    ENGINE_NOTICE_JOIN,     /* text */
    ENGINE_NOTICE_REFUSE,   /* text, refused */
    ENGINE_NOTICE_TRANSFER, /* done, total; a primary: pause_ns at the end */
    ENGINE_NOTICE_SUSPECT,  /* text */
    ENGINE_NOTICE_ARBITER,  /* text */
    ENGINE_NOTICE_FAILOVER, /* detected_ns, claimed_ns, consumed_ns */
    ENGINE_NOTICE_FENCED,   /* text */
    ENGINE_NOTICE_DIVERGED, /* position, text; a backup: agreed; its primary: parts */
};

struct engine_notice {
    enum engine_notice_type type;
    const char *text;
    const char *refused; /* name of the replica that was */
    uint64_t done, total, pause_ns;
    uint64_t detected_ns, claimed_ns, consumed_ns;
    uint64_t agreed, position;
    size_t part_count; /* of the other replica's state at `position` */
    const struct log_part *parts;
};

struct engine_action {
    enum engine_action_type type;
    engine_peer peer;
    struct message message; /* SEND, WELCOMED, REFUSED */
    const struct engine_output *outputs;
    struct engine_reply reply;
    uint64_t claim_id;
    uint64_t term;
    struct engine_notice notice;
    enum engine_end end;
    const char *reason;
};

#define ENGINE_MAX_ACTIONS 24u

/* What must now be done, in this order. Everything pointed to belongs to the engine (or to the
 * event) and is valid until the next step. */
struct engine_update {
    size_t count;
    struct engine_action actions[ENGINE_MAX_ACTIONS];
};

/* ---- Calls --------------------------------------------------------------------------------- */

struct engine;

/* NULL if out of memory. */
struct engine *engine_create(const struct engine_config *config, uint64_t now_ns);
void engine_destroy(struct engine *engine);

void engine_step(struct engine *engine, const struct engine_event *event,
                 struct engine_update *update);

/* A backup that was welcomed may become the primary of joiners, and then tells them what its own
 * primary told it. Borrowed, like what engine_create() was given. */
void engine_set_machine(struct engine *engine, const char *name, struct log_bytes description);

/* The output of this number, which the last update lets leave, cannot, nor can those behind it:
 * they are offered again a little later, and no other leaves before them. Called between that
 * update and the next step; once called, no more of the update's outputs may leave. Not called: all
 * have left.
 */
void engine_refuse_output(struct engine *engine, uint64_t number);

/* When ENGINE_TICK must come at the latest; UINT64_MAX for never. It is the earlier of two: when a
 * guest that idles is to go on, and all else (peers, claims, acknowledgements). Whoever waits for
 * the one need not be woken for the other. */
uint64_t engine_deadline(const struct engine *engine);
uint64_t engine_idle_deadline(const struct engine *engine);
uint64_t engine_watch_deadline(const struct engine *engine);

/* May the epoch that the vCPU runs end before its length? On a live replica whose lengths are not
 * fixed: the record of the end tells its backup where. Not on a backup that has won and executes
 * the last epoch of its log, as its primary may have released outputs of all of it. */
bool engine_may_cut(const struct engine *engine);
/* Does anything wait for a boundary? */
bool engine_wants_boundary(const struct engine *engine);

/* Flow control: may the next thing from the vCPU (an output, a value, a chunk) be stepped now, may
 * an input of that size? What may not is kept by the caller, in order, until it may. */
bool engine_accepts_vcpu(const struct engine *engine);
bool engine_accepts_input(const struct engine *engine, size_t size);

struct engine_status {
    enum engine_role role;
    bool live;
    bool is_protected;
    bool joining;
    bool saving; /* a save by the vCPU is still wanted */
    bool claiming;
    enum engine_end end;
    engine_peer peer; /* the backup, the joiner, the primary; 0 for none */
    uint64_t term;
    uint64_t epoch;
    uint64_t position;
    uint64_t peer_position;
    uint64_t clock_ns;
    uint64_t lsn;
    uint64_t lsn_acked;
    uint64_t lsn_consumed;
    uint64_t outputs;
    uint64_t outputs_released;
    uint64_t outputs_held;
    uint64_t inputs_delivered;
    uint64_t log_bytes;
    uint64_t peer_heard_ns;
    const char *peer_name;
};

void engine_get_status(const struct engine *engine, struct engine_status *status);

#endif

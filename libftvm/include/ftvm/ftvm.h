/*
 * ftvm.h - fault tolerance for a virtual machine, by primary and backup in lockstep.
 *
 * You have a machine: something that executes a guest deterministically, one instruction (or any
 * other unit of progress) after the other. You link libftvm, describe the machine by a few
 * callbacks (struct ftvm_machine_ops), and call the library where the outside world touches it:
 *
 *     ftvm_node_create(&config, &node);     one replica of the machine
 *     ftvm_node_start(node);                primary: claim the term; backup: join the primary
 *     ftvm_begin(node, &ops, me, &epoch);   backup: the state arrives through ops.load
 *     for (;;) {
 *         run the guest until epoch.position + epoch.length, or until it idles or halts
 *           (better: until ftvm_stop_at(node, position), again and again);
 *         what leaves it:               ftvm_output(node, device, data, size);
 *         a result it cannot compute:   ftvm_value(node, position, &value, sizeof value);
 *         then:                         ftvm_boundary(node, position, &epoch);
 *     }
 *     from any thread, when the world has something for the guest:
 *                                       ftvm_input(node, device, data, size);
 *
 * The same loop runs on the primary and on the backup; the machine need not know which it is. A
 * boundary is the only place where inputs enter the guest (ops.deliver). When the primary is lost,
 * the backup's next ftvm_boundary() (or ftvm_value()) returns as primary and the guest goes on.
 *
 * The contract of determinism. From one boundary to the next the machine's behaviour may depend on
 * its state, the epoch's clock, and the values from ftvm_value(), and on nothing else. A position
 * is a count of progress that never decreases and at which the machine can stop reproducibly; a
 * machine that can stop only at or just past a position is welcome so long as where it stops is
 * deterministic.
 *
 * Threads. "vCPU thread" is the one thread that runs the guest and calls ftvm_begin, ftvm_stop_at,
 * ftvm_boundary, ftvm_idle, ftvm_halt, ftvm_output and ftvm_value. "I/O thread" belongs to the
 * library. Other calls say which thread may make them. The library has no global state: any number
 * of nodes may live in one process. It installs no signal handlers, prints nothing and never exits.
 *
 * Errors. Every int result is 0 or positive for success, or one of the negative enum ftvm_error;
 * ftvm_node_error() then has a line for people that names the values involved. On error nothing was
 * taken.
 *
 * Sources: Bressoud and Schneider, "Hypervisor-based fault tolerance", SOSP 1995 and TOCS 14(1),
 * 1996: epochs, rules P0-P7, the output rule of the revised protocol (section 4.3).
 */
#ifndef FTVM_FTVM_H
#define FTVM_FTVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTVM_API __attribute__((visibility("default")))

#define FTVM_VERSION_MAJOR 0
#define FTVM_VERSION_MINOR 1
#define FTVM_VERSION_PATCH 0

/* ---- Errors -------------------------------------------------------------------------------- */

/* X(name, number, text). Numbers are stable. */
#define FTVM_ERRORS(X)                                                                             \
    X(FTVM_E_INVALID, -1, "invalid argument or configuration")                                     \
    X(FTVM_E_MEMORY, -2, "out of memory")                                                          \
    X(FTVM_E_SYSTEM, -3, "the operating system refused")                                           \
    X(FTVM_E_STATE, -4, "the node is not in a state that allows this call")                        \
    X(FTVM_E_FULL, -5, "a bounded queue is full; try again later")                                 \
    X(FTVM_E_TOO_LARGE, -6, "larger than the limit")                                               \
    X(FTVM_E_ACTIVE, -7, "another replica is active under this name")                              \
    X(FTVM_E_ARBITER, -8, "the arbiter cannot be reached")                                         \
    X(FTVM_E_REFUSED, -9, "the primary refused this replica")                                      \
    X(FTVM_E_NO_PRIMARY, -10, "no primary answers")                                                \
    X(FTVM_E_STOPPED, -11, "the machine was stopped in good order")                                \
    X(FTVM_E_HALTED, -12, "the guest halted")                                                      \
    X(FTVM_E_FENCED, -13, "fenced: another replica won the claim")                                 \
    X(FTVM_E_DIVERGED, -14, "diverged: this replica's execution differs from the log")             \
    X(FTVM_E_LOST, -15, "the primary was lost before this replica could take over")                \
    X(FTVM_E_STUCK, -16, "the vCPU thread reached no boundary for too long")                       \
    X(FTVM_E_MACHINE, -17, "a callback of the machine failed")                                     \
    X(FTVM_E_CORRUPT, -18, "damaged or hostile data from the other replica")

enum ftvm_error {
#define FTVM_ERROR_ENUM(name, number, text) name = number,
    FTVM_ERRORS(FTVM_ERROR_ENUM)
#undef FTVM_ERROR_ENUM
};

/* Text of an error code, never NULL. Any thread. */
FTVM_API const char *ftvm_strerror(int error);
/* "0.1.0" of the library that was linked; compare with FTVM_VERSION_*. */
FTVM_API const char *ftvm_version(void);

/* ---- Limits -------------------------------------------------------------------------------- */

#define FTVM_MAX_INPUT       (128u * 1024) /* bytes of one input */
#define FTVM_MAX_OUTPUT      (128u * 1024) /* bytes of one output */
#define FTVM_MAX_VALUE       4096u         /* bytes of one value */
#define FTVM_MAX_DESCRIPTION (64u * 1024)  /* bytes of a machine's description */
#define FTVM_MAX_NAME        64u           /* bytes of a name */

/* ---- The machine --------------------------------------------------------------------------- */

typedef uint64_t ftvm_position; /* instructions (or other units of progress) since reset */
typedef uint64_t ftvm_term;     /* fencing number: grows with every change of who is active */

struct ftvm_node;

/* Where a state is written to, during ops.save. */
struct ftvm_writer;
/* Appends to the state; blocks while the other replica is slower. A negative result (the joiner is
 * gone) must be returned from ops.save. vCPU thread, inside ops.save only. */
FTVM_API int ftvm_write(struct ftvm_writer *writer, const void *data, size_t size);

/* Where a state is read from, during ops.load. */
struct ftvm_reader;
/* Reads exactly `size` bytes, blocking until they are here. A negative result (end of state,
 * primary lost) must be returned from ops.load. vCPU thread, inside ops.load only. */
FTVM_API int ftvm_read(struct ftvm_reader *reader, void *data, size_t size);

/* How outputs in flight are settled when a backup goes live. */
enum ftvm_settle {
    FTVM_SETTLE_REISSUE,   /* the machine issues its I/O in flight again */
    FTVM_SETTLE_UNCERTAIN, /* the machine tells the guest that its I/O in flight may have failed */
};

/* Implemented by the VMM. `machine` is the pointer given to ftvm_begin. */
struct ftvm_machine_ops {
    /* An input enters the guest. vCPU thread, at a boundary, in the order of the log, on both
     * replicas. Data is valid during the call. A negative result ends the node (FTVM_E_MACHINE). */
    int (*deliver)(void *machine, uint32_t device, const void *data, size_t size);
    /* An output may leave: send it now. Must not block. Called on the active replica
     * only, and after a promotion possibly again for outputs that the lost primary had sent. One at
     * a time, on the I/O or the vCPU thread; the latter is then inside of a call to the library. */
    void (*emit)(void *machine, uint32_t device, const void *data, size_t size);
    /* Writes the whole state / replaces it by what is read. vCPU thread, at a boundary. 0 or a
     * negative code. A loaded state is to be validated: it comes from the network. */
    int (*save)(void *machine, struct ftvm_writer *writer);
    int (*load)(void *machine, struct ftvm_reader *reader);
    /* A digest of the state that must agree between replicas at equal positions; cheap, as it is
     * asked for at every boundary. vCPU thread. NULL: no check but the position's. */
    uint64_t (*digest)(void *machine);
    /* This replica is active from here on. Called once, on the vCPU thread, at the boundary (or
     * value) where the log ended: settle I/O in flight, announce on networks. NULL: nothing. */
    void (*promoted)(void *machine, enum ftvm_settle settle);
    /* Bytes that save would write, for progress display. vCPU thread. NULL: unknown. */
    uint64_t (*state_size)(void *machine);
};

/* One stretch of execution, filled in by ftvm_begin, ftvm_boundary and ftvm_idle. */
struct ftvm_epoch {
    uint64_t number;
    ftvm_position position; /* where it starts: the position passed to ftvm_boundary */
    uint64_t length;        /* run until position + length, unless the guest idles or halts first,
                               or ftvm_stop_at says to end it */
    uint64_t clock_ns;      /* guest time at its start, nanoseconds since the guest's first reset */
    uint64_t rate_q32;      /* guest nanoseconds per unit of position, 32.32 fixed point: guest time
                               inside is clock_ns + ((at - position) * rate_q32 >> 32) */
};

/* ---- Configuration ------------------------------------------------------------------------- */

enum ftvm_role { FTVM_ROLE_PRIMARY, FTVM_ROLE_BACKUP };

enum ftvm_protocol {
    FTVM_PROTOCOL_ORIGINAL, /* wait for the acknowledgement at every boundary */
    FTVM_PROTOCOL_REVISED,  /* outputs wait instead of the guest (default) */
};

/* What the primary does when the backup's execution is `lag_epochs` behind. */
enum ftvm_lag_policy {
    FTVM_LAG_WAIT, /* the guest waits at its boundary until the backup has caught up (default) */
    FTVM_LAG_DROP, /* the backup is dropped, and the primary goes on unprotected once it has won the
                      claim that this needs */
};

enum ftvm_event_kind {
    FTVM_EVENT_START,    /* the node runs */
    FTVM_EVENT_ROLE,     /* role, protection or term changed */
    FTVM_EVENT_JOIN,     /* a replica joins this primary, or this backup was accepted */
    FTVM_EVENT_REFUSE,   /* this primary refused a replica: text says why */
    FTVM_EVENT_TRANSFER, /* state transfer: done, total (0: unknown); done == total at its end */
    FTVM_EVENT_SUSPECT,  /* the other replica is suspected lost: text says why */
    FTVM_EVENT_ARBITER,  /* the arbiter became unreachable or reachable again: text */
    FTVM_EVENT_FAILOVER, /* this backup went live: the four failover times */
    FTVM_EVENT_FENCED,   /* another replica won */
    FTVM_EVENT_DIVERGED, /* agreed and position: last that agreed, first that did not */
    FTVM_EVENT_STOP,     /* the node ends: error and text say why */
};

/* Something happened. Fields that do not belong to the kind are zero. */
struct ftvm_event {
    enum ftvm_event_kind kind;
    uint64_t time_ns; /* CLOCK_REALTIME */
    enum ftvm_role role;
    bool is_protected;
    ftvm_term term;
    ftvm_position position;
    const char *peer;     /* name of the other replica, or "" */
    const char *text;     /* one line for people, or "" */
    uint64_t done, total; /* bytes */
    uint64_t pause_ns;    /* TRANSFER at its end: how long the guest stood still */
    uint64_t detected_ns; /* FAILOVER: last sign of life until suspicion */
    uint64_t claimed_ns;  /* FAILOVER: suspicion until the claim was won */
    uint64_t consumed_ns; /* FAILOVER: claim until the log was consumed */
    uint64_t live_ns;     /* FAILOVER: log consumed until the kept outputs were sent again */
    ftvm_position agreed; /* DIVERGED */
    int error;            /* STOP: enum ftvm_error, or 0 */
};

enum ftvm_log_level { FTVM_LOG_DEBUG, FTVM_LOG_INFO, FTVM_LOG_WARNING, FTVM_LOG_ERROR };

/* Where a node's memory comes from, in place of malloc and free. Called by ftvm_node_create, by
 * every other call on the node, and on the library's threads, often by several at once: the
 * functions must be thread-safe, must not block and must not call back into the node.
 *
 * NULL from allocate is an error like others. A call that needs memory returns FTVM_E_MEMORY; a
 * connection that does is given up, as if it had broken; a node that cannot keep what the protocol
 * trusts it with ends with FTVM_E_MEMORY and leaves the machine to the other replica.
 *
 * Not routed here: what libev, getaddrinfo, the C library and the threads' stacks take. Of these
 * only libev does not survive a failure: it ends the process, unless ev_set_allocator() says
 * otherwise. It allocates in ftvm_node_start, and later when there are more descriptors or
 * connections than there ever were (logging/memory.h has the particulars). */
struct ftvm_allocator {
    void *(*allocate)(void *context, size_t size); /* aligned for any type; NULL: there is none */
    void (*release)(void *context, void *memory);  /* what allocate gave, never NULL */
    void *context;                                 /* valid until ftvm_node_destroy has returned */
};

/* Fill with ftvm_config_init() first, then set what differs. Strings and the description are copied
 * by ftvm_node_create. */
struct ftvm_config {
    size_t size; /* sizeof(struct ftvm_config), set by ftvm_config_init */

    const char *name; /* of the machine: both replicas' and the arbiter's record. A backup may leave
                         it NULL and takes its primary's */
    const char *replica; /* of this replica; NULL: host name, process id and a random number */
    enum ftvm_role role;

    const char *listen;    /* "HOST:PORT" where joiners connect, once this replica is primary. NULL:
                              none can join. Port 0 takes a free one: ftvm_node_status says which. */
    const char *join;      /* backup: "HOST:PORT" of the primary */
    bool insecure_channel; /* allow addresses other than loopback: the channel is not encrypted */
    uint32_t join_timeout_ms; /* backup: give up if no primary answers for that long (10000) */

    const char *arbiter;   /* "file:PATH" on storage that both replicas see, or "none" */
    bool assume_fail_stop; /* needed with "none": a replica that is silent has really halted */
    bool take_over;        /* primary: start although the arbiter says that another is active */

    /* Of the machine, for the joiner, who builds its own from it. On a backup: optional, and then
     * must equal the primary's. */
    const void *description;
    size_t description_size;

    /* A backup takes from its primary: protocol, the epochs' lengths, heartbeat_ms, timeout_ms,
     * lag_policy and lag_epochs. The rest is its own, also when it has become primary. */
    enum ftvm_protocol protocol;
    uint64_t epoch_length; /* units of position per epoch; 0: as the next two say (0) */
    uint32_t epoch_min_us; /* how long the guest runs before an input may end its epoch, and
                              so about how long an input waits at most, if the machine
                              calls ftvm_stop_at (100) */
    uint32_t epoch_max_us; /* the longest epoch, in running time (4000). Its units of
                              position follow from the measured speed, for which a unit
                              should take less than a microsecond */
    uint32_t heartbeat_ms; /* (50) */
    uint32_t timeout_ms;   /* silence after which the other is suspected (1000) */
    enum ftvm_lag_policy lag_policy; /* (FTVM_LAG_WAIT) */
    uint64_t lag_epochs;             /* epochs that the backup's execution may be behind (64) */
    uint32_t stuck_ms;       /* no boundary for that long: the node ends itself (10000; 0: never) */
    enum ftvm_settle settle; /* (FTVM_SETTLE_REISSUE) */
    bool wait_backup; /* primary: ftvm_begin returns only when a backup protects the machine */

    /* Called on the I/O thread, or on the vCPU thread inside of a call to the library, one at a
     * time (a primary's START: on the thread of ftvm_node_start); must not block or call back into
     * the node, but for ftvm_node_stop. NULL: none. */
    void (*on_event)(void *context, const struct ftvm_event *event);
    void (*on_log)(void *context, enum ftvm_log_level level, const char *line);
    void *context;

    const struct ftvm_allocator *allocator; /* copied; NULL: malloc and free */
};

FTVM_API void ftvm_config_init(struct ftvm_config *config);

/* ---- The node ------------------------------------------------------------------------------ */

/* Checks the configuration and makes a node; nothing runs yet. If the result is negative, `*node`
 * is NULL and `error` (if not NULL) holds the line for people. Any thread. */
FTVM_API int ftvm_node_create(const struct ftvm_config *config, struct ftvm_node **node,
                              char *error, size_t error_size);

/* Primary: claims the term (FTVM_E_ACTIVE, FTVM_E_ARBITER), listens (FTVM_E_SYSTEM). Backup:
 * connects and shakes hands (FTVM_E_NO_PRIMARY, FTVM_E_REFUSED), after which the description is
 * here. Blocks. Once, any thread. */
FTVM_API int ftvm_node_start(struct ftvm_node *node);

/* The machine's description: the primary's own, or what the primary sent. Valid while the node
 * lives. After ftvm_node_start, any thread. */
FTVM_API const void *ftvm_node_description(const struct ftvm_node *node, size_t *size);

/* Binds the machine to the node. Backup: receives the state through ops->load. Primary with
 * wait_backup: keeps serving boundaries until protected before it returns. vCPU thread, once.
 * `position` is the machine's (0 for a new one); a loaded machine's is in first->position. */
FTVM_API int ftvm_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops, void *machine,
                        ftvm_position position, struct ftvm_epoch *first);

/* Inside an epoch: where to stop next, to ask again there. A position beyond `position` and not
 * beyond the epoch's end; or `position` itself, if the epoch is to end there, by ftvm_boundary.
 * With it, inputs need not wait for the end of a long epoch; a machine that does not call it runs
 * each to its end. Stopping must not change what the guest does. Costs less than a microsecond.
 * vCPU thread.
 */
FTVM_API ftvm_position ftvm_stop_at(struct ftvm_node *node, ftvm_position position);

/* The epoch ended at `position`. Delivers inputs, and says how to go on. Blocks a backup until the
 * log is here, and a primary as long as the protocol demands. vCPU thread. Errors end the run:
 * FTVM_E_STOPPED, FTVM_E_FENCED, FTVM_E_DIVERGED, FTVM_E_LOST, FTVM_E_STUCK, ... */
FTVM_API int ftvm_boundary(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *next);

/* The same for a guest that has nothing to do until an input arrives or until guest time is
 * `wake_ns` (UINT64_MAX: no timer). Costs no host CPU while it waits. vCPU thread. */
FTVM_API int ftvm_idle(struct ftvm_node *node, ftvm_position position, uint64_t wake_ns,
                       struct ftvm_epoch *next);

/* The guest has halted for good (power off): all outputs are brought out, both replicas end in good
 * order and the claim is released. Returns FTVM_E_HALTED when that is done. vCPU thread. */
FTVM_API int ftvm_halt(struct ftvm_node *node, ftvm_position position);

/* Something leaves the machine. Copied; emitted through ops->emit when the protocol allows. Blocks
 * while the bounded queue is full. vCPU thread. */
FTVM_API int ftvm_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size);

/* An environment instruction: in `value` goes what this replica would answer, out comes what the
 * log says (on a primary: the same). vCPU thread. */
FTVM_API int ftvm_value(struct ftvm_node *node, ftvm_position position, void *value, size_t size);

/* A read of the guest's clock as an environment instruction, for machines that cannot compute time
 * inside an epoch: an ftvm_value() of the host's time as guest time, never going back. */
FTVM_API int ftvm_clock(struct ftvm_node *node, ftvm_position position, uint64_t *clock_ns);

/* The world has something for the guest. Copied; delivered at a coming boundary, in order. On a
 * backup it is accepted and ignored. FTVM_E_FULL: the bounded queue is full and nothing was taken.
 * Any thread. */
FTVM_API int ftvm_input(struct ftvm_node *node, uint32_t device, const void *data, size_t size);

/* Stops the machine in good order (on a primary: both replicas, claim released; on a backup: only
 * this replica leaves). ftvm_boundary returns FTVM_E_STOPPED soon after. Any thread; returns at
 * once. */
FTVM_API int ftvm_node_stop(struct ftvm_node *node);

/* This replica has failed in a way that the library cannot see (its disk, say): it ends at once and
 * leaves the machine to the other replica, if there is one. Told twice, the first reason stands.
 * Any thread; returns at once. */
FTVM_API int ftvm_node_fail(struct ftvm_node *node, const char *reason);

/* Makes a following backup claim the next term now, as if the primary were suspected; the old
 * primary is fenced. FTVM_E_STATE if it may not claim. Any thread; returns at once. */
FTVM_API int ftvm_node_promote(struct ftvm_node *node);

struct ftvm_status {
    size_t size; /* set to sizeof(struct ftvm_status) by the caller */
    enum ftvm_role role;
    bool is_protected; /* primary: a backup acknowledges; backup: it may take over */
    bool joining;      /* a state transfer is under way */
    bool claiming;     /* waiting for the arbiter */
    bool ended;        /* the node has stopped; `error` says why */
    int error;
    ftvm_term term;
    uint64_t epoch;
    ftvm_position position;      /* of this replica */
    ftvm_position peer_position; /* of the other, as last heard */
    uint64_t clock_ns;
    uint64_t lsn;          /* last entry written (primary) or received (backup) */
    uint64_t lsn_acked;    /* acknowledged by the backup */
    uint64_t lsn_consumed; /* executed by the backup */
    uint64_t outputs;      /* made since reset */
    uint64_t outputs_released;
    uint64_t outputs_held;               /* waiting (primary), kept (backup) */
    uint64_t inputs;                     /* delivered since this node started */
    uint64_t log_bytes;                  /* bytes of entries sent or received */
    uint64_t sent_bytes, received_bytes; /* on the channel, everything */
    uint64_t hold_ns_total;              /* time that released outputs had waited, summed */
    uint64_t hold_count;                 /* number of outputs in that sum */
    uint64_t hold_ns_median;             /* of the last 1024 outputs released while protected */
    uint64_t peer_silent_ns;             /* since the last sign of life; 0 without peer */
    uint16_t listen_port;
    char name[FTVM_MAX_NAME + 1];
    char replica[FTVM_MAX_NAME + 1];
    char peer[FTVM_MAX_NAME + 1];
};

/* A consistent snapshot. Any thread, never blocks for long. */
FTVM_API int ftvm_node_status(const struct ftvm_node *node, struct ftvm_status *status);

/* One line for people about the last error of this node, "" if none. The text is copied to `line`.
 * Any thread. */
FTVM_API void ftvm_node_error(const struct ftvm_node *node, char *line, size_t size);

/* Ends the I/O thread, if it still runs (a primary that was not stopped dies like a crashed one),
 * and frees everything. Not while another thread is inside a call on this node. */
FTVM_API void ftvm_node_destroy(struct ftvm_node *node);

#ifdef __cplusplus
}
#endif

#endif

/*
 * ftvm.h - fault tolerance for a virtual machine, by primary and backup in lockstep.
 *
 * You have a machine: something that executes a guest deterministically, one instruction (or any
 * other unit of progress) after the other. You link libftvm, describe the machine by a few
 * callbacks (struct ftvm_machine_ops), and call the library where the outside world touches it:
 *
 *     // One replica of the machine. Primary: claims the term; backup: joins its primary.
 *     ftvm_node_create(&config, &node, error, sizeof error);
 *     ftvm_node_start(node);
 *     // Backup: the state arrives through ops.load.
 *     int result = ftvm_begin(node, &ops, me, position, &epoch);
 *     while (result >= 0) {
 *         // Run the guest until epoch.position + epoch.length, or until it idles or halts
 *         // (better: until ftvm_stop_at(node, position), again and again).
 *         // What leaves it:
 *         ftvm_output(node, device, data, size);
 *         // A result that it cannot compute:
 *         ftvm_value(node, position, &value, sizeof value);
 *         // Then:
 *         result = ftvm_boundary(node, position, &epoch);
 *     }
 *     // From any thread, when the world has something for the guest:
 *     ftvm_input(node, device, data, size);
 *
 * The same loop runs on the primary and on the backup; the machine need not know which it is. A
 * boundary is the only place where inputs enter the guest (ops.deliver). When the primary is lost,
 * the backup's next ftvm_boundary() (or ftvm_value()) returns as primary and the guest goes on.
 *
 * The contract of determinism. From one boundary to the next the machine's behaviour may depend on
 * its state, the epoch's clock, and the values from ftvm_value(), and on nothing else. A position
 * is a count of progress that never decreases and at which the machine can stop reproducibly; a
 * machine that can stop only at or just past a position is welcome so long as where it stops is
 * deterministic. <ftvm/check.h> finds what in a machine does not keep the contract.
 *
 * Threads. "vCPU thread" is the one thread that runs the guest: the one that called ftvm_begin, and
 * alone calls ftvm_stop_at, ftvm_boundary, ftvm_idle, ftvm_halt, ftvm_output, ftvm_value and
 * ftvm_clock. "I/O thread" is the library's own, or whoever calls ftvm_node_dispatch (enum
 * ftvm_io). Other calls say which thread may make them. A call on a thread that may not make it is
 * refused (FTVM_E_THREAD), and so is one at the wrong time (FTVM_E_STATE). The library has no
 * global state: any number of nodes may live in one process. It installs no signal handlers, raises
 * no SIGPIPE, prints nothing and never exits. On fork() a node stays with the parent: the child
 * must not touch it.
 *
 * Errors. Every call that can fail returns 0, or one of the negative enum ftvm_error (ftvm_node_fd:
 * a descriptor in place of the 0); ftvm_node_error() then has a line for people that names the
 * values involved. On error nothing was taken. A node pointer of NULL is FTVM_E_INVALID. Errors
 * that end the run come again with each call of the vCPU thread: a core that makes an output or
 * asks for a value in the middle of an instruction may finish that with whatever it has, as its
 * next ftvm_boundary tells.
 *
 * Growth. A struct that begins with `size` may gain fields at its end in a later 0.x: set it to the
 * struct's size, and programs built with older headers go on working with newer libraries. Of
 * struct ftvm_config and struct ftvm_check the init call sets it; of struct ftvm_machine_ops,
 * struct ftvm_status and struct ftvm_check_report the caller does. All other structs and all
 * numbers of enumerators stay as they are.
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

/* Marks what the shared library exports. */
#define FTVM_API __attribute__((visibility("default")))

/* ---- Version ------------------------------------------------------------------------------- */

#define FTVM_VERSION_MAJOR 0 /* of this header */
#define FTVM_VERSION_MINOR 1 /* grows with the interface */
#define FTVM_VERSION_PATCH 0 /* grows with everything else */

/* The three as one number that grows with each version. */
#define FTVM_VERSION_NUMBER                                                                        \
    (FTVM_VERSION_MAJOR * 1000000 + FTVM_VERSION_MINOR * 1000 + FTVM_VERSION_PATCH)

#define FTVM_TEXT_OF_(x) #x
#define FTVM_VERSION_TEXT_(major, minor, patch)                                                    \
    FTVM_TEXT_OF_(major) "." FTVM_TEXT_OF_(minor) "." FTVM_TEXT_OF_(patch)
/* The three as text, "0.1.0". */
#define FTVM_VERSION FTVM_VERSION_TEXT_(FTVM_VERSION_MAJOR, FTVM_VERSION_MINOR, FTVM_VERSION_PATCH)

/* "0.1.0" of the library that was linked, valid for ever. Any thread. */
FTVM_API const char *ftvm_version(void);

/* FTVM_VERSION_NUMBER of the library that was linked: one that is not below that of the header does
 * all that the header says. Any thread. */
FTVM_API int ftvm_version_number(void);

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
    X(FTVM_E_CORRUPT, -18, "damaged or hostile data from the other replica")                       \
    X(FTVM_E_THREAD, -19, "this thread may not make this call")

/* What went wrong: the table above. */
enum ftvm_error {
#define FTVM_ERROR_ENUM(name, number, text) name = number,
    FTVM_ERRORS(FTVM_ERROR_ENUM)
#undef FTVM_ERROR_ENUM
};

/* Text of an error code, never NULL. Any thread. */
FTVM_API const char *ftvm_strerror(int error);

/* ---- Limits -------------------------------------------------------------------------------- */

#define FTVM_MAX_INPUT       (128u * 1024) /* bytes of one input, which may have none */
#define FTVM_MAX_OUTPUT      (128u * 1024) /* bytes of one output, which may have none */
#define FTVM_MAX_VALUE       4096u         /* bytes of one value, which has at least 1 */
#define FTVM_MAX_DESCRIPTION (64u * 1024)  /* bytes of a machine's description */
#define FTVM_MAX_NAME        64u           /* bytes of a name */

/* ---- The machine --------------------------------------------------------------------------- */

typedef uint64_t ftvm_position; /* instructions (or other units of progress) since reset */
typedef uint64_t ftvm_term;     /* fencing number: grows with every change of who is active */

/* One replica of a machine: engine, channel and all that belongs to them. Opaque. */
struct ftvm_node;

/* Where a state is written to, during ops.save. */
struct ftvm_writer;
/* Appends to the state; blocks while the other replica is slower. A negative result (the joiner is
 * gone) must be returned from ops.save; it comes again with each further call, so that it is enough
 * to look at that of the last. vCPU thread, inside ops.save only. */
FTVM_API int ftvm_write(struct ftvm_writer *writer, const void *data, size_t size);

/* Where a state is read from, during ops.load. */
struct ftvm_reader;
/* Reads exactly `size` bytes, blocking until they are here. A negative result (end of state,
 * primary lost) must be returned from ops.load; it comes again with each further call, which read
 * nothing. vCPU thread, inside ops.load only. */
FTVM_API int ftvm_read(struct ftvm_reader *reader, void *data, size_t size);

/* Where the parts of a machine's state are told, during ops.digest. */
struct ftvm_digest;

/* Adds a part of the state to the digest: both replicas add the same parts in the same order, and
 * where they do not agree, the report names the part that differs ("register 3"). `part` is kept as
 * a pointer: a string that lives as long as the node does, best a literal. Parts of up to 8 bytes
 * are shown with their values. vCPU thread, inside ops.digest only; takes about the time of reading
 * the data. Costs nothing when it is not called: a machine with a digest of its own adds that as
 * its one part. */
FTVM_API void ftvm_digest_add(struct ftvm_digest *digest, const char *part, uint64_t index,
                              const void *data, size_t size);

/* True: add the whole state, whatever it costs; asked by ftvm_check_determinism(), which looks for
 * what differs. False: what can be paid for at each boundary. vCPU thread, inside ops.digest. */
FTVM_API bool ftvm_digest_is_whole(const struct ftvm_digest *digest);

/* A field of a machine's state. A table of all of them, with FTVM_FIELDS_END behind the last, says
 * once what save, load and digest need:
 *
 *     static const struct ftvm_field fields[] = {FTVM_FIELD(struct cpu, pc),
 *                                                FTVM_FIELD_ARRAY(struct cpu, registers),
 *                                                FTVM_FIELDS_END};
 */
struct ftvm_field {
    const char *name; /* of the part in the digest; a string as for ftvm_digest_add */
    size_t offset;    /* in the machine's struct */
    size_t size;      /* bytes of an element, which has no padding */
    size_t count;     /* of elements, one behind the other */
};

/* clang-format off */
/* One element; `member` may be a member's member. */
#define FTVM_FIELD(type, member) \
    {#member, offsetof(type, member), sizeof(((type *)0)->member), 1}
/* An array, with a part for each element. */
#define FTVM_FIELD_ARRAY(type, member) \
    {#member, offsetof(type, member), sizeof(((type *)0)->member[0]), \
     sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0])}
/* Behind the last field. */
#define FTVM_FIELDS_END {NULL, 0, 0, 0}
/* clang-format on */

/* Appends the fields to the state, in the host's byte order, behind a number that follows from
 * their names, sizes and counts. `machine` is the struct that their offsets are of. Thread,
 * blocking and errors are those of ftvm_write. */
FTVM_API int ftvm_write_fields(struct ftvm_writer *writer, const struct ftvm_field *fields,
                               const void *machine);

/* Replaces the fields by what ftvm_write_fields wrote. Thread and blocking are those of ftvm_read,
 * and so are the errors; and FTVM_E_CORRUPT, before any is replaced: another table wrote it, of
 * another machine or version. Which values a field may have (an index, a bool) only the machine
 * knows, and checks behind it. */
FTVM_API int ftvm_read_fields(struct ftvm_reader *reader, const struct ftvm_field *fields,
                              void *machine);

/* Adds the fields to the digest, each element as a part with its number. Thread and cost are as for
 * ftvm_digest_add. */
FTVM_API void ftvm_digest_fields(struct ftvm_digest *digest, const struct ftvm_field *fields,
                                 const void *machine);

/* Appends a machine's memory to the state: pages of 4 KiB, of which the last may be shorter,
 * without those that are zero. In little-endian numbers of 64 bits: the size; then of each page its
 * number and its bytes, in rising order; then UINT64_MAX. With several memories, a call for each.
 * `memory` may be NULL if `size` is 0. Thread, blocking and errors are those of ftvm_write. */
FTVM_API int ftvm_write_memory(struct ftvm_writer *writer, const void *memory, size_t size);

/* Replaces memory by what ftvm_write_memory wrote. The pages that it left out become zero, but are
 * not written to if they are zero already, so that memory that was just mapped stays sparse. Thread
 * and blocking are those of ftvm_read, and so are the errors; and FTVM_E_CORRUPT: what is read is
 * of another size, or pages are out of order or range. On an error some pages have been replaced.
 */
FTVM_API int ftvm_read_memory(struct ftvm_reader *reader, void *memory, size_t size);

/* Adds memory to the digest, each page as a part of its own with its number ("memory 7"): 16 of
 * them at each boundary, which move on with the epoch's number, so that all have had their turn
 * after size / 64 KiB boundaries, rounded up; and all of them when ftvm_digest_is_whole(). A
 * difference is found when its page has its turn, if it is still there. `part`, thread and cost are
 * as for ftvm_digest_add. */
FTVM_API void ftvm_digest_memory(struct ftvm_digest *digest, const char *part, const void *memory,
                                 size_t size);

/* How outputs in flight are settled when a backup goes live. */
enum ftvm_settle {
    FTVM_SETTLE_REISSUE,   /* the machine issues its I/O in flight again */
    FTVM_SETTLE_UNCERTAIN, /* the machine tells the guest that its I/O in flight may have failed */
};

/* Implemented by the VMM; copied by ftvm_begin. `machine` is the pointer given there. Callbacks
 * must not call back into the node, but where their comment says so. */
struct ftvm_machine_ops {
    size_t size; /* sizeof(struct ftvm_machine_ops) */
    /* An input enters the guest. vCPU thread, at a boundary, in the order of the log, on both
     * replicas. Data is valid during the call. The epoch that begins there, the caller's `next` or
     * `first`, is filled in already. May call ftvm_output and ftvm_input. A negative result ends
     * the node (FTVM_E_MACHINE). */
    int (*deliver)(void *machine, uint32_t device, const void *data, size_t size);
    /* An output may leave: send it now. Must not block. 0 when it is gone: from then on it counts
     * as released, and the backup drops what it kept of it, so that what still waits in a queue of
     * this process is lost with the process. FTVM_E_FULL when there is no room for it now: it is
     * offered again a millisecond later, and all outputs behind it, of every device, wait. What has
     * no room for long fills the library's queue, and the guest waits (ftvm_output); a new backup
     * does not protect it before what was made until then has left; ftvm_halt waits for it, and
     * ftvm_node_stop does not. Any other negative result ends the node (FTVM_E_MACHINE).
     *
     * Called on the active replica only, in the order of ftvm_output. `number` counts the machine's
     * outputs from 1, and is the same on every replica. After a promotion outputs come again that
     * the lost primary had sent without having told it yet, those of the last few milliseconds:
     * whoever keeps the last number can tell them from new ones.
     *
     * One call at a time, on the I/O or the vCPU thread; the latter is then inside of a call to the
     * library. The first may come before ops.promoted has returned. May call ftvm_input,
     * ftvm_node_stop and ftvm_node_fail. May come until ftvm_node_destroy has returned, so the
     * machine lives longer than its node. */
    int (*emit)(void *machine, uint64_t number, uint32_t device, const void *data, size_t size);
    /* Writes the whole state, its version first; the position need not be in it (see load). vCPU
     * thread, at a boundary. 0 or a negative code; a state that cannot be saved leaves the machine
     * without that backup, and running. */
    int (*save)(void *machine, struct ftvm_writer *writer);
    /* Replaces the state by what is read, which must be all of it. It comes from the network, and
     * perhaps from another version: to be checked before it is used. vCPU thread, inside ftvm_begin
     * on a backup, whose `first` is filled in already: position and clock are there, as the state
     * need not have them. 0, or a negative code (the node ends, FTVM_E_MACHINE). */
    int (*load)(void *machine, struct ftvm_reader *reader);
    /* Adds to `digest` what must agree between replicas at equal positions, part by part; cheap, as
     * it is asked for at every boundary. vCPU thread. NULL: no check but the position's. */
    void (*digest)(void *machine, struct ftvm_digest *digest);
    /* This backup is active from here on. Called once, on the vCPU thread, at the boundary (or
     * value) where the log ended, before the next epoch is known: settle I/O in flight, announce on
     * networks. Never called on a replica that starts as primary, which is active from
     * ftvm_node_start on: what faces the world (a console, an address) is turned on there, and
     * here. May call ftvm_input and ftvm_output. NULL: nothing. */
    void (*promoted)(void *machine, enum ftvm_settle settle);
    /* Bytes that save would write, for progress display. vCPU thread. NULL: unknown. */
    uint64_t (*state_size)(void *machine);
};

/* One stretch of execution, filled in by ftvm_begin, ftvm_boundary and ftvm_idle. */
struct ftvm_epoch {
    uint64_t number;        /* grows by one with each epoch of the machine's history */
    ftvm_position position; /* where it starts: the position passed to ftvm_boundary */
    uint64_t length;        /* run until position + length, unless the guest idles or halts first,
                               or ftvm_stop_at says to end it. A backup's is what its primary ran of
                               the epoch, perhaps 0 (the guest idled twice in one place): so look
                               whether the guest idles or halts before whether the epoch has ended,
                               and use the length for nothing but where to stop */
    uint64_t clock_ns;      /* guest time at its start, nanoseconds since the guest's first reset.
                               Keeps to the time of the live replica's host (CLOCK_MONOTONIC) and
                               never goes back; a failover's time is in it, too */
    uint64_t rate_q32;      /* guest nanoseconds per unit of position, 32.32 fixed point: guest time
                               inside is clock_ns + ((at - position) * rate_q32 >> 32) */
};

/* Guest time at position `at`, not before the epoch's own, in nanoseconds: what a machine that
 * computes its clock shows to the guest. Any thread. */
FTVM_API uint64_t ftvm_epoch_clock(const struct ftvm_epoch *epoch, ftvm_position at);

/* The first position of the epoch at which guest time is `clock_ns` or later: where a timer goes
 * off. May lie behind the epoch's end; UINT64_MAX: never. Any thread. */
FTVM_API ftvm_position ftvm_epoch_position(const struct ftvm_epoch *epoch, uint64_t clock_ns);

/* ---- Configuration ------------------------------------------------------------------------- */

/* What a replica is. */
enum ftvm_role {
    FTVM_ROLE_PRIMARY, /* decides, and faces the world */
    FTVM_ROLE_BACKUP,  /* follows, and may take over */
};

/* When the guest waits for its backup. */
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

/* Who drives the node's sockets and timers. */
enum ftvm_io {
    FTVM_IO_THREAD, /* a thread of the library (default) */
    FTVM_IO_CALLER, /* the embedder's event loop, by ftvm_node_fd and ftvm_node_dispatch */
};

/* What an event tells. */
enum ftvm_event_kind {
    FTVM_EVENT_START,    /* the node runs */
    FTVM_EVENT_ROLE,     /* role, protection or term changed */
    FTVM_EVENT_JOIN,     /* a replica joins this primary, or this backup was accepted: text */
    FTVM_EVENT_REFUSE,   /* a joiner was refused: text says why. Told once, though it asks again,
                            until the reason changes, or another one is refused */
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
    enum ftvm_event_kind kind; /* which of them, and so which fields below are its own */
    uint64_t time_ns;          /* CLOCK_REALTIME */
    enum ftvm_role role;       /* of this replica, now */
    bool is_protected;         /* as in struct ftvm_status */
    ftvm_term term;            /* of this replica, now */
    ftvm_position position;    /* of this replica's last boundary; DIVERGED: first that disagreed */
    const char *peer;          /* name of the other replica, or ""; REFUSE: of the joiner */
    const char *text;          /* one line for people, or "" */
    uint64_t done;             /* TRANSFER: bytes so far */
    uint64_t total;            /* TRANSFER: bytes in all, 0: unknown */
    uint64_t pause_ns;         /* TRANSFER at its end, on the primary: how long the guest stood
                                  still */
    uint64_t detected_ns;      /* FAILOVER: last sign of life until suspicion */
    uint64_t claimed_ns;       /* FAILOVER: suspicion until the claim was won */
    uint64_t consumed_ns;      /* FAILOVER: claim until the log was consumed */
    uint64_t live_ns;     /* FAILOVER: log consumed until the kept outputs were offered to emit */
    ftvm_position agreed; /* DIVERGED: last that agreed */
    int error;            /* STOP: enum ftvm_error, or 0 */
    const char *report;   /* DIVERGED: on the primary, which parts of the state differ, a line for
                             each, the last without its end; "" on the backup, which knows its own
                             alone; never NULL */
};

/* How much a line of the log matters. */
enum ftvm_log_level {
    FTVM_LOG_DEBUG,   /* for who looks for a fault: connections, refusals that may pass */
    FTVM_LOG_INFO,    /* what is as it should be */
    FTVM_LOG_WARNING, /* what may need somebody */
    FTVM_LOG_ERROR,   /* what does */
};

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
    size_t size; /* sizeof(struct ftvm_config) of the caller, set by ftvm_config_init */

    const char *name; /* of the machine: both replicas' and the arbiter's record. A backup may leave
                         it NULL and takes its primary's */
    const char *replica; /* of this replica; NULL: host name, process id and a random number */
    enum ftvm_role role; /* (FTVM_ROLE_PRIMARY) */

    const char *listen;    /* "HOST:PORT" where joiners connect, once this replica is primary. NULL:
                              none can join. Port 0 takes a free one: ftvm_node_status says which. */
    const char *join;      /* backup: "HOST:PORT" of the primary */
    bool insecure_channel; /* allow addresses other than loopback: the channel is not encrypted */
    uint32_t join_timeout_ms; /* backup: give up if no primary accepts it for that long (10000). It
                                 asks again where nobody answers, where there is a backup already
                                 (perhaps lost), and where it asked a backup (which may be promoted
                                 soon); other refusals end it at once */

    const char *arbiter;   /* "file:PATH" on storage that both replicas see, or "none" */
    bool assume_fail_stop; /* needed with "none": a replica that is silent has really halted */
    bool take_over;        /* primary: start although the arbiter says that another is active */

    /* Of the machine, for the joiner, who builds its own from it. On a backup: optional, and then
     * must equal the primary's. */
    const void *description;
    size_t description_size; /* at most FTVM_MAX_DESCRIPTION */

    /* A backup takes from its primary: protocol, the epochs' lengths, heartbeat_ms, timeout_ms,
     * lag_policy and lag_epochs. The rest is its own, also when it has become primary. */
    enum ftvm_protocol protocol; /* (FTVM_PROTOCOL_REVISED) */
    uint64_t epoch_length;       /* units of position per epoch; 0: as the next two say (0) */
    uint32_t epoch_min_us;       /* how long the guest runs before an input may end its epoch, and
                                    so about how long an input waits at most, if the machine
                                    calls ftvm_stop_at (100) */
    uint32_t epoch_max_us;       /* the longest epoch, in running time (4000). Its units of
                                    position follow from the measured speed, for which a unit
                                    should take less than a microsecond */
    uint32_t heartbeat_ms;       /* (50) */
    uint32_t timeout_ms;         /* silence after which the other is suspected (1000) */
    enum ftvm_lag_policy lag_policy; /* (FTVM_LAG_WAIT) */
    uint64_t lag_epochs;             /* epochs that the backup's execution may be behind (64) */
    uint32_t stuck_ms;       /* no boundary for that long: the node ends itself (10000; 0: never) */
    enum ftvm_settle settle; /* (FTVM_SETTLE_REISSUE) */
    bool wait_backup; /* primary: ftvm_begin returns only when a backup protects the machine */

    /* Called on the I/O thread, or on the vCPU thread inside of a call to the library, one at a
     * time (a primary's START: on the thread of ftvm_node_start); must not block or call back into
     * the node, but for ftvm_node_stop (a primary's START comes before it can be stopped). NULL:
     * none. */
    void (*on_event)(void *context, const struct ftvm_event *event);
    void (*on_log)(void *context, enum ftvm_log_level level, const char *line); /* the same */
    void *context;                                                              /* for the two */

    enum ftvm_io io;                        /* (FTVM_IO_THREAD) */
    const struct ftvm_allocator *allocator; /* copied; NULL: malloc and free */
};

/* Fills in the defaults, those in parentheses above and zero for the rest, for a caller whose
 * struct has `size` bytes; C and C++ take the next one. Any thread. */
FTVM_API void ftvm_config_init_sized(struct ftvm_config *config, size_t size);

/* The same for this header's struct. */
static inline void ftvm_config_init(struct ftvm_config *config)
{
    ftvm_config_init_sized(config, sizeof *config);
}

/* ---- The node ------------------------------------------------------------------------------ */

/* Checks the configuration and makes a node; nothing runs yet. If the result is negative, `*node`
 * is NULL and `error` (if not NULL) holds the line for people. Any thread. */
FTVM_API int ftvm_node_create(const struct ftvm_config *config, struct ftvm_node **node,
                              char *error, size_t error_size);

/* Primary: claims the term (FTVM_E_ACTIVE, FTVM_E_ARBITER), listens (FTVM_E_SYSTEM). Backup:
 * connects and shakes hands (FTVM_E_NO_PRIMARY, FTVM_E_REFUSED), after which the description is
 * here. Blocks. Once, any thread. With FTVM_IO_CALLER a backup's shaking of hands is left to
 * ftvm_node_dispatch: this call does not wait for it, FTVM_EVENT_START says that the primary has
 * accepted this replica, FTVM_EVENT_STOP that it has not. */
FTVM_API int ftvm_node_start(struct ftvm_node *node);

/* The machine's description: the primary's own, or what the primary sent. Valid while the node
 * lives. After ftvm_node_start, any thread. */
FTVM_API const void *ftvm_node_description(const struct ftvm_node *node, size_t *size);

/* Binds the machine to the node, and makes the calling thread its vCPU thread. Backup: receives the
 * state through ops->load. Primary with wait_backup: keeps serving boundaries until protected
 * before it returns. Once. `position` is the machine's (0 for a new one); a loaded machine's is in
 * first->position. FTVM_E_INVALID if `ops` lacks one that it must have. */
FTVM_API int ftvm_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops, void *machine,
                        ftvm_position position, struct ftvm_epoch *first);

/* Inside an epoch: where to stop next, to ask again there. A position beyond `position` and not
 * beyond the epoch's end; or `position` itself, if the epoch is to end there, by ftvm_boundary.
 * With it, inputs need not wait for the end of a long epoch; a machine that does not call it runs
 * each to its end. A backup's epoch ends exactly where its primary's did: just past a position that
 * was asked for, or where that one idled; so what the machine does must not depend on why it stops,
 * or on how long the epoch is. For a machine that is past the epoch's end the answer is not beyond
 * `position`, too. Stopping must not change what the guest does. Costs less than a microsecond.
 * vCPU thread; on another one it answers `position`.
 *
 * What a machine does at a position without leaving it (it takes an interrupt, looks whether a
 * timer has gone off) must come out the same whether it was stopped there or not, and must be
 * repeatable, as the epoch may end there and the next one begin. So it is looked for at every
 * position at which it can happen, not where the machine's loop is entered; and done either before
 * this call each time, such that a second time changes nothing, or after an answer beyond
 * `position`, and then at least one unit is executed before this is called again. Where neither can
 * be had, count it as a unit of position. */
FTVM_API ftvm_position ftvm_stop_at(struct ftvm_node *node, ftvm_position position);

/* The epoch ended at `position`. Delivers inputs, and says how to go on. In this order: ops.digest
 * is asked, ops.promoted is called if this backup goes live, `next` is filled in, inputs are
 * delivered, the state is saved if somebody joins. Blocks a backup until the log is here, and a
 * primary as long as the protocol demands. vCPU thread. Errors end the run: FTVM_E_STOPPED,
 * FTVM_E_FENCED, FTVM_E_DIVERGED, FTVM_E_LOST, FTVM_E_STUCK, ...; but FTVM_E_INVALID, a position
 * before the last one, and FTVM_E_THREAD and FTVM_E_STATE take nothing and change nothing. */
FTVM_API int ftvm_boundary(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *next);

/* The same for a guest that has nothing to do until an input arrives or until guest time is
 * `wake_ns` (UINT64_MAX: no timer; one that is past already does not wait). Costs no host CPU while
 * it waits. vCPU thread. */
FTVM_API int ftvm_idle(struct ftvm_node *node, ftvm_position position, uint64_t wake_ns,
                       struct ftvm_epoch *next);

/* The guest has halted for good (power off): all outputs are brought out, both replicas end in good
 * order and the claim is released. Returns FTVM_E_HALTED when that is done. vCPU thread. */
FTVM_API int ftvm_halt(struct ftvm_node *node, ftvm_position position);

/* Something leaves the machine; of 0 bytes, too. Copied; emitted through ops->emit when the
 * protocol allows. Costs no entry of the log. Blocks while the bounded queue is full. What ends the
 * run ends it at the next ftvm_boundary too, so that this result may be ignored; but for
 * FTVM_E_TOO_LARGE, beyond FTVM_MAX_OUTPUT, and wrong calls. vCPU thread. */
FTVM_API int ftvm_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size);

/* An environment instruction: in `value` goes what this replica would answer, out comes what the
 * log says (on a primary: the same). `position` is that of the instruction, inside the epoch; an
 * instruction may ask more than once. Returns at once on an active replica, and blocks a backup
 * until the log is here. FTVM_E_TOO_LARGE for 0 bytes, and beyond FTVM_MAX_VALUE; else the errors
 * of ftvm_boundary, which that tells again. vCPU thread. */
FTVM_API int ftvm_value(struct ftvm_node *node, ftvm_position position, void *value, size_t size);

/* A read of the guest's clock as an environment instruction, for machines that cannot compute time
 * inside an epoch: an ftvm_value() of the host's time as guest time in nanoseconds, never going
 * back. vCPU thread. */
FTVM_API int ftvm_clock(struct ftvm_node *node, ftvm_position position, uint64_t *clock_ns);

/* The world has something for the guest; of 0 bytes, too. Copied; delivered at a coming boundary,
 * in order; from ftvm_node_start on, also before ftvm_begin. On a backup it is accepted and
 * ignored, as the primary's world counts: a thread that reads a console would take there what
 * nobody gets, so it begins to read when its replica is active (started as a primary, or
 * ops.promoted was called). What was accepted and is in no boundary that the backup has got is lost
 * with the primary, as a network loses frames. FTVM_E_STATE: before ftvm_node_start, on any
 * replica. FTVM_E_FULL: the bounded queue is full. Nothing was taken then, and it may be given
 * again later. Any thread. */
FTVM_API int ftvm_input(struct ftvm_node *node, uint32_t device, const void *data, size_t size);

/* Stops the machine in good order (on a primary: both replicas, claim released; on a backup: only
 * this replica leaves). ftvm_boundary returns FTVM_E_STOPPED soon after. Any thread; returns at
 * once. From the return of ftvm_node_start until ftvm_node_destroy it takes no lock, and a signal
 * handler may call it; no other call on a node is for signal handlers. */
FTVM_API int ftvm_node_stop(struct ftvm_node *node);

/* This replica has failed in a way that the library cannot see (its disk, say): it ends at once and
 * leaves the machine to the other replica, if there is one. Told twice, the first reason stands.
 * Any thread; returns at once. */
FTVM_API int ftvm_node_fail(struct ftvm_node *node, const char *reason);

/* Makes a following backup claim the next term now, as if the primary were suspected; the old
 * primary is fenced. FTVM_E_STATE if it may not claim. Any thread; returns at once. */
FTVM_API int ftvm_node_promote(struct ftvm_node *node);

/* A replica as it is now. */
struct ftvm_status {
    size_t size;                     /* set to sizeof(struct ftvm_status) by the caller */
    enum ftvm_role role;             /* a backup that went live is a primary */
    bool is_protected;               /* primary: a backup acknowledges; backup: it may take over */
    bool joining;                    /* a state transfer is under way */
    bool claiming;                   /* waiting for the arbiter */
    bool ended;                      /* the node has stopped; `error` says why */
    int error;                       /* once it has ended: enum ftvm_error */
    ftvm_term term;                  /* 0: not known yet */
    uint64_t epoch;                  /* number of the one that runs */
    ftvm_position position;          /* of this replica */
    ftvm_position peer_position;     /* of the other, as last heard */
    uint64_t clock_ns;               /* guest time, as struct ftvm_epoch has it */
    uint64_t lsn;                    /* last entry written (primary) or received (backup) */
    uint64_t lsn_acked;              /* acknowledged by the backup */
    uint64_t lsn_consumed;           /* executed by the backup */
    uint64_t outputs;                /* made since reset */
    uint64_t outputs_released;       /* of these, allowed to leave */
    uint64_t outputs_held;           /* waiting (primary), kept (backup) */
    uint64_t inputs;                 /* delivered since this node started */
    uint64_t log_bytes;              /* bytes of entries sent or received */
    uint64_t sent_bytes;             /* on the channel, everything */
    uint64_t received_bytes;         /* the same */
    uint64_t hold_ns_total;          /* time that released outputs had waited, summed */
    uint64_t hold_count;             /* number of outputs in that sum */
    uint64_t hold_ns_median;         /* of the last 1024 outputs released while protected */
    uint64_t peer_silent_ns;         /* since the last sign of life; 0 without peer */
    uint16_t listen_port;            /* 0: it does not listen */
    char name[FTVM_MAX_NAME + 1];    /* of the machine */
    char replica[FTVM_MAX_NAME + 1]; /* of this replica */
    char peer[FTVM_MAX_NAME + 1];    /* of the other one, "" without */
};

/* A consistent snapshot. FTVM_E_INVALID if status->size was not set. Any thread, never blocks for
 * long. */
FTVM_API int ftvm_node_status(const struct ftvm_node *node, struct ftvm_status *status);

/* One line for people about the last error of this node, "" if none. The text is copied to `line`.
 * Any thread. */
FTVM_API void ftvm_node_error(const struct ftvm_node *node, char *line, size_t size);

/* Ends the I/O thread, if it still runs (a primary that was not stopped dies like a crashed one),
 * and frees everything. Any thread but the I/O thread (FTVM_E_THREAD), and not while the vCPU
 * thread or a dispatching one is inside a call on this node (FTVM_E_STATE): on error the node lives
 * on. No other thread may be in a call on it, or make one later: join those that give inputs first,
 * and take back signal handlers that stop it. NULL is fine. */
FTVM_API int ftvm_node_destroy(struct ftvm_node *node);

/* ---- The embedder's own event loop ----------------------------------------------------------- *
 *
 * With config.io FTVM_IO_CALLER the library has no I/O thread: the embedder watches one descriptor
 * for reading, in whatever loop it has (poll, epoll, libev, glib), and calls ftvm_node_dispatch
 * when it is readable. Timers need no care: they make it readable, too. A descriptor that is not
 * served is a replica that is silent: heartbeats come from dispatching, so serve it within a
 * fraction of config.timeout_ms. One small thread that asks the arbiter, which may block, stays the
 * library's.
 *
 * Calls of the vCPU thread that block (ftvm_begin, ftvm_boundary, ...) wait for the loop on its
 * thread. A program of a single thread need not fear that: where the vCPU thread itself is the one
 * that dispatches, or nobody does, such a call dispatches while it waits. */

/* The descriptor to watch for reading. It belongs to the node, and lives as long. FTVM_E_STATE
 * before ftvm_node_start or without FTVM_IO_CALLER. Any thread. */
FTVM_API int ftvm_node_fd(const struct ftvm_node *node);

/* Does what is due, without waiting (but for a host's name in config.join, which is looked up
 * here). 0: go on watching, also after ftvm_node_stop. Negative: the node has ended for this reason
 * and has said its last word: watch it no more. A call while another thread makes one does nothing;
 * one from a callback is refused (FTVM_E_STATE). Any thread. */
FTVM_API int ftvm_node_dispatch(struct ftvm_node *node);

#ifdef __cplusplus
}
#endif

#endif

/*
 * The inside of a node, shared by the files that make it up: node.c (creation, commands, status),
 * node_start.c (start and join), node_io.c (the loop), node_dispatch.c (on whose thread it may
 * run), node_turn.c (what the queues hold is brought to the engine), node_step.c (what the engine
 * says is done), node_reply.c (replies to the vCPU), node_calls.c (who may make the vCPU thread's
 * calls), node_vcpu.c (what these do), node_state_transfer.c (save and load), node_events.c (what
 * is told to the embedder), claimer.c (the thread that talks to the arbiter).
 *
 * Who owns what: the engine, the channel and the loop belong to whoever holds `engine_lock`. The
 * I/O thread holds it but while it sleeps; the vCPU thread takes it for a turn at each of its
 * requests. Nobody else does, so no embedder's lock is ever held around it. What passes between the
 * two goes through the rings `from_vcpu` and `to_vcpu`, and the atomics below.
 */
#ifndef LIBFTVM_NODE_STATE_H
#define LIBFTVM_NODE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <ev.h>

#include <ftvm/ftvm.h>

#include "libftvm/claimer.h"
#include "libftvm/hooks.h"
#include "libftvm/pace.h"
#include "libftvm/part_history.h"
#include "libftvm/refusal.h"
#include "libftvm/ring.h"
#include "libftvm/wake.h"
#include "logging/memory.h"
#include "replication/channel.h"
#include "replication/engine.h"

#define NODE_ERROR_SIZE   512u
#define NODE_HOLD_SAMPLES 1024u
#define NODE_RING_SIZE    (4u << 20)
#define NODE_BACKLOG_PAUSE                                                                         \
    (4u << 20) /* bytes for a slow vCPU before the peer is not read any more */
/* Bytes of a state queued for a joiner at most. The log that follows must fit behind it. */
#define NODE_STATE_QUEUE (8u << 20)
#define NODE_RECONNECT_S 0.2
#define NODE_FAREWELL_NS UINT64_C(1000000000) /* for the last messages to leave */

/* Records from the vCPU thread. */
enum vcpu_record {
    VCPU_BEGIN = 1,
    VCPU_BOUNDARY,
    VCPU_VALUE,
    VCPU_OUTPUT,
    VCPU_STATE_SIZE,
    VCPU_STATE_CHUNK,
    VCPU_STATE_SAVED,
    VCPU_STATE_LOADED,
};

struct vcpu_request {
    uint64_t position;
    uint64_t digest;
    uint64_t wake_ns;
    uint64_t size;
    uint32_t device;
    uint8_t idle;
    uint8_t halt;
    uint8_t is_clock;
    uint8_t ok;
    /* data follows: of a value, an output, a chunk */
};

/* Records to the vCPU thread have the engine's reply types, plus one. */
struct vcpu_reply {
    struct engine_epoch epoch;
    int64_t clock_offset_ns;
    uint32_t input_count;
    uint8_t save;
    uint8_t live;
    uint8_t promoted;
    /* data follows: of a value, a chunk, or input_count times struct vcpu_input and its data */
};

struct vcpu_input {
    uint32_t device;
    uint32_t size; /* the data that follows is padded to 8 bytes */
};

/* Replies that found no room in the ring. */
struct backlog_item {
    struct backlog_item *next;
    uint32_t type;
    uint32_t size;
    uint8_t data[];
};

enum join_state { JOIN_CONNECTING, JOIN_WELCOMED, JOIN_FAILED };

struct ftvm_node {
    struct ftvm_config config;    /* strings and description are the node's own copies */
    char name[FTVM_MAX_NAME + 1]; /* a backup that gave none has its primary's from WELCOME on */
    char *replica, *listen, *join, *arbiter_spec;
    void *own_description;
    struct memory own_memory;    /* the configuration's allocator */
    const struct memory *memory; /* that, or NULL: malloc and free */
    struct hooks_page *hooks;    /* NULL but in the build with hooks */

    /* Under engine_lock. */
    pthread_mutex_t engine_lock;
    struct ev_loop *loop;
    struct channel *channel;
    struct engine *engine;
    struct arbiter *arbiter; /* the claimer's, while there is one */
    struct claimer *claimer;
    ev_async kick;
    ev_io kicked; /* instead of it, with FTVM_IO_CALLER */
    int kick_fd;  /* its descriptor; -1 without */
    int poll_fd;  /* what the embedder watches; -1 without */
    ev_prepare before_sleep;
    ev_io timer_ready;
    ev_timer reconnect;
    int timer_fd;
    uint64_t timer_set_ns;
    pthread_t thread;
    _Atomic bool thread_started;
    _Atomic bool started; /* ftvm_node_start was successful, or is for a backup under way */
    channel_peer joining_peer;
    uint64_t hello_ns; /* when joining_peer was told HELLO; 0: not yet */
    uint64_t join_deadline_ns;
    bool arbitrated;
    bool peer_paused;
    bool loop_touched;        /* by another thread than the loop's, perhaps: it must look */
    channel_peer broken_peer; /* a send failed */
    const char *broken_reason;
    const char *starved; /* an action was not done for lack of memory: which */
    struct backlog_item *backlog_first, *backlog_last;
    size_t backlog_bytes;
    uint64_t ended_ns;
    bool farewell_over;  /* the loop has nothing to do any more */
    bool polled, worked; /* by the round of the loop under way (node_dispatch.c) */
    bool failover_pending;
    struct ftvm_event failover;
    struct refusal refusal;

    /* Between vCPU and I/O thread. */
    struct ring *from_vcpu, *to_vcpu;
    struct wake vcpu_wake;
    _Atomic uint64_t idle_deadline_ns; /* when an idle guest goes on */
    _Atomic bool may_cut;              /* the epoch may end before its length */
    _Atomic bool boundary_wanted;      /* the engine holds something for it */
    _Atomic bool has_peer;             /* parts of the state may be asked for */
    _Atomic bool live;                 /* inputs are wanted */
    _Atomic bool save_wanted;          /* a save under way is still of use */
    _Atomic int ended;                 /* enum ftvm_error */
    _Atomic bool quit;                 /* destroy: leave the loop now */
    _Atomic pthread_t dispatching;     /* who is at it; 0: nobody, as glibc has no such thread */
    _Atomic pthread_t dispatcher;      /* who called ftvm_node_dispatch last; 0: nobody yet */
    _Atomic bool stop_asked, promote_asked, fail_asked;
    char fail_reason[NODE_ERROR_SIZE]; /* under `lock`; written before fail_asked */

    /* Inputs come from any thread. */
    pthread_mutex_t input_lock;
    struct ring *inputs;

    /* What the digests were made of. */
    pthread_mutex_t parts_lock; /* of the history; the vCPU thread holds it in ops.digest */
    struct part_history *parts; /* NULL without ops.digest, or memory */

    /* vCPU thread. */
    const struct node_calls *calls;
    struct ftvm_machine_ops ops; /* emit is read by the I/O thread after BEGIN */
    void *machine;
    pthread_t vcpu_thread; /* once `began` */
    _Atomic bool began;
    _Atomic bool inside;    /* of one of its calls: others must not destroy the node, callbacks not
                               call again */
    bool may_output;        /* but for outputs, inside of deliver and promoted */
    ftvm_position position; /* last one told */
    bool vcpu_live;         /* the log is not consulted any more */
    int64_t clock_offset_ns;
    uint64_t last_clock_ns;
    uint64_t epoch_number; /* of the epoch that the machine was told last */
    struct pace pace;

    /* Starting, and what anyone may ask. */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum join_state join_state;
    bool join_refused;
    char primary[FTVM_MAX_NAME + 1]; /* who welcomed this backup, and at which term */
    ftvm_term primary_term;
    int join_error;
    void *description; /* of a backup, from the primary */
    size_t description_size;
    char error[NODE_ERROR_SIZE];
    bool misused;                   /* it is about a call that may not be made */
    char end_line[NODE_ERROR_SIZE]; /* why the node ended; "" while it runs */
    struct ftvm_status status;
    uint64_t heard_ns;
    uint64_t hold_ns[NODE_HOLD_SAMPLES];
    uint64_t hold_count, hold_total_ns;
};

struct node_calls;

/* What every node has, of zeroed memory, also one that belongs to a check (check/check_run.h):
 * locks, no descriptors, and who does the vCPU thread's calls. */
void node_init(struct ftvm_node *node, const struct node_calls *calls);
void node_fini(struct ftvm_node *node);

uint64_t node_now_ns(const struct ftvm_node *node); /* CLOCK_MONOTONIC */
/* Leaves the line for people, and returns `error`. Any thread. */
int node_set_error(struct ftvm_node *node, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_kick(struct ftvm_node *node); /* the I/O thread looks at its queues; any thread */

/* node_start.c; with FTVM_IO_CALLER a backup is not welcomed yet when it was started. vCPU thread
 */
int node_wait_for_welcome(struct ftvm_node *node);

/* node_start.c; I/O thread */
void node_join_connected(struct ftvm_node *node, channel_peer peer);
void node_join_lost(struct ftvm_node *node, const char *reason);
void node_join_refused(struct ftvm_node *node, const struct message_refuse *refuse);
void node_join_welcomed(struct ftvm_node *node, const struct message_welcome *welcome);
void node_on_reconnect(struct ev_loop *loop, ev_timer *timer, int events);
void node_join_failed(struct ftvm_node *node, int error, const char *reason);

/* node_io.c */
int node_io_prepare(struct ftvm_node *node); /* loop, channel, timer; calling thread */
int node_io_start(struct ftvm_node *node);
void node_io_stop(struct ftvm_node *node);

/* node_dispatch.c */
int dispatch_prepare(struct ftvm_node *node); /* descriptors; after loop and timer were made */
uint64_t dispatch_deadline(struct ftvm_node *node, uint64_t deadline_ns); /* under engine_lock */
/* Whether a call that blocks is to dispatch meanwhile, as nobody else would. vCPU thread. */
bool dispatch_is_mine(struct ftvm_node *node);
/* Until something was dispatched, or `until_ns` (node_now_ns); 0 does not wait. vCPU thread. */
void dispatch_and_wait(struct ftvm_node *node, uint64_t until_ns);
/* The last words of a node that has ended, which the embedder may not have waited for. */
void dispatch_farewell(struct ftvm_node *node);

/* node_turn.c */
bool node_turn(struct ftvm_node *node); /* under engine_lock; true: there is more for another one */
void node_take_turn(struct ftvm_node *node); /* vCPU thread */

/* node_step.c; under engine_lock */
void node_step(struct ftvm_node *node, struct engine_event *event);

/* node_reply.c; under engine_lock, and node_drop_backlog when that has ended */
void node_reply(struct ftvm_node *node, const struct engine_reply *reply);
void node_move_backlog(struct ftvm_node *node);
void node_drop_backlog(struct ftvm_node *node);

/* node_events.c; under engine_lock, but for `start` */
void node_log(struct ftvm_node *node, enum ftvm_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_tell_start(struct ftvm_node *node);
void node_tell_notice(struct ftvm_node *node, const struct engine_notice *notice);
/* The parts of the state that a replica's farewell is to tell. `list` must live as long. */
void node_add_parts(struct ftvm_node *node, struct message_bye *bye, struct part_list *list);
void node_tell_failover(struct ftvm_node *node, uint64_t live_ns);
void node_tell_end(struct ftvm_node *node, int error, const char *text);
int node_error_of_end(enum engine_end end);

/* What the public calls of the vCPU thread do. They are in order: thread, state, sizes, positions.
 */
struct node_calls {
    int (*begin)(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *first);
    ftvm_position (*stop_at)(struct ftvm_node *node, ftvm_position position);
    int (*end_epoch)(struct ftvm_node *node, struct vcpu_request *request, struct ftvm_epoch *next);
    int (*output)(struct ftvm_node *node, uint32_t device, const void *data, size_t size);
    int (*value)(struct ftvm_node *node, const struct vcpu_request *request, void *value,
                 size_t size);
    /* Guest time for a value of ftvm_clock(); 0: not known. */
    uint64_t (*clock_now_ns)(struct ftvm_node *node, ftvm_position position);
    void (*kick)(struct ftvm_node *node); /* a command was given; any thread */
};

/* node_vcpu.c; vCPU thread */
extern const struct node_calls node_vcpu_calls;
int vcpu_push(struct ftvm_node *node, enum vcpu_record type, const struct vcpu_request *request,
              const void *data, size_t size);
int vcpu_wait(struct ftvm_node *node, struct ring_record *record);

/* node_state_transfer.c; vCPU thread */
int vcpu_save(struct ftvm_node *node);
/* Also says where the epoch at which the state was taken ends. */
int vcpu_load(struct ftvm_node *node, struct engine_epoch *first);

#endif

/*
 * The inside of the engine, shared by the files that make it up: engine.c (dispatch, deadlines,
 * status), engine_primary.c (boundaries and acknowledgements of a live replica), engine_outputs.c
 * (its outputs), engine_backup.c (following the log, going live), engine_join.c (handshake and
 * state transfer, both sides), engine_claim.c (suspicion and claims), engine_clock.c (guest time),
 * engine_finish.c (stop, halt, failure). Nobody else includes this but the simulator, where it
 * copies an engine and takes its fingerprint: a new field belongs there too
 * (fault-injection/simulator/engine_copy.c, fingerprint_engine.c).
 */
#ifndef REPLICATION_ENGINE_STATE_H
#define REPLICATION_ENGINE_STATE_H

#include "replication/engine.h"
#include "replication/engine_items.h"

/* Where a backup stands on its way. A live replica is PHASE_LIVE. */
enum engine_phase {
    PHASE_CONNECTING, /* until WELCOME */
    PHASE_JOINING,    /* until the state is loaded */
    PHASE_FOLLOWING,
    PHASE_PARTING,  /* the primary has ended in good order: consumes the log to its end, and ends */
    PHASE_DRAINING, /* has won the claim, consumes the log to its end */
    PHASE_LIVE,
};

/* How far the one replica that a live one serves has come. */
enum joiner_stage {
    JOINER_NONE,
    JOINER_WAITING, /* welcomed; the state will be saved at the next boundary */
    JOINER_SAVING,  /* the vCPU is saving */
    JOINER_LOADING, /* all of the state is sent, no acknowledgement has come yet */
    JOINER_CATCHING_UP,
    JOINER_PROTECTING, /* was told PROTECTED: it may claim, so outputs wait for it */
};

enum request_type {
    REQUEST_NONE,
    REQUEST_BEGIN,
    REQUEST_BOUNDARY,
    REQUEST_VALUE,
    REQUEST_SAVED,
    REQUEST_LOADED,
};

/* What the vCPU thread waits for. */
struct engine_request {
    enum request_type type;
    uint64_t position;
    uint64_t digest;
    bool idle;
    uint64_t wake_ns;
    bool halt;
    bool is_clock;
    size_t size;
    uint64_t since_ns;
    uint8_t data[LOG_MAX_VALUE];
    /* A boundary that is already an entry of the log and waits for its acknowledgement. */
    bool decided;
    uint64_t decided_lsn;
};

/* A boundary sent to the backup and not yet known to be executed there. */
struct sent_boundary {
    uint64_t lsn;
    uint64_t log_bytes; /* of the log, up to and with it */
};

struct engine {
    struct engine_config config;
    enum engine_role role;
    enum engine_phase phase;
    enum engine_end end;
    uint64_t term;
    uint64_t now_ns;
    uint64_t promised_ns; /* deadline as told after the last step, to notice one's own pauses */

    /* The log. */
    uint64_t lsn;   /* last entry appended (live) or received */
    uint64_t chain; /* digest over the log: to the last entry appended, or consumed */
    uint64_t log_bytes;
    struct engine_epoch epoch; /* that the vCPU runs or, with a request, has run */
    uint64_t length_told;      /* of the epoch, by the log: at most so long */
    uint64_t released_told;    /* by the last boundary that told any */
    uint64_t epoch_ran_ns;     /* time in it until the last request, without waits for answers */
    uint64_t agreed;           /* last position at which digests agreed */

    /* Outputs: waiting for acknowledgement (live), or kept until known released. */
    struct output_list outputs;
    uint64_t outputs_made;
    uint64_t outputs_released; /* those that have left for certain */
    /* Live: those that the last update lets leave. By the next step they have left, but for those
     * from `refused_from` on (0: none). These are in `outputs` again then, as its first. */
    struct output_list leaving;
    uint64_t refused_from;
    bool refused; /* the first of `outputs` was, and is offered again at `offer_again_ns` */
    uint64_t offer_again_ns;
    uint64_t offered_ns;    /* when the last of them were */
    uint64_t left_ns;       /* when the last that has left was */
    uint64_t released_sent; /* the last number that the other replica was sent */
    uint64_t state_outputs; /* made before the state that the joiner was given */

    /* Live. */
    struct input_list inputs;
    uint64_t inputs_delivered;
    bool is_protected;
    enum joiner_stage joiner;
    uint64_t acked;
    uint64_t consumed;
    struct boundary_ring sent;
    uint64_t consumed_log_bytes;
    uint64_t state_size, state_total, state_told; /* bytes of a state under way, either side */
    uint64_t state_digest;
    uint64_t save_started_ns;
    bool promotion_pending; /* the next reply says `promoted` */
    bool began;
    bool halting;

    /* Backup. */
    struct entry_list log;      /* received, not consumed */
    uint64_t received_position; /* of the last boundary received, as the next two */
    uint64_t received_clock_ns;
    uint64_t received_at_ns;
    uint64_t last_value_ns; /* latest clock reading in the log */
    bool may_claim;         /* told PROTECTED */
    bool state_begun, state_complete;
    uint64_t lag_reported; /* consumed lsn as last acknowledged */
    bool ack_due;
    uint64_t known_released;

    /* The other replica. */
    engine_peer peer; /* authorised: joiner or backup; on a backup the primary */
    char peer_name[LOG_MAX_NAME + 1];
    uint64_t peer_heard_ns;
    uint64_t peer_position;
    uint64_t heartbeat_due_ns;

    /* Claims. */
    bool claiming;
    bool claim_asked; /* an answer is outstanding */
    bool arbiter_unreachable;
    uint64_t claim_id;
    uint64_t claim_counter;
    uint64_t claim_retry_ns;
    uint64_t suspected_ns;
    uint64_t won_ns;
    uint64_t last_sign_ns; /* of life, before the suspicion */

    /* Ending. */
    enum engine_end parting; /* how PHASE_PARTING ends */
    enum engine_end ending;  /* STOPPED or HALTED while the record is being released */
    bool release_asked;
    uint64_t release_retry_ns;
    unsigned release_tries;

    /* Clock. */
    int64_t clock_offset_ns;
    uint64_t rate_q32;

    struct engine_request request;
    uint64_t vcpu_since_ns; /* the vCPU runs since then, if it has no request */

    /* Memory that the last update points to; freed at the next step. */
    struct output_list spent_outputs;
    struct input_list spent_inputs;
    struct entry_list spent_entries;
    struct log_input *batch; /* LOG_MAX_INPUTS: inputs of the boundary that is being decided */
    size_t batch_count;
    struct input_list batch_inputs; /* what they point to, until the reply */
    char text[LOG_MAX_REASON];
    char notice_text[4][LOG_MAX_REASON];
    unsigned notice_texts;
    uint8_t clock_value[8];

    struct engine_update *update; /* of the step that runs */
};

/* engine.c */
struct engine_action *engine_do(struct engine *engine, enum engine_action_type type);
struct message *engine_send(struct engine *engine, enum message_type type);
struct engine_notice *engine_notify(struct engine *engine, enum engine_notice_type type,
                                    const char *format, ...) __attribute__((format(printf, 3, 4)));
void engine_reply_sent(struct engine *engine); /* the vCPU runs again */
void engine_finish(struct engine *engine, enum engine_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool engine_is_live(const struct engine *engine);

/* engine_primary.c */
void primary_progress(struct engine *engine); /* answers the vCPU's request if the rules allow */
void primary_value(struct engine *engine, uint64_t position, struct log_bytes data);
void primary_ack(struct engine *engine, const struct message_ack *ack);
/* Whether the backup's execution is near enough for another boundary. */
bool primary_lag_allows(struct engine *engine);
/* Whether it has executed all that it can. */
bool primary_all_is_executed(const struct engine *engine);
uint64_t primary_idle_deadline(const struct engine *engine);

/* engine_outputs.c */
/* Each step begins with it: which of the last update's outputs have left is known by now. */
void outputs_settle(struct engine *engine);
void outputs_add(struct engine *engine, const struct engine_event *event);
/* Lets leave what may, unless something that may was refused a moment ago. */
void outputs_release(struct engine *engine);
void outputs_tick(struct engine *engine);
uint64_t outputs_deadline(const struct engine *engine);
/* For the limits: those that may not leave yet, or could not, or of which that is not known. */
size_t outputs_held(const struct engine *engine);
size_t outputs_held_bytes(const struct engine *engine);
uint64_t outputs_left(const struct engine *engine); /* by what is known now */
bool outputs_all_left(const struct engine *engine);
/* An idle guest's backup would hear of the last outputs only with the next heartbeat. */
bool outputs_worth_telling(const struct engine *engine);

/* engine_backup.c */
void backup_progress(struct engine *engine);
void backup_output(struct engine *engine, const struct engine_event *event);
void backup_entry(struct engine *engine, const struct message *message);
void backup_protected(struct engine *engine, const struct message_protected *promise);
void backup_released(struct engine *engine, uint64_t released);
void backup_flush_ack(struct engine *engine);
void backup_go_live(struct engine *engine);

/* engine_join.c */
void join_hello(struct engine *engine, engine_peer peer, const struct message_hello *hello);
void join_say_hello(struct engine *engine, engine_peer peer);
void join_welcome(struct engine *engine, const struct message *message);
void join_begin_state(struct engine *engine);
void join_state_size(struct engine *engine, uint64_t estimate);
void join_progress_saved(struct engine *engine);
void join_state_chunk(struct engine *engine, struct log_bytes data);
void join_state_saved(struct engine *engine, bool ok);
void join_state_message(struct engine *engine, const struct message *message);
void join_state_loaded(struct engine *engine, bool ok);
void join_try_protect(struct engine *engine);
/* The vCPU has been saving for too long: if for a joiner, that one is given up. */
bool join_give_up_slow(struct engine *engine);
/* The same for a joiner that does not load, while the guest waits for it. */
void join_check_loading(struct engine *engine);
void join_drop(struct engine *engine); /* the joiner or backup is gone: back to JOINER_NONE */

/* engine_claim.c */
void claim_suspect(struct engine *engine, const char *reason);
/* By command. The primary goes on, and this backup goes on following it, until the claim is won:
 * told before, it would suspect its backup, claim as well, and win as often as not. */
void claim_promote(struct engine *engine);
void claim_give_up_peer(struct engine *engine);
void claim_answer(struct engine *engine, const struct engine_event *event);
void claim_tick(struct engine *engine);

/* engine_clock.c */
void clock_begin(struct engine *engine);
void clock_take_over(struct engine *engine);
uint64_t clock_now(const struct engine *engine);
uint64_t clock_computed(const struct engine *engine, uint64_t position);
uint64_t clock_at_boundary(const struct engine *engine, uint64_t position);
void clock_measure(struct engine *engine, uint64_t position);
uint64_t clock_rate(const struct engine *engine);                            /* of the next epoch */
uint64_t clock_epoch_length(const struct engine *engine, uint64_t rate_q32); /* at most */

/* engine_finish.c */
void finish_stop(struct engine *engine);
void finish_halt_if_done(struct engine *engine);
void finish_answer(struct engine *engine, const struct engine_event *event);
void finish_part(struct engine *engine, enum engine_end end);
void finish_parted(struct engine *engine);
void finish_bye(struct engine *engine, const struct message_bye *bye);
void finish_say_bye(struct engine *engine, enum bye_code code, const char *reason);
void finish_say_diverged(struct engine *engine, const char *reason, uint64_t position);
void finish_tick(struct engine *engine);

#endif

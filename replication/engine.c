#include "replication/engine.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "logging/digest.h"
#include "logging/mutant.h"
#include "replication/engine_state.h"

/* Steps within the time after which a vCPU counts as stuck. */
#define STUCK_LOOKS 8u

struct engine_action *engine_do(struct engine *engine, enum engine_action_type type)
{
    assert(engine->update->count < ENGINE_MAX_ACTIONS);
    struct engine_action *action = &engine->update->actions[engine->update->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

struct message *engine_send(struct engine *engine, enum message_type type)
{
    struct engine_action *action = engine_do(engine, ENGINE_DO_SEND);
    action->peer = engine->peer;
    action->message.type = type;
    return &action->message;
}

struct engine_notice *engine_notify(struct engine *engine, enum engine_notice_type type,
                                    const char *format, ...)
{
    struct engine_notice *notice = &engine_do(engine, ENGINE_DO_NOTIFY)->notice;
    size_t slots = sizeof engine->notice_text / sizeof engine->notice_text[0];
    char *text = engine->notice_text[engine->notice_texts++ % slots];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, LOG_MAX_REASON, format, arguments);
    va_end(arguments);
    notice->type = type;
    notice->text = text;
    return notice;
}

void engine_reply_sent(struct engine *engine)
{
    engine->request.type = REQUEST_NONE;
    engine->vcpu_since_ns = engine->now_ns;
}

void engine_finish(struct engine *engine, enum engine_end end, const char *format, ...)
{
    if (engine->end != ENGINE_RUNNING) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(engine->text, sizeof engine->text, format, arguments);
    va_end(arguments);
    if (engine->peer != 0) {
        engine_do(engine, ENGINE_DO_CLOSE)->peer = engine->peer;
        engine->peer = 0;
    }
    struct engine_action *action = engine_do(engine, ENGINE_DO_END);
    action->end = end;
    action->reason = engine->text;
    engine->end = end;
}

bool engine_is_live(const struct engine *engine)
{
    return engine->phase == PHASE_LIVE;
}

struct engine *engine_create(const struct engine_config *config, uint64_t now_ns)
{
    const struct memory *memory = config->memory;
    struct engine *engine = memory_allocate_zeroed(memory, sizeof *engine);
    struct log_input *batch = memory_allocate_zeroed(memory, LOG_MAX_INPUTS * sizeof *batch);
    if (engine == NULL || batch == NULL) {
        memory_release(memory, engine);
        memory_release(memory, batch);
        return NULL;
    }
    engine->config = *config;
    engine->batch = batch;
    engine->role = config->role;
    engine->phase = config->role == ENGINE_PRIMARY ? PHASE_LIVE : PHASE_CONNECTING;
    engine->term = config->term;
    engine->chain = DIGEST_CHAIN_START;
    engine->now_ns = now_ns;
    engine->promised_ns = UINT64_MAX;
    engine->vcpu_since_ns = now_ns;
    engine->heartbeat_due_ns = now_ns;
    engine->rate_q32 = config->rate_q32;
    engine->epoch.length = clock_epoch_length(engine, config->rate_q32);
    engine->epoch.rate_q32 = config->rate_q32;
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    const struct memory *memory = engine->config.memory;
    output_list_clear(memory, &engine->outputs);
    output_list_clear(memory, &engine->leaving);
    output_list_clear(memory, &engine->spent_outputs);
    input_list_clear(memory, &engine->inputs);
    input_list_clear(memory, &engine->batch_inputs);
    input_list_clear(memory, &engine->spent_inputs);
    entry_list_clear(memory, &engine->log);
    entry_list_clear(memory, &engine->spent_entries);
    boundary_ring_destroy(memory, &engine->sent);
    memory_release(memory, engine->batch);
    memory_release(memory, engine);
}

/* A step much later than the deadline that was promised means that this process did not run. The
 * time that it stood still says nothing about the peer or about the vCPU thread. */
static void forgive_own_pause(struct engine *engine)
{
    if (engine->promised_ns == UINT64_MAX || MUTANT(OWN_PAUSE_NOT_FORGIVEN)) {
        return;
    }
    uint64_t slack_ns = 2 * engine->config.heartbeat_ns;
    if (engine->now_ns > engine->promised_ns + slack_ns) {
        uint64_t paused_ns = engine->now_ns - engine->promised_ns;
        engine->peer_heard_ns += paused_ns;
        engine->vcpu_since_ns += paused_ns;
        engine->request.since_ns += paused_ns;
    }
}

/* Nothing is asked of us, so the vCPU thread is at work: it runs its guest or, on a joiner that has
 * all of the state, loads that. */
static bool vcpu_works(const struct engine *engine)
{
    bool loads =
        engine->phase == PHASE_JOINING && engine->state_complete && !MUTANT(HANG_IN_LOAD_UNNOTICED);
    return engine->began && engine->config.stuck_ns != 0 &&
           (engine->request.type == REQUEST_NONE || loads);
}

static void check_stuck(struct engine *engine)
{
    join_check_loading(engine);
    if (!vcpu_works(engine)) {
        return;
    }
    if (engine->now_ns - engine->vcpu_since_ns > engine->config.stuck_ns) {
        if (MUTANT(HANG_UNNOTICED)) {
            engine->vcpu_since_ns = engine->now_ns;
            return;
        }
        if (join_give_up_slow(engine)) {
            return;
        }
        finish_say_bye(engine, BYE_FAILED, "its vCPU thread is stuck");
        engine_finish(engine, ENGINE_END_STUCK,
                      "the vCPU thread reached no boundary for %llu ms after position %llu",
                      (unsigned long long)(engine->config.stuck_ns / 1000000),
                      (unsigned long long)engine->epoch.position);
    }
}

static void send_heartbeat(struct engine *engine)
{
    if (engine->peer == 0 || engine->phase == PHASE_CONNECTING ||
        (engine->now_ns < engine->heartbeat_due_ns && !outputs_worth_telling(engine))) {
        return;
    }
    engine->heartbeat_due_ns = engine->now_ns + engine->config.heartbeat_ns;
    if (MUTANT(NO_HEARTBEATS)) {
        return;
    }
    uint64_t released =
        MUTANT(HEARTBEAT_TELLS_MADE) ? engine->outputs_made : engine->outputs_released;
    engine->released_sent = released;
    struct message *message = engine_send(engine, MESSAGE_HEARTBEAT);
    message->heartbeat = (struct message_heartbeat){
        .term = engine->term,
        .position = engine->epoch.position,
        .released = engine_is_live(engine) ? released : 0,
    };
}

static void check_silence(struct engine *engine)
{
    /* While connecting, nobody that could be lost is known yet; the owner tries again or gives up.
     */
    if (engine->peer == 0 || engine->phase == PHASE_CONNECTING ||
        engine->now_ns < engine->peer_heard_ns ||
        engine->now_ns - engine->peer_heard_ns <= engine->config.timeout_ns) {
        return;
    }
    if (MUTANT(SILENCE_UNNOTICED)) {
        engine->peer_heard_ns = engine->now_ns;
        return;
    }
    char reason[96];
    snprintf(reason, sizeof reason, "nothing heard for %llu ms",
             (unsigned long long)((engine->now_ns - engine->peer_heard_ns) / 1000000));
    claim_suspect(engine, reason);
}

static void tick(struct engine *engine)
{
    /* What was executed is told with what is received, or now. */
    if (engine->now_ns >= engine->heartbeat_due_ns && engine->consumed != engine->lag_reported &&
        !MUTANT(EXECUTED_NOT_TOLD)) {
        engine->ack_due = true;
    }
    backup_flush_ack(engine);
    check_silence(engine);
    check_stuck(engine);
    claim_tick(engine);
    finish_tick(engine);
    outputs_tick(engine);
    send_heartbeat(engine);
}

static void heartbeat_received(struct engine *engine, const struct message_heartbeat *heartbeat)
{
    if (heartbeat->term != engine->term && !MUTANT(HEARTBEAT_OF_ANOTHER_TERM)) {
        return;
    }
    engine->peer_position = heartbeat->position;
    if (!engine_is_live(engine)) {
        backup_released(engine, heartbeat->released);
    }
}

static void message_received(struct engine *engine, engine_peer peer, const struct message *message)
{
    if (message->type == MESSAGE_HELLO && peer != engine->peer) {
        join_hello(engine, peer, &message->hello);
        return;
    }
    if (peer != engine->peer) {
        return; /* of a connection that was given up: what it says no longer counts */
    }
    engine->peer_heard_ns = engine->now_ns;
    bool live = engine_is_live(engine);
    switch (message->type) {
    case MESSAGE_WELCOME:
    case MESSAGE_REFUSE: join_welcome(engine, message); return;
    case MESSAGE_STATE_BEGIN:
    case MESSAGE_STATE_CHUNK:
    case MESSAGE_STATE_END: join_state_message(engine, message); return;
    case MESSAGE_VALUE:
    case MESSAGE_BOUNDARY: backup_entry(engine, message); return;
    case MESSAGE_ACK:
        if (live) {
            primary_ack(engine, &message->ack);
        }
        return;
    case MESSAGE_PROTECTED: backup_protected(engine, &message->protected_); return;
    case MESSAGE_HEARTBEAT: heartbeat_received(engine, &message->heartbeat); return;
    case MESSAGE_BYE: finish_bye(engine, &message->bye); return;
    default: return;
    }
}

static void request_received(struct engine *engine, const struct engine_event *event)
{
    assert(engine->request.type == REQUEST_NONE);
    struct engine_request *request = &engine->request;
    request->type = event->type == ENGINE_BEGIN      ? REQUEST_BEGIN
                    : event->type == ENGINE_BOUNDARY ? REQUEST_BOUNDARY
                                                     : REQUEST_VALUE;
    request->position = event->position;
    request->digest = event->digest;
    request->idle = event->idle;
    request->wake_ns = event->wake_ns;
    request->halt = event->halt;
    request->is_clock = event->is_clock;
    request->since_ns = engine->now_ns;
    engine->epoch_ran_ns += engine->now_ns - engine->vcpu_since_ns;
    request->decided = false;
    request->size = event->data.size;
    assert(request->size <= sizeof request->data);
    if (request->size > 0) {
        memcpy(request->data, event->data.data, request->size);
    }
    engine->began = true;
}

static void vcpu_event(struct engine *engine, const struct engine_event *event)
{
    switch (event->type) {
    case ENGINE_BEGIN:
        if (engine_is_live(engine)) {
            engine->epoch.position = event->position;
            clock_begin(engine);
        }
        request_received(engine, event);
        return;
    case ENGINE_BOUNDARY: request_received(engine, event); return;
    case ENGINE_VALUE:
        if (engine_is_live(engine)) {
            if (event->is_clock && event->data.size == sizeof engine->last_value_ns) {
                memcpy(&engine->last_value_ns, event->data.data, sizeof engine->last_value_ns);
            }
            primary_value(engine, event->position, event->data);
        } else {
            request_received(engine, event);
        }
        return;
    case ENGINE_OUTPUT:
        if (engine_is_live(engine)) {
            outputs_add(engine, event);
        } else {
            backup_output(engine, event);
        }
        return;
    case ENGINE_STATE_SIZE: join_state_size(engine, event->size); return;
    case ENGINE_STATE_CHUNK: join_state_chunk(engine, event->data); return;
    case ENGINE_STATE_SAVED: join_state_saved(engine, event->ok); return;
    default: join_state_loaded(engine, event->ok); return;
    }
}

static void dispatch(struct engine *engine, const struct engine_event *event)
{
    switch (event->type) {
    case ENGINE_TICK: tick(engine); return;
    case ENGINE_CONNECTED:
        if (!event->incoming && engine->phase == PHASE_CONNECTING) {
            join_say_hello(engine, event->peer);
        }
        return;
    case ENGINE_PEER_LOST:
        if (MUTANT(BROKEN_CONNECTION_UNNOTICED)) {
            return;
        }
        if (event->peer == engine->peer && engine->phase != PHASE_CONNECTING) {
            claim_suspect(engine, event->reason);
        } else if (event->peer == engine->peer) {
            engine->peer = 0;
        }
        return;
    case ENGINE_MESSAGE: message_received(engine, event->peer, event->message); return;
    case ENGINE_HEARD:
        if (event->peer == engine->peer) {
            engine->peer_heard_ns = engine->now_ns;
        }
        return;
    case ENGINE_INPUT:
        /* Rule R6: a backup's own devices' inputs are ignored; the log brings the primary's. */
        if ((engine_is_live(engine) || MUTANT(BACKUP_TAKES_INPUTS)) &&
            !input_list_add(engine->config.memory, &engine->inputs, event->device, event->data)) {
            engine_finish(engine, ENGINE_END_MEMORY, "out of memory for an input");
        }
        return;
    case ENGINE_CLAIM_ANSWER: claim_answer(engine, event); return;
    case ENGINE_RELEASE_ANSWER: finish_answer(engine, event); return;
    case ENGINE_STOP: finish_stop(engine); return;
    case ENGINE_FAIL:
        finish_say_bye(engine, BYE_FAILED, event->reason);
        engine_finish(engine, ENGINE_END_FAILED, "%s", event->reason);
        return;
    case ENGINE_NO_MEMORY:
        finish_say_bye(engine, BYE_FAILED, event->reason);
        engine_finish(engine, ENGINE_END_MEMORY, "%s", event->reason);
        return;
    case ENGINE_PROMOTE:
        if ((engine->may_claim || MUTANT(UNTOLD_PROMOTED)) && engine->phase == PHASE_FOLLOWING &&
            !engine->claiming) {
            claim_promote(engine);
        }
        return;
    default: vcpu_event(engine, event); return;
    }
}

void engine_step(struct engine *engine, const struct engine_event *event,
                 struct engine_update *update)
{
    assert(event->now_ns >= engine->now_ns);
    const struct memory *memory = engine->config.memory;
    outputs_settle(engine);
    output_list_clear(memory, &engine->spent_outputs);
    input_list_clear(memory, &engine->spent_inputs);
    entry_list_clear(memory, &engine->spent_entries);
    update->count = 0;
    engine->update = update;
    engine->notice_texts = 0;
    engine->now_ns = event->now_ns;
    if (engine->end != ENGINE_RUNNING) {
        return;
    }
    forgive_own_pause(engine);
    if (!engine_accepts_vcpu(engine)) {
        engine->vcpu_since_ns = engine->now_ns; /* the vCPU waits for us */
    }
    dispatch(engine, event);
    if (engine->end == ENGINE_RUNNING) {
        backup_progress(engine);
    }
    if (engine->end == ENGINE_RUNNING) {
        primary_progress(engine);
    }
    /* Of a deadline that is overdue already, only what comes from here on can be a pause: the same
     * time must not be forgiven at each step until the next tick. */
    uint64_t deadline_ns = engine_deadline(engine);
    engine->promised_ns = deadline_ns > engine->now_ns ? deadline_ns : engine->now_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t engine_deadline(const struct engine *engine)
{
    return earlier(engine_watch_deadline(engine), engine_idle_deadline(engine));
}

uint64_t engine_idle_deadline(const struct engine *engine)
{
    return engine->end != ENGINE_RUNNING ? UINT64_MAX : primary_idle_deadline(engine);
}

uint64_t engine_watch_deadline(const struct engine *engine)
{
    uint64_t deadline = UINT64_MAX;
    if (engine->end != ENGINE_RUNNING) {
        return deadline;
    }
    if (engine->peer != 0 && engine->phase != PHASE_CONNECTING) {
        deadline = earlier(deadline, engine->peer_heard_ns + engine->config.timeout_ns + 1);
        deadline = earlier(deadline, engine->heartbeat_due_ns);
    }
    deadline = earlier(deadline, outputs_deadline(engine));
    if (engine->ack_due) {
        deadline = earlier(deadline, engine->now_ns);
    }
    if (engine->claiming && !engine->claim_asked) {
        deadline = earlier(deadline, engine->claim_retry_ns);
    }
    if (engine->ending != ENGINE_RUNNING && !engine->release_asked) {
        deadline = earlier(deadline, engine->release_retry_ns);
    }
    if (vcpu_works(engine)) {
        deadline = earlier(deadline, engine->vcpu_since_ns + engine->config.stuck_ns + 1);
        /* That this process stood still shows in a step that comes late. A replica without a peer
         * has no other deadline, and would take its own sleep for a vCPU that hangs. */
        if (!MUTANT(SLEEP_TAKEN_FOR_HANG)) {
            deadline = earlier(deadline, engine->now_ns + engine->config.stuck_ns / STUCK_LOOKS);
        }
    }
    return deadline;
}

bool engine_may_cut(const struct engine *engine)
{
    bool last_of_the_log = engine->phase == PHASE_DRAINING && engine->log.first == NULL;
    return engine->config.epoch_length == 0 &&
           (engine_is_live(engine) || (MUTANT(LAST_EPOCH_CUT) && last_of_the_log));
}

bool engine_wants_boundary(const struct engine *engine)
{
    return engine_is_live(engine) &&
           (engine->inputs.first != NULL || engine->joiner == JOINER_WAITING);
}

bool engine_accepts_vcpu(const struct engine *engine)
{
    if (engine->end != ENGINE_RUNNING || engine->phase == PHASE_PARTING ||
        engine->phase == PHASE_DRAINING || MUTANT(HELD_WITHOUT_LIMIT)) {
        return true;
    }
    return outputs_held(engine) < ENGINE_MAX_HELD_OUTPUTS &&
           outputs_held_bytes(engine) < ENGINE_MAX_HELD_BYTES;
}

bool engine_accepts_input(const struct engine *engine, size_t size)
{
    if (!engine_is_live(engine) || engine->end != ENGINE_RUNNING) {
        return true; /* and ignores it */
    }
    return engine->inputs.count < ENGINE_MAX_PENDING_INPUTS &&
           engine->inputs.bytes + size <= ENGINE_MAX_PENDING_BYTES;
}

void engine_get_status(const struct engine *engine, struct engine_status *status)
{
    bool live = engine_is_live(engine);
    *status = (struct engine_status){
        .role = live ? ENGINE_PRIMARY : ENGINE_BACKUP,
        .live = live,
        .is_protected = live ? engine->is_protected : engine->may_claim,
        .joining = live ? engine->joiner != JOINER_NONE && engine->joiner != JOINER_PROTECTING
                        : engine->phase < PHASE_FOLLOWING,
        .saving = live && engine->joiner == JOINER_SAVING,
        .claiming = engine->claiming,
        .end = engine->end,
        .peer = engine->peer,
        .term = engine->term,
        .epoch = engine->epoch.number,
        .position = engine->epoch.position,
        .peer_position = engine->peer_position,
        .clock_ns = live ? clock_now(engine) : engine->epoch.clock_ns,
        .lsn = engine->lsn,
        .lsn_acked = live ? engine->acked : engine->lsn,
        .lsn_consumed = engine->consumed,
        .outputs = engine->outputs_made,
        .outputs_released = live ? outputs_left(engine) : engine->known_released,
        .outputs_held = live ? engine->outputs_made - outputs_left(engine) : engine->outputs.count,
        .inputs_delivered = engine->inputs_delivered,
        .log_bytes = engine->log_bytes,
        .peer_heard_ns = engine->peer_heard_ns,
        .peer_name = engine->peer_name,
    };
}

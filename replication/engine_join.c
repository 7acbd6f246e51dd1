/*
 * How a replica joins (rule R9): the handshake, the state at a boundary, catching up, protection.
 *
 * Both sides stand here, as they are two halves of one conversation:
 *   HELLO, WELCOME or REFUSE; STATE_BEGIN, STATE_CHUNK..., STATE_END; entries from there on; the
 * first ACK, which says that the state is loaded; PROTECTED, once little is left to execute.
 */
#include <stdio.h>
#include <string.h>

#include "logging/digest.h"
#include "logging/mutant.h"
#include "replication/engine_state.h"

/* Progress of a transfer is told this often, in bytes. */
#define PROGRESS_STEP (UINT64_C(16) << 20)

/* ---- The primary's side ------------------------------------------------------------------------
 */

static void refuse(struct engine *engine, engine_peer peer, enum refuse_code code,
                   const char *replica, const char *reason)
{
    struct engine_notice *notice = engine_notify(engine, ENGINE_NOTICE_REFUSE, "%s", reason);
    notice->refused = replica;
    struct engine_action *action = engine_do(engine, ENGINE_DO_SEND);
    action->peer = peer;
    action->message.type = MESSAGE_REFUSE;
    action->message.refuse = (struct message_refuse){.code = code, .reason = notice->text};
    engine_do(engine, ENGINE_DO_CLOSE)->peer = peer;
}

static bool same_bytes(struct log_bytes a, struct log_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* 0, or the reason for a refusal with its text in `reason`. */
static enum refuse_code judge_hello(const struct engine *engine, const struct message_hello *hello,
                                    char *reason, size_t size)
{
    const struct engine_config *config = &engine->config;
    if (hello->version != LOG_VERSION) {
        snprintf(reason, size, "%s speaks protocol version %u and this primary version %u",
                 hello->replica, hello->version, LOG_VERSION);
        return REFUSE_VERSION;
    }
    if (!engine_is_live(engine)) {
        snprintf(reason, size, "%s is a backup itself: join its primary", config->replica);
        return REFUSE_ROLE;
    }
    if (hello->name[0] != '\0' && strcmp(hello->name, config->name) != 0) {
        snprintf(reason, size, "this is machine \"%s\", not \"%s\"", config->name, hello->name);
        return REFUSE_NAME;
    }
    if (hello->description.size > 0 && !same_bytes(hello->description, config->description)) {
        snprintf(reason, size, "%s describes another machine than the one that runs here",
                 hello->replica);
        return REFUSE_DESCRIPTION;
    }
    if (hello->term > engine->term && !MUTANT(STALE_PRIMARY_JOINED)) {
        snprintf(reason, size, "%s has seen term %llu and this primary is at term %llu: stale",
                 hello->replica, (unsigned long long)hello->term, (unsigned long long)engine->term);
        return REFUSE_TERM;
    }
    if (engine->joiner != JOINER_NONE && !MUTANT(SECOND_JOINER)) {
        snprintf(reason, size, "there is a backup already: %s", engine->peer_name);
        return REFUSE_SECOND;
    }
    if ((engine->claiming && !MUTANT(JOIN_DURING_CLAIM)) || engine->halting ||
        engine->ending != ENGINE_RUNNING) {
        snprintf(reason, size, "%s",
                 engine->claiming ? "a claim is under way: try again" : "the machine is ending");
        return REFUSE_ROLE;
    }
    return 0;
}

void join_hello(struct engine *engine, engine_peer peer, const struct message_hello *hello)
{
    char reason[LOG_MAX_REASON];
    enum refuse_code code = judge_hello(engine, hello, reason, sizeof reason);
    if (code != 0) {
        refuse(engine, peer, code, hello->replica, reason);
        return;
    }
    engine->peer = peer;
    engine->peer_heard_ns = engine->now_ns;
    engine->heartbeat_due_ns = engine->now_ns + engine->config.heartbeat_ns;
    snprintf(engine->peer_name, sizeof engine->peer_name, "%s", hello->replica);
    engine->joiner = JOINER_WAITING;
    engine_do(engine, ENGINE_DO_AUTHORISE)->peer = peer;
    engine_send(engine, MESSAGE_WELCOME)->welcome = (struct message_welcome){
        .version = LOG_VERSION,
        .name = engine->config.name,
        .replica = engine->config.replica,
        .term = engine->term,
        .description = engine->config.description,
        .protocol = engine->config.protocol,
        .heartbeat_ms = (uint32_t)(engine->config.heartbeat_ns / 1000000),
        .timeout_ms = (uint32_t)(engine->config.timeout_ns / 1000000),
        .arbitrated = engine->config.arbitrated,
        .lag_epochs = engine->config.lag_epochs,
        .epoch_length = engine->config.epoch_length,
        .epoch_min_us = (uint32_t)(engine->config.epoch_min_ns / 1000),
        .epoch_max_us = (uint32_t)(engine->config.epoch_max_ns / 1000),
        .lag_policy = engine->config.lag_policy,
    };
    engine_notify(engine, ENGINE_NOTICE_JOIN, "%s joins", engine->peer_name);
}

void engine_set_machine(struct engine *engine, const char *name, struct log_bytes description)
{
    engine->config.name = name;
    engine->config.description = description;
}

/* The vCPU was told to save; nothing nondeterministic happens until it has. */
void join_begin_state(struct engine *engine)
{
    engine->joiner = JOINER_SAVING;
    engine->save_started_ns = engine->now_ns;
    engine->state_size = 0;
    engine->state_digest = 0;
    engine->state_told = 0;
}

void join_state_size(struct engine *engine, uint64_t estimate)
{
    if (engine->joiner != JOINER_SAVING) {
        return;
    }
    engine->state_total = estimate;
    engine->state_outputs = engine->outputs_made;
    engine_send(engine, MESSAGE_STATE_BEGIN)->state_begin = (struct message_state_begin){
        .term = engine->term,
        .lsn = engine->lsn - MUTANT(STATE_OF_AN_ENTRY_BEFORE),
        .position = engine->epoch.position,
        .epoch = engine->epoch.number,
        .length = engine->epoch.length,
        .clock_ns = engine->epoch.clock_ns,
        .rate_q32 = engine->epoch.rate_q32,
        .outputs = engine->outputs_made + MUTANT(STATE_COUNTS_AN_OUTPUT_MORE),
        .chain = engine->chain,
        .estimate = estimate,
    };
}

/* Both sides: one more piece of the state. The digest is chained piece by piece. */
static void count_chunk(struct engine *engine, struct log_bytes data)
{
    engine->state_size += data.size;
    engine->state_digest = digest_bytes(engine->state_digest, data.data, data.size);
    if (engine->state_size - engine->state_told >= PROGRESS_STEP) {
        engine->state_told = engine->state_size;
        struct engine_notice *notice = engine_notify(engine, ENGINE_NOTICE_TRANSFER, "%s", "");
        notice->done = engine->state_size;
        notice->total = engine->state_total > engine->state_size ? engine->state_total : 0;
    }
}

void join_state_chunk(struct engine *engine, struct log_bytes data)
{
    engine->vcpu_since_ns = engine->now_ns;
    if (engine->joiner != JOINER_SAVING) {
        return;
    }
    count_chunk(engine, data);
    engine_send(engine, MESSAGE_STATE_CHUNK)->state_chunk.data = data;
}

/* The guest stands still for its primary alone, `pause_ns` then. */
static void transfer_done(struct engine *engine, uint64_t pause_ns)
{
    struct engine_notice *notice =
        engine_notify(engine, ENGINE_NOTICE_TRANSFER, "the state is complete, %llu bytes",
                      (unsigned long long)engine->state_size);
    notice->done = engine->state_size;
    notice->total = engine->state_size;
    notice->pause_ns = pause_ns;
}

void join_state_saved(struct engine *engine, bool ok)
{
    engine->request.type = REQUEST_SAVED;
    engine->request.since_ns = engine->now_ns;
    if (engine->joiner == JOINER_SAVING && !ok) {
        finish_say_bye(engine, BYE_FAILED, "the primary's state could not be saved");
        claim_suspect(engine, "the state could not be saved");
    } else if (engine->joiner == JOINER_SAVING) {
        engine_send(engine, MESSAGE_STATE_END)->state_end =
            (struct message_state_end){.size = engine->state_size, .digest = engine->state_digest};
        engine->joiner = JOINER_LOADING;
        engine->acked = engine->lsn;
        engine->consumed = engine->lsn;
        engine->consumed_log_bytes = engine->log_bytes;
        boundary_ring_clear(&engine->sent);
        transfer_done(engine, engine->now_ns - engine->save_started_ns);
    }
}

/* The vCPU has saved and waits: it goes on, or (waiting for its first backup) stays until it is
 * protected, saving again for another joiner if this one was lost. */
void join_progress_saved(struct engine *engine)
{
    if (engine->config.wait_backup && !engine->is_protected) {
        if (engine->joiner == JOINER_WAITING) {
            engine_do(engine, ENGINE_DO_REPLY)->reply.type = ENGINE_REPLY_SAVE;
            engine_reply_sent(engine);
            join_begin_state(engine);
        }
        return;
    }
    engine->config.wait_backup = false;
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_GO;
    reply->epoch = engine->epoch;
    engine_reply_sent(engine);
}

void join_try_protect(struct engine *engine)
{
    /* What was made before its state, and could not leave yet, the joiner does not have. */
    bool lacks_outputs =
        engine->outputs_released < engine->state_outputs && !MUTANT(PROTECTED_WITHOUT_REFUSED);
    if (engine->joiner != JOINER_CATCHING_UP || lacks_outputs ||
        (!MUTANT(PROTECTED_AT_ONCE) && engine->sent.count > engine->config.lag_epochs / 2 &&
         !primary_all_is_executed(engine))) {
        return;
    }
    /* From here on outputs wait. Only then is the joiner told that it may claim (rule R9): there is
     * no moment at which it may while outputs still leave freely. What left before is in entries
     * that the joiner has when it reads PROTECTED, as messages keep their order. */
    engine->is_protected = !MUTANT(PROTECTED_BEFORE_HELD);
    engine->joiner = JOINER_PROTECTING;
    engine_send(engine, MESSAGE_PROTECTED)->protected_ =
        (struct message_protected){.term = engine->term, .lsn = engine->lsn};
    engine_notify(engine, ENGINE_NOTICE_ROLE, "primary, protected by %s", engine->peer_name);
}

/* It may be the joiner that takes no more of the state. The guest must not be lost for one that
 * does not protect it yet; should the vCPU hang by itself, that shows when it has been given up. */
bool join_give_up_slow(struct engine *engine)
{
    if (engine->joiner != JOINER_SAVING || MUTANT(SLOW_JOINER_COSTS_THE_GUEST)) {
        return false;
    }
    engine->vcpu_since_ns = engine->now_ns;
    claim_suspect(engine, "it takes no more of the state");
    return true;
}

/* At a boundary, or (waiting for its first backup) where its state was saved. */
static bool guest_waits_for_joiner(struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    if (request->type == REQUEST_SAVED) {
        return engine->config.wait_backup && !MUTANT(FIRST_JOINER_KEPT);
    }
    return request->type == REQUEST_BOUNDARY && !request->decided && !primary_lag_allows(engine);
}

void join_check_loading(struct engine *engine)
{
    if (engine->joiner == JOINER_LOADING && guest_waits_for_joiner(engine) &&
        engine->config.stuck_ns != 0 &&
        engine->now_ns - engine->request.since_ns > engine->config.stuck_ns &&
        !MUTANT(SLOW_JOINER_KEPT)) {
        claim_suspect(engine, "the guest waits for it, and it does not load the state");
    }
}

void join_drop(struct engine *engine)
{
    engine->joiner = JOINER_NONE;
    engine->peer_name[0] = '\0';
    boundary_ring_clear(&engine->sent);
}

/* ---- The joiner's side --------------------------------------------------------------------- */

void join_say_hello(struct engine *engine, engine_peer peer)
{
    engine->peer = peer;
    engine->peer_heard_ns = engine->now_ns;
    engine_send(engine, MESSAGE_HELLO)->hello = (struct message_hello){
        .version = LOG_VERSION,
        .name = engine->config.name,
        .replica = engine->config.replica,
        .term = engine->term,
        .description = engine->config.description,
    };
}

static void refused(struct engine *engine, enum refuse_code code, const char *reason)
{
    struct engine_action *action = engine_do(engine, ENGINE_DO_REFUSED);
    action->message.type = MESSAGE_REFUSE;
    action->message.refuse = (struct message_refuse){.code = code, .reason = reason};
    engine_do(engine, ENGINE_DO_CLOSE)->peer = engine->peer;
    engine->peer = 0;
}

void join_welcome(struct engine *engine, const struct message *message)
{
    if (engine->phase != PHASE_CONNECTING) {
        return;
    }
    if (message->type == MESSAGE_REFUSE) {
        refused(engine, message->refuse.code, message->refuse.reason);
        return;
    }
    const struct message_welcome *welcome = &message->welcome;
    if (welcome->version != LOG_VERSION) {
        refused(engine, REFUSE_VERSION, "the primary speaks another protocol version");
        return;
    }
    if (welcome->arbitrated != engine->config.arbitrated) {
        refused(engine, REFUSE_ARBITER,
                welcome->arbitrated
                    ? "the primary uses an arbiter and this replica none: name the same arbiter"
                    : "this replica names an arbiter and the primary uses none");
        return;
    }
    if (welcome->term < engine->term && !MUTANT(STALE_PRIMARY_JOINED)) {
        refused(engine, REFUSE_TERM, "the primary's term is older than one seen before: stale");
        return;
    }
    if (welcome->heartbeat_ms == 0 || welcome->timeout_ms <= welcome->heartbeat_ms ||
        welcome->protocol > ENGINE_REVISED || welcome->lag_policy > ENGINE_LAG_DROP ||
        welcome->lag_epochs == 0 || (welcome->epoch_length == 0 && welcome->epoch_max_us == 0)) {
        refused(engine, REFUSE_VERSION, "the primary's parameters make no sense");
        return;
    }
    engine->term = welcome->term;
    engine->config.protocol = (enum engine_protocol)welcome->protocol;
    engine->config.heartbeat_ns = welcome->heartbeat_ms * UINT64_C(1000000);
    engine->config.timeout_ns = welcome->timeout_ms * UINT64_C(1000000);
    engine->config.lag_epochs = welcome->lag_epochs;
    engine->config.lag_policy = (enum engine_lag_policy)welcome->lag_policy;
    engine->config.epoch_length = welcome->epoch_length;
    engine->config.epoch_min_ns = welcome->epoch_min_us * UINT64_C(1000);
    engine->config.epoch_max_ns = welcome->epoch_max_us * UINT64_C(1000);
    engine->phase = PHASE_JOINING;
    engine->heartbeat_due_ns = engine->now_ns + engine->config.heartbeat_ns;
    snprintf(engine->peer_name, sizeof engine->peer_name, "%s", welcome->replica);
    engine_do(engine, ENGINE_DO_WELCOMED)->message = *message;
    engine_notify(engine, ENGINE_NOTICE_JOIN, "accepted by %s", engine->peer_name);
}

static void begin_received(struct engine *engine, const struct message_state_begin *begin)
{
    engine->state_begun = true;
    engine->state_size = 0;
    engine->state_digest = 0;
    engine->state_told = 0;
    engine->state_total = begin->estimate;
    engine->lsn = begin->lsn;
    engine->consumed = begin->lsn;
    engine->chain = begin->chain;
    engine->outputs_made = begin->outputs;
    engine->known_released = begin->outputs;
    engine->received_position = begin->position;
    engine->received_clock_ns = begin->clock_ns;
    engine->received_at_ns = engine->now_ns;
    engine->agreed = begin->position;
    engine->rate_q32 = begin->rate_q32;
    engine->length_told = begin->length;
    engine->epoch = (struct engine_epoch){
        .number = begin->epoch,
        .position = begin->position,
        .length = begin->length,
        .clock_ns = begin->clock_ns,
        .rate_q32 = begin->rate_q32,
    };
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_STATE;
    reply->epoch = engine->epoch;
}

void join_state_message(struct engine *engine, const struct message *message)
{
    bool begins = message->type == MESSAGE_STATE_BEGIN;
    if (engine_is_live(engine)) {
        finish_say_bye(engine, BYE_FAILED, "a state out of place");
        claim_suspect(engine, "it sent a state out of place");
        return;
    }
    if (engine->phase != PHASE_JOINING || engine->state_complete || engine->state_begun == begins ||
        (begins && message->state_begin.term != engine->term)) {
        finish_say_bye(engine, BYE_FAILED, "a state out of place");
        engine_finish(engine, ENGINE_END_CORRUPT, "the primary sent a state out of place");
        return;
    }
    if (begins) {
        begin_received(engine, &message->state_begin);
        return;
    }
    struct engine_reply *reply = NULL;
    if (message->type == MESSAGE_STATE_CHUNK) {
        count_chunk(engine, message->state_chunk.data);
        reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
        reply->type = ENGINE_REPLY_STATE_CHUNK;
        reply->data = message->state_chunk.data;
        return;
    }
    if (!MUTANT(STATE_UNCHECKED) && (message->state_end.size != engine->state_size ||
                                     message->state_end.digest != engine->state_digest)) {
        finish_say_bye(engine, BYE_FAILED, "the state arrived damaged");
        engine_finish(engine, ENGINE_END_CORRUPT, "the state arrived damaged");
        return;
    }
    engine->state_complete = true;
    engine->vcpu_since_ns = engine->now_ns; /* from here on it is the vCPU's to load it */
    reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_STATE_END;
}

void join_state_loaded(struct engine *engine, bool ok)
{
    if (!ok || engine->phase != PHASE_JOINING || !engine->state_complete) {
        finish_say_bye(engine, BYE_FAILED, "the state could not be loaded");
        engine_finish(engine, ENGINE_END_FAILED, "the state could not be loaded");
        return;
    }
    engine->request.type = REQUEST_LOADED;
    engine->request.position = engine->epoch.position;
    engine->request.since_ns = engine->now_ns;
    engine->request.decided = false;
    engine->phase = PHASE_FOLLOWING;
    engine->epoch_ran_ns = 0;
    engine->ack_due = true; /* the first acknowledgement says that the state is loaded */
    transfer_done(engine, 0);
    engine_notify(engine, ENGINE_NOTICE_ROLE, "backup, following %s", engine->peer_name);
}

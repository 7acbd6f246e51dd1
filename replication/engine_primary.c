/*
 * A live replica: it ends epochs, numbers the entries of the log, and ships them (rules R1 to R3).
 * What it does with outputs is in engine_outputs.c.
 */
#include <string.h>

#include "logging/codec.h"
#include "logging/digest.h"
#include "logging/mutant.h"
#include "replication/engine_state.h"

static bool backup_gets_entries(const struct engine *engine)
{
    /* From the moment at which the state is taken, the joiner needs every entry. */
    return engine->joiner >=
           (MUTANT(ENTRIES_FROM_THE_LOAD_ON) ? JOINER_CATCHING_UP : JOINER_LOADING);
}

/* An entry joins the log, and leaves if there is somebody to hold it. */
static void append(struct engine *engine, const struct message *entry)
{
    engine->log_bytes += codec_frame_size(entry);
    if (backup_gets_entries(engine)) {
        *engine_send(engine, entry->type) = *entry;
    }
}

/* Rule R3. */
void primary_value(struct engine *engine, uint64_t position, struct log_bytes data)
{
    if (MUTANT(VALUE_NOT_LOGGED)) {
        return;
    }
    struct message_value value = {
        .lsn = ++engine->lsn, .term = engine->term, .position = position, .data = data};
    engine->chain = digest_chain_value(engine->chain, &value);
    append(engine, &(struct message){.type = MESSAGE_VALUE, .value = value});
}

/* Where lengths are not fixed, the last boundary begins an epoch that the backup can run only once
 * it is told where that ends. Nothing may wait for that. */
bool primary_all_is_executed(const struct engine *engine)
{
    return engine->sent.count <= (engine->config.epoch_length == 0 ? 1 : 0);
}

bool primary_lag_allows(struct engine *engine)
{
    if (!backup_gets_entries(engine) || MUTANT(LAG_WITHOUT_LIMIT)) {
        return true;
    }
    /* A joiner must come closer than a backup may fall behind, or it would never be told that it is
     * protected. */
    uint64_t limit = engine->config.lag_epochs;
    if (engine->joiner != JOINER_PROTECTING) {
        limit = limit / 2;
    }
    if (primary_all_is_executed(engine)) {
        return true;
    }
    uint64_t unexecuted_bytes = engine->log_bytes - engine->consumed_log_bytes;
    if (engine->sent.count <= limit && unexecuted_bytes <= ENGINE_MAX_LOG_BYTES) {
        return true;
    }
    if (engine->config.lag_policy == ENGINE_LAG_DROP && engine->joiner == JOINER_PROTECTING) {
        claim_suspect(engine, "its execution is too far behind");
        return true;
    }
    return false;
}

/* Whether the boundary asked for may be decided now. */
static bool boundary_may_end(struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    if (!MUTANT(HELD_WITHOUT_LIMIT) && (outputs_held(engine) >= ENGINE_MAX_HELD_OUTPUTS / 2 ||
                                        outputs_held_bytes(engine) >= ENGINE_MAX_HELD_BYTES / 2)) {
        return false;
    }
    if (!primary_lag_allows(engine)) {
        return false;
    }
    return !request->idle || (engine->inputs.first != NULL && !MUTANT(IDLE_DEAF_TO_INPUTS)) ||
           engine->promotion_pending ||
           (engine->joiner == JOINER_WAITING && !MUTANT(IDLE_DEAF_TO_JOINERS)) ||
           (clock_now(engine) >= request->wake_ns && !MUTANT(IDLE_DEAF_TO_TIMER));
}

uint64_t primary_idle_deadline(const struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    if (!engine_is_live(engine) || request->type != REQUEST_BOUNDARY || !request->idle ||
        request->decided || request->wake_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    /* Once it is time, what holds the boundary up (the backup's lag, outputs, an end under way)
     * goes away by an event and not by waiting. */
    uint64_t clock_ns = clock_now(engine);
    return request->wake_ns <= clock_ns ? UINT64_MAX
                                        : engine->now_ns + (request->wake_ns - clock_ns);
}

/* Rule R2: the boundary becomes an entry of the log. Its inputs stand in engine->batch until the
 * reply, which with the original protocol comes in a later step: so they are kept, not freed. */
static bool decide_boundary(struct engine *engine)
{
    struct engine_request *request = &engine->request;
    clock_measure(engine, request->position);
    bool takes = !request->halt && !(MUTANT(INPUT_WAITS_LONGER) && engine->epoch.number % 2 == 0);
    size_t count =
        takes ? input_list_take(&engine->inputs, &engine->batch_inputs, engine->batch) : 0;
    engine->batch_count = MUTANT(INPUT_LOST) ? 0 : count;
    uint64_t clock_ns = clock_at_boundary(engine, request->position);
    uint64_t rate_q32 = clock_rate(engine);
    uint64_t length = clock_epoch_length(engine, rate_q32);
    uint64_t released =
        MUTANT(BOUNDARY_TELLS_MADE) ? engine->outputs_made : engine->outputs_released;
    engine->lsn += 1 + MUTANT(ENTRY_NUMBER_LEFT_OUT);
    struct message_boundary boundary = {
        .lsn = engine->lsn,
        .term = engine->term,
        .position = request->position,
        .digest = request->digest,
        .clock_ns = clock_ns,
        .rate_q32 = rate_q32 != engine->epoch.rate_q32 && !MUTANT(RATE_NOT_TOLD) ? rate_q32 : 0,
        .next_length = length != engine->epoch.length && !MUTANT(LENGTH_NOT_TOLD) ? length : 0,
        .released = released != engine->released_told ? released : 0,
        .final = request->halt,
        .input_count = MUTANT(INPUT_NOT_IN_THE_RECORD) || MUTANT(INPUT_LOST) ? 0 : count,
        .inputs = engine->batch,
    };
    engine->chain = digest_chain_boundary(engine->chain, &boundary);
    boundary.chain = (uint32_t)engine->chain;
    engine->released_told = released;
    engine->released_sent = released;
    engine->inputs_delivered += count;
    append(engine, &(struct message){.type = MESSAGE_BOUNDARY, .boundary = boundary});
    if (backup_gets_entries(engine)) {
        if (!boundary_ring_add(engine->config.memory, &engine->sent, boundary.lsn,
                               engine->log_bytes)) {
            engine_finish(engine, ENGINE_END_MEMORY, "out of memory for a boundary");
            return false;
        }
    }
    engine->epoch = (struct engine_epoch){
        .number = engine->epoch.number + 1,
        .position = request->position,
        .length = length,
        .clock_ns = clock_ns,
        .rate_q32 = rate_q32,
    };
    request->decided = true;
    request->decided_lsn = boundary.lsn;
    return true;
}

static struct engine_reply *live_reply(struct engine *engine, enum engine_reply_type type)
{
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = type;
    reply->live = true;
    reply->promoted = engine->promotion_pending;
    reply->clock_offset_ns = engine->clock_offset_ns;
    engine->promotion_pending = false;
    return reply;
}

static void reply_epoch(struct engine *engine)
{
    struct engine_reply *reply = live_reply(engine, ENGINE_REPLY_EPOCH);
    reply->epoch = engine->epoch;
    reply->input_count = engine->batch_count;
    reply->inputs = engine->batch;
    reply->save = engine->joiner == JOINER_WAITING;
    engine->batch_count = 0;
    /* The inputs live until the next step. */
    input_list_clear(engine->config.memory, &engine->spent_inputs);
    engine->spent_inputs = engine->batch_inputs;
    engine->batch_inputs = (struct input_list){0};
    engine->epoch_ran_ns = 0;
    engine_reply_sent(engine);
    if (reply->save) {
        join_begin_state(engine);
    }
}

static void progress_begin(struct engine *engine)
{
    if (engine->config.wait_backup && engine->joiner != JOINER_WAITING &&
        !MUTANT(FIRST_BACKUP_NOT_AWAITED)) {
        return;
    }
    engine->epoch.clock_ns = clock_now(engine);
    reply_epoch(engine);
}

static void progress_boundary(struct engine *engine)
{
    struct engine_request *request = &engine->request;
    if (!request->decided && (!boundary_may_end(engine) || !decide_boundary(engine))) {
        return;
    }
    if (request->halt) {
        engine->halting = true;
        finish_halt_if_done(engine);
        return;
    }
    /* `original`: the guest waits for the acknowledgement of the boundary (rule R2). */
    if (engine->config.protocol == ENGINE_ORIGINAL && engine->is_protected &&
        engine->acked < request->decided_lsn && !MUTANT(ORIGINAL_DOES_NOT_WAIT)) {
        return;
    }
    reply_epoch(engine);
}

static void progress_value(struct engine *engine)
{
    struct engine_request *request = &engine->request;
    struct log_bytes data = {request->data, request->size};
    if (request->is_clock && request->size == sizeof(uint64_t)) {
        /* This replica's own candidate was a backup's, which knows no clock. */
        engine->last_value_ns = clock_at_boundary(engine, request->position);
        memcpy(request->data, &engine->last_value_ns, sizeof engine->last_value_ns);
    }
    primary_value(engine, request->position, data);
    live_reply(engine, ENGINE_REPLY_VALUE)->data = data;
    engine_reply_sent(engine);
}

void primary_progress(struct engine *engine)
{
    if (!engine_is_live(engine) || engine->ending != ENGINE_RUNNING) {
        return;
    }
    switch (engine->request.type) {
    case REQUEST_BEGIN: progress_begin(engine); return;
    case REQUEST_BOUNDARY: progress_boundary(engine); return;
    case REQUEST_VALUE: progress_value(engine); return;
    case REQUEST_SAVED: join_progress_saved(engine); return;
    case REQUEST_LOADED: /* a backup's, answered before it went live */
    case REQUEST_NONE: return;
    }
}

void primary_ack(struct engine *engine, const struct message_ack *ack)
{
    if ((ack->term != engine->term && !MUTANT(ACK_OF_ANOTHER_TERM)) ||
        engine->joiner < JOINER_LOADING) {
        return;
    }
    if ((ack->received > engine->lsn && !MUTANT(ACK_BEYOND_THE_LOG)) ||
        ack->consumed > ack->received ||
        (ack->received < engine->acked && !MUTANT(ACK_GOES_BACK))) {
        finish_say_bye(engine, BYE_FAILED, "it acknowledged what was never sent");
        claim_suspect(engine, "it acknowledged what was never sent");
        return;
    }
    engine->acked = ack->received;
    if (ack->consumed > engine->consumed) {
        engine->consumed = ack->consumed;
        engine->consumed_log_bytes =
            boundary_ring_drop(&engine->sent, ack->consumed, engine->consumed_log_bytes);
        if (ack->consumed == engine->lsn) {
            engine->consumed_log_bytes = engine->log_bytes; /* values after the last boundary too */
        }
    }
    engine->peer_position = ack->position;
    if (engine->joiner == JOINER_LOADING) {
        engine->joiner = JOINER_CATCHING_UP; /* the first acknowledgement says: loaded */
    }
    engine->is_protected |= MUTANT(PROTECTED_BEFORE_HELD) && engine->joiner == JOINER_PROTECTING;
    join_try_protect(engine);
    outputs_release(engine);
}

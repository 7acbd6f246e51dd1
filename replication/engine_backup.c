/*
 * A backup: it acknowledges entries at receipt (R5), feeds them to its vCPU, checks that execution
 * agrees with them (R6), keeps outputs until they are known released, and goes live when the log
 * ends after a won claim (R7, R8).
 */
#include <assert.h>
#include <string.h>

#include "logging/codec.h"
#include "logging/digest.h"
#include "logging/mutant.h"
#include "replication/engine_state.h"

/* Executed entries that are worth an acknowledgement of their own, while nothing is received: few
 * enough for a primary that waits to go on before all is executed. */
#define CONSUMED_WORTH_TELLING 32u
#define TELLINGS_WITHIN_LAG    4u

void backup_released(struct engine *engine, uint64_t released)
{
    /* The primary may be ahead: then everything kept so far, and what is still to be made up to
     * that number, has left already. */
    released += MUTANT(KEPT_DROPPED_EARLY);
    if (released > engine->known_released && !MUTANT(KEPT_NEVER_DROPPED)) {
        engine->known_released = released;
        output_list_move(&engine->outputs, &engine->spent_outputs, released);
    }
}

void backup_output(struct engine *engine, const struct engine_event *event)
{
    uint64_t number = ++engine->outputs_made;
    if (number <= engine->known_released) {
        return;
    }
    struct engine_output *output =
        output_list_add(engine->config.memory, &engine->outputs, event->device, event->data);
    if (output == NULL) {
        engine_finish(engine, ENGINE_END_MEMORY, "out of memory for an output");
        return;
    }
    output->number = number;
    output->made_ns = engine->now_ns;
    if (MUTANT(BACKUP_EMITS)) {
        engine_do(engine, ENGINE_DO_EMIT)->outputs =
            output_list_move(&engine->outputs, &engine->leaving, number);
    }
}

static void corrupt(struct engine *engine, const char *what)
{
    finish_say_bye(engine, BYE_FAILED, what);
    engine_finish(engine, ENGINE_END_CORRUPT, "the primary sent %s", what);
}

void backup_entry(struct engine *engine, const struct message *message)
{
    bool boundary = message->type == MESSAGE_BOUNDARY;
    uint64_t lsn = boundary ? message->boundary.lsn : message->value.lsn;
    uint64_t term = boundary ? message->boundary.term : message->value.term;
    if (engine->phase != PHASE_JOINING && engine->phase != PHASE_FOLLOWING) {
        return;
    }
    if (term != engine->term && !MUTANT(ENTRY_OF_ANOTHER_TERM)) {
        corrupt(engine, "an entry of another term");
        return;
    }
    if (!engine->state_complete || (lsn != engine->lsn + 1 && !MUTANT(ENTRY_OUT_OF_ORDER))) {
        corrupt(engine, "an entry out of order");
        return;
    }
    if (boundary && message->boundary.position < engine->received_position) {
        corrupt(engine, "an epoch that ends before it begins");
        return;
    }
    if (engine->log.bytes > ENGINE_LOG_CEILING) {
        corrupt(engine, "more log than it may");
        return;
    }
    struct entry_item *item = entry_list_add(engine->config.memory, &engine->log, message);
    if (item == NULL) {
        engine_finish(engine, ENGINE_END_MEMORY, "out of memory for an entry");
        return;
    }
    engine->log_bytes += codec_frame_size(message);
    engine->lsn = lsn;
    if (boundary) {
        engine->received_position = message->boundary.position;
        engine->received_clock_ns = message->boundary.clock_ns;
        engine->received_at_ns = engine->now_ns;
        backup_released(engine, message->boundary.released);
    }
    engine->ack_due = true;
}

/* Rule R9. Messages keep their order: what the primary sent before its promise is here. */
void backup_protected(struct engine *engine, const struct message_protected *promise)
{
    if (engine->phase != PHASE_FOLLOWING || promise->term != engine->term) {
        return;
    }
    if (promise->lsn > engine->lsn && !MUTANT(PROMISE_BEYOND_THE_LOG)) {
        corrupt(engine, "a promise about entries that it did not send");
        return;
    }
    engine->may_claim = true;
    engine_notify(engine, ENGINE_NOTICE_ROLE, "this backup may take over");
}

void backup_flush_ack(struct engine *engine)
{
    bool loaded = engine->phase == PHASE_FOLLOWING ||
                  (engine->phase == PHASE_JOINING && MUTANT(ACK_BEFORE_THE_LOAD));
    bool wanted = engine->ack_due && loaded && engine->peer != 0;
    engine->ack_due = false;
    if (!wanted) {
        return;
    }
    engine_send(engine, MESSAGE_ACK)->ack = (struct message_ack){
        .term = engine->term,
        .received = MUTANT(ACK_ONLY_WHAT_WAS_EXECUTED) ? engine->consumed
                                                       : engine->lsn + MUTANT(ACK_BEFORE_RECEIPT),
        .consumed = MUTANT(RECEIVED_TOLD_AS_EXECUTED) ? engine->lsn : engine->consumed,
        .position = engine->epoch.position,
    };
    engine->lag_reported = engine->consumed;
}

static void diverged(struct engine *engine, uint64_t position, const char *what)
{
    struct engine_notice *notice =
        engine_notify(engine, ENGINE_NOTICE_DIVERGED, "%s, last agreed at position %llu", what,
                      (unsigned long long)engine->agreed);
    notice->agreed = engine->agreed;
    notice->position = position;
    finish_say_diverged(engine, notice->text, position);
    engine_finish(engine, ENGINE_END_DIVERGED, "at position %llu: %s", (unsigned long long)position,
                  notice->text);
}

static void consumed(struct engine *engine, uint64_t lsn)
{
    uint64_t worth_telling = engine->config.lag_epochs / TELLINGS_WITHIN_LAG;
    if (worth_telling > CONSUMED_WORTH_TELLING) {
        worth_telling = CONSUMED_WORTH_TELLING;
    }
    engine->consumed = lsn;
    if (lsn - engine->lag_reported >= worth_telling && !MUTANT(EXECUTED_NOT_TOLD)) {
        engine->ack_due = true;
    }
}

/* Where the epoch that starts now ends. A primary that does not fix the length tells only by the
 * record of the end: until that is here, its backup must not run. A backup that has won, or whose
 * primary has ended, has all records: what has none is run in full. */
static bool find_end(const struct engine *engine, const struct entry_item *before,
                     struct engine_epoch *epoch)
{
    if (engine->config.epoch_length != 0 || MUTANT(EPOCH_RUN_WITHOUT_ITS_END)) {
        return true;
    }
    size_t ahead = engine->log.boundaries - (before != NULL);
    if (ahead == 0) {
        return engine->phase != PHASE_FOLLOWING;
    }
    const struct entry_item *item = before != NULL ? before->next : engine->log.first;
    while (item->message.type != MESSAGE_BOUNDARY) {
        item = item->next;
    }
    epoch->length = item->message.boundary.position - epoch->position;
    return true;
}

static void consume_value(struct engine *engine, const struct entry_item *item)
{
    struct engine_request *request = &engine->request;
    const struct message_value *value = &item->message.value;
    if (request->type != REQUEST_VALUE) {
        diverged(engine, request->position, "the log has a value where the guest ends its epoch");
        return;
    }
    if ((value->position != request->position && !MUTANT(VALUE_POSITION_UNCHECKED)) ||
        value->data.size != request->size) {
        diverged(engine, request->position, "a value was asked for at another position");
        return;
    }
    engine->chain = digest_chain_value(engine->chain, value);
    if (request->is_clock && value->data.size == sizeof engine->last_value_ns) {
        memcpy(&engine->last_value_ns, value->data.data, sizeof engine->last_value_ns);
    }
    consumed(engine, value->lsn);
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_VALUE;
    reply->data = value->data;
    if (MUTANT(VALUE_OF_THE_BACKUP)) {
        reply->data.data = request->data;
    }
    engine_reply_sent(engine);
}

/* Rule R6. */
static void consume_boundary(struct engine *engine, const struct entry_item *item,
                             const struct engine_epoch *next)
{
    struct engine_request *request = &engine->request;
    const struct message_boundary *boundary = &item->message.boundary;
    if (request->type != REQUEST_BOUNDARY) {
        diverged(engine, request->position, "the log ends the epoch where the guest asks a value");
        return;
    }
    if (boundary->position != request->position && !MUTANT(POSITION_UNCHECKED)) {
        diverged(engine, request->position, "the epoch ended at another position");
        return;
    }
    if (boundary->final != request->halt) {
        diverged(engine, request->position, "only one of the guests halted");
        return;
    }
    if (boundary->digest != request->digest && !MUTANT(DIGEST_UNCHECKED)) {
        diverged(engine, request->position, "the machine's digest disagrees");
        return;
    }
    uint64_t chain = digest_chain_boundary(engine->chain, boundary);
    if ((uint32_t)chain != boundary->chain && !MUTANT(CHAIN_UNCHECKED)) {
        diverged(engine, request->position, "the log's own digest disagrees");
        return;
    }
    engine->chain = chain;
    engine->agreed = request->position;
    engine->epoch = *next;
    engine->rate_q32 = next->rate_q32;
    if (boundary->next_length != 0) {
        engine->length_told = boundary->next_length;
    }
    engine->inputs_delivered += boundary->input_count;
    consumed(engine, boundary->lsn);
    if (boundary->final) {
        /* Both have halted. This replica ends with the primary's BYE, or halts in its place. */
        request->decided = true;
        engine->halting = true;
        return;
    }
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_EPOCH;
    reply->epoch = engine->epoch;
    reply->input_count =
        boundary->input_count - (boundary->input_count > 0 && MUTANT(LAST_INPUT_DROPPED));
    reply->inputs = boundary->inputs;
    engine_reply_sent(engine);
    engine->epoch_ran_ns = 0;
}

/* Rule R8: what was kept and is not known released leaves (again), in order, and this replica
 * decides for itself. Its vCPU's request is answered as a primary's. */
void backup_go_live(struct engine *engine)
{
    assert(engine->phase == PHASE_DRAINING && engine->log.first == NULL);
    engine->phase = PHASE_LIVE;
    engine->role = ENGINE_PRIMARY;
    engine->is_protected = false;
    engine->may_claim = false;
    engine->joiner = JOINER_NONE;
    engine->acked = engine->lsn;
    clock_take_over(engine);
    engine->promotion_pending = !MUTANT(PROMOTION_NOT_TOLD);
    engine->outputs_released = engine->known_released;
    if (engine->outputs_made < engine->outputs_released) {
        engine->outputs_released = engine->outputs_made;
    }
    struct engine_notice *notice = engine_notify(
        engine, ENGINE_NOTICE_FAILOVER, "live at position %llu with %zu outputs to send again",
        (unsigned long long)engine->request.position, engine->outputs.count);
    notice->detected_ns = engine->suspected_ns - engine->last_sign_ns;
    notice->claimed_ns = engine->won_ns - engine->suspected_ns;
    notice->consumed_ns = engine->now_ns - engine->won_ns;
    notice->position = engine->request.position;
    if (MUTANT(KEPT_FORGOTTEN)) {
        engine->outputs_released = engine->outputs_made;
        output_list_clear(engine->config.memory, &engine->outputs);
    } else if (MUTANT(KEPT_FIRST_FORGOTTEN)) {
        output_list_move(&engine->outputs, &engine->spent_outputs, engine->outputs_released + 1);
    }
    outputs_release(engine);
    engine_notify(engine, ENGINE_NOTICE_ROLE, "primary, unprotected");
}

/* The state is loaded, and its epoch is to be run. */
static void start_loaded(struct engine *engine)
{
    if (!find_end(engine, NULL, &engine->epoch)) {
        return;
    }
    struct engine_reply *reply = &engine_do(engine, ENGINE_DO_REPLY)->reply;
    reply->type = ENGINE_REPLY_GO;
    reply->epoch = engine->epoch;
    engine_reply_sent(engine);
}

static void end_of_log(struct engine *engine)
{
    if (engine->phase == PHASE_DRAINING) {
        backup_go_live(engine);
    } else if (engine->phase == PHASE_PARTING) {
        finish_parted(engine);
    }
}

void backup_progress(struct engine *engine)
{
    if (engine->phase != PHASE_FOLLOWING && engine->phase != PHASE_PARTING &&
        engine->phase != PHASE_DRAINING) {
        return;
    }
    enum request_type type = engine->request.type;
    if (type == REQUEST_LOADED) {
        start_loaded(engine);
        return;
    }
    if (type != REQUEST_BOUNDARY && type != REQUEST_VALUE) {
        return;
    }
    if (engine->request.decided && engine->log.first != NULL) {
        corrupt(engine, "an entry behind the guest's halt");
        return;
    }
    if (engine->log.first == NULL) {
        end_of_log(engine);
        return;
    }
    struct entry_item *item = engine->log.first;
    const struct message_boundary *boundary = &item->message.boundary;
    if (item->message.type == MESSAGE_VALUE) {
        consume_value(engine, entry_list_move_first(&engine->log, &engine->spent_entries));
        return;
    }
    struct engine_epoch next = {
        .number = engine->epoch.number + 1,
        .position = boundary->position,
        .length = boundary->next_length != 0 ? boundary->next_length : engine->length_told,
        .clock_ns = MUTANT(CLOCK_NOT_TAKEN) ? clock_computed(engine, boundary->position)
                                            : boundary->clock_ns,
        .rate_q32 = boundary->rate_q32 != 0 ? boundary->rate_q32 : engine->epoch.rate_q32,
    };
    if (boundary->final || find_end(engine, item, &next)) {
        entry_list_move_first(&engine->log, &engine->spent_entries);
        consume_boundary(engine, item, &next);
        if (engine->halting && engine->end == ENGINE_RUNNING) {
            end_of_log(engine); /* nothing else may ever happen here */
        }
    }
}

/* The engine's part of a fingerprint: each field that a later step reads. */
#include <string.h>

#include "fault-injection/simulator/fingerprint.h"
#include "replication/engine_state.h"

static void put_time(struct ink *ink, uint64_t at_ns, uint64_t now_ns)
{
    ink_number(ink, at_ns == UINT64_MAX ? UINT64_MAX : at_ns - now_ns);
}

static void put_inputs(struct ink *ink, const struct input_list *inputs)
{
    ink_number(ink, inputs->count);
    for (const struct input_item *item = inputs->first; item != NULL; item = item->next) {
        ink_number(ink, item->device);
        ink_bytes(ink, item->data, item->size);
    }
}

/* `chain` is given with each boundary and covers most of it; what it does not cover is put too. */
static void put_boundary(struct ink *ink, const struct message_boundary *boundary)
{
    ink_number(ink, boundary->lsn);
    ink_number(ink, boundary->term);
    ink_number(ink, boundary->position);
    ink_number(ink, boundary->digest);
    ink_number(ink, boundary->clock_ns);
    ink_number(ink, boundary->rate_q32);
    ink_number(ink, boundary->next_length);
    ink_number(ink, boundary->released);
    ink_number(ink, boundary->chain);
    ink_number(ink, boundary->final);
    ink_number(ink, boundary->input_count);
    for (size_t i = 0; i < boundary->input_count; i++) {
        ink_number(ink, boundary->inputs[i].device);
        ink_bytes(ink, boundary->inputs[i].data.data, boundary->inputs[i].data.size);
    }
}

static void put_log(struct ink *ink, const struct entry_list *log)
{
    ink_number(ink, log->count);
    for (const struct entry_item *item = log->first; item != NULL; item = item->next) {
        const struct message *message = &item->message;
        ink_number(ink, message->type);
        if (message->type == MESSAGE_BOUNDARY) {
            put_boundary(ink, &message->boundary);
            continue;
        }
        ink_number(ink, message->value.lsn);
        ink_number(ink, message->value.term);
        ink_number(ink, message->value.position);
        ink_bytes(ink, message->value.data.data, message->value.data.size);
    }
}

static void put_output_list(struct ink *ink, const struct output_list *list)
{
    ink_number(ink, list->count);
    for (const struct engine_output *output = list->first; output != NULL; output = output->next) {
        ink_number(ink, output->number);
        ink_number(ink, output->lsn);
        ink_number(ink, output->device);
        ink_bytes(ink, output->data, output->size);
    }
}

static void put_outputs(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    bool untold = engine->leaving.first != NULL || engine->outputs_released > engine->released_sent;
    ink_number(ink, engine->outputs_made);
    ink_number(ink, engine->outputs_released);
    ink_number(ink, engine->known_released);
    ink_number(ink, engine->refused_from);
    ink_number(ink, engine->refused);
    ink_number(ink, engine->released_sent);
    ink_number(ink, engine->state_outputs);
    put_time(ink, engine->refused || engine->refused_from != 0 ? engine->offer_again_ns : 0,
             now_ns);
    put_time(ink, untold ? engine->offered_ns : UINT64_MAX, now_ns);
    put_time(ink, untold ? engine->left_ns : UINT64_MAX, now_ns);
    put_output_list(ink, &engine->outputs);
    put_output_list(ink, &engine->leaving);
}

static void put_config(struct ink *ink, const struct engine_config *config)
{
    ink_number(ink, config->protocol);
    ink_number(ink, config->arbitrated);
    ink_number(ink, config->epoch_length);
    ink_number(ink, config->epoch_max_ns);
    ink_number(ink, config->heartbeat_ns);
    ink_number(ink, config->timeout_ns);
    ink_number(ink, config->lag_epochs);
    ink_number(ink, config->lag_policy);
    ink_number(ink, config->stuck_ns);
    ink_number(ink, config->wait_backup);
}

static void put_log_state(struct ink *ink, const struct engine *engine)
{
    ink_number(ink, engine->term);
    ink_number(ink, engine->lsn);
    ink_number(ink, engine->chain);
    ink_number(ink, engine->log_bytes);
    ink_epoch(ink, &engine->epoch);
    ink_number(ink, engine->length_told);
    ink_number(ink, engine->released_told);
    ink_number(ink, engine->epoch_ran_ns);
    ink_number(ink, engine->agreed);
    ink_number(ink, engine->rate_q32);
    ink_number(ink, engine->last_value_ns);
}

static void put_live(struct ink *ink, const struct engine *engine)
{
    put_inputs(ink, &engine->inputs);
    put_inputs(ink, &engine->batch_inputs);
    ink_number(ink, engine->batch_count);
    ink_number(ink, engine->inputs_delivered);
    ink_number(ink, engine->is_protected);
    ink_number(ink, engine->joiner);
    ink_number(ink, engine->acked);
    ink_number(ink, engine->consumed);
    ink_number(ink, engine->consumed_log_bytes);
    ink_number(ink, engine->sent.count);
    for (size_t i = 0; i < engine->sent.count; i++) {
        size_t at = (engine->sent.first + i) % engine->sent.capacity;
        ink_number(ink, engine->sent.items[at].lsn);
        ink_number(ink, engine->sent.items[at].log_bytes);
    }
    ink_number(ink, engine->promotion_pending);
    ink_number(ink, engine->began);
    ink_number(ink, engine->halting);
}

static void put_backup(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    put_log(ink, &engine->log);
    ink_number(ink, engine->received_position);
    /* The guest time that it would be, had this replica gone live at once. */
    ink_number(ink, engine->received_clock_ns + (now_ns - engine->received_at_ns));
    ink_number(ink, engine->may_claim);
    ink_number(ink, engine->state_begun);
    ink_number(ink, engine->state_complete);
    ink_number(ink, engine->state_size);
    ink_number(ink, engine->state_total);
    ink_number(ink, engine->state_told);
    ink_number(ink, engine->state_digest);
    ink_number(ink, engine->lag_reported);
    ink_number(ink, engine->ack_due);
}

static void put_peer(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    ink_number(ink, engine->peer);
    ink_bytes(ink, engine->peer_name, strlen(engine->peer_name));
    ink_number(ink, engine->peer_position);
    if (engine->peer != 0) { /* set anew with the next one */
        put_time(ink, engine->peer_heard_ns, now_ns);
        put_time(ink, engine->heartbeat_due_ns, now_ns);
    }
}

static void put_claim_and_end(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    ink_number(ink, engine->claiming);
    ink_number(ink, engine->claim_asked);
    ink_number(ink, engine->arbiter_unreachable);
    ink_number(ink, engine->claim_id);
    ink_number(ink, engine->claim_counter);
    if (engine->claiming && !engine->claim_asked) { /* set anew with the next claim */
        put_time(ink, engine->claim_retry_ns, now_ns);
    }
    ink_number(ink, engine->parting);
    ink_number(ink, engine->ending);
    ink_number(ink, engine->release_asked);
    ink_number(ink, engine->release_tries);
    if (engine->ending != ENGINE_RUNNING) { /* a stop asks at once, or sets it */
        put_time(ink, engine->release_retry_ns, now_ns);
    }
}

static void put_request(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    const struct engine_request *request = &engine->request;
    ink_number(ink, request->type);
    if (request->type == REQUEST_NONE) {
        put_time(ink, engine->vcpu_since_ns, now_ns);
        return;
    }
    ink_number(ink, request->position);
    ink_number(ink, request->digest);
    ink_number(ink, request->idle);
    ink_number(ink, request->wake_ns);
    ink_number(ink, request->halt);
    ink_number(ink, request->is_clock);
    ink_bytes(ink, request->data, request->size);
    put_time(ink, request->since_ns, now_ns);
    ink_number(ink, request->decided);
    ink_number(ink, request->decided_lsn);
}

void fingerprint_engine(struct ink *ink, const struct engine *engine, uint64_t now_ns)
{
    ink_number(ink, engine->role);
    ink_number(ink, engine->phase);
    ink_number(ink, engine->end);
    put_time(ink, engine->now_ns, now_ns);
    put_time(ink, engine->promised_ns, now_ns);
    if (engine_is_live(engine)) {
        ink_number(ink, now_ns + (uint64_t)engine->clock_offset_ns);
    }
    put_config(ink, &engine->config);
    put_log_state(ink, engine);
    put_outputs(ink, engine, now_ns);
    put_live(ink, engine);
    put_backup(ink, engine, now_ns);
    put_peer(ink, engine, now_ns);
    put_claim_and_end(ink, engine, now_ns);
    put_request(ink, engine, now_ns);
}

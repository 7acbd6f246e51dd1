/*
 * Outputs of a live replica: they leave when the output rule allows (rule R4), in order, and count
 * as left once their owner has not refused them. Only that is told to the backup, which drops what
 * it has kept of them: an output that could not leave is not lost with this replica.
 */
#include <assert.h>

#include "logging/mutant.h"
#include "replication/engine_state.h"

/* How long an idle guest's backup is left in the dark about an output that has left: long enough
 * for a boundary to come that tells it. A guest that makes outputs on and on while it idles has
 * boundaries that do: it is told by itself no more than so often in a heartbeat's time. */
#define TELL_RELEASED_NS UINT64_C(1000000)
#define TELLINGS         8u

/* Outputs in `leaving` that were not refused are no longer there: once they count no more, a vCPU
 * that waits for room may go on. */
size_t outputs_held(const struct engine *engine)
{
    return engine->outputs.count + engine->leaving.count;
}

size_t outputs_held_bytes(const struct engine *engine)
{
    return engine->outputs.bytes + engine->leaving.bytes;
}

void outputs_settle(struct engine *engine)
{
    if (engine->leaving.first == NULL) {
        return;
    }
    bool refused = engine->refused_from != 0 && !MUTANT(REFUSED_TAKEN_FOR_LEFT);
    uint64_t left = refused ? engine->refused_from - 1 : engine->leaving.last->number;
    output_list_move(&engine->leaving, &engine->spent_outputs,
                     MUTANT(REFUSED_LOST) ? UINT64_MAX : left);
    if (left > engine->outputs_released) {
        engine->outputs_released = left;
        engine->left_ns = engine->offered_ns;
    }
    /* Back to where they were, before those that came after them: the rules may be others now. */
    output_list_prepend(&engine->outputs, &engine->leaving);
    engine->refused = refused;
    engine->refused_from = 0;
}

void engine_refuse_output(struct engine *engine, uint64_t number)
{
    assert(engine->refused_from == 0 && engine->leaving.first != NULL);
    engine->refused_from = number;
    engine->offer_again_ns = engine->now_ns + ENGINE_OFFER_AGAIN_NS;
}

uint64_t outputs_left(const struct engine *engine)
{
    return engine->refused_from != 0 ? engine->refused_from - 1
                                     : engine->outputs_made - engine->outputs.count;
}

static bool may_leave(const struct engine *engine, const struct engine_output *output)
{
    uint64_t acked = engine->acked + MUTANT(OUTPUT_ENTRY_EARLY);
    bool waits = engine->is_protected && !MUTANT(OUTPUT_UNACKNOWLEDGED);
    return output != NULL && (!waits || output->lsn <= acked);
}

/* The last of the outputs that may leave, in their order; 0: none. */
static uint64_t last_allowed(const struct engine *engine)
{
    uint64_t number = 0;
    for (const struct engine_output *output = engine->outputs.first; may_leave(engine, output);
         output = output->next) {
        number = output->number;
        if (engine->refused) { /* that one first: many may wait behind it */
            break;
        }
    }
    return number;
}

/* Rule R4, the output rule: an output may leave once the backup holds every entry before it. While
 * a claim is under way nothing more is acknowledged, so nothing more leaves. What the last offer
 * came to must be known before the next one. */
void outputs_release(struct engine *engine)
{
    bool waits = engine->leaving.first != NULL ||
                 (engine->refused && engine->now_ns < engine->offer_again_ns);
    if ((engine->claiming && !MUTANT(OUTPUT_DURING_CLAIM)) || waits) {
        return;
    }
    struct engine_output *first =
        output_list_move(&engine->outputs, &engine->leaving, last_allowed(engine));
    if (first != NULL) {
        engine->refused = false;
        engine->offered_ns = engine->now_ns;
        engine_do(engine, ENGINE_DO_EMIT)->outputs = first;
    }
}

void outputs_add(struct engine *engine, const struct engine_event *event)
{
    struct engine_output *output =
        output_list_add(engine->config.memory, &engine->outputs, event->device, event->data);
    if (output == NULL) {
        engine_finish(engine, ENGINE_END_MEMORY, "out of memory for an output");
        return;
    }
    output->number = ++engine->outputs_made;
    output->lsn = engine->lsn;
    output->made_ns = engine->now_ns;
    outputs_release(engine);
}

bool outputs_all_left(const struct engine *engine)
{
    return engine->outputs.first == NULL && engine->leaving.first == NULL;
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* And does not end. */
static bool decides(const struct engine *engine)
{
    return engine_is_live(engine) && engine->ending == ENGINE_RUNNING &&
           engine->end == ENGINE_RUNNING;
}

/* Nor will a boundary come soon that tells it what has left. */
static bool backup_keeps_for_an_idle_guest(const struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    return engine->joiner == JOINER_PROTECTING && !engine->claiming &&
           request->type == REQUEST_BOUNDARY && request->idle && !request->decided;
}

/* When it is to be told of what left at `left_ns`. */
static uint64_t telling_due(const struct engine *engine, uint64_t left_ns)
{
    uint64_t heartbeat_ns = engine->config.heartbeat_ns;
    uint64_t again_ns = engine->heartbeat_due_ns - heartbeat_ns + heartbeat_ns / TELLINGS;
    uint64_t due_ns = left_ns + TELL_RELEASED_NS;
    return due_ns > again_ns ? due_ns : again_ns;
}

bool outputs_worth_telling(const struct engine *engine)
{
    return decides(engine) && backup_keeps_for_an_idle_guest(engine) &&
           engine->outputs_released > engine->released_sent &&
           engine->now_ns >= telling_due(engine, engine->left_ns);
}

/* What the last offer came to is known with the next step; somebody may wait for it. */
static bool settling_is_due(const struct engine *engine)
{
    bool halts = engine->halting && engine->outputs.first == NULL;
    bool joins =
        engine->joiner == JOINER_CATCHING_UP && engine->outputs_released < engine->state_outputs;
    bool fills = outputs_held(engine) >= ENGINE_MAX_HELD_OUTPUTS / 2 ||
                 outputs_held_bytes(engine) >= ENGINE_MAX_HELD_BYTES / 2;
    return halts || joins || fills || may_leave(engine, engine->outputs.first);
}

uint64_t outputs_deadline(const struct engine *engine)
{
    bool idle = outputs_all_left(engine) && engine->outputs_released <= engine->released_sent;
    if (idle || !decides(engine)) {
        return UINT64_MAX;
    }
    if (engine->refused_from != 0) {
        return engine->offer_again_ns;
    }
    if (engine->leaving.first != NULL && settling_is_due(engine)) {
        return engine->offered_ns + 1; /* at once, but not at the same time: each tick gets on */
    }
    if (engine->leaving.first == NULL && !engine->claiming &&
        may_leave(engine, engine->outputs.first)) {
        return engine->refused ? engine->offer_again_ns : engine->now_ns;
    }
    if (!backup_keeps_for_an_idle_guest(engine)) {
        return UINT64_MAX;
    }
    if (engine->outputs_released > engine->released_sent) {
        return telling_due(engine, engine->left_ns);
    }
    return engine->leaving.first != NULL ? telling_due(engine, engine->offered_ns) : UINT64_MAX;
}

void outputs_tick(struct engine *engine)
{
    if (decides(engine)) {
        join_try_protect(engine);
        outputs_release(engine);
    }
}

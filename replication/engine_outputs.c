/*
 * Outputs of a live replica: they leave when the output rule allows (rule R4), in order, and count
 * as left once their owner has not refused them. Only that is told to the backup, which drops what
 * it has kept of them: an output that could not leave is not lost with this replica.
 */
#include <assert.h>

#include "logging/mutant.h"
#include "replication/engine_state.h"

/* How long an idle guest's backup is left in the dark about an output that has left: long enough
 * for a boundary to come that tells it. */
#define TELL_RELEASED_NS UINT64_C(1000000)

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
    }
    /* Back to where they were, before those that came after them: the rules may be others now. */
    output_list_move(&engine->outputs, &engine->leaving, UINT64_MAX);
    engine->outputs = engine->leaving;
    engine->leaving = (struct output_list){0};
    engine->refused = refused;
    engine->refused_from = 0;
}

void engine_refuse_output(struct engine *engine, uint64_t number)
{
    assert(engine->refused_from == 0 && engine->leaving.first != NULL);
    engine->refused_from = number;
    engine->offer_again_ns = engine->now_ns + ENGINE_OFFER_AGAIN_NS;
}

bool engine_output_refused(const struct engine *engine)
{
    return engine->refused_from != 0;
}

uint64_t outputs_left(const struct engine *engine)
{
    return engine->refused_from != 0 ? engine->refused_from - 1
                                     : engine->outputs_made - engine->outputs.count;
}

/* The outputs that may leave. While a claim is under way nothing more is acknowledged, so nothing
 * more leaves. */
static uint64_t last_allowed(const struct engine *engine)
{
    uint64_t acked = engine->acked + MUTANT(OUTPUT_ENTRY_EARLY);
    bool waits = engine->is_protected && !MUTANT(OUTPUT_UNACKNOWLEDGED);
    uint64_t number = 0;
    for (const struct engine_output *output = engine->outputs.first;
         output != NULL && (!waits || output->lsn <= acked); output = output->next) {
        number = output->number;
    }
    return number;
}

/* Rule R4, the output rule: an output may leave once the backup holds every entry before it. */
void outputs_release(struct engine *engine)
{
    bool waits = engine->refused && engine->now_ns < engine->offer_again_ns;
    if ((engine->claiming && !MUTANT(OUTPUT_DURING_CLAIM)) || engine->outputs.first == NULL ||
        waits) {
        return;
    }
    struct engine_output *first =
        output_list_move(&engine->outputs, &engine->leaving, last_allowed(engine));
    if (first != NULL) {
        engine->refused = false;
        engine->left_ns = engine->now_ns;
        engine_do(engine, ENGINE_DO_EMIT)->outputs = first;
    }
    finish_halt_if_done(engine);
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
    return engine_is_live(engine) && engine->ending == ENGINE_RUNNING;
}

static bool guest_idles(const struct engine *engine)
{
    const struct engine_request *request = &engine->request;
    return request->type == REQUEST_BOUNDARY && request->idle && !request->decided;
}

/* Something has left that the other replica keeps, and no boundary will tell it soon. */
static bool released_untold(const struct engine *engine)
{
    bool left = engine->outputs_released > engine->released_sent || engine->leaving.first != NULL;
    return left && engine->joiner == JOINER_PROTECTING && !engine->claiming && guest_idles(engine);
}

bool outputs_worth_telling(const struct engine *engine)
{
    return decides(engine) && released_untold(engine) &&
           engine->now_ns >= engine->left_ns + TELL_RELEASED_NS;
}

uint64_t outputs_deadline(const struct engine *engine)
{
    if (!decides(engine)) {
        return UINT64_MAX;
    }
    bool refused = engine->refused_from != 0 ||
                   (engine->refused && !engine->claiming && last_allowed(engine) != 0);
    if (refused) {
        return engine->offer_again_ns;
    }
    if (engine->halting && engine->leaving.first != NULL && engine->outputs.first == NULL) {
        return engine->now_ns;
    }
    return released_untold(engine) ? engine->left_ns + TELL_RELEASED_NS : UINT64_MAX;
}

void outputs_tick(struct engine *engine)
{
    if (!decides(engine)) {
        return;
    }
    join_try_protect(engine);
    finish_halt_if_done(engine);
    outputs_release(engine);
}

/*
 * A run that follows a log, as a backup does, and is compared with the run that wrote it: call by
 * call, output by output, state by state. It ends where the two differ.
 */
#include <inttypes.h>
#include <string.h>

#include "libftvm/check/check_run.h"
#include "libftvm/error.h"

static const struct step *expected_step(const struct check_run *run)
{
    const struct track *script = run->plan->script;
    return run->cursor < script->count ? &script->steps[run->cursor] : NULL;
}

/* ---- Where they differ ----------------------------------------------------------------------- */

static int end_different(struct check_run *run, ftvm_position position)
{
    struct difference *difference = &run->difference;
    difference->agreed = run->agreed;
    difference->differs = position > run->agreed ? position : run->agreed + 1;
    difference->inputs = run->agreed_inputs;
    difference->values = run->values_since;
    run->differs = true;
    return run_end(run,
                   node_set_error(&run->node, FTVM_E_DIVERGED,
                                  "this run differs from the recorded one at position %" PRIu64,
                                  difference->differs));
}

/* Compares the state at a place that is not along the log. 0, or the run has ended. */
static int compare_state(struct check_run *run, const struct kept_state *kept, enum run_place place,
                         ftvm_position position)
{
    struct parts_source source = run_source(run);
    int result = parts_compare(&source, kept, &run->session->names, &run->difference);
    if (result > 0) {
        run->place = place;
        result = end_different(run, position);
        run->difference.differs = position;
        return result;
    }
    return result < 0 ? run_end(run, result) : 0;
}

/* Where an epoch ends as the guest idles, its end may come first: either call is right then. */
static bool same_kinds(const struct call *recorded, const struct call *again,
                       enum told_lengths lengths)
{
    return again->kind == recorded->kind ||
           (lengths == LENGTHS_EXACT && again->kind == CALL_BOUNDARY &&
            recorded->kind == CALL_IDLE);
}

static bool same_calls(const struct call *recorded, const struct call *again,
                       enum told_lengths lengths)
{
    return same_kinds(recorded, again, lengths) && again->position == recorded->position &&
           (again->kind != CALL_IDLE || again->wake_ns == recorded->wake_ns) &&
           (again->kind != CALL_VALUE || again->size == recorded->size);
}

static void compare_calls(struct check_run *run, const struct step *expected,
                          const struct call *call)
{
    struct difference *difference = &run->difference;
    if (!same_calls(&expected->call, call, run->plan->lengths)) {
        difference->calls_differ = true;
        difference->calls[SIDE_RECORDED] = expected->call;
        difference->calls[SIDE_AGAIN] = *call;
    }
    difference->outputs[SIDE_RECORDED] = expected->output_count;
    difference->outputs[SIDE_AGAIN] = run->output;
    if (!difference->outputs_differ && !difference->calls_differ &&
        run->output != expected->output_count) {
        difference->outputs_differ = true;
        difference->output =
            1 + (run->output < expected->output_count ? run->output : expected->output_count);
    }
}

/* 0, or the run has ended as it differs, or as memory ran out. */
static int compare(struct check_run *run, const struct call *call)
{
    const struct step *expected = expected_step(run);
    struct difference *difference = &run->difference;
    if (expected == NULL) { /* only behind a script that was left */
        return run_end(run, FTVM_E_STOPPED);
    }
    if (call->position > run->cut) {
        /* It did not stop where it was told to, as a machine may that goes on to the epoch's end:
         * this run says nothing from here on. */
        return run_end(run, FTVM_E_STOPPED);
    }
    compare_calls(run, expected, call);
    difference->state_compared = false;
    int result = 0;
    if (!difference->calls_differ && expected->state.taken) {
        struct parts_source source = run_source(run);
        difference->state_compared = expected->state.whole;
        result = parts_compare(&source, &expected->state, &run->session->names, difference);
    }
    if (result < 0) {
        return run_end(run, result);
    }
    if (!difference->calls_differ && !difference->outputs_differ && !difference->state_differs) {
        return 0;
    }
    ftvm_position recorded = expected->call.position;
    return end_different(run, call->position < recorded ? call->position : recorded);
}

/* A step that was the same. A cheap digest says little, so that only whole ones count. */
static void agree(struct check_run *run, const struct step *step)
{
    bool looked = step->call.kind != CALL_VALUE &&
                  (!run->session->has_digest || (step->state.taken && step->state.whole));
    run->output = 0;
    run->values_since += step->call.kind == CALL_VALUE;
    if (looked) {
        run->agreed = step->call.position;
        run->agreed_inputs = step->entry->boundary.input_count;
        run->values_since = 0;
    }
}

/* ---- Lengths --------------------------------------------------------------------------------- */

/* The boundary that ends the current epoch; NULL: the script does not reach that far. */
static const struct step *next_boundary(const struct check_run *run)
{
    const struct track *script = run->plan->script;
    size_t at = run->cursor;
    while (at < script->count && script->steps[at].call.kind == CALL_VALUE) {
        at++;
    }
    return at < script->count ? &script->steps[at] : NULL;
}

/* What the machine is told of the epoch that begins. */
static void tell_epoch(struct check_run *run, struct ftvm_epoch *epoch)
{
    const struct step *end = next_boundary(run);
    run->cut = UINT64_MAX;
    if (end != NULL && end->call.position >= run->epoch.position) {
        switch (run->plan->lengths) {
        case LENGTHS_RECORDED: break;
        case LENGTHS_EXACT: run->epoch.length = end->call.position - run->epoch.position; break;
        case LENGTHS_LONGER:
            run->epoch.length *= 2;
            if (end->call.kind == CALL_BOUNDARY) {
                run->cut = end->call.position;
            }
            break;
        }
    }
    *epoch = run->epoch;
}

/* ---- From a saved state ---------------------------------------------------------------------- */

/* The epoch that begins where the state was saved, as this script has it: it may be divided there.
 */
static void place_at_state(struct check_run *run, const struct saved_state *state)
{
    const struct track *script = run->plan->script;
    size_t saved_at = track_find(script, state->ordinal);
    run->epoch = state->epoch;
    run->cursor = saved_at + 1;
    if (saved_at < script->count) {
        run->epoch.length = script->steps[saved_at].entry->boundary.next_length;
    }
    for (size_t i = 0; i < saved_at && i < script->count; i++) {
        run->epoch.number += script->steps[i].extra;
    }
    run->ordinal = state->ordinal + 1;
    run->output = state->outputs; /* made already */
    run->agreed = state->epoch.position;
    stops_begin_epoch(&run->plan_stops, run->ordinal, run->epoch.position);
}

static int begin_loaded(struct check_run *run, struct ftvm_epoch *first)
{
    const struct saved_state *state = run->plan->load;
    const struct ftvm_machine_ops *ops = &run->node.ops;
    unsigned long long at = state->epoch.position;
    char number[ERROR_TEXT_SIZE];
    size_t unread;
    place_at_state(run, state);
    tell_epoch(run, first); /* the machine may look at it while it loads */
    int result = saved_state_read(state, ops, run->node.machine, &unread);
    if (result < 0) {
        return run_fail(run,
                        "load failed on the state of %zu bytes that save wrote at position %llu, "
                        "after it had read %zu of them: %s",
                        state->size, at, state->size - unread, error_text(result, number));
    }
    if (unread > 0) {
        return run_fail(run,
                        "load left %zu bytes unread of the %zu that save wrote at position %llu",
                        unread, state->size, at);
    }
    result = compare_state(run, &state->parts, PLACE_LOAD, state->epoch.position);
    return result == 0 && run->plan->load_ends ? run_end(run, FTVM_E_STOPPED) : result;
}

int follow_begin(struct check_run *run, ftvm_position position, struct ftvm_epoch *first)
{
    const struct track *script = run->plan->script;
    run->plan_stops = run->plan->stops;
    if (run->plan->load != NULL) {
        return begin_loaded(run, first);
    }
    run->agreed = script->start;
    if (position != script->start) {
        run->difference.calls_differ = true;
        run->difference.calls[SIDE_RECORDED] =
            (struct call){.kind = CALL_BEGIN, .position = script->start};
        run->difference.calls[SIDE_AGAIN] = (struct call){.kind = CALL_BEGIN, .position = position};
        return end_different(run, position);
    }
    struct message_boundary boundary = {.position = position,
                                        .rate_q32 = run->session->check.unit_ns << 32,
                                        .next_length = script->first_length};
    stops_begin_epoch(&run->plan_stops, 0, position);
    run_start_epoch(run, &boundary, first);
    /* A machine that is another one from the start is not to be looked for in its first step. It is
     * compared with the epoch that the recorded one was told. */
    int result = compare_state(run, &script->made, PLACE_MADE, position);
    tell_epoch(run, first);
    return result;
}

/* To save must not change what is saved. */
static int save(struct check_run *run, const struct step *step)
{
    struct saved_state *state = run->plan->save;
    struct parts_source source = run_source(run);
    state->ordinal = step->ordinal;
    state->epoch = run->epoch;
    state->outputs = run->output;
    int result = parts_keep(&source, true, &state->keeper, &state->parts);
    if (result < 0) {
        return run_end(run, result);
    }
    result = saved_state_write(state, &run->node.ops, run->node.machine);
    if (result == FTVM_E_MEMORY) {
        return run_end(run, result);
    }
    if (result < 0) {
        char number[ERROR_TEXT_SIZE];
        return run_fail(run, "save failed at position %llu: %s",
                        (unsigned long long)step->call.position, error_text(result, number));
    }
    state->saved = true;
    result = compare_state(run, &state->parts, PLACE_SAVE, step->call.position);
    return result == 0 && run->plan->save_ends ? run_end(run, FTVM_E_STOPPED) : result;
}

/* ---- The calls ------------------------------------------------------------------------------- */

ftvm_position follow_stop_at(struct check_run *run, ftvm_position position)
{
    if (position >= run->plan_stops.last && run->stopped_at == 0) {
        run->stopped_at = position;
    }
    ftvm_position stop = stops_after(&run->plan_stops, position);
    if (stop < run->cut) {
        return stop;
    }
    return run->cut > position ? run->cut : position;
}

int follow_boundary(struct check_run *run, const struct vcpu_request *request,
                    struct ftvm_epoch *next)
{
    struct call call = {
        .kind = run_kind(request), .position = request->position, .wake_ns = request->wake_ns};
    int result = compare(run, &call);
    if (result < 0) {
        return result;
    }
    const struct step *step = &run->plan->script->steps[run->cursor++];
    const struct message_boundary *boundary = &step->entry->boundary;
    agree(run, step);
    if (boundary->final) {
        return run_end(run, request->halt ? FTVM_E_HALTED : FTVM_E_STOPPED);
    }
    if (!step->extra) {
        run->ordinal = step->ordinal + 1;
        stops_begin_epoch(&run->plan_stops, run->ordinal, boundary->position);
    }
    run_start_epoch(run, boundary, next);
    tell_epoch(run, next);
    result = run_deliver(run, boundary);
    bool saves = run->plan->save != NULL && !step->extra && step->ordinal == run->plan->save_at;
    return result == 0 && saves ? save(run, step) : result;
}

int follow_output(struct check_run *run, uint32_t device, const void *data, size_t size)
{
    const struct step *expected = expected_step(run);
    struct difference *difference = &run->difference;
    uint64_t number = ++run->output;
    if (difference->outputs_differ || expected == NULL || number > expected->output_count) {
        return 0; /* told at the next step, where the position is known */
    }
    const struct kept_output *kept = &expected->outputs[number - 1];
    if (kept->device == device && kept->size == size &&
        kept->digest == output_digest(device, data, size)) {
        return 0;
    }
    difference->outputs_differ = true;
    difference->output = number;
    difference->devices[SIDE_RECORDED] = kept->device;
    difference->devices[SIDE_AGAIN] = device;
    difference_compare(&difference->output_bytes, kept->bytes, kept->size, data, size);
    return 0;
}

int follow_value(struct check_run *run, const struct vcpu_request *request, void *value,
                 size_t size)
{
    struct call call = {.kind = CALL_VALUE, .position = request->position, .size = size};
    int result = compare(run, &call);
    if (result < 0) {
        return result;
    }
    const struct step *step = &run->plan->script->steps[run->cursor++];
    memcpy(value, step->entry->value.data.data, size);
    agree(run, step);
    /* A script that was left at a value ends with it. */
    return run->cursor == run->plan->script->count ? run_end(run, FTVM_E_STOPPED) : 0;
}

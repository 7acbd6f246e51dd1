/*
 * A run that writes a log. The first one decides for itself, asks the world for inputs, and keeps
 * the values that the machine answers. Later ones are guided by its log: they get the same inputs
 * at the same boundaries and the same values, and more boundaries, at which nothing is delivered,
 * to look at the machine. Where such a run leaves the log it was guided by, it ends.
 */
#include <string.h>
#include <time.h>

#include "libftvm/check/check_run.h"
#include "libftvm/error.h"

#define MAX_STEPS                                                                                  \
    (1u << 22) /* entries of a run; a machine that asks on and on has its end there                \
                */

#define EMIT_AGAIN_NS 1000000
#define EMIT_SECONDS  10u

static struct keeper *keeper_of(struct check_run *run)
{
    return &run->track->keeper;
}

static uint64_t rate_q32(const struct check_run *run)
{
    return run->session->check.unit_ns << 32;
}

static int add_step(struct check_run *run, const struct step *step, const struct message *entry)
{
    if (run->track->count >= MAX_STEPS) {
        return run_fail(run, "the machine made %u calls, and the last still at position %llu",
                        MAX_STEPS, (unsigned long long)step->call.position);
    }
    int result = track_add_step(run->track, step, entry);
    return result < 0 ? run_end(run, result) : 0;
}

/* The length of what comes until the next look, or until the epoch ends. */
static uint64_t length_from(struct check_run *run, ftvm_position position)
{
    const struct run_plan *plan = run->plan;
    while (run->look < plan->look_count && plan->looks[run->look] <= position) {
        run->look++;
    }
    ftvm_position end = run->epoch_end;
    if (run->look < plan->look_count && plan->looks[run->look] < end) {
        end = plan->looks[run->look];
    }
    return end > position ? end - position : 1;
}

/* A new machine as it was made. It has a budget of its own, as the run's may keep no long part. */
#define MADE_BYTES ((size_t)64 << 20)
static int keep_made(struct check_run *run)
{
    struct track *track = run->track;
    struct parts_source source = run_source(run);
    struct keeper keeper = {.names = track->keeper.names,
                            .arena = &track->arena,
                            .parts_left = KEPT_PARTS,
                            .bytes_left = MADE_BYTES};
    int result = run->plan->guided ? 0 : parts_keep(&source, true, &keeper, &track->made);
    return result < 0 ? run_end(run, result) : 0;
}

int record_begin(struct check_run *run, ftvm_position position, struct ftvm_epoch *first)
{
    run->track->start = position;
    run->epoch_end = position + (run->plan->script != NULL ? run->plan->script->first_length
                                                           : run->session->check.epoch_length);
    struct message_boundary boundary = {
        .position = position, .rate_q32 = rate_q32(run), .next_length = length_from(run, position)};
    run->track->first_length = boundary.next_length;
    run_start_epoch(run, &boundary, first);
    return keep_made(run);
}

/* ---- Boundaries ------------------------------------------------------------------------------ */

/* Takes what waits, as far as one boundary may have it; it stays in the ring until released. */
static int take_inputs(struct check_run *run, struct track *track, struct log_input *inputs,
                       size_t *count)
{
    struct ring_record record;
    size_t bytes = 0;
    *count = 0;
    while (*count < LOG_MAX_INPUTS && ring_peek(run->node.inputs, &record) &&
           bytes + record.size - 8 <= LOG_MAX_INPUT_BYTES) {
        struct log_input *input = &inputs[*count];
        memcpy(&input->device, record.data, sizeof input->device);
        input->data.size = record.size - 8;
        input->data.data = arena_copy(&track->arena, record.data + 8, input->data.size);
        ring_release(run->node.inputs);
        if (input->data.data == NULL) {
            return run_end(run, FTVM_E_MEMORY);
        }
        bytes += input->data.size;
        ++*count;
    }
    return 0;
}

static bool is_last(struct check_run *run, const struct vcpu_request *request)
{
    return request->halt || run->ordinal >= run->session->check.epochs ||
           atomic_load(&run->node.stop_asked);
}

/* Nobody has decided yet: the world is asked. */
static int decide(struct check_run *run, const struct vcpu_request *request,
                  struct message_boundary *boundary)
{
    const struct ftvm_check *check = &run->session->check;
    boundary->rate_q32 = rate_q32(run);
    boundary->clock_ns = ftvm_epoch_clock(&run->epoch, request->position);
    run->epoch_end = request->position + check->epoch_length;
    boundary->next_length = check->epoch_length;
    boundary->final = is_last(run, request);
    if (boundary->final) {
        return 0;
    }
    if (check->world != NULL) {
        struct ftvm_epoch epoch = {
            .number = run->epoch.number + 1,
            .position = boundary->position,
            .length = boundary->next_length,
            .clock_ns = boundary->clock_ns,
            .rate_q32 = boundary->rate_q32,
        };
        check->world(check->context, &run->node, &epoch);
    }
    int result = take_inputs(run, run->track, run->inputs, &boundary->input_count);
    boundary->inputs = run->inputs;
    if (request->idle && boundary->input_count == 0) {
        /* Nothing will ever wake it, or nothing before its timer does. */
        boundary->final = request->wake_ns == UINT64_MAX;
        if (!boundary->final && request->wake_ns > boundary->clock_ns) {
            boundary->clock_ns = request->wake_ns;
        }
    }
    boundary->final = boundary->final || atomic_load(&run->node.stop_asked);
    return result;
}

enum guidance {
    GUIDANCE_LOOK, /* a boundary that only this run has */
    GUIDANCE_STEP, /* the script's next one */
    GUIDANCE_LOST, /* none: the machine does something else than the script says */
};

static enum guidance guide(struct check_run *run, const struct vcpu_request *request)
{
    const struct track *script = run->plan->script;
    if (run->cursor >= script->count) {
        return GUIDANCE_LOST;
    }
    const struct call *next = &script->steps[run->cursor].call;
    enum call_kind kind = run_kind(request);
    if (kind == next->kind && request->position == next->position &&
        (kind != CALL_IDLE || request->wake_ns == next->wake_ns)) {
        return GUIDANCE_STEP;
    }
    if (kind != CALL_BOUNDARY || next->kind == CALL_BEGIN) {
        return GUIDANCE_LOST;
    }
    if (request->position < run->epoch_end) {
        return request->position >= run->epoch.position + run->epoch.length ? GUIDANCE_LOOK
                                                                            : GUIDANCE_LOST;
    }
    /* Where it stops behind an epoch's end may depend on where that began. */
    return next->kind == CALL_BOUNDARY ? GUIDANCE_STEP : GUIDANCE_LOST;
}

/* Returns whether the boundary is only there to look. */
static bool follow_guidance(struct check_run *run, const struct vcpu_request *request,
                            struct message_boundary *boundary)
{
    boundary->rate_q32 = rate_q32(run);
    boundary->clock_ns = ftvm_epoch_clock(&run->epoch, request->position);
    enum guidance guidance = guide(run, request);
    if (guidance == GUIDANCE_STEP) {
        const struct message_boundary *script =
            &run->plan->script->steps[run->cursor++].entry->boundary;
        boundary->inputs = script->inputs;
        boundary->input_count = script->input_count;
        if (script->clock_ns > boundary->clock_ns) {
            boundary->clock_ns = script->clock_ns;
        }
        run->epoch_end = request->position + script->next_length;
        boundary->final = script->final || request->position >= run->plan->until;
    }
    boundary->final = boundary->final || guidance == GUIDANCE_LOST;
    boundary->next_length = length_from(run, request->position);
    return guidance == GUIDANCE_LOOK;
}

/* Whole states cost what they cost: at each boundary where that is little, else now and then. */
static bool wants_whole(const struct check_run *run, const struct vcpu_request *request, bool final)
{
    if (run->plan->guided) {
        return request->position > run->plan->whole_from;
    }
    uint64_t each = run->session->whole_each;
    return each == 0 || final || run->ordinal % each == 0;
}

/* A look closer needs the parts of what it looks at, and its budget for them. */
static bool wants_parts(const struct check_run *run, const struct vcpu_request *request)
{
    return !run->plan->guided || request->position > run->plan->whole_from;
}

/* The first whole state says how much of that a run can afford: a gibibyte, which takes an eighth
 * of a second to digest. */
#define WHOLE_BYTES (UINT64_C(1) << 30)
static void plan_whole(struct check_run *run, const struct kept_state *state)
{
    struct check_session *session = run->session;
    if (session->whole_each == 0 && state->taken) {
        uint64_t affordable = state->bytes > 0 ? WHOLE_BYTES / state->bytes : UINT64_MAX;
        uint64_t wanted = session->check.epochs;
        session->whole_each = affordable >= wanted ? 1
                              : affordable == 0    ? wanted + 1
                                                   : (wanted + affordable - 1) / affordable;
    }
}

int record_boundary(struct check_run *run, const struct vcpu_request *request,
                    struct ftvm_epoch *next)
{
    struct step step = {.call = {.kind = run_kind(request),
                                 .position = request->position,
                                 .wake_ns = request->wake_ns}};
    struct message entry = {.type = MESSAGE_BOUNDARY};
    struct message_boundary *boundary = &entry.boundary;
    boundary->lsn = run->track->count + 1;
    boundary->position = request->position;
    run->ordinal++;
    /* The state first: it is that before the inputs. */
    struct parts_source source = run_source(run);
    struct keeper values_only = {.names = keeper_of(run)->names, .arena = &run->track->arena};
    int result = parts_keep(&source, wants_whole(run, request, is_last(run, request)),
                            wants_parts(run, request) ? keeper_of(run) : &values_only, &step.state);
    if (result < 0) {
        return run_end(run, result);
    }
    plan_whole(run, &step.state);
    boundary->digest = step.state.value;
    if (run->plan->guided) {
        step.extra = follow_guidance(run, request, boundary);
        run->ordinal -= step.extra;
    } else {
        result = decide(run, request, boundary);
    }
    result = result < 0 ? result : add_step(run, &step, &entry);
    if (result < 0) {
        return result;
    }
    if (boundary->final) {
        return run_end(run, request->halt ? FTVM_E_HALTED : FTVM_E_STOPPED);
    }
    run_start_epoch(run, boundary, next);
    const struct step *added = track_last(run->track);
    return run_deliver(run, &added->entry->boundary);
}

/* ---- Outputs and values ---------------------------------------------------------------------- */

/* A run that is recorded faces the world: what has no room waits, and the guest with it. */
static int emit(struct check_run *run, uint32_t device, const void *data, size_t size)
{
    const struct timespec pause = {.tv_nsec = EMIT_AGAIN_NS};
    const unsigned tries = EMIT_SECONDS * (1000000000u / EMIT_AGAIN_NS);
    char number[ERROR_TEXT_SIZE];
    int result = FTVM_E_FULL;
    for (unsigned i = 0; i < tries && result == FTVM_E_FULL && run_ended(run) == 0; i++) {
        if (i > 0) {
            nanosleep(&pause, NULL);
        }
        result = run->node.ops.emit(run->node.machine, run->track->outputs, device, data, size);
    }
    if (result >= 0 || run_ended(run) != 0) {
        return 0; /* the caller sees the end */
    }
    return result == FTVM_E_FULL
               ? run_fail(run, "the machine's emit had no room for %u s", EMIT_SECONDS)
               : run_fail(run, "the machine's emit failed: %s", error_text(result, number));
}

int record_output(struct check_run *run, uint32_t device, const void *data, size_t size)
{
    int result = track_add_output(run->track, device, data, size);
    if (result < 0) {
        return run_end(run, result);
    }
    result = emit(run, device, data, size);
    return result < 0 ? result : run_ended(run);
}

int record_value(struct check_run *run, const struct vcpu_request *request, void *value,
                 size_t size)
{
    struct step step = {.call = {.kind = CALL_VALUE, .position = request->position, .size = size}};
    bool lost = false;
    if (run->plan->guided) {
        const struct track *script = run->plan->script;
        const struct step *expected =
            run->cursor < script->count ? &script->steps[run->cursor] : NULL;
        lost = expected == NULL || expected->call.kind != CALL_VALUE ||
               expected->call.position != request->position || expected->call.size != size;
        if (!lost) {
            memcpy(value, expected->entry->value.data.data, size);
            run->cursor++;
        }
    }
    struct message entry = {.type = MESSAGE_VALUE,
                            .value = {.lsn = run->track->count + 1,
                                      .position = request->position,
                                      .data = {.data = value, .size = size}}};
    int result = add_step(run, &step, &entry);
    if (result < 0) {
        return result;
    }
    return lost ? run_end(run, FTVM_E_STOPPED) : 0;
}

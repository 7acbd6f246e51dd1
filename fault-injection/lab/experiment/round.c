#include "fault-injection/lab/experiment/round.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/experiment/evidence.h"
#include "fault-injection/lab/experiment/trace.h"

#define FAULTS_MAX    8u
#define DRAWS_MAX     100 /* until one comes that this pair can have */
#define BEGIN_TRIES   3
#define START_TRIES   3
#define PATIENCE_MS   5000
#define GRACE_MS      20000 /* after the time that a recovery may take, to see whether it comes */
#define GO_ON_ANSWERS 20
#define GO_ON_MS      30000 /* TCP waits longer after each attempt that fails */
#define STOP_MS       30000
#define TWO_ALIVE_MS  50 /* shorter, and it may be what was read first that is old */

struct state {
    struct subject *subject;
    const struct round *round;
    struct result *result;
    enum outcome outcome;
    char problem[RESULTS_VALUE_SIZE];

    struct fault faults[FAULTS_MAX];
    struct fault_record records[FAULTS_MAX];
    unsigned fault_count;
    bool flips_bit, without_arbiter;

    /* Replicas that had taken over, or diverged, before. */
    bool was_live[PAIR_MAX_REPLICAS], was_diverged[PAIR_MAX_REPLICAS];
    struct trace_times times; /* the round, and the first fault */
    uint64_t two_since_ns;    /* two replicas are alive since; 0: no */
    uint64_t two_alive_ns;    /* for how long, at most */
    unsigned divergences;
};

/* The first thing that is wrong counts. */
__attribute__((format(printf, 3, 4))) static void judge(struct state *state, enum outcome outcome,
                                                        const char *format, ...)
{
    va_list arguments;

    if (outcome <= state->outcome)
        return;
    state->outcome = outcome;
    va_start(arguments, format);
    vsnprintf(state->problem, sizeof(state->problem), format, arguments);
    va_end(arguments);
}

/* ---- Looking at the replicas --------------------------------------------------------------- */

static void read_events(struct pair *pair)
{
    for (unsigned i = 0; i < pair->count; i++)
        event_log_read(&pair->replicas[i].events);
}

static void note_past(struct state *state)
{
    struct pair *pair = &state->subject->pair;

    read_events(pair);
    for (unsigned i = 0; i < pair->count; i++) {
        state->was_live[i] = pair->replicas[i].events.failover;
        state->was_diverged[i] = pair->replicas[i].events.diverged;
    }
}

/* One that lets outputs leave on its own: none protects it, or it has taken over. */
static bool is_alone(struct replica *replica)
{
    const struct event_log *events = &replica->events;

    return process_running(&replica->process) && !events->fenced && events->started &&
           events->is_primary && !events->is_protected;
}

static void watch_two(struct state *state)
{
    struct pair *pair = &state->subject->pair;
    uint64_t now = lab_now_ns();
    unsigned alone = 0;

    read_events(pair);
    for (unsigned i = 0; i < pair->count; i++)
        alone += is_alone(&pair->replicas[i]);
    if (alone < 2)
        state->two_since_ns = 0;
    else if (state->two_since_ns == 0)
        state->two_since_ns = now;
    else if (now - state->two_since_ns > state->two_alive_ns)
        state->two_alive_ns = now - state->two_since_ns;
}

static bool two_are_alive(const struct state *state)
{
    return state->two_alive_ns >= TWO_ALIVE_MS * UINT64_C(1000000);
}

/* ---- The fault ----------------------------------------------------------------------------- */

static void draw_fault(struct state *state)
{
    const struct subject *subject = state->subject;
    uint64_t within = settings_number(&subject->settings, SETTING_WITHIN_MS);
    struct fault *fault = &state->faults[0];
    uint64_t seed = state->round->seed;

    state->fault_count = 1;
    for (int i = 0; i < DRAWS_MAX; i++, seed = experiment_mix(seed)) {
        fault_draw(fault, seed, within);
        if ((subject->hooks || !fault_needs_hooks(fault)) &&
            (subject->kind->disk || !fault_needs_disk(fault)))
            return;
    }
    *fault = (struct fault){.kind = FAULT_NONE};
}

static void parse_faults(struct state *state)
{
    char copy[SETTINGS_VALUE_SIZE], error[SETTINGS_ERROR_SIZE], *rest;

    snprintf(copy, sizeof(copy), "%s", state->subject->settings.value[SETTING_FAULT]);
    for (char *text = strtok_r(copy, "+", &rest); text && state->fault_count < FAULTS_MAX;
         text = strtok_r(NULL, "+", &rest))
        if (fault_parse(&state->faults[state->fault_count], text, error, sizeof(error)))
            state->fault_count++;
}

static void describe_faults(struct state *state)
{
    char text[RESULTS_VALUE_SIZE] = "";
    size_t used = 0;

    for (unsigned i = 0; i < state->fault_count && used + FAULT_TEXT_SIZE < sizeof(text); i++) {
        char one[FAULT_TEXT_SIZE];

        fault_format(&state->faults[i], one);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? "+" : "", one);
        state->flips_bit |= state->faults[i].kind == FAULT_FLIP_BIT;
    }
    result_set(state->result, RESULT_fault, "%s", text);
    result_set(state->result, RESULT_kind, "%s", fault_kind_name(state->faults[0].kind));
}

static bool begin_faults(struct state *state)
{
    struct subject *subject = state->subject;

    for (unsigned i = 0; i < state->fault_count; i++) {
        uint64_t drawn = experiment_mix(state->round->seed + i);

        if (!faults_begin(subject->faults, &subject->pair, &state->faults[i], drawn, PATIENCE_MS,
                          &state->records[i]))
            return false;
        if (state->times.fault_ns == 0)
            state->times.fault_ns =
                state->records[i].at_ns ? state->records[i].at_ns : lab_now_ns();
    }
    result_set(state->result, RESULT_host, "%s", network_name(state->records[0].host));
    result_set(state->result, RESULT_victim, "%s",
               state->records[0].was_primary ? "primary" : "backup");
    return true;
}

/* The fault before may have an effect only now: two that were cut off from each other suspect each
 * other when they are healed already. So the victim may be gone, and the pair is to recover first.
 */
static bool begin_faults_in_peace(struct state *state)
{
    struct subject *subject = state->subject;
    unsigned limit_ms = (unsigned)settings_number(&subject->settings, SETTING_RECOVER_MS);
    char what[FAULTS_WHAT_SIZE] = "";

    for (unsigned tries = 0; tries < BEGIN_TRIES; tries++) {
        if (begin_faults(state))
            return true;
        if (state->records[0].at_ns != 0 || subject->lab.interrupted ||
            !faults_heal(subject->faults, &subject->pair) ||
            !faults_recover(subject->faults, &subject->pair, limit_ms + GRACE_MS, what))
            return false;
        note_past(state);
    }
    return false;
}

/* As long as the longest of them lasts, and at least as long as the settings say. */
static bool watch_faults(struct state *state)
{
    struct subject *subject = state->subject;
    uint64_t watch_ms = settings_number(&subject->settings, SETTING_WATCH_MS), deadline;

    for (unsigned i = 0; i < state->fault_count; i++)
        if (state->faults[i].for_ms > watch_ms)
            watch_ms = state->faults[i].for_ms;
    deadline = lab_now_ns() + watch_ms * 1000000u;
    while (lab_pause(&subject->lab, deadline)) {
        watch_two(state);
        if (!faults_tick(subject->faults, &subject->pair))
            return false;
    }
    return subject->lab.interrupted == 0;
}

/* ---- The judgement ------------------------------------------------------------------------- */

static void judge_history(struct state *state)
{
    struct workload *workload = state->subject->workload;
    struct workload_verdict verdict;
    bool looked = state->round->last ? workload_stop(workload, STOP_MS, &verdict)
                                     : workload_check(workload, &verdict);

    if (!looked)
        judge(state, OUTCOME_VIOLATION, "%s", state->subject->lab.error);
    else if (!verdict.holds)
        judge(state, state->flips_bit ? OUTCOME_DIVERGED : OUTCOME_VIOLATION, "%s",
              verdict.problem);
}

static void judge_two_alive(struct state *state)
{
    if (two_are_alive(state))
        judge(state, state->without_arbiter ? OUTCOME_TWO_ALIVE : OUTCOME_VIOLATION,
              "two replicas were alive for %" PRIu64 " ms", state->two_alive_ns / 1000000u);
}

static void judge_divergences(struct state *state)
{
    struct pair *pair = &state->subject->pair;

    for (unsigned i = 0; i < pair->count; i++) {
        if (!pair->replicas[i].events.diverged || state->was_diverged[i])
            continue;
        state->divergences++;
        judge(state, state->flips_bit ? OUTCOME_DIVERGED : OUTCOME_VIOLATION,
              "replica %s diverged: %s", pair->replicas[i].label, pair->replicas[i].events.last);
    }
}

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void report_failovers(struct state *state)
{
    struct pair *pair = &state->subject->pair;
    const struct failover_times *times = NULL;
    unsigned failovers = 0;

    for (unsigned i = 0; i < pair->count; i++) {
        if (!pair->replicas[i].events.failover || state->was_live[i])
            continue;
        failovers++;
        times = &pair->replicas[i].events.times;
    }
    result_set(state->result, RESULT_failovers, "%u", failovers);
    if (!times)
        return;
    result_set(state->result, RESULT_detected, "%.3f", milliseconds(times->detected_ns));
    result_set(state->result, RESULT_claimed, "%.3f", milliseconds(times->claimed_ns));
    result_set(state->result, RESULT_consumed, "%.3f", milliseconds(times->consumed_ns));
    result_set(state->result, RESULT_live, "%.3f", milliseconds(times->live_ns));
    result_set(state->result, RESULT_failover, "%.3f", milliseconds(failover_ns(times)));
}

/* ---- The round ----------------------------------------------------------------------------- */

static bool recover(struct state *state)
{
    struct subject *subject = state->subject;
    uint64_t limit_ms = settings_number(&subject->settings, SETTING_RECOVER_MS), healed, took_ms;
    char what[FAULTS_WHAT_SIZE] = "";

    healed = lab_now_ns();
    if (!faults_heal(subject->faults, &subject->pair) ||
        !faults_recover(subject->faults, &subject->pair, (unsigned)limit_ms + GRACE_MS, what)) {
        watch_two(state);
        judge_two_alive(state);
        judge(state, OUTCOME_VIOLATION, "not protected again: %.*s",
              (int)sizeof(state->problem) - 32, subject->lab.error);
        return false;
    }
    took_ms = (lab_now_ns() - healed) / 1000000u;
    watch_two(state);
    result_set(state->result, RESULT_recovery, "%" PRIu64, took_ms);
    if (took_ms > limit_ms)
        judge(state, OUTCOME_SLOW, "protected again after %" PRIu64 " ms, not %" PRIu64 ": %s",
              took_ms, limit_ms, what);
    return true;
}

static void go_on(struct state *state)
{
    struct subject *subject = state->subject;

    if (!subject_delay(subject))
        judge(state, OUTCOME_FAILED, "%s", subject->lab.error);
    else if (!workload_wait(subject->workload, GO_ON_ANSWERS, GO_ON_MS))
        judge(state, OUTCOME_VIOLATION, "the guest does not go on: %.*s",
              (int)sizeof(state->problem) - 32, subject->lab.error);
}

/* Each step only if what is before it went well. */
static void go_through(struct state *state)
{
    struct subject *subject = state->subject;
    unsigned warm_ms = (unsigned)settings_number(&subject->settings, SETTING_WARM_MS);

    if (!lab_sleep(&subject->lab, warm_ms) || !begin_faults_in_peace(state) ||
        !watch_faults(state)) {
        judge(state, OUTCOME_FAILED, "%s", subject->lab.error);
        return;
    }
    judge_two_alive(state);
    /* Two machines are past recovery: each has a history of its own. */
    if (two_are_alive(state) || !recover(state))
        return;
    go_on(state);
    judge_two_alive(state);
}

static void prepare(struct state *state)
{
    note_past(state);
    state->times.round_ns = lab_now_ns();
    result_set(state->result, RESULT_workload, "%s", state->subject->kind->name);
    if (settings_are(&state->subject->settings, SETTING_DRAW, "yes"))
        draw_fault(state);
    else
        parse_faults(state);
    describe_faults(state);
}

/* Whether the pair can be used for another round. */
static bool is_as_new(const struct state *state)
{
    const struct subject *subject = state->subject;

    return state->outcome <= OUTCOME_GOOD && !state->round->last && !state->flips_bit &&
           subject->pair.count + PAIR_PER_TEST < PAIR_MAX_REPLICAS;
}

static bool finish(struct state *state, struct results *results)
{
    struct result *result = state->result;
    struct subject *subject = state->subject;
    bool good = true;

    if (state->times.fault_ns != 0) {
        report_failovers(state);
        good = trace_write(subject, state->round->point, state->round->repetition, &state->times,
                           results, result);
    }
    result_set(result, RESULT_two_alive, "%d", two_are_alive(state));
    result_set(result, RESULT_divergences, "%u", state->divergences);
    result_set(result, RESULT_outcome, "%s", outcome_name(state->outcome));
    result_set(result, RESULT_problem, "%s", state->problem);
    if (outcome_is_bad(state->outcome))
        evidence_keep(subject, state->round, results, result);
    if (!is_as_new(state))
        subject_end(subject);
    return good;
}

/* A host that is busy with other things may hold up a replica for longer than its timeout while
 * Linux boots. That is no fault of this experiment's; the next pair may do better. */
static bool start_subject(struct subject *subject, const struct settings *settings,
                          uint64_t life_seed)
{
    for (unsigned tries = 1;; tries++) {
        if (subject_start(subject, settings, life_seed))
            return true;
        if (tries == START_TRIES || subject->lab.interrupted)
            return false;
        subject_end(subject);
    }
}

bool round_run(struct subject *subject, const struct settings *settings, uint64_t life_seed,
               const struct round *round, struct results *results, struct result *result)
{
    struct state state = {
        .subject = subject,
        .round = round,
        .result = result,
        .without_arbiter = settings_are(settings, SETTING_ARBITER, "none"),
    };

    if (subject->alive || start_subject(subject, settings, life_seed)) {
        prepare(&state);
        go_through(&state);
        judge_divergences(&state);
        /* Of two machines, and of one that is lost, there is no one history. */
        if (!subject->lab.interrupted && state.outcome == OUTCOME_GOOD)
            judge_history(&state);
    } else {
        judge(&state, OUTCOME_FAILED, "%s", subject->lab.error);
    }
    return !subject->lab.interrupted && finish(&state, results);
}

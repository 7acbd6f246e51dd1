#include "fault-injection/simulator/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/cluster_copy.h"
#include "fault-injection/simulator/explore_finish.h"
#include "fault-injection/simulator/explore_seen.h"
#include "fault-injection/simulator/fingerprint.h"

#define ASK_ENOUGH_EVERY 1024u

struct state {
    struct cluster *cluster;
    struct explore_budget left;
};

struct search {
    const struct explore_options *options;
    struct explore_result *result;
    struct seen seen;
    struct ink ink;
    bool stopped; /* at a limit */
    uint16_t path[EXPLORE_MAX_DEPTH];
};

struct explore_options explore_defaults(void)
{
    return (struct explore_options){
        .protocol = ENGINE_REVISED,
        .start = EXPLORE_FROM_PAIR,
        .program = "ov|o",
        .lag_epochs = 4,
        .depth = 14,
        .budget = {.crashes = 1, .breaks = 1, .timers = 2, .inputs = 1},
    };
}

/* ---- Where it starts ------------------------------------------------------------------------- */

/* A guest so slow that little happens between two heartbeats: what takes time is the end of each
 * run. A timeout that comes with the second deadline of a clock after the last sign of life. */
static struct cluster_config configuration(const struct explore_options *options)
{
    struct cluster_config config = cluster_defaults();
    config.program = options->program;
    config.engine.protocol = options->protocol;
    config.engine.lag_epochs = options->lag_epochs;
    config.engine.heartbeat_ns = 50 * MS;
    config.engine.timeout_ns = 60 * MS;
    config.engine.stuck_ns = 0; /* a vCPU that nobody chooses is not stuck */
    config.instruction_ns = 4000;
    config.chunk_size = 1 << 16;
    config.watches_ends = true;
    if (options->input_ended) {
        config.engine.epoch_length = 0;
        config.engine.epoch_max_ns = 1000; /* the least length, however fast the guest seems */
        config.slice = 3000;               /* looks come between the steps of a program */
    }
    return config;
}

static bool is_calm(struct cluster *cluster)
{
    return cluster_is_protected(cluster) && cluster->replicas[0].vcpu == VCPU_RUNS &&
           cluster_status(cluster, 0).lsn_acked == cluster_status(cluster, 0).lsn;
}

static struct state start(const struct explore_options *options)
{
    struct cluster_config config = configuration(options);
    struct state state = {cluster_create(&config), options->budget};
    cluster_add_primary(state.cluster);
    if (options->start == EXPLORE_FROM_PAIR) {
        cluster_run(state.cluster, 5 * MS);
    }
    cluster_add_backup(state.cluster, 0);
    if (options->start == EXPLORE_FROM_PAIR &&
        !cluster_run_until(state.cluster, is_calm, 5000 * MS)) {
        abort();
    }
    return state;
}

static struct state copy(const struct state *state)
{
    return (struct state){cluster_copy(state->cluster), state->left};
}

/* ---- One choice ------------------------------------------------------------------------------ */

static void choose(const struct explore_options *options, struct state *state,
                   const struct step *step, unsigned crash_before)
{
    step_do(state->cluster, &state->left, step, crash_before);
    if (options->meddle != NULL) {
        options->meddle(state->cluster, options->context);
    }
}

static uint64_t fingerprint(struct ink *ink, const struct state *state)
{
    ink_clear(ink);
    fingerprint_cluster(ink, state->cluster);
    ink_bytes(ink, &state->left, sizeof state->left);
    return ink_digest(ink);
}

/* Says each choice before what comes of it. False if there is no such choice. */
static bool follow(const struct explore_options *options, struct state *state, const uint16_t *path,
                   unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        struct step steps[STEPS_MAX];
        char text[STEP_TEXT_SIZE];
        size_t count = steps_enabled(state->cluster, &state->left, steps);
        unsigned number = EXPLORE_STEP_OF(path[i]);
        unsigned crash_before = EXPLORE_CRASH_OF(path[i]);
        if (number >= count || (crash_before > 0 && state->left.crashes == 0)) {
            return false;
        }
        cluster_say(state->cluster, "-- %u. %s", i + 1,
                    step_text(state->cluster, &steps[number], crash_before, text));
        choose(options, state, &steps[number], crash_before);
    }
    return true;
}

bool explore_replay(const struct explore_options *options, const uint16_t *path, unsigned length,
                    char **story, char why[CHECK_WHY_SIZE])
{
    struct state state = start(options);
    cluster_tell(state.cluster, story != NULL);
    bool good = follow(options, &state, path, length);
    if (!good) {
        snprintf(why, CHECK_WHY_SIZE, "not a run of these choices");
    } else {
        good = explore_check(state.cluster, why) && explore_finish(state.cluster, why);
    }
    if (story != NULL) {
        *story = strdup(state.cluster->story);
    }
    cluster_destroy(state.cluster);
    return good;
}

/* ---- The search ------------------------------------------------------------------------------ */

/* What is violated is told by the same choices, taken again from the start. */
static void found(struct search *search, unsigned depth, const char *why)
{
    struct explore_result *result = search->result;
    char again[CHECK_WHY_SIZE] = "";
    memcpy(result->path, search->path, depth * sizeof *search->path);
    result->path_length = depth;
    bool good = explore_replay(search->options, result->path, depth, &result->story, again);
    snprintf(result->violation, sizeof result->violation, "%s%s", why,
             good ? " (and not when the same choices are taken again)" : "");
}

static void compare_with_replay(struct search *search, unsigned depth, uint64_t expected)
{
    struct state state = start(search->options);
    search->result->replayed++;
    if (!follow(search->options, &state, search->path, depth) ||
        fingerprint(&search->ink, &state) != expected) {
        found(search, depth, "the same choices led to another state");
    }
    cluster_destroy(state.cluster);
}

static bool is_over(const struct search *search)
{
    return search->stopped || search->result->violation[0] != '\0';
}

static void count_end(struct explore_result *result, const struct cluster *cluster)
{
    bool promoted = false;
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        promoted = promoted || cluster->replicas[i].promotions > 0;
    }
    result->finished++;
    result->promoted += promoted;
    result->survived += cluster_survivor(cluster) != CLUSTER_MAX_REPLICAS;
}

/* The cluster is used up. */
static void finish(struct search *search, struct cluster *cluster, unsigned depth)
{
    char why[CHECK_WHY_SIZE] = "";
    if (!explore_finish(cluster, why)) {
        found(search, depth, why);
    }
    count_end(search->result, cluster);
}

static void go_on(struct search *search, struct state *state, unsigned depth);

/* A state that was reached: it is checked and, if it is new, gone on from. */
static void arrive(struct search *search, struct state *state, unsigned depth)
{
    char why[CHECK_WHY_SIZE] = "";
    struct explore_result *result = search->result;
    uint64_t print = fingerprint(&search->ink, state);
    enum seen_before before = seen_note(&search->seen, print, (uint8_t)depth);
    result->states = search->seen.count;
    if (before == SEEN_ALREADY) {
        return;
    }
    result->deepest = depth > result->deepest ? depth : result->deepest;
    if (!explore_check(state->cluster, why)) {
        found(search, depth, why);
        return;
    }
    if (before == SEEN_NEVER && result->states % EXPLORE_REPLAYED == 0) {
        compare_with_replay(search, depth, print);
    }
    if (is_over(search)) {
        return;
    }
    if (depth == search->options->depth) {
        finish(search, state->cluster, depth);
        return;
    }
    if (search->options->finish_all && before == SEEN_NEVER) {
        struct cluster *ending = cluster_copy(state->cluster);
        finish(search, ending, depth);
        cluster_destroy(ending);
    }
    if (!is_over(search)) {
        go_on(search, state, depth);
    }
}

static void count_transition(struct search *search)
{
    const struct explore_options *options = search->options;
    uint64_t taken = ++search->result->transitions;
    if ((options->max_transitions != 0 && taken >= options->max_transitions) ||
        (options->enough != NULL && taken % ASK_ENOUGH_EVERY == 0 &&
         options->enough(options->context))) {
        search->stopped = true;
    }
}

/* Returns how many actions it had. */
static uint64_t take(struct search *search, struct state *state, size_t number,
                     const struct step *step, unsigned crash_before, unsigned depth)
{
    uint64_t actions = state->cluster->actions;
    count_transition(search);
    search->path[depth] = EXPLORE_CHOICE(number, crash_before);
    choose(search->options, state, step, crash_before);
    actions = state->cluster->actions - actions;
    arrive(search, state, depth + 1);
    return actions;
}

static uint64_t take_in_copy(struct search *search, const struct state *state, size_t number,
                             const struct step *step, unsigned crash_before, unsigned depth)
{
    struct state child = copy(state);
    uint64_t actions = take(search, &child, number, step, crash_before, depth);
    cluster_destroy(child.cluster);
    return actions;
}

/* All choices of a state, the last one in place. How often a replica may be lost inside a step
 * shows when the step was taken in full. */
static void go_on(struct search *search, struct state *state, unsigned depth)
{
    struct step steps[STEPS_MAX];
    size_t count = steps_enabled(state->cluster, &state->left, steps);
    if (count > search->result->most_enabled) {
        search->result->most_enabled = count;
    }
    if (count == 0) {
        finish(search, state->cluster, depth);
        return;
    }
    for (size_t i = 0; i < count && !is_over(search); i++) {
        bool may_crash = state->left.crashes > 0 && step_is_an_engines(&steps[i]);
        if (i + 1 == count && !may_crash) {
            take(search, state, i, &steps[i], 0, depth);
            return;
        }
        uint64_t actions = take_in_copy(search, state, i, &steps[i], 0, depth);
        for (unsigned crash = 1; may_crash && crash <= actions && !is_over(search); crash++) {
            take_in_copy(search, state, i, &steps[i], crash, depth);
        }
    }
}

bool explore(const struct explore_options *options, struct explore_result *result)
{
    if (options->depth > EXPLORE_MAX_DEPTH) {
        abort();
    }
    *result = (struct explore_result){0};
    struct search search = {.options = options, .result = result};
    struct state state = start(options);
    arrive(&search, &state, 0);
    cluster_destroy(state.cluster);
    seen_free(&search.seen);
    ink_free(&search.ink);
    result->complete = !is_over(&search);
    return result->violation[0] == '\0';
}

bool explore_shortest(const struct explore_options *options, struct explore_result *result)
{
    struct explore_options shallow = *options;
    bool good = true;
    *result = (struct explore_result){0};
    for (shallow.depth = 0; shallow.depth <= options->depth && good; shallow.depth++) {
        explore_result_clear(result);
        good = explore(&shallow, result);
        if (good && !result->complete) {
            break; /* at a limit, which the next one would meet too */
        }
    }
    return good;
}

void explore_result_clear(struct explore_result *result)
{
    free(result->story);
    *result = (struct explore_result){0};
}

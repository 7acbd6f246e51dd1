#include "fault-injection/simulator/shrink.h"

#include <inttypes.h>
#include <string.h>

struct search {
    struct schedule *best;
    enum checker violated;
    unsigned runs;
};

/* Keeps the candidate if it still fails in the same way. */
static bool keep_if_fails(struct search *search, const struct schedule *candidate)
{
    struct run_result result;
    if (search->runs >= SHRINK_RUNS || memcmp(candidate, search->best, sizeof *candidate) == 0) {
        return false;
    }
    search->runs++;
    run_schedule(candidate, false, &result);
    bool fails = result.violated == search->violated;
    run_result_free(&result);
    if (fails) {
        *search->best = *candidate;
    }
    return fails;
}

/* Leaves out runs of acts, long ones first. */
static bool fewer_acts(struct search *search)
{
    bool any = false;
    for (size_t length = search->best->count; length > 0; length /= 2) {
        for (size_t at = 0; at + length <= search->best->count;) {
            struct schedule candidate = *search->best;
            memmove(&candidate.acts[at], &candidate.acts[at + length],
                    (candidate.count - at - length) * sizeof candidate.acts[0]);
            candidate.count -= length;
            memset(&candidate.acts[candidate.count], 0, length * sizeof candidate.acts[0]);
            bool shorter = keep_if_fails(search, &candidate);
            any |= shorter;
            at += shorter ? 0 : length;
        }
    }
    return any;
}

static bool less_in_acts(struct search *search)
{
    bool any = false;
    for (size_t i = 0; i < search->best->count; i++) {
        struct schedule candidate = *search->best;
        candidate.acts[i].inputs = 0;
        any |= keep_if_fails(search, &candidate);
        candidate = *search->best;
        candidate.acts[i].wait_ns /= 2;
        any |= candidate.acts[i].wait_ns > MS && keep_if_fails(search, &candidate);
        candidate = *search->best;
        candidate.acts[i].kind = ACT_NOTHING;
        any |= keep_if_fails(search, &candidate);
    }
    return any;
}

/* What is only a wait becomes a part of the wait before it. */
static bool merge_waits(struct search *search)
{
    bool any = false;
    for (size_t i = 0; i < search->best->count;) {
        struct schedule candidate = *search->best;
        struct act *act = &candidate.acts[i];
        uint64_t *before = i > 0 ? &candidate.acts[i - 1].wait_ns : &candidate.settle_ns;
        bool merged = false;
        if (act->kind == ACT_NOTHING) {
            *before += act->wait_ns;
            memmove(act, act + 1, (candidate.count - i - 1) * sizeof *act);
            candidate.count--;
            memset(&candidate.acts[candidate.count], 0, sizeof *act);
            merged = keep_if_fails(search, &candidate);
        }
        any |= merged;
        i += merged ? 0 : 1;
    }
    return any;
}

static bool plainer_knobs(struct search *search)
{
    const struct cluster_config usual = cluster_defaults();
    bool any = false;
    for (unsigned knob = 0;; knob++) {
        struct schedule candidate = *search->best;
        struct cluster_config *config = &candidate.config;
        switch (knob) {
        case 0: candidate.finale = FINALE_NONE; break;
        case 1: config->latency_spread_ns = 0; break;
        case 2: config->latency_ns = usual.latency_ns; break;
        case 3: config->arbiter_ns = usual.arbiter_ns; break;
        case 4: config->chunk_size = usual.chunk_size; break;
        case 5: config->program = "o"; break;
        case 6: config->engine.protocol = ENGINE_REVISED; break;
        case 7:
            config->engine.epoch_length = usual.engine.epoch_length;
            config->slice = 0;
            break;
        case 8: config->engine.lag_epochs = usual.engine.lag_epochs; break;
        case 9: config->engine.lag_policy = ENGINE_LAG_WAIT; break;
        case 10: config->engine.wait_backup = false; break;
        case 11: candidate.settle_ns = 60 * MS; break;
        case 12: candidate.joiner_load_ns = usual.load_ns; break;
        case 13:
            config->instruction_ns = usual.instruction_ns;
            candidate.joiner_instruction_ns = usual.instruction_ns;
            break;
        case 14: candidate.join_after_ns = 5 * MS; break;
        default: return any;
        }
        any |= keep_if_fails(search, &candidate);
    }
}

unsigned shrink(struct schedule *schedule, enum checker violated)
{
    struct search search = {.best = schedule, .violated = violated};
    bool any = true;
    while (any && search.runs < SHRINK_RUNS) {
        any = fewer_acts(&search);
        any |= merge_waits(&search);
        any |= plainer_knobs(&search);
        any |= less_in_acts(&search);
    }
    return search.runs;
}

static const char *who_name(enum act_who who)
{
    return who == WHO_PRIMARY ? "the primary" : who == WHO_BACKUP ? "the backup" : "any";
}

void shrink_print(const struct schedule *schedule, FILE *out)
{
    static const char *const finales[FINALES] = {"none", "stop", "stop, its last word lost",
                                                 "power off"};
    const struct engine_config *engine = &schedule->config.engine;
    fprintf(out, "  %s, %s, lag %" PRIu64 " (%s), timeout %" PRIu64 " ms, guest %s, end: %s%s\n",
            engine->protocol == ENGINE_ORIGINAL ? "original" : "revised",
            engine->epoch_length == 0 ? "inputs end epochs" : "fixed epochs", engine->lag_epochs,
            engine->lag_policy == ENGINE_LAG_DROP ? "drop" : "wait", engine->timeout_ns / MS,
            schedule->config.program == NULL ? "draws" : schedule->config.program,
            finales[schedule->finale], engine->wait_backup ? ", waits for its first backup" : "");
    for (size_t i = 0; i < schedule->count; i++) {
        const struct act *act = &schedule->acts[i];
        fprintf(out, "  %2zu. %s (%s), then %" PRIu64 " ms", i + 1, act_name(act->kind),
                who_name(act->who), act->wait_ns / MS);
        fprintf(out, act->inputs > 0 ? ", %u inputs\n" : "\n", act->inputs);
    }
}

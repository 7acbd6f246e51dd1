/*
 * Suspicion and claims (rule R7), for both sides: who believes that the other is lost must win the
 * next term at the arbiter before anything leaves that the other has not acknowledged.
 */
#include <string.h>

#include "logging/mutant.h"
#include "replication/engine_state.h"

/* Distinct for every claim of this replica, and with a random seed for those of others: the arbiter
 * tells by it that a claim asked twice is the same. */
static uint64_t next_claim_id(struct engine *engine)
{
    uint64_t x = engine->config.claim_seed + ++engine->claim_counter * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void ask(struct engine *engine)
{
    struct engine_action *action = engine_do(engine, ENGINE_DO_CLAIM);
    action->claim_id = engine->claim_id;
    action->term = engine->term;
    engine->claim_asked = true;
}

void claim_give_up_peer(struct engine *engine)
{
    if (engine->peer != 0) {
        engine_do(engine, ENGINE_DO_CLOSE)->peer = engine->peer;
        engine->peer = 0;
    }
    engine->ack_due = false;
}

static void won(struct engine *engine)
{
    engine->claiming = false;
    engine->won_ns = engine->now_ns;
    engine->term += !MUTANT(TERM_NOT_RAISED);
    engine->release_retry_ns = engine->now_ns; /* if a stop has waited for it */
    if (engine_is_live(engine)) {
        engine->is_protected = false;
        engine->acked = engine->lsn;
        engine_notify(engine, ENGINE_NOTICE_ROLE, "primary, unprotected");
        outputs_release(engine);
        return;
    }
    claim_give_up_peer(engine);
    engine->phase = PHASE_DRAINING;
    if (MUTANT(LOG_THROWN_AWAY)) {
        entry_list_clear(engine->config.memory, &engine->log);
    }
}

static void start_claim(struct engine *engine)
{
    if (engine_is_live(engine) ? MUTANT(PRIMARY_WITHOUT_CLAIM) : MUTANT(BACKUP_WITHOUT_CLAIM)) {
        won(engine);
        return;
    }
    engine->claiming = true;
    engine->claim_id = next_claim_id(engine);
    ask(engine);
}

void claim_suspect(struct engine *engine, const char *reason)
{
    if (engine->end != ENGINE_RUNNING || engine->phase == PHASE_DRAINING ||
        engine->phase == PHASE_PARTING) {
        return;
    }
    if (engine->claiming) {
        claim_give_up_peer(engine); /* whom claim_promote() had left alone */
        return;
    }
    engine->suspected_ns = engine->now_ns;
    engine->last_sign_ns =
        engine->peer_heard_ns < engine->now_ns ? engine->peer_heard_ns : engine->now_ns;
    engine_notify(engine, ENGINE_NOTICE_SUSPECT, "%s: %s",
                  engine_is_live(engine) ? "backup suspected" : "primary suspected", reason);
    claim_give_up_peer(engine);
    if (engine_is_live(engine)) {
        /* A joiner that was never told PROTECTED may not claim, so it needs no claim against it. */
        bool may_claim = engine->joiner == JOINER_PROTECTING;
        join_drop(engine);
        if (may_claim && engine->ending == ENGINE_RUNNING) {
            start_claim(engine);
        }
        return;
    }
    if (!engine->may_claim && !(MUTANT(UNTOLD_CLAIMS) && engine->phase == PHASE_FOLLOWING)) {
        engine_finish(engine, ENGINE_END_LOST,
                      "the primary was lost before this backup was protected (%s)", reason);
        return;
    }
    start_claim(engine);
}

void claim_promote(struct engine *engine)
{
    engine->suspected_ns = engine->now_ns;
    engine->last_sign_ns = engine->now_ns;
    engine_notify(engine, ENGINE_NOTICE_SUSPECT, "primary suspected: told to take over");
    start_claim(engine);
}

/* What an answer of the arbiter is taken for. */
static enum engine_outcome taken_for(const struct engine *engine, enum engine_outcome outcome)
{
    bool live = engine_is_live(engine);
    if ((outcome == ENGINE_LOST && live && MUTANT(LOST_IS_WON_PRIMARY)) ||
        (outcome == ENGINE_LOST && !live && MUTANT(LOST_IS_WON_BACKUP)) ||
        (outcome == ENGINE_UNREACHABLE && MUTANT(UNREACHABLE_IS_WON)) ||
        (outcome == ENGINE_RELEASED && MUTANT(RELEASED_IS_WON))) {
        return ENGINE_WON;
    }
    return outcome == ENGINE_UNREACHABLE && MUTANT(UNREACHABLE_IS_LOST) ? ENGINE_LOST : outcome;
}

void claim_answer(struct engine *engine, const struct engine_event *event)
{
    if (!engine->claiming || !engine->claim_asked || event->claim_id != engine->claim_id) {
        return;
    }
    engine->claim_asked = false;
    enum engine_outcome outcome = taken_for(engine, event->outcome);
    if (outcome == ENGINE_UNREACHABLE) {
        if (!engine->arbiter_unreachable) {
            engine->arbiter_unreachable = true;
            engine_notify(engine, ENGINE_NOTICE_ARBITER, "arbiter unreachable: %s",
                          event->reason != NULL ? event->reason : "");
        }
        /* Unknown is not lost and not won: ask again, with the same claim id. */
        engine->claim_retry_ns =
            MUTANT(CLAIM_NOT_ASKED_AGAIN) ? UINT64_MAX : engine->now_ns + ENGINE_CLAIM_RETRY_NS;
        return;
    }
    if (engine->arbiter_unreachable) {
        engine->arbiter_unreachable = false;
        engine_notify(engine, ENGINE_NOTICE_ARBITER, "arbiter reachable again");
    }
    const char *reason = event->reason != NULL ? event->reason : "";
    switch (outcome) {
    case ENGINE_WON: won(engine); return;
    case ENGINE_LOST:
        engine_notify(engine, ENGINE_NOTICE_FENCED, "%s", reason);
        engine_finish(engine, ENGINE_END_FENCED, "another replica won term %llu: %s",
                      (unsigned long long)(engine->term + 1), reason);
        return;
    default: finish_part(engine, engine->halting ? ENGINE_END_HALTED : ENGINE_END_STOPPED); return;
    }
}

void claim_tick(struct engine *engine)
{
    if (engine->end == ENGINE_RUNNING && engine->claiming && !engine->claim_asked &&
        engine->now_ns >= engine->claim_retry_ns) {
        if (MUTANT(CLAIM_ID_NEW_AT_RETRY)) {
            engine->claim_id = next_claim_id(engine);
        }
        ask(engine);
    }
}

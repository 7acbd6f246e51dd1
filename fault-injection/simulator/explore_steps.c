/* Doing one of the steps that are enabled, and telling it. */
#include <stdio.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/explore_choices.h"

/* ---- Doing it -------------------------------------------------------------------------------- */

/* The replica's clock moves on to its deadline and, if it stood still meanwhile, beyond it. */
static void pass_time(struct cluster *cluster, unsigned number, bool pauses)
{
    struct replica *replica = &cluster->replicas[number];
    uint64_t deadline_ns = engine_deadline(replica->engine);
    uint64_t now_ns = replica_now(cluster, number);
    if (deadline_ns != CLUSTER_NEVER && deadline_ns > now_ns) {
        replica->clock_base_ns += deadline_ns - now_ns;
    }
    if (pauses) {
        replica->clock_base_ns += 3 * replica->config.heartbeat_ns;
    }
}

static void ask_arbiter(struct cluster *cluster, const struct step *step)
{
    struct replica *replica = &cluster->replicas[step->replica];
    replica->arbiter_cut = step->kind == STEP_QUESTION_LOST;
    replica->lose_answers = step->kind == STEP_ANSWER_LOST;
    cluster_deliver(cluster, step->order);
    replica->arbiter_cut = false;
    replica->lose_answers = 0;
}

/* But for the news that the connection is reset, which comes behind it. */
static void lose_frames(struct cluster *cluster, const struct step *step)
{
    for (size_t i = 0; i < cluster->queue_count; i++) {
        struct pending *pending = &cluster->queue[i];
        if (pending->kind == PENDING_FRAME && pending->connection == step->connection &&
            pending->to == step->replica) {
            pending->kind = PENDING_NOTHING;
        }
    }
}

static void do_kind(struct cluster *cluster, struct explore_budget *left, const struct step *step)
{
    switch (step->kind) {
    case STEP_VCPU: replica_run_vcpu(cluster, step->replica); return;
    case STEP_DELIVER: cluster_deliver(cluster, step->order); return;
    case STEP_TIMER:
        left->timers--;
        pass_time(cluster, step->replica, false);
        cluster_tick(cluster, step->replica);
        return;
    case STEP_TICK: cluster_tick(cluster, step->replica); return;
    case STEP_QUESTION: ask_arbiter(cluster, step); return;
    case STEP_QUESTION_LOST:
    case STEP_ANSWER_LOST:
        left->arbiter_faults--;
        ask_arbiter(cluster, step);
        return;
    case STEP_LOSE: lose_frames(cluster, step); return;
    case STEP_INPUT:
        left->inputs--;
        cluster_input(cluster, step->replica);
        return;
    case STEP_PAUSE:
        left->pauses--;
        pass_time(cluster, step->replica, true);
        return;
    case STEP_JOIN:
        left->joiners--;
        cluster_add_backup(cluster, step->replica);
        return;
    case STEP_PROMOTE:
        left->promotions--;
        cluster_promote(cluster, step->replica);
        return;
    case STEP_CRASH:
        left->crashes--;
        cluster_crash(cluster, step->replica);
        return;
    case STEP_POWER_OFF:
        left->crashes--;
        cluster_power_off(cluster, step->replica);
        return;
    case STEP_BREAK:
        left->breaks--;
        cluster_break(cluster, step->replica, step->other);
        return;
    }
}

void step_do(struct cluster *cluster, struct explore_budget *left, const struct step *step,
             unsigned crash_before)
{
    if (crash_before > 0) {
        left->crashes--;
        cluster->crash_at_action = cluster->actions + crash_before;
    }
    do_kind(cluster, left, step);
    cluster->crash_at_action = 0;
}

bool step_is_an_engines(const struct step *step)
{
    switch (step->kind) {
    case STEP_VCPU:
    case STEP_DELIVER:
    case STEP_TICK:
    case STEP_TIMER:
    case STEP_INPUT:
    case STEP_PROMOTE: return true;
    default: return false;
    }
}

/* ---- The story ------------------------------------------------------------------------------- */

static const char *what(enum step_kind kind)
{
    switch (kind) {
    case STEP_VCPU: return "its vCPU goes on";
    case STEP_DELIVER: return "receives what comes next";
    case STEP_TICK: return "is woken, as it asked for";
    case STEP_QUESTION: return "its question reaches the arbiter";
    case STEP_QUESTION_LOST: return "its question is lost";
    case STEP_ANSWER_LOST: return "the arbiter decides, and its answer is lost";
    case STEP_LOSE: return "what is under way to it is lost with its sender";
    case STEP_INPUT: return "an input";
    case STEP_TIMER: return "its clock reaches its deadline";
    case STEP_PAUSE: return "stood still for long";
    case STEP_JOIN: return "somebody joins it";
    case STEP_PROMOTE: return "is told to take over";
    case STEP_CRASH: return "is lost";
    case STEP_POWER_OFF: return "is lost, and nobody is told";
    case STEP_BREAK: return "a connection of it breaks";
    }
    return "";
}

const char *step_text(const struct cluster *cluster, const struct step *step, unsigned crash_before,
                      char text[STEP_TEXT_SIZE])
{
    char crash[48] = "";
    if (crash_before > 0) {
        snprintf(crash, sizeof crash, ", and is lost before action %u of it", crash_before);
    }
    snprintf(text, STEP_TEXT_SIZE, "%s: %s%s", cluster->replicas[step->replica].name,
             what(step->kind), crash);
    return text;
}

#include "fault-injection/simulator/explore_choices.h"

#include <stdio.h>
#include <stdlib.h>

#include "fault-injection/simulator/cluster_parts.h"

struct list {
    struct step *steps;
    size_t count;
};

static struct step *add(struct list *list, enum step_kind kind, unsigned replica)
{
    if (list->count == STEPS_MAX) {
        abort();
    }
    struct step *step = &list->steps[list->count++];
    *step = (struct step){.kind = kind, .replica = replica};
    return step;
}

/* ---- What is enabled ------------------------------------------------------------------------- */

static bool travels(const struct pending *pending)
{
    return pending->kind == PENDING_FRAME || pending->kind == PENDING_CONNECTED ||
           pending->kind == PENDING_LOST;
}

/* The first that was sent over that connection towards that end, or NULL. */
static const struct pending *first_under_way(const struct cluster *cluster, size_t connection,
                                             unsigned to)
{
    const struct pending *first = NULL;
    for (size_t i = 0; i < cluster->queue_count; i++) {
        const struct pending *pending = &cluster->queue[i];
        if (travels(pending) && pending->connection == connection && pending->to == to &&
            (first == NULL || pending->order < first->order)) {
            first = pending;
        }
    }
    return first;
}

static void add_deliveries(struct list *list, const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->connection_count; i++) {
        const struct connection *connection = &cluster->connections[i];
        for (unsigned end = 0; end < 2; end++) {
            unsigned to = connection->ends[end];
            unsigned from = connection->ends[1 - end];
            if (!cluster->replicas[to].alive || !connection->open[end]) {
                continue;
            }
            const struct pending *first = first_under_way(cluster, i, to);
            if (first == NULL) {
                continue;
            }
            struct step *step = add(list, STEP_DELIVER, to);
            step->other = from;
            step->order = first->order;
            if (!cluster->replicas[from].alive && first->kind == PENDING_FRAME) {
                step = add(list, STEP_LOSE, to);
                step->other = from;
                step->connection = i;
            }
        }
    }
}

static void add_arbiter(struct list *list, const struct cluster *cluster,
                        const struct explore_budget *left)
{
    for (unsigned replica = 0; replica < cluster->replica_count; replica++) {
        const struct pending *first = NULL;
        for (size_t i = 0; i < cluster->queue_count; i++) {
            const struct pending *pending = &cluster->queue[i];
            bool concerns = pending->kind == PENDING_QUESTION ||
                            (pending->kind == PENDING_ANSWER && cluster->replicas[replica].alive);
            if (concerns && pending->to == replica &&
                (first == NULL || pending->order < first->order)) {
                first = pending;
            }
        }
        if (first == NULL) {
            continue;
        }
        bool question = first->kind == PENDING_QUESTION;
        add(list, question ? STEP_QUESTION : STEP_DELIVER, replica)->order = first->order;
        if (question && left->arbiter_faults > 0 && cluster->replicas[replica].alive) {
            add(list, STEP_QUESTION_LOST, replica)->order = first->order;
            add(list, STEP_ANSWER_LOST, replica)->order = first->order;
        }
    }
}

static void add_own_steps(struct list *list, const struct cluster *cluster, unsigned number,
                          const struct explore_budget *left)
{
    const struct replica *replica = &cluster->replicas[number];
    if (!replica->alive) {
        return;
    }
    if (replica->vcpu_due_ns != CLUSTER_NEVER && engine_accepts_vcpu(replica->engine)) {
        add(list, STEP_VCPU, number);
    }
    uint64_t deadline_ns = engine_deadline(replica->engine);
    bool due = deadline_ns <= replica_now(cluster, number);
    if (due) {
        add(list, STEP_TICK, number);
    } else if (deadline_ns != CLUSTER_NEVER && left->timers > 0) {
        add(list, STEP_TIMER, number);
    }
    if (left->pauses > 0) {
        add(list, STEP_PAUSE, number);
    }
    struct engine_status status = cluster_status(cluster, number);
    if (left->inputs > 0) {
        add(list, STEP_INPUT, number);
    }
    if (left->promotions > 0 && !status.live) {
        add(list, STEP_PROMOTE, number);
    }
    if (left->crashes > 0) {
        add(list, STEP_CRASH, number);
        add(list, STEP_POWER_OFF, number);
    }
}

static bool are_connected(const struct cluster *cluster, unsigned a, unsigned b)
{
    if (!cluster->replicas[a].alive || !cluster->replicas[b].alive) {
        return false; /* STEP_LOSE */
    }
    for (size_t i = 0; i < cluster->connection_count; i++) {
        const struct connection *connection = &cluster->connections[i];
        bool between = (connection->ends[0] == a && connection->ends[1] == b) ||
                       (connection->ends[0] == b && connection->ends[1] == a);
        if (between && (connection->open[0] || connection->open[1])) {
            return true;
        }
    }
    return false;
}

static void add_breaks(struct list *list, const struct cluster *cluster)
{
    for (unsigned a = 0; a < cluster->replica_count; a++) {
        for (unsigned b = a + 1; b < cluster->replica_count; b++) {
            if (are_connected(cluster, a, b)) {
                add(list, STEP_BREAK, a)->other = b;
            }
        }
    }
}

size_t steps_enabled(const struct cluster *cluster, const struct explore_budget *left,
                     struct step steps[STEPS_MAX])
{
    struct list list = {.steps = steps};
    add_deliveries(&list, cluster);
    add_arbiter(&list, cluster, left);
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        add_own_steps(&list, cluster, i, left);
    }
    unsigned survivor = cluster_survivor(cluster);
    if (left->joiners > 0 && survivor != CLUSTER_MAX_REPLICAS) {
        add(&list, STEP_JOIN, survivor);
    }
    if (left->breaks > 0) {
        add_breaks(&list, cluster);
    }
    return list.count;
}

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

#include "fault-injection/simulator/explore_choices.h"

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

#include "fault-injection/simulator/explore_finish.h"

#include <stdio.h>
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"

/* A timeout, a claim that is asked again, and the end of the log. */
#define SETTLES_NS (600 * MS)
#define JOINS_NS   (1000 * MS)
#define FLOWS_NS   (600 * MS)

/* It may win what it claims or holds, as things stand at the arbiter. */
static bool may_go_on(const struct cluster *cluster, unsigned number)
{
    if (!cluster->replicas[number].alive) {
        return false;
    }
    struct engine_status status = cluster_status(cluster, number);
    bool was_told = status.live || status.is_protected || status.claiming;
    bool owns = strcmp(cluster->record.owner, cluster->replicas[number].name) == 0;
    return was_told && (owns || status.term == cluster->record.term);
}

/* The claim of a lost replica is under way, and may win: then nobody is left to go on. */
static bool a_lost_one_claims(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->queue_count; i++) {
        const struct pending *pending = &cluster->queue[i];
        if (pending->kind == PENDING_QUESTION && !cluster->replicas[pending->to].alive) {
            return true;
        }
    }
    return false;
}

static bool must_go_on(const struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (may_go_on(cluster, i)) {
            return !a_lost_one_claims(cluster);
        }
    }
    return false;
}

static bool fails(char *why, const char *what)
{
    snprintf(why, CHECK_WHY_SIZE, "%s", what);
    return false;
}

bool explore_check(const struct cluster *cluster, char why[CHECK_WHY_SIZE])
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        enum engine_end end = cluster->replicas[i].end;
        if (end == ENGINE_END_DIVERGED || end == ENGINE_END_CORRUPT || end == ENGINE_END_FAILED) {
            snprintf(why, CHECK_WHY_SIZE, "%s ends, and no guest or peer was at fault",
                     cluster->replicas[i].name);
            return false;
        }
    }
    return check_safety(cluster, why);
}

static bool emits_beyond(struct cluster *cluster, size_t emissions, uint64_t within_ns)
{
    uint64_t end_ns = cluster->now_ns + within_ns;
    while (cluster->emission_count <= emissions && cluster->now_ns < end_ns &&
           cluster->violation[0] == '\0') {
        cluster_run(cluster, 20 * MS);
    }
    return cluster->emission_count > emissions;
}

bool explore_finish(struct cluster *cluster, char why[CHECK_WHY_SIZE])
{
    cluster_say(cluster, "nothing goes wrong any more, time passes");
    bool expected = must_go_on(cluster);
    cluster_run(cluster, SETTLES_NS);
    if (!explore_check(cluster, why)) {
        return false;
    }
    if (cluster_survivor(cluster) == CLUSTER_MAX_REPLICAS && !expected) {
        return true;
    }
    if (!check_survivor(cluster, why)) {
        return false;
    }
    if (cluster_survivor(cluster) == CLUSTER_MAX_REPLICAS) {
        return fails(why, "who is live does not hold the record");
    }
    if (!cluster_is_protected(cluster)) {
        cluster_add_backup(cluster, cluster_survivor(cluster));
        if (!cluster_run_until(cluster, cluster_is_protected, JOINS_NS)) {
            return explore_check(cluster, why) && fails(why, "the survivor finds no new backup");
        }
    }
    if (!emits_beyond(cluster, cluster->emission_count, FLOWS_NS)) {
        return explore_check(cluster, why) &&
               fails(why, "the survivor lets no output leave any more");
    }
    return explore_check(cluster, why) && check_survivor(cluster, why) &&
           check_inputs_delivered(cluster, why);
}

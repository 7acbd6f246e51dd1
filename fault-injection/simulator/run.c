#include "fault-injection/simulator/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/acts.h"
#include "fault-injection/simulator/finale.h"
#include "fault-injection/simulator/world.h"

/* Bounds of the phase without faults. A log of a hundred epochs is executed in two seconds, a vCPU
 * that hangs is given up after three; a claim is asked again each 200 ms, and so is a joiner's. */
#define SURVIVOR_WITHIN_NS (UINT64_C(12000) * MS)
#define BACKUP_WITHIN_NS   (UINT64_C(10000) * MS)
#define FLOW_NS            (UINT64_C(1500) * MS)
#define JOINED_AFTER_NS    (UINT64_C(60) * MS)
#define UNDER_WAY_NS       (UINT64_C(100) * MS)
#define QUIET_NS           (UINT64_C(300) * MS)

static bool fails(struct run_result *result, enum checker checker, const char *why)
{
    result->violated = checker;
    snprintf(result->why, sizeof result->why, "%s", why);
    return false;
}

static bool check(const struct cluster *c, struct run_result *result)
{
    enum checker violated = checks_always(c, result->why);
    result->violated = violated;
    return violated == CHECKER_NONE;
}

static void fault_phase(struct cluster *c, const struct schedule *schedule,
                        struct run_result *result)
{
    cluster_add_primary(c);
    world_start(c);
    cluster_run(c, schedule->join_after_ns);
    acts_join(c, schedule);
    cluster_run(c, schedule->settle_ns);
    for (size_t i = 0; i < schedule->count && acts_alive(c) > 0 && c->violation[0] == '\0'; i++) {
        const struct act *act = &schedule->acts[i];
        result->acts_done[i] = acts_do(c, schedule, act);
        acts_inputs(c, act);
        cluster_run(c, act->wait_ns);
        if (act->joins && acts_alive(c) == 1 && acts_join(c, schedule)) {
            cluster_run(c, JOINED_AFTER_NS);
        }
    }
}

/* Whether a live replica or one that may become live is left. */
static bool may_go_on(const struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (c->replicas[i].alive && (cluster_is_live(c, i) || cluster_status(c, i).is_protected ||
                                     cluster_status(c, i).claiming)) {
            return true;
        }
    }
    return false;
}

static bool has_survivor(struct cluster *c)
{
    return cluster_survivor(c) != CLUSTER_MAX_REPLICAS || !may_go_on(c);
}

/* Nor is anybody about to claim, or to find that it hangs or was deceived. */
static bool is_settled(struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        const struct replica *replica = &c->replicas[i];
        if (replica->alive &&
            (cluster_status(c, i).claiming || replica->hangs || replica->altered_lsn != 0)) {
            return false;
        }
    }
    return cluster_survivor(c) != CLUSTER_MAX_REPLICAS && cluster_is_protected(c);
}

/* Faults that are over may still have been noticed by nobody. */
static bool stays_settled(struct cluster *c)
{
    if (!cluster_run_until(c, is_settled, QUIET_NS)) {
        return false;
    }
    cluster_run(c, c->config.engine.timeout_ns + c->config.latency_spread_ns);
    return is_settled(c);
}

/* Where only an input wakes the guest, nothing goes on without one. */
static void wake_guest(struct cluster *c)
{
    unsigned survivor = cluster_survivor(c);
    bool sleeps = c->config.program != NULL && strchr(c->config.program, 'z') != NULL;
    if (sleeps && survivor != CLUSTER_MAX_REPLICAS) {
        cluster_input(c, survivor);
    }
}

/* A backup that was deceived finds it when it executes that. */
static bool waits_to_find_out(const struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (c->replicas[i].alive && c->replicas[i].altered_lsn != 0) {
            return true;
        }
    }
    return false;
}

/* A joiner that was under way may still come to protect; if none is, another is sent. */
static bool get_protected(struct cluster *c, const struct schedule *schedule)
{
    uint64_t end_ns = c->now_ns + BACKUP_WITHIN_NS;
    while (c->now_ns < end_ns && c->violation[0] == '\0') {
        if (waits_to_find_out(c)) {
            wake_guest(c);
        }
        if (stays_settled(c) || !may_go_on(c)) {
            return true;
        }
        if (acts_alive(c) < 2) {
            acts_join(c, schedule);
        }
    }
    return c->violation[0] != '\0' || c->replica_count == CLUSTER_MAX_REPLICAS;
}

/* An epoch begins and an output leaves: of the one survivor, as there is no other. */
static bool is_flowing(struct cluster *c)
{
    unsigned survivor = cluster_survivor(c);
    return c->emission_count > c->flow_emissions && survivor != CLUSTER_MAX_REPLICAS &&
           cluster_status(c, survivor).epoch > c->flow_epoch;
}

static bool flows(struct cluster *c, struct run_result *result)
{
    unsigned survivor = cluster_survivor(c);
    if (!may_go_on(c)) {
        return true;
    }
    if (survivor == CLUSTER_MAX_REPLICAS) {
        return fails(result, CHECKER_LIVENESS, "the survivor is gone");
    }
    cluster_say(c, "all works again, %s goes on", c->replicas[survivor].name);
    c->flow_epoch = cluster_status(c, survivor).epoch;
    c->flow_emissions = c->emission_count;
    wake_guest(c);
    if (cluster_run_until(c, is_flowing, FLOW_NS)) {
        return true;
    }
    if (c->violation[0] != '\0') {
        return check(c, result);
    }
    struct engine_status status = cluster_status(c, survivor);
    if (status.epoch == c->flow_epoch) {
        return fails(result, CHECKER_LIVENESS, "the survivor's guest does not run");
    }
    cluster_run(c, UNDER_WAY_NS); /* an output may just have been made */
    return c->emission_count > c->flow_emissions || status.outputs == status.outputs_released ||
           fails(result, CHECKER_LIVENESS, "no output leaves");
}

static bool healing_phase(struct cluster *c, const struct schedule *schedule,
                          struct run_result *result)
{
    acts_heal_all(c);
    bool settled = cluster_run_until(c, has_survivor, SURVIVOR_WITHIN_NS);
    if (c->violation[0] != '\0') {
        return check(c, result);
    }
    if (!settled) {
        return fails(result, CHECKER_LIVENESS, "no survivor");
    }
    if (!may_go_on(c)) {
        return true; /* all were lost, or the one before it was protected */
    }
    if (!get_protected(c, schedule)) {
        return fails(result, CHECKER_LIVENESS, "no new backup");
    }
    return flows(c, result);
}

static bool check_end(struct cluster *c, struct run_result *result)
{
    /* What is under way is to arrive before it is counted. */
    c->clients_silent = true;
    cluster_run(c, UNDER_WAY_NS);
    if (!check(c, result)) {
        return false;
    }
    result->survived = cluster_survivor(c) != CLUSTER_MAX_REPLICAS;
    if (!result->survived) {
        return true;
    }
    enum checker violated = checks_survivor(c, result->why);
    result->violated = violated;
    return violated == CHECKER_NONE;
}

static bool check_finale(struct cluster *c, const struct schedule *schedule,
                         struct run_result *result)
{
    result->violated = result->survived ? finale_play(c, schedule, result->why) : CHECKER_NONE;
    return result->violated == CHECKER_NONE;
}

static void count(const struct cluster *c, struct run_result *result)
{
    result->emissions = c->emission_count;
    result->steps = c->steps;
    for (unsigned i = 0; i < c->replica_count; i++) {
        result->promotions += c->replicas[i].promotions;
    }
    for (unsigned i = 0; i < CLUSTER_CLIENTS; i++) {
        result->requests += c->clients[i].acknowledged;
    }
}

void run_schedule(const struct schedule *schedule, bool tells, struct run_result *result)
{
    struct cluster *c = cluster_create(&schedule->config);
    *result = (struct run_result){.violated = CHECKER_NONE};
    cluster_tell(c, tells);
    fault_phase(c, schedule, result);
    (void)(check(c, result) && healing_phase(c, schedule, result) && check_end(c, result) &&
           check_finale(c, schedule, result));
    if (tells) {
        result->story = strdup(c->story);
    }
    count(c, result);
    cluster_destroy(c);
}

void run_result_free(struct run_result *result)
{
    free(result->story);
    result->story = NULL;
}

#include "fault-injection/simulator/finale.h"

#include <stdio.h>

#include "fault-injection/simulator/checks.h"
#include "fault-injection/simulator/cluster_parts.h"

#define END_WITHIN_NS (UINT64_C(12000) * MS)

static enum checker broken(char *why, enum checker checker, const char *what, const char *name)
{
    snprintf(why, CHECK_WHY_SIZE, "%s%s", name, what);
    return checker;
}

static unsigned backup_of(const struct cluster *c, unsigned primary)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (i != primary && c->replicas[i].alive && cluster_status(c, i).is_protected) {
            return i;
        }
    }
    return CLUSTER_MAX_REPLICAS;
}

/* The disks of the two must be equal, whichever of them is started from next. */
static enum checker check_end(struct cluster *c, unsigned primary, unsigned backup,
                              enum engine_end end, char *why)
{
    const struct replica *a = &c->replicas[primary];
    const struct replica *b = &c->replicas[backup];
    struct engine_status status = cluster_status(c, backup);
    /* A backup that was given up for its lag in these last moments, or whose guest is found to have
     * gone astray, was lost, as at any other time. */
    bool given_up = (b->end == ENGINE_END_FENCED && b->config.lag_policy == ENGINE_LAG_DROP) ||
                    (b->end == ENGINE_END_DIVERGED && b->flipped);
    if (a->end != end || (b->end != end && !given_up)) {
        return broken(why, CHECKER_ENDS, " does not end as its machine does",
                      a->end != end ? a->name : b->name);
    }
    if (c->record.active) {
        return broken(why, CHECKER_START, "the record still says that the machine is active", "");
    }
    if (status.lsn_consumed != status.lsn && !given_up) {
        return broken(why, CHECKER_DIGESTS, " ends before it has executed its log", b->name);
    }
    return check_safety(c, why) ? CHECKER_NONE : c->violated;
}

static void press_power(struct cluster *c, unsigned primary)
{
    uint8_t data[TOY_INPUT_SIZE] = {1};
    cluster_say(c, "the guest of %s is told to power off", c->replicas[primary].name);
    c->halts = true;
    replica_take_input(c, primary, TOY_POWER, (struct log_bytes){data, sizeof data});
}

enum checker finale_play(struct cluster *c, const struct schedule *schedule, char *why)
{
    unsigned primary = cluster_survivor(c);
    unsigned backup = backup_of(c, primary);
    size_t emitted = c->emission_count;
    enum engine_end end =
        schedule->finale == FINALE_POWER_OFF ? ENGINE_END_HALTED : ENGINE_END_STOPPED;
    if (schedule->finale == FINALE_NONE || primary == CLUSTER_MAX_REPLICAS ||
        backup == CLUSTER_MAX_REPLICAS) {
        return CHECKER_NONE;
    }
    if (schedule->finale == FINALE_POWER_OFF) {
        press_power(c, primary);
    } else {
        cluster_stop(c, primary);
    }
    if (schedule->finale == FINALE_STOP_LOSING_BYE) {
        /* The record is released; whoever is left learns it by a claim. */
        c->trap = (struct trap){.moment = TRAP_BEFORE,
                                .replica = primary,
                                .action = ENGINE_DO_SEND,
                                .message = MESSAGE_BYE};
    }
    uint64_t end_ns = c->now_ns + END_WITHIN_NS;
    while (c->now_ns < end_ns && (c->replicas[primary].alive || c->replicas[backup].alive) &&
           c->violation[0] == '\0') {
        cluster_run(c, 10 * MS);
    }
    if (c->violation[0] != '\0') {
        return check_safety(c, why) ? CHECKER_NONE : c->violated;
    }
    if (c->replicas[primary].alive || c->replicas[backup].alive) {
        return broken(why, CHECKER_LIVENESS, "a machine that was told to end does not", "");
    }
    if (schedule->finale == FINALE_STOP_LOSING_BYE) {
        c->replicas[primary].end = end; /* it was lost at its last word */
    }
    if (schedule->finale == FINALE_POWER_OFF && c->emission_count - emitted == 0) {
        return broken(why, CHECKER_ORDER, "the last output of the guest did not leave", "");
    }
    return check_end(c, primary, backup, end, why);
}

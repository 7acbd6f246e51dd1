#include "fault-injection/simulator/checks.h"

#include <stdarg.h>
#include <stdio.h>

#define TIME_AHEAD_NS (3000 * MS) /* of a computed clock, while the guest is slower than before */

__attribute__((format(printf, 2, 3))) static bool fails(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, CHECK_WHY_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static const char *name(const struct cluster *cluster, unsigned replica)
{
    return cluster->replicas[replica].name;
}

bool check_rules_seen(const struct cluster *cluster, char *why)
{
    return cluster->violation[0] == '\0' || fails(why, "%s", cluster->violation);
}

bool check_one_emitter_per_term(const struct cluster *cluster, char *why)
{
    for (size_t i = 0; i < cluster->emission_count; i++) {
        const struct emission *a = &cluster->emissions[i];
        for (size_t k = i; k > 0; k--) {
            const struct emission *b = &cluster->emissions[k - 1];
            if (b->term == a->term) {
                if (b->replica != a->replica) {
                    return fails(why, "%s and %s both emit in term %llu", name(cluster, b->replica),
                                 name(cluster, a->replica), (unsigned long long)a->term);
                }
                break;
            }
        }
    }
    return true;
}

bool check_order_without_gap(const struct cluster *cluster, char *why)
{
    uint64_t last[CLUSTER_MAX_REPLICAS] = {0};
    uint64_t highest = 0;
    for (size_t i = 0; i < cluster->emission_count; i++) {
        const struct emission *emission = &cluster->emissions[i];
        uint64_t *own = &last[emission->replica];
        if ((*own != 0 && emission->number != *own + 1) || emission->number > highest + 1) {
            return fails(why, "%s emits %llu after %llu, and the highest so far is %llu",
                         name(cluster, emission->replica), (unsigned long long)emission->number,
                         (unsigned long long)*own, (unsigned long long)highest);
        }
        *own = emission->number;
        highest = emission->number > highest ? emission->number : highest;
    }
    return true;
}

bool check_clock_and_terms(const struct cluster *cluster, char *why)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (cluster->replicas[i].guest.time_went_back) {
            return fails(why, "the guest of %s saw time run backwards", name(cluster, i));
        }
        uint64_t most_ns = cluster->now_ns + cluster->jumped_ns + TIME_AHEAD_NS;
        if (cluster->config.clocks_differ && cluster->replicas[i].guest.last_clock_ns > most_ns) {
            return fails(why, "the guest of %s has a time that is still to come", name(cluster, i));
        }
    }
    return true;
}

static const struct executed *find_executed(const struct replica *replica, uint64_t epoch)
{
    if (replica->executed_count == 0 || epoch < replica->executed[0].epoch) {
        return NULL;
    }
    uint64_t at = epoch - replica->executed[0].epoch;
    return at < replica->executed_count ? &replica->executed[at] : NULL;
}

bool check_digests(const struct cluster *cluster, char *why)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        const struct replica *backup = &cluster->replicas[i];
        const struct replica *primary = &cluster->replicas[backup->origin];
        for (size_t k = 0; k < backup->executed_count && backup != primary; k++) {
            const struct executed *own = &backup->executed[k];
            const struct executed *its = find_executed(primary, own->epoch);
            if (!own->from_log) {
                continue;
            }
            if (its == NULL || its->epoch != own->epoch || its->position != own->position ||
                its->digest != own->digest) {
                return fails(why, "%s did not execute epoch %llu as %s did", backup->name,
                             (unsigned long long)own->epoch, primary->name);
            }
        }
    }
    return true;
}

bool check_survivor(const struct cluster *cluster, char *why)
{
    unsigned live = 0;
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        live += cluster_is_live(cluster, i);
    }
    return live == 1 || fails(why, "%u replicas are live in the end", live);
}

bool check_outputs_in_history(const struct cluster *cluster, char *why)
{
    unsigned survivor = cluster_survivor(cluster);
    const struct toy_guest *guest = &cluster->replicas[survivor].guest;
    for (size_t i = 0; i < cluster->emission_count && !cluster->tainted; i++) {
        const struct emission *emission = &cluster->emissions[i];
        if (emission->number > guest->outputs ||
            guest->history[emission->number - 1] != emission->content) {
            return fails(why, "output %llu of %s is not in the history of %s",
                         (unsigned long long)emission->number, name(cluster, emission->replica),
                         name(cluster, survivor));
        }
    }
    return true;
}

bool check_inputs_in_order(const struct cluster *cluster, char *why)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        const struct toy_guest *guest = &cluster->replicas[i].guest;
        if (guest->input_out_of_order || guest->completion_out_of_order) {
            return fails(why, "the guest of %s saw %s out of order", name(cluster, i),
                         guest->input_out_of_order ? "inputs" : "completions of its disk");
        }
    }
    return true;
}

bool check_inputs_delivered(const struct cluster *cluster, char *why)
{
    const struct replica *survivor = &cluster->replicas[cluster_survivor(cluster)];
    uint64_t delivered = survivor->guest.inputs - survivor->inputs_before_live;
    return delivered == survivor->inputs_given ||
           fails(why, "%s was given %llu inputs, and its guest has %llu", survivor->name,
                 (unsigned long long)survivor->inputs_given, (unsigned long long)delivered);
}

bool check_acknowledged(const struct cluster *cluster, char *why)
{
    const struct replica *survivor = &cluster->replicas[cluster_survivor(cluster)];
    for (unsigned i = 0; i < CLUSTER_CLIENTS && !cluster->tainted; i++) {
        const struct client *client = &cluster->clients[i];
        if (survivor->guest.served[i] < client->acknowledged) {
            return fails(why, "client %u was answered request %u, and %s has served %llu", i,
                         client->acknowledged, survivor->name,
                         (unsigned long long)survivor->guest.served[i]);
        }
    }
    return !survivor->guest.request_missing ||
           fails(why, "the guest of %s lacks a request that was answered", survivor->name);
}

/* The names under which violations are told. */
struct named_check {
    check_function *holds;
    enum checker checker;
};

static enum checker first_broken(const struct cluster *cluster, const struct named_check *checks,
                                 size_t count, char *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!checks[i].holds(cluster, why)) {
            return checks[i].checker;
        }
    }
    return CHECKER_NONE;
}

enum checker checks_always(const struct cluster *cluster, char *why)
{
    static const struct named_check always[] = {
        {check_one_emitter_per_term, CHECKER_ACTIVE}, {check_order_without_gap, CHECKER_ORDER},
        {check_clock_and_terms, CHECKER_TIME},        {check_digests, CHECKER_DIGESTS},
        {check_inputs_in_order, CHECKER_INPUTS},
    };
    static const struct named_check history = {check_outputs_in_history, CHECKER_HISTORY};
    if (!check_rules_seen(cluster, why)) {
        return cluster->violated;
    }
    enum checker broken = first_broken(cluster, always, sizeof always / sizeof always[0], why);
    if (broken != CHECKER_NONE || cluster_survivor(cluster) == CLUSTER_MAX_REPLICAS) {
        return broken;
    }
    return first_broken(cluster, &history, 1, why);
}

enum checker checks_survivor(const struct cluster *cluster, char *why)
{
    static const struct named_check checks[] = {
        {check_survivor, CHECKER_ACTIVE},
        {check_inputs_delivered, CHECKER_INPUTS},
        {check_acknowledged, CHECKER_CLIENTS},
    };
    return first_broken(cluster, checks, sizeof checks / sizeof checks[0], why);
}

bool check_safety(const struct cluster *cluster, char *why)
{
    return checks_always(cluster, why) == CHECKER_NONE;
}

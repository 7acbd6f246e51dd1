#include "fault-injection/simulator/checks.h"

#include <stdarg.h>
#include <stdio.h>

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
    for (size_t i = 0; i < cluster->emission_count; i++) {
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

bool check_inputs_delivered(const struct cluster *cluster, char *why)
{
    const struct replica *survivor = &cluster->replicas[cluster_survivor(cluster)];
    uint64_t delivered = survivor->guest.inputs - survivor->inputs_before_live;
    if (survivor->guest.input_out_of_order) {
        return fails(why, "the guest of %s saw inputs out of order", survivor->name);
    }
    return delivered == survivor->inputs_taken ||
           fails(why, "%s took %llu inputs and delivered %llu", survivor->name,
                 (unsigned long long)survivor->inputs_taken, (unsigned long long)delivered);
}

bool check_safety(const struct cluster *cluster, char *why)
{
    if (!check_rules_seen(cluster, why) || !check_one_emitter_per_term(cluster, why) ||
        !check_order_without_gap(cluster, why) || !check_clock_and_terms(cluster, why) ||
        !check_digests(cluster, why)) {
        return false;
    }
    return cluster_survivor(cluster) == CLUSTER_MAX_REPLICAS ||
           check_outputs_in_history(cluster, why);
}

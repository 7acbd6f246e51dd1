/*
 * Pairs under random schedules. A seed draws everything: speeds, latencies, limits, and what goes
 * wrong when. After a phase of faults comes one without, in which the survivor must find a backup
 * and go on. What must be true of all that is checked at the end of each phase.
 *
 *     FTVM_SEED=1234     runs that seed alone, and tells its story
 *     FTVM_SEEDS=100000  runs so many (default 4000)
 *     FTVM_FIRST_SEED=1  from that one on
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault-injection/simulator/checks.h"

#define FAULT_ROUNDS 24u
#define HEALING_NS   (UINT64_C(30000) * MS)

struct schedule {
    struct cluster *cluster;
    unsigned inputs_per_round;
    bool crashes_everything; /* faults even if only one replica is left to lose */
};

static uint64_t draw(struct cluster *c, uint64_t from, uint64_t to)
{
    return from + cluster_random(c, to - from + 1);
}

static bool one_in(struct cluster *c, uint64_t n)
{
    return cluster_random(c, n) == 0;
}

static struct cluster_config random_config(uint64_t seed)
{
    static const char *const programs[] = {NULL, NULL, NULL, "o", "ov|vo|oi", "oovoo|i|cc", "z|o"};
    struct cluster_config config = cluster_defaults();
    uint64_t x = toy_mix(seed, 17);
    config.seed = seed;
    config.program = programs[x % 7];
    config.engine.protocol = (x >> 8) % 3 == 0 ? ENGINE_ORIGINAL : ENGINE_REVISED;
    config.engine.lag_epochs = (x >> 12) % 4 == 0 ? 1 + (x >> 16) % 8 : 20 + (x >> 16) % 100;
    config.engine.lag_policy = (x >> 24) % 3 == 0 ? ENGINE_LAG_DROP : ENGINE_LAG_WAIT;
    config.engine.timeout_ns = (100 + (x >> 28) % 400) * MS;
    config.engine.heartbeat_ns = 20 * MS;
    config.engine.wait_backup = (x >> 32) % 5 == 0;
    config.engine.stuck_ns = 3000 * MS;
    if (config.engine.lag_policy == ENGINE_LAG_DROP && config.engine.lag_epochs < 60) {
        config.engine.lag_epochs = 60; /* a round trip must fit into it */
    }
    config.latency_ns = 50000 + (x >> 36) % (3 * MS);
    config.latency_spread_ns = (x >> 44) % 3 == 0 ? 0 : 1 + (x >> 40) % (8 * MS);
    config.arbiter_ns = 1 * MS + (x >> 48) % (60 * MS);
    config.chunk_size = 48 << ((x >> 52) % 6);
    config.instruction_ns = 200 + (x >> 56) % 2000;
    if (toy_mix(seed, 18) % 2 == 0) {
        config.engine.epoch_length = 0; /* epochs end where an input waits */
        config.slice = 500 + toy_mix(seed, 19) % 4000;
    }
    return config;
}

static unsigned alive(const struct cluster *c)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->replica_count; i++) {
        count += c->replicas[i].alive;
    }
    return count;
}

static unsigned pick_alive(struct cluster *c)
{
    uint64_t skip = cluster_random(c, alive(c));
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (c->replicas[i].alive && skip-- == 0) {
            return i;
        }
    }
    return 0;
}

static void add_joiner(struct cluster *c)
{
    unsigned survivor = cluster_survivor(c);
    if (survivor == CLUSTER_MAX_REPLICAS || c->replica_count == CLUSTER_MAX_REPLICAS) {
        return;
    }
    unsigned joiner = cluster_prepare(c, ENGINE_BACKUP, survivor);
    c->replicas[joiner].rejoins = true;
    c->replicas[joiner].instruction_ns = draw(c, 100, 3000);
    c->replicas[joiner].load_ns = draw(c, 0, 300) * MS;
    cluster_start(c, joiner);
}

/* A fault that may cost the machine is not tried on the last replica that could go on: the run
 * would only show that a pair does not survive the loss of both. */
static bool may_lose_one(const struct cluster *c, unsigned victim)
{
    bool other = false;
    for (unsigned i = 0; i < c->replica_count; i++) {
        const struct replica *replica = &c->replicas[i];
        if (i != victim && replica->alive && !replica->paused) {
            struct engine_status status = cluster_status(c, i);
            other = other || i == cluster_survivor(c) || (!status.live && status.is_protected);
        }
    }
    return other;
}

static void trap(struct cluster *c)
{
    static const enum message_type messages[] = {MESSAGE_BOUNDARY,  MESSAGE_VALUE,
                                                 MESSAGE_ACK,       MESSAGE_PROTECTED,
                                                 MESSAGE_STATE_END, MESSAGE_WELCOME};
    unsigned victim = pick_alive(c);
    bool emit = one_in(c, 4);
    c->trap = (struct trap){
        .moment = (enum trap_moment)draw(c, TRAP_BEFORE, TRAP_WITH),
        .replica = victim,
        .action = emit ? ENGINE_DO_EMIT : ENGINE_DO_SEND,
        .message = messages[cluster_random(c, 6)],
        .skip = (unsigned)cluster_random(c, 5),
        .silent = one_in(c, 2),
    };
    cluster_run(c, draw(c, 1, 100) * MS);
    c->trap.moment = TRAP_NONE;
}

static void lose_by_process(struct cluster *c, unsigned victim)
{
    switch (cluster_random(c, 4)) {
    case 0: cluster_fail(c, victim, "drawn"); return;
    case 1:
        if (victim != cluster_survivor(c)) { /* which would end the machine */
            cluster_stop(c, victim);
            return;
        }
        break;
    default: break;
    }
    cluster_crash(c, victim);
}

static void one_fault(struct cluster *c)
{
    if (alive(c) < 2 && one_in(c, 2)) {
        add_joiner(c);
        return;
    }
    unsigned a = pick_alive(c);
    unsigned b = pick_alive(c);
    switch (cluster_random(c, 16)) {
    case 0:
        if (may_lose_one(c, a)) {
            lose_by_process(c, a);
        }
        return;
    case 1:
        if (may_lose_one(c, a)) {
            cluster_power_off(c, a);
        }
        return;
    case 2:
        if (may_lose_one(c, a)) {
            trap(c);
        }
        return;
    case 3: cluster_cut(c, a, b); return;
    case 4:
        cluster_cut(c, a, b);
        cluster_cut(c, b, a);
        return;
    case 5: cluster_break(c, a, b); return;
    case 6: cluster_pause(c, a); return;
    case 7: cluster_resume(c, a); return;
    case 8: cluster_heal_all(c); return;
    case 9: cluster_cut_arbiter(c, a, true); return;
    case 10: cluster_cut_arbiter(c, a, false); return;
    case 11: c->replicas[a].lose_answers = (unsigned)draw(c, 1, 3); return;
    case 12: c->replicas[a].extra_arbiter_ns = draw(c, 0, 500) * MS; return;
    case 13: cluster_promote(c, a); return;
    case 14: c->replicas[a].instruction_ns = draw(c, 100, 20000); return;
    default:
        if (alive(c) < 3) {
            add_joiner(c);
        }
        return;
    }
}

static void inputs(struct cluster *c)
{
    unsigned target = pick_alive(c);
    for (uint64_t count = cluster_random(c, 4); count > 0; count--) {
        cluster_input(c, target);
    }
}

static void fault_phase(struct cluster *c)
{
    cluster_add_primary(c);
    cluster_run(c, draw(c, 0, 40) * MS);
    add_joiner(c);
    cluster_run(c, draw(c, 0, 600) * MS);
    for (unsigned round = 0; round < FAULT_ROUNDS && alive(c) > 0; round++) {
        one_fault(c);
        inputs(c);
        cluster_run(c, one_in(c, 3) ? draw(c, 0, 1000) * MS : draw(c, 0, 30 * MS));
        if (alive(c) > 0) {
            inputs(c);
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
    return cluster_survivor(c) != CLUSTER_MAX_REPLICAS;
}

static bool expect(bool holds, const char *what, char *why)
{
    if (!holds) {
        snprintf(why, CHECK_WHY_SIZE, "%s", what);
    }
    return holds;
}

/* Everything works again: there must be one survivor, it must find a backup, outputs must flow. */
static bool healing_phase(struct cluster *c, char *why)
{
    cluster_heal_all(c);
    for (unsigned i = 0; i < c->replica_count; i++) {
        c->replicas[i].instruction_ns = 0;
    }
    cluster_run(c, 5000 * MS);
    if (!may_go_on(c)) {
        return true; /* both were lost, or the one before it was protected */
    }
    if (!expect(cluster_run_until(c, has_survivor, HEALING_NS), "no survivor", why)) {
        return false;
    }
    if (!cluster_is_protected(c)) {
        add_joiner(c);
        c->replicas[c->replica_count - 1].instruction_ns = 0;
        if (!expect(cluster_run_until(c, cluster_is_protected, HEALING_NS) ||
                        c->replica_count == CLUSTER_MAX_REPLICAS,
                    "no new backup", why)) {
            return false;
        }
    }
    unsigned survivor = cluster_survivor(c);
    if (!expect(survivor != CLUSTER_MAX_REPLICAS, "the survivor is gone", why)) {
        return false;
    }
    uint64_t epoch = cluster_status(c, survivor).epoch;
    size_t emitted = c->emission_count;
    cluster_input(c, survivor); /* wakes a guest that idles */
    cluster_run(c, 2000 * MS);
    struct engine_status status = cluster_status(c, survivor);
    return expect(status.epoch > epoch, "the survivor's guest does not run", why) &&
           expect(c->emission_count > emitted || status.outputs == status.outputs_released,
                  "no output leaves", why);
}

struct outcome {
    uint64_t recovered, promotions, emissions; /* for all runs */
};

static void count(struct outcome *outcome, const struct cluster *c)
{
    outcome->recovered += cluster_survivor(c) != CLUSTER_MAX_REPLICAS;
    outcome->emissions += c->emission_count;
    for (unsigned i = 0; i < c->replica_count; i++) {
        outcome->promotions += c->replicas[i].promotions;
    }
}

static bool run_seed(uint64_t seed, bool tells, struct outcome *outcome, char *why)
{
    struct cluster_config config = random_config(seed);
    struct cluster *c = cluster_create(&config);
    cluster_tell(c, tells);
    fault_phase(c);
    bool good = check_safety(c, why) && healing_phase(c, why) && check_safety(c, why) &&
                (!has_survivor(c) || (check_survivor(c, why) && check_inputs_delivered(c, why)));
    if (tells) {
        fputs(c->story, stderr);
    }
    count(outcome, c);
    cluster_destroy(c);
    return good;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

Test(random_schedules, hold_every_rule_and_recover, .timeout = 3600)
{
    char why[CHECK_WHY_SIZE] = "";
    struct outcome outcome = {0};
    uint64_t first = number_from("FTVM_FIRST_SEED", 1);
    uint64_t runs = number_from("FTVM_SEEDS", 4000);
    if (getenv("FTVM_SEED") != NULL) {
        uint64_t seed = number_from("FTVM_SEED", 1);
        cr_assert(run_seed(seed, true, &outcome, why), "seed %llu: %s", (unsigned long long)seed,
                  why);
        return;
    }
    for (uint64_t seed = first; seed < first + runs; seed++) {
        cr_assert(run_seed(seed, false, &outcome, why),
                  "seed %llu: %s (FTVM_SEED=%llu tells the story)", (unsigned long long)seed, why,
                  (unsigned long long)seed);
    }
    fprintf(stderr, "%llu runs, %llu recovered, %llu promotions, %llu outputs left\n",
            (unsigned long long)runs, (unsigned long long)outcome.recovered,
            (unsigned long long)outcome.promotions, (unsigned long long)outcome.emissions);
    cr_assert_gt(2 * outcome.recovered, runs, "most runs show nothing");
}

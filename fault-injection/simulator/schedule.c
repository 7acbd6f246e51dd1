#include "fault-injection/simulator/schedule.h"

/* A generator of its own: what is drawn here does not depend on how the run goes. */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t below)
{
    dice->state = toy_mix(dice->state, 11);
    return below == 0 ? 0 : dice->state % below;
}

static uint64_t between(struct dice *dice, uint64_t from, uint64_t to)
{
    return from + roll(dice, to - from + 1);
}

static bool one_in(struct dice *dice, uint64_t n)
{
    return roll(dice, n) == 0;
}

static void draw_protocol(struct dice *dice, struct engine_config *engine)
{
    engine->protocol = one_in(dice, 3) ? ENGINE_ORIGINAL : ENGINE_REVISED;
    engine->lag_epochs = one_in(dice, 4) ? between(dice, 1, 8) : between(dice, 20, 120);
    engine->lag_policy = one_in(dice, 3) ? ENGINE_LAG_DROP : ENGINE_LAG_WAIT;
    engine->heartbeat_ns = 20 * MS;
    engine->timeout_ns = between(dice, 90, 300) * MS;
    engine->wait_backup = one_in(dice, 5);
    engine->stuck_ns = 3000 * MS;
    if (engine->lag_policy == ENGINE_LAG_DROP && engine->lag_epochs < 60) {
        engine->lag_epochs = 60; /* a round trip must fit into it */
    }
}

static void draw_knobs(struct dice *dice, struct cluster_config *config)
{
    static const char *const programs[] = {NULL, NULL, NULL, "o", "ov|vo|oi", "oovdo|i|cc", "z|od"};
    config->program = programs[roll(dice, 7)];
    draw_protocol(dice, &config->engine);
    config->latency_ns = 50000 + roll(dice, 3 * MS);
    static const uint64_t spreads[] = {0, 8 * MS, 8 * MS, 40 * MS};
    static const uint64_t thinks[] = {5 * MS, 5 * MS, 60 * MS, CLUSTER_NEVER};
    config->latency_spread_ns = roll(dice, spreads[roll(dice, 4)]);
    config->think_ns = thinks[roll(dice, 4)];
    config->clocks_differ = true;
    if (one_in(dice, 200)) {
        config->padding = 100000 + roll(dice, 20000);
    }
    config->arbiter_ns = 1 * MS + roll(dice, one_in(dice, 4) ? 2 * MS : 40 * MS);
    config->chunk_size = 48u << roll(dice, 6);
    config->instruction_ns = 200 + roll(dice, 2000);
    config->disk_ns = between(dice, 1, 30) * MS;
    config->devices = true;
    config->watches_ends = true;
    if (one_in(dice, 2)) {
        config->engine.epoch_length = 0; /* epochs end where an input waits */
        config->slice = 500 + roll(dice, 4000);
        config->spacing = one_in(dice, 2) ? TOY_SPACING : 20000 + roll(dice, 60000);
    }
}

/* How often each is drawn, in WEIGHTS. What is missing is ACT_TRAP. */
#define WEIGHTS 1695u
static const struct {
    enum act_kind kind;
    unsigned weight;
} weights[] = {
    {ACT_CRASH, 220},
    {ACT_POWER_OFF, 140},
    {ACT_FAIL, 15},
    {ACT_JOIN, 90},
    {ACT_CUT, 45},
    {ACT_CUT_BOTH, 60},
    {ACT_FLAP, 25},
    {ACT_BREAK, 60},
    {ACT_HEAL, 70},
    {ACT_PAUSE, 55},
    {ACT_RESUME, 45},
    {ACT_ARBITER_CUT, 35},
    {ACT_ARBITER_HEAL, 30},
    {ACT_ARBITER_SLOW, 20},
    {ACT_ARBITER_LOSES_ANSWERS, 20},
    {ACT_STORE_FAILS, 20},
    {ACT_STORE_POWER_OFF, 15},
    {ACT_STORE_POWER_ON, 15},
    {ACT_SLOW, 35},
    {ACT_CLOCK_JUMP, 20},
    {ACT_CLOCK_RACES, 10},
    {ACT_DISK, 25},
    {ACT_MEMORY, 25},
    {ACT_HANG, 30},
    {ACT_FLIP_STATE, 12},
    {ACT_FLIP_FRAME, 25},
    {ACT_PROMOTE, 20},
    {ACT_LEAVE, 10},
    {ACT_SECOND_PRIMARY, 8},
    {ACT_BURST, 30},
    {ACT_STORE_STALLS, 15},
    {ACT_STORE_SET_BACK, 10},
    {ACT_STOP_STALE, 15},
    {ACT_JOIN_STALE, 15},
    {ACT_CROOK, 60},
    {ACT_OUTAGE, 4},
    {ACT_SINK, 60},
};

static enum act_kind draw_kind(struct dice *dice)
{
    uint64_t at = roll(dice, WEIGHTS);
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (at < weights[i].weight) {
            return weights[i].kind;
        }
        at -= weights[i].weight;
    }
    return ACT_TRAP;
}

static void draw_act(struct dice *dice, struct act *act, bool may_flip)
{
    *act = (struct act){
        .kind = draw_kind(dice),
        .who = (enum act_who)roll(dice, 3),
        .draw = toy_mix(dice->state, 1),
        .amount = toy_mix(dice->state, 2),
        .wait_ns = one_in(dice, 3) ? roll(dice, 700 * MS) : roll(dice, 30 * MS),
        .inputs = (unsigned)roll(dice, 4),
        .joins = !one_in(dice, 4),
    };
    if (act->kind == ACT_FLIP_STATE && !may_flip) {
        act->kind = ACT_BREAK;
    }
}

void schedule_draw(struct schedule *schedule, uint64_t seed)
{
    struct dice dice = {toy_mix(seed, 17)};
    *schedule = (struct schedule){.seed = seed, .config = cluster_defaults()};
    schedule->config.seed = seed;
    draw_knobs(&dice, &schedule->config);
    schedule->join_after_ns = roll(&dice, 30 * MS);
    schedule->settle_ns = roll(&dice, 300 * MS);
    schedule->joiner_instruction_ns = between(&dice, 100, 3000);
    schedule->joiner_load_ns = one_in(&dice, 16)  ? 60000 * MS /* it never loads */
                               : one_in(&dice, 4) ? roll(&dice, 300 * MS)
                                                  : roll(&dice, 10 * MS);
    schedule->count = between(&dice, 1, 24);
    schedule->finale = (enum finale)roll(&dice, FINALES);
    bool may_flip = one_in(&dice, 3);
    for (size_t i = 0; i < schedule->count; i++) {
        draw_act(&dice, &schedule->acts[i], may_flip);
    }
    if (schedule->config.padding > 0) { /* outputs so large that they reach their limit */
        schedule->acts[0].kind = ACT_OUTAGE;
    }
}

const char *act_name(enum act_kind kind)
{
    static const char *const names[ACT_KINDS] = {
        [ACT_NOTHING] = "nothing",
        [ACT_CRASH] = "crash",
        [ACT_POWER_OFF] = "power off",
        [ACT_FAIL] = "failure",
        [ACT_TRAP] = "loss in the middle of a step",
        [ACT_JOIN] = "new joiner",
        [ACT_CUT] = "cut, one way",
        [ACT_CUT_BOTH] = "cut, both ways",
        [ACT_FLAP] = "flapping link",
        [ACT_BREAK] = "connections reset",
        [ACT_HEAL] = "heal",
        [ACT_PAUSE] = "pause",
        [ACT_RESUME] = "resume",
        [ACT_ARBITER_CUT] = "arbiter cut off",
        [ACT_ARBITER_HEAL] = "arbiter healed",
        [ACT_ARBITER_SLOW] = "arbiter slow",
        [ACT_ARBITER_LOSES_ANSWERS] = "arbiter's answers lost",
        [ACT_STORE_FAILS] = "arbiter's storage fails",
        [ACT_STORE_POWER_OFF] = "arbiter's storage without power",
        [ACT_STORE_POWER_ON] = "arbiter's storage with power",
        [ACT_STORE_STALLS] = "stall with the arbiter's lock",
        [ACT_STORE_SET_BACK] = "arbiter's storage set back",
        [ACT_SLOW] = "slow replica",
        [ACT_CLOCK_JUMP] = "clock jump",
        [ACT_CLOCK_RACES] = "clock that races",
        [ACT_DISK] = "disk fault",
        [ACT_MEMORY] = "allocation failure",
        [ACT_HANG] = "vCPU hangs",
        [ACT_FLIP_STATE] = "bit flip in memory",
        [ACT_FLIP_FRAME] = "bit flip on the wire",
        [ACT_PROMOTE] = "promotion by command",
        [ACT_LEAVE] = "backup stopped",
        [ACT_SECOND_PRIMARY] = "second primary",
        [ACT_STOP_STALE] = "stop of an overtaken replica",
        [ACT_JOIN_STALE] = "joiner of an overtaken replica",
        [ACT_CROOK] = "crooked peer",
        [ACT_OUTAGE] = "backup and arbiter lost for seconds",
        [ACT_BURST] = "burst of inputs",
        [ACT_SINK] = "outputs not taken",
    };
    return names[kind];
}

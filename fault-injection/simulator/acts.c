#include "fault-injection/simulator/acts.h"

#include "fault-injection/simulator/crook.h"

#define NOBODY       CLUSTER_MAX_REPLICAS
#define FLAPS        6u
#define RACES        20u
#define OUTAGE_NS    (6000 * MS)
#define BURST        40u
#define SINK_FULL_MS 400u
#define STORE_CALLS  16u /* of one question, about */
#define ALLOCATIONS  60u

unsigned acts_alive(const struct cluster *c)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->replica_count; i++) {
        count += c->replicas[i].alive;
    }
    return count;
}

static unsigned nth_alive(const struct cluster *c, uint64_t draw)
{
    unsigned alive = acts_alive(c);
    uint64_t skip = alive > 0 ? draw % alive : 0;
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (c->replicas[i].alive && skip-- == 0) {
            return i;
        }
    }
    return NOBODY;
}

static unsigned find(const struct cluster *c, const struct act *act)
{
    unsigned survivor = cluster_survivor(c);
    if (act->who == WHO_PRIMARY) {
        return survivor;
    }
    if (act->who == WHO_ANY) {
        return nth_alive(c, act->draw);
    }
    for (unsigned i = c->replica_count; i > 0; i--) {
        if (c->replicas[i - 1].alive && i - 1 != survivor) {
            return i - 1;
        }
    }
    return NOBODY;
}

/* Whoever it has a connection with, or might have. */
static unsigned other_than(const struct cluster *c, unsigned one, uint64_t draw)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        unsigned other = (unsigned)((draw + i) % c->replica_count);
        if (other != one && c->replicas[other].alive) {
            return other;
        }
    }
    return one;
}

/* A fault that may cost the machine is not tried on the last replica that could go on: the run
 * would only show that a pair does not survive the loss of both. */
static bool may_lose(const struct cluster *c, unsigned victim)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        const struct replica *replica = &c->replicas[i];
        struct engine_status status;
        if (i == victim || !replica->alive || replica->paused ||
            replica->allocation_fails_in != 0 || replica->disk_fault != DISK_SOUND ||
            replica->hangs || replica->altered_lsn != 0 ||
            (c->crook != CROOK_NONE && c->crook_victim == i)) {
            continue;
        }
        status = cluster_status(c, i);
        if (i == cluster_survivor(c) || (!status.live && status.is_protected)) {
            return true;
        }
    }
    return false;
}

bool acts_join(struct cluster *c, const struct schedule *schedule)
{
    unsigned survivor = cluster_survivor(c);
    if (survivor == NOBODY || c->replica_count >= CLUSTER_MAX_REPLICAS) {
        return false;
    }
    unsigned joiner = cluster_prepare(c, ENGINE_BACKUP, survivor);
    c->replicas[joiner].rejoins = true;
    if (schedule->seed % 3 == 0) { /* it has seen the term before */
        c->replicas[joiner].config.term = c->replicas[joiner].term = c->record.term;
    }
    if (!c->calm) {
        c->replicas[joiner].instruction_ns = schedule->joiner_instruction_ns;
        c->replicas[joiner].load_ns = schedule->joiner_load_ns;
        /* One that never loads, and does not notice it, is given up by a guest that waits for it.
         */
        bool waited_for = schedule->config.program == NULL && schedule->seed % 2 == 0;
        if (schedule->joiner_load_ns > schedule->config.engine.stuck_ns && waited_for) {
            c->replicas[joiner].config.stuck_ns = 0;
        }
        c->replicas[joiner].takes_nothing =
            schedule->joiner_load_ns > 1000 * MS && schedule->seed % 4 == 1;
    }
    cluster_start(c, joiner);
    return true;
}

static void set_trap(struct cluster *c, unsigned victim, const struct act *act)
{
    static const enum message_type messages[] = {
        MESSAGE_BOUNDARY,    MESSAGE_VALUE,       MESSAGE_ACK,       MESSAGE_PROTECTED,
        MESSAGE_STATE_BEGIN, MESSAGE_STATE_CHUNK, MESSAGE_STATE_END, MESSAGE_WELCOME};
    static const enum engine_action_type actions[] = {ENGINE_DO_SEND,  ENGINE_DO_SEND,
                                                      ENGINE_DO_EMIT,  ENGINE_DO_CLAIM,
                                                      ENGINE_DO_REPLY, ENGINE_DO_SEND};
    c->trap = (struct trap){
        .moment = (enum trap_moment)(TRAP_BEFORE + act->draw % 3),
        .replica = victim,
        .action = actions[(act->draw >> 8) % 6],
        .message = messages[(act->draw >> 16) % 8],
        .skip = (unsigned)((act->draw >> 24) % 5),
        .silent = (act->draw >> 32) % 2 == 0,
    };
    cluster_run(c, (1 + act->amount % 80) * MS);
    c->trap.moment = TRAP_NONE;
}

static void flap(struct cluster *c, unsigned a, unsigned b, const struct act *act)
{
    for (unsigned i = 0; i < 1 + act->draw % FLAPS && c->violation[0] == '\0'; i++) {
        cluster_cut(c, a, b);
        cluster_cut(c, b, a);
        cluster_run(c, (1 + toy_mix(act->amount, i) % 120) * MS);
        cluster_heal(c, a, b);
        cluster_heal(c, b, a);
        cluster_run(c, (1 + toy_mix(act->amount, i + FLAPS) % 60) * MS);
    }
}

static void race(struct cluster *c, unsigned who, const struct act *act)
{
    for (unsigned i = 0; i < RACES && c->violation[0] == '\0'; i++) {
        cluster_jump_clock(c, who, (1 + act->amount % 8) * MS);
        cluster_run(c, 8 * MS);
    }
}

static bool lose(struct cluster *c, unsigned who, const struct act *act)
{
    if (!may_lose(c, who)) {
        return false;
    }
    switch (act->kind) {
    case ACT_CRASH: cluster_crash(c, who); return true;
    case ACT_POWER_OFF: cluster_power_off(c, who); return true;
    case ACT_FAIL: cluster_fail(c, who, "drawn"); return true;
    case ACT_TRAP: set_trap(c, who, act); return true;
    case ACT_DISK:
        cluster_break_disk(c, who, (enum disk_fault)(DISK_FULL + act->amount % 3));
        return true;
    case ACT_HANG: cluster_hang(c, who); return true;
    case ACT_MEMORY: cluster_starve(c, who, 1 + act->amount % ALLOCATIONS); return true;
    default: /* ACT_LEAVE: of the primary it would end the machine */
        if (who == cluster_survivor(c) || cluster_status(c, who).claiming ||
            cluster_is_live(c, who)) {
            return false;
        }
        cluster_stop(c, who);
        return true;
    }
}

/* Only the state of a backup: what a primary does after a bit of its own has flipped is, to
 * everybody, what its guest does. */
static bool flip_state(struct cluster *c, unsigned who, const struct act *act)
{
    if (cluster_is_live(c, who) || cluster_status(c, who).claiming ||
        cluster_survivor(c) == NOBODY || cluster_status(c, cluster_survivor(c)).claiming) {
        return false;
    }
    static const enum guest_fault faults[] = {GUEST_FLIPS_HASH, GUEST_STOPS_ELSEWHERE,
                                              GUEST_SKIPS_A_VALUE};
    if (act->draw % 2 == 0) {
        cluster_flip_state(c, who);
    } else {
        cluster_misguide(c, who, faults[(act->draw >> 8) % 3]);
    }
    return true;
}

static bool do_to_network(struct cluster *c, unsigned who, const struct act *act)
{
    unsigned other = other_than(c, who, act->draw >> 8);
    if (other == who) {
        return false;
    }
    switch (act->kind) {
    case ACT_CUT: cluster_cut(c, who, other); return true;
    case ACT_CUT_BOTH:
        cluster_cut(c, who, other);
        cluster_cut(c, other, who);
        return true;
    case ACT_FLAP: flap(c, who, other, act); return true;
    case ACT_BREAK: cluster_break(c, who, other); return true;
    default: cluster_flip_frame(c, who, other); return true;
    }
}

/* Who still is in an earlier term might win it a second time; against that an arbiter that forgets
 * cannot help. */
static bool all_are_up_to_date(const struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        if (c->replicas[i].alive &&
            (c->replicas[i].vcpu == VCPU_OFF || cluster_status(c, i).term != c->record.term ||
             cluster_status(c, i).claiming)) {
            return false;
        }
    }
    return true;
}

static bool do_to_store(struct cluster *c, const struct act *act)
{
    unsigned call = 1 + (unsigned)(act->amount % STORE_CALLS);
    switch (act->kind) {
    case ACT_STORE_FAILS: store_arm(&c->store, call, 0, 0, act->draw % 2 == 0); return true;
    case ACT_STORE_STALLS: store_arm(&c->store, 0, 0, call, false); return true;
    case ACT_STORE_SET_BACK: return all_are_up_to_date(c) && cluster_store_set_back(c);
    case ACT_STORE_POWER_ON: cluster_store_power(c, true); return true;
    default:
        if (act->draw % 2 == 0) {
            cluster_store_power(c, false);
        } else {
            store_arm(&c->store, 0, call, 0, false);
        }
        return true;
    }
}

/* Whoever is sent such a thing may end, or lose its peer. */
static bool be_crooked(struct cluster *c, unsigned who, const struct act *act)
{
    enum crook crook = (enum crook)(CROOK_NONE + 1 + act->amount % (CROOK_COUNT - 1));
    if (!may_lose(c, who)) {
        return false;
    }
    crook_set(c, who, crook);
    return true;
}

static bool do_to_replica(struct cluster *c, unsigned who, const struct act *act)
{
    struct replica *replica = &c->replicas[who];
    switch (act->kind) {
    case ACT_PAUSE: cluster_pause(c, who); return true;
    case ACT_ARBITER_CUT: cluster_cut_arbiter(c, who, true); return true;
    case ACT_ARBITER_HEAL: cluster_cut_arbiter(c, who, false); return true;
    case ACT_ARBITER_SLOW: replica->extra_arbiter_ns = act->amount % 500 * MS; return true;
    case ACT_ARBITER_LOSES_ANSWERS:
        replica->lose_answers = 1 + (unsigned)(act->amount % 3);
        return true;
    case ACT_SLOW: replica->instruction_ns = 100 + act->amount % 20000; return true;
    case ACT_CLOCK_JUMP: cluster_jump_clock(c, who, act->amount % 2000 * MS); return true;
    case ACT_CLOCK_RACES: race(c, who, act); return true;
    case ACT_FLIP_STATE: return flip_state(c, who, act);
    case ACT_CROOK: return be_crooked(c, who, act);
    case ACT_PROMOTE: cluster_promote(c, who); return true;
    case ACT_SINK:
        cluster_fill_sink(c, who,
                          (1 + act->amount % SINK_FULL_MS) * (act->draw % 16 == 0 ? 15 : 1) * MS);
        return true;
    default: return false;
    }
}

static bool resume_all(struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        cluster_resume(c, i);
    }
    return true;
}

static bool second_primary(struct cluster *c)
{
    if (c->replica_count >= CLUSTER_MAX_REPLICAS) {
        return false;
    }
    cluster_start_second_primary(c);
    return true;
}

static bool be_out(struct cluster *c)
{
    unsigned primary = cluster_survivor(c);
    bool done = false;
    for (unsigned i = 0; i < c->replica_count; i++) {
        cluster_cut_arbiter(c, i, true);
        if (i != primary && primary != NOBODY && c->replicas[i].alive && may_lose(c, i)) {
            cluster_power_off(c, i);
            done = true;
        }
    }
    if (done) {
        cluster_run(c, OUTAGE_NS);
    }
    return done;
}

/* Somebody who is live, and whose term is over; he may not know it yet. */
static unsigned find_stale(const struct cluster *c)
{
    unsigned survivor = cluster_survivor(c);
    for (unsigned i = 0; i < c->replica_count && survivor != NOBODY; i++) {
        if (cluster_is_live(c, i) && i != survivor && cluster_status(c, i).term < c->record.term) {
            return i;
        }
    }
    return NOBODY;
}

static bool stop_stale(struct cluster *c)
{
    unsigned stale = find_stale(c);
    if (stale == NOBODY) {
        return false;
    }
    cluster_resume(c, stale);
    cluster_stop(c, stale);
    return true;
}

static bool join_stale(struct cluster *c)
{
    unsigned stale = find_stale(c);
    if (stale == NOBODY || c->replica_count >= CLUSTER_MAX_REPLICAS) {
        return false;
    }
    unsigned joiner = cluster_prepare(c, ENGINE_BACKUP, stale);
    c->replicas[joiner].config.term = c->replicas[joiner].term = c->record.term;
    c->replicas[joiner].rejoins = true;
    cluster_start(c, joiner);
    return true;
}

bool acts_do(struct cluster *c, const struct schedule *schedule, const struct act *act)
{
    unsigned who = find(c, act);
    switch (act->kind) {
    case ACT_NOTHING: return false;
    case ACT_JOIN: return acts_alive(c) < 3 && acts_join(c, schedule);
    case ACT_HEAL: cluster_heal_all(c); return true;
    case ACT_RESUME: return resume_all(c);
    case ACT_STORE_FAILS:
    case ACT_STORE_POWER_OFF:
    case ACT_STORE_POWER_ON:
    case ACT_STORE_STALLS:
    case ACT_STORE_SET_BACK: return do_to_store(c, act);
    case ACT_OUTAGE: return be_out(c);
    case ACT_STOP_STALE: return stop_stale(c);
    case ACT_JOIN_STALE: return join_stale(c);
    case ACT_SECOND_PRIMARY: return second_primary(c);
    default: break;
    }
    if (who == NOBODY) {
        return false;
    }
    switch (act->kind) {
    case ACT_CRASH:
    case ACT_POWER_OFF:
    case ACT_FAIL:
    case ACT_TRAP:
    case ACT_DISK:
    case ACT_MEMORY:
    case ACT_HANG:
    case ACT_LEAVE: return lose(c, who, act);
    case ACT_CUT:
    case ACT_CUT_BOTH:
    case ACT_FLAP:
    case ACT_BREAK:
    case ACT_FLIP_FRAME: return do_to_network(c, who, act);
    case ACT_BURST:
        for (unsigned i = 0; i < BURST; i++) {
            cluster_input(c, who);
        }
        return true;
    default: return do_to_replica(c, who, act);
    }
}

void acts_inputs(struct cluster *c, const struct act *act)
{
    unsigned target = nth_alive(c, act->amount >> 32);
    for (unsigned i = 0; i < act->inputs && target != NOBODY; i++) {
        cluster_input(c, target);
    }
}

void acts_heal_all(struct cluster *c)
{
    c->calm = true;
    cluster_heal_all(c);
    store_arm(&c->store, 0, 0, 0, false);
    cluster_store_mend(c);
    crook_set(c, NOBODY, CROOK_NONE);
    store_power_on(&c->store);
    for (unsigned i = 0; i < c->replica_count; i++) {
        struct replica *replica = &c->replicas[i];
        replica->instruction_ns = 0;
        replica->load_ns = c->config.load_ns;
        replica->hangs = replica->vcpu == VCPU_HANGS; /* not those that have not come to it */
        replica->allocation_fails_in = 0;
        replica->disk_fault = DISK_SOUND;
        replica->takes_outputs_ns = 0;
        for (unsigned k = 0; k < c->replica_count; k++) {
            c->flip_frame[i][k] = 0;
        }
    }
}

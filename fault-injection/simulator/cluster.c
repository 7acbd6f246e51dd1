#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replication/trace.h"
#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/world.h"

void *cluster_grow(void *items, size_t *capacity, size_t count, size_t item_size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    items = realloc(items, *capacity * item_size);
    if (items == NULL) {
        abort();
    }
    return items;
}

struct cluster_config cluster_defaults(void)
{
    static const uint8_t description[] = "a toy";
    return (struct cluster_config){
        .engine =
            {
                .name = "toy",
                .description = {description, sizeof description},
                .arbitrated = true,
                .protocol = ENGINE_REVISED,
                .epoch_length = 10000,
                .epoch_max_ns = 10 * MS, /* for who sets the length to 0 */
                .heartbeat_ns = 50 * MS,
                .timeout_ns = 1000 * MS,
                .lag_epochs = 100,
                .lag_policy = ENGINE_LAG_WAIT,
                .stuck_ns = 10000 * MS,
                .rate_q32 = UINT64_C(1000) << 32,
            },
        .program = "o",
        .instruction_ns = 1000,
        .latency_ns = 1 * MS,
        .arbiter_ns = 2 * MS,
        .load_ns = 1 * MS,
        .chunk_size = 4096,
        .seed = 1,
    };
}

struct cluster *cluster_create(const struct cluster_config *config)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL) {
        abort();
    }
    cluster->config = *config;
    cluster->random = toy_mix(config->seed, 1);
    arbiter_init(cluster);
    cluster->story = cluster_grow(NULL, &cluster->story_capacity, 0, 1);
    cluster->story[0] = '\0';
    return cluster;
}

void cluster_destroy(struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        replica_destroy(&cluster->replicas[i]);
    }
    for (size_t i = 0; i < cluster->queue_count; i++) {
        free(cluster->queue[i].frame);
    }
    for (size_t i = 0; i < cluster->held_count; i++) {
        free(cluster->held[i].frame);
    }
    arbiter_close(cluster->arbiter);
    free(cluster->connections);
    free(cluster->queue);
    free(cluster->held);
    free(cluster->emissions);
    free(cluster->story);
    free(cluster);
}

uint64_t cluster_random(struct cluster *cluster, uint64_t below)
{
    cluster->random = toy_mix(cluster->random, 3);
    return below == 0 ? 0 : cluster->random % below;
}

/* ---- The story ------------------------------------------------------------------------------- */

void cluster_tell(struct cluster *cluster, bool tells)
{
    cluster->tells = tells;
    cluster->story_start_ns = cluster->now_ns;
}

void cluster_say(struct cluster *cluster, const char *format, ...)
{
    char line[TRACE_LINE_SIZE + 64];
    if (!cluster->tells) {
        return;
    }
    uint64_t at_ms = (cluster->now_ns - cluster->story_start_ns) / MS;
    int used = snprintf(line, sizeof line, "[%5llu] ", (unsigned long long)at_ms);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    size_t size = strlen(line);
    while (cluster->story_size + size + 1 > cluster->story_capacity) {
        cluster->story =
            cluster_grow(cluster->story, &cluster->story_capacity, cluster->story_capacity, 1);
    }
    memcpy(cluster->story + cluster->story_size, line, size + 1);
    cluster->story_size += size;
}

void cluster_violation(struct cluster *cluster, enum checker checker, const char *format, ...)
{
    if (cluster->violation[0] != '\0') {
        return;
    }
    cluster->violated = checker;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cluster->violation, sizeof cluster->violation, format, arguments);
    va_end(arguments);
    cluster_say(cluster, "RULE BROKEN (%s): %s", checker_name(checker), cluster->violation);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static bool before(const struct pending *a, const struct pending *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void cluster_push(struct cluster *cluster, const struct pending *pending)
{
    cluster->queue = cluster_grow(cluster->queue, &cluster->queue_capacity, cluster->queue_count,
                                  sizeof *cluster->queue);
    size_t at = cluster->queue_count++;
    cluster->queue[at] = *pending;
    while (at > 0 && before(&cluster->queue[at], &cluster->queue[(at - 1) / 2])) {
        struct pending swap = cluster->queue[at];
        cluster->queue[at] = cluster->queue[(at - 1) / 2];
        cluster->queue[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

static struct pending pop(struct cluster *cluster)
{
    struct pending *queue = cluster->queue;
    struct pending first = queue[0];
    size_t count = --cluster->queue_count;
    queue[0] = queue[count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            least = before(&queue[child], &queue[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        struct pending swap = queue[at];
        queue[at] = queue[least];
        queue[least] = swap;
        at = least;
    }
}

static void arrive(struct cluster *cluster, struct pending *pending)
{
    if (network_blocks(cluster, pending)) {
        cluster->held = cluster_grow(cluster->held, &cluster->held_capacity, cluster->held_count,
                                     sizeof *cluster->held);
        cluster->held[cluster->held_count++] = *pending;
        return;
    }
    if (pending->kind == PENDING_QUESTION || pending->kind == PENDING_ANSWER) {
        arbiter_arrive(cluster, pending);
    } else if (pending->kind == PENDING_DISK || pending->kind == PENDING_CLIENT) {
        world_arrive(cluster, pending);
    } else {
        network_arrive(cluster, pending);
    }
    free(pending->frame);
}

static bool runs(const struct replica *replica)
{
    return replica->alive && !replica->paused;
}

static uint64_t vcpu_time(const struct replica *replica)
{
    bool due = runs(replica) && replica->vcpu_due_ns != CLUSTER_NEVER &&
               engine_accepts_vcpu(replica->engine);
    return due ? replica->vcpu_due_ns : CLUSTER_NEVER;
}

static uint64_t tick_time(const struct replica *replica)
{
    uint64_t deadline_ns = runs(replica) ? engine_deadline(replica->engine) : CLUSTER_NEVER;
    if (deadline_ns == CLUSTER_NEVER) {
        return CLUSTER_NEVER;
    }
    return deadline_ns < replica->clock_base_ns ? 0 : deadline_ns - replica->clock_base_ns;
}

static uint64_t next_time(const struct cluster *cluster)
{
    uint64_t next = cluster->queue_count > 0 ? cluster->queue[0].at_ns : CLUSTER_NEVER;
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        uint64_t vcpu = vcpu_time(&cluster->replicas[i]);
        uint64_t tick = tick_time(&cluster->replicas[i]);
        next = vcpu < next ? vcpu : next;
        next = tick < next ? tick : next;
    }
    return next > cluster->now_ns ? next : cluster->now_ns;
}

/* A deadline that a tick does not move would keep a processor of a real replica busy. */
static void tick(struct cluster *cluster, unsigned replica)
{
    struct engine_event event = {.type = ENGINE_TICK};
    cluster_step(cluster, replica, &event);
    if (tick_time(&cluster->replicas[replica]) <= cluster->now_ns) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s: a tick left the deadline where it was",
                          cluster->replicas[replica].name);
    }
}

static void one_turn(struct cluster *cluster)
{
    while (cluster->queue_count > 0 && cluster->queue[0].at_ns <= cluster->now_ns) {
        struct pending pending = pop(cluster);
        arrive(cluster, &pending);
    }
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (vcpu_time(&cluster->replicas[i]) <= cluster->now_ns) {
            replica_run_vcpu(cluster, i);
        }
    }
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (tick_time(&cluster->replicas[i]) <= cluster->now_ns) {
            tick(cluster, i);
        }
    }
}

bool cluster_run_until(struct cluster *cluster, bool (*is_so)(struct cluster *), uint64_t within_ns)
{
    uint64_t end_ns = cluster->now_ns + within_ns;
    for (;;) {
        if (is_so != NULL && is_so(cluster)) {
            return true;
        }
        if (cluster->violation[0] != '\0') {
            return false;
        }
        uint64_t next = next_time(cluster);
        if (next > end_ns) {
            cluster->now_ns = end_ns;
            return false;
        }
        cluster->now_ns = next;
        one_turn(cluster);
    }
}

void cluster_run(struct cluster *cluster, uint64_t for_ns)
{
    cluster_run_until(cluster, NULL, for_ns);
}

/* ---- Replicas -------------------------------------------------------------------------------- */

unsigned cluster_prepare(struct cluster *cluster, enum engine_role role, unsigned primary)
{
    unsigned number = cluster->replica_count++;
    if (number == CLUSTER_MAX_REPLICAS) {
        abort();
    }
    struct replica *replica = &cluster->replicas[number];
    replica->name[0] = (char)('A' + number);
    replica->config = cluster->config.engine;
    replica->config.role = role;
    replica->config.replica = replica->name;
    replica->config.claim_seed = toy_mix(cluster->config.seed, 100 + number);
    /* Hosts do not agree about the time, and a monotonic clock starts anywhere. */
    replica->clock_base_ns = (number + 1) * UINT64_C(1000000007000);
    if (cluster->config.clocks_differ) {
        replica->clock_base_ns = toy_mix(cluster->config.seed, 300 + number) >> 20;
    }
    replica->origin = role == ENGINE_PRIMARY ? number : primary;
    replica->guest.program = cluster->config.program;
    replica->guest.devices = cluster->config.devices;
    uint64_t spacing = cluster->config.spacing != 0 ? cluster->config.spacing : TOY_SPACING;
    replica->guest.spacing = cluster->config.engine.epoch_length == 0 ? spacing : 0;
    replica->load_ns = cluster->config.load_ns;
    replica->lose_answers = cluster->answers_lost_at_first;
    replica->vcpu_due_ns = CLUSTER_NEVER;
    replica->first_live_epoch = role == ENGINE_PRIMARY ? 0 : CLUSTER_NEVER;
    return number;
}

void cluster_start(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    bool primary = replica->config.role == ENGINE_PRIMARY;
    if (primary && replica->config.term == 0) {
        arbiter_start_of_day(cluster, number, true);
        replica->config.term = cluster->record.term;
    }
    replica->engine = engine_create(&replica->config, replica_now(cluster, number));
    if (replica->engine == NULL) {
        abort();
    }
    replica->alive = true;
    replica->vcpu_live = primary;
    cluster_say(cluster, "%s starts as %s", replica->name, primary ? "primary" : "backup");
    if (primary) {
        replica->vcpu = VCPU_BEGINS;
        replica->vcpu_due_ns = cluster->now_ns;
    } else {
        cluster_connect(cluster, number, replica->origin);
    }
}

unsigned cluster_add_primary(struct cluster *cluster)
{
    unsigned number = cluster_prepare(cluster, ENGINE_PRIMARY, 0);
    cluster_start(cluster, number);
    return number;
}

unsigned cluster_add_backup(struct cluster *cluster, unsigned primary)
{
    unsigned number = cluster_prepare(cluster, ENGINE_BACKUP, primary);
    cluster_start(cluster, number);
    return number;
}

static void kill(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    replica->alive = false;
    replica->vcpu = VCPU_OFF;
    replica->vcpu_due_ns = CLUSTER_NEVER;
}

void cluster_crash(struct cluster *cluster, unsigned number)
{
    if (cluster->replicas[number].alive) {
        cluster_say(cluster, "%s crashes", cluster->replicas[number].name);
        kill(cluster, number);
        network_close_all(cluster, number, "connection reset");
    }
}

void cluster_power_off(struct cluster *cluster, unsigned number)
{
    if (cluster->replicas[number].alive) {
        cluster_say(cluster, "%s is powered off", cluster->replicas[number].name);
        kill(cluster, number);
    }
}

void cluster_pause(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (runs(replica)) {
        cluster_say(cluster, "%s is paused", replica->name);
        replica->paused = true;
        if (replica->vcpu_due_ns != CLUSTER_NEVER) { /* what is left of its step */
            replica->vcpu_due_ns -=
                cluster->now_ns < replica->vcpu_due_ns ? cluster->now_ns : replica->vcpu_due_ns;
        }
    }
}

void cluster_resume(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->paused) {
        cluster_say(cluster, "%s wakes up", replica->name);
        replica->paused = false;
        if (replica->vcpu_due_ns != CLUSTER_NEVER) {
            replica->vcpu_due_ns += cluster->now_ns;
        }
        network_release_held(cluster);
    }
}

/* False if the engine has no room. */
bool replica_take_input(struct cluster *cluster, unsigned number, uint32_t device,
                        struct log_bytes data)
{
    struct replica *replica = &cluster->replicas[number];
    if (!engine_accepts_input(replica->engine, data.size)) {
        return false;
    }
    replica->inputs_taken += cluster_is_live(cluster, number);
    struct engine_event event = {.type = ENGINE_INPUT, .device = device, .data = data};
    cluster_step(cluster, number, &event);
    return true;
}

bool cluster_input(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    uint8_t data[TOY_INPUT_SIZE];
    uint64_t input = cluster->input_count + 1;
    if (!runs(replica) || !engine_accepts_input(replica->engine, sizeof data)) {
        return false;
    }
    cluster->input_count = input;
    memcpy(data, &input, sizeof data);
    cluster_say(cluster, "%s takes input %llu", replica->name, (unsigned long long)input);
    return replica_take_input(cluster, number, TOY_NUMBERS, (struct log_bytes){data, sizeof data});
}

static void command(struct cluster *cluster, unsigned number, struct engine_event *event)
{
    char line[TRACE_LINE_SIZE];
    if (runs(&cluster->replicas[number])) {
        cluster_say(cluster, "%s %s", cluster->replicas[number].name,
                    trace_event(event, line, sizeof line));
        cluster_step(cluster, number, event);
    }
}

void cluster_stop(struct cluster *cluster, unsigned number)
{
    struct engine_event event = {.type = ENGINE_STOP};
    cluster->stops++;
    command(cluster, number, &event);
}

void cluster_fail(struct cluster *cluster, unsigned number, const char *reason)
{
    struct engine_event event = {.type = ENGINE_FAIL, .reason = reason};
    cluster->replicas[number].fails = true;
    command(cluster, number, &event);
}

void cluster_promote(struct cluster *cluster, unsigned number)
{
    struct engine_event event = {.type = ENGINE_PROMOTE};
    command(cluster, number, &event);
}

void cluster_flip_state(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->alive && replica->vcpu != VCPU_OFF) {
        cluster_say(cluster, "a bit of the guest of %s flips", replica->name);
        cluster->flips++;
        replica->flipped = true;
        replica->guest.hash ^= UINT64_C(1) << cluster_random(cluster, 64);
    }
}

void cluster_misguide(struct cluster *cluster, unsigned number, enum guest_fault fault)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->alive && replica->vcpu != VCPU_OFF) {
        cluster_say(cluster, "the guest of %s goes astray", replica->name);
        cluster->flips++;
        replica->flipped = true;
        replica->fault = fault;
    }
}

void cluster_jump_clock(struct cluster *cluster, unsigned number, uint64_t forward_ns)
{
    struct replica *replica = &cluster->replicas[number];
    cluster_say(cluster, "the clock of %s jumps by %llu ms", replica->name,
                (unsigned long long)(forward_ns / MS));
    replica->clock_base_ns += forward_ns;
    cluster->jumped_ns += forward_ns;
}

void cluster_break_disk(struct cluster *cluster, unsigned number, enum disk_fault fault)
{
    static const char *const faults[] = {[DISK_SOUND] = "is sound",
                                         [DISK_FULL] = "is full",
                                         [DISK_FAILS] = "fails",
                                         [DISK_TORN] = "fails in the middle of a write"};
    cluster_say(cluster, "the disk of %s %s", cluster->replicas[number].name, faults[fault]);
    cluster->replicas[number].disk_fault = fault;
}

void cluster_hang(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (replica->vcpu != VCPU_OFF && replica->config.stuck_ns != 0) {
        cluster_say(cluster, "%s hangs at its next step", replica->name);
        replica->hangs = true;
    }
}

void cluster_starve(struct cluster *cluster, unsigned number, uint64_t allocations)
{
    cluster_say(cluster, "%s runs out of memory in %llu allocations",
                cluster->replicas[number].name, (unsigned long long)allocations);
    cluster->replicas[number].allocation_fails_in = allocations;
}

void cluster_start_second_primary(struct cluster *cluster)
{
    unsigned survivor = cluster_survivor(cluster);
    struct arbiter_record before = cluster->record;
    /* Its name is not used again, though it never comes to run. */
    unsigned number = cluster_prepare(cluster, ENGINE_PRIMARY, 0);
    enum arbiter_outcome outcome = arbiter_start_of_day(cluster, number, false);
    cluster_say(cluster, "%s wants to start as primary, and %s", cluster->replicas[number].name,
                outcome == ARBITER_WON ? "may" : "may not");
    if (outcome == ARBITER_WON && before.active && survivor != CLUSTER_MAX_REPLICAS) {
        cluster_violation(cluster, CHECKER_START, "%s starts over term %llu of %s",
                          cluster->replicas[number].name, (unsigned long long)before.term,
                          before.owner);
    }
}

struct engine_status cluster_status(const struct cluster *cluster, unsigned number)
{
    struct engine_status status;
    engine_get_status(cluster->replicas[number].engine, &status);
    return status;
}

bool cluster_is_live(const struct cluster *cluster, unsigned number)
{
    return cluster->replicas[number].alive && cluster_status(cluster, number).live;
}

unsigned cluster_survivor(const struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (cluster_is_live(cluster, i) &&
            cluster_status(cluster, i).term == cluster->record.term &&
            strcmp(cluster->record.owner, cluster->replicas[i].name) == 0) {
            return i;
        }
    }
    return CLUSTER_MAX_REPLICAS;
}

bool cluster_is_protected(struct cluster *cluster)
{
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        const struct replica *backup = &cluster->replicas[i];
        if (backup->alive && !cluster_is_live(cluster, i) &&
            cluster_status(cluster, i).is_protected) {
            return true;
        }
    }
    return false;
}

/* ---- One thing at a time ----------------------------------------------------------------------
 */

void cluster_deliver(struct cluster *cluster, uint64_t order)
{
    for (size_t at = 0; at < cluster->queue_count; at++) {
        if (cluster->queue[at].order != order) {
            continue;
        }
        struct pending pending = cluster->queue[at];
        pending.at_ns = 0;
        while (at > 0 && before(&pending, &cluster->queue[(at - 1) / 2])) {
            cluster->queue[at] = cluster->queue[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        cluster->queue[at] = pending;
        pending = pop(cluster);
        arrive(cluster, &pending);
        return;
    }
}

void cluster_tick(struct cluster *cluster, unsigned replica)
{
    tick(cluster, replica);
}

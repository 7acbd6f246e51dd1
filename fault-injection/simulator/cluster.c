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

bool replica_runs(const struct replica *replica)
{
    return replica->alive && !replica->paused;
}

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
    if (!replica_runs(replica) || !engine_accepts_input(replica->engine, sizeof data)) {
        return false;
    }
    cluster->input_count = input;
    memcpy(data, &input, sizeof data);
    cluster_say(cluster, "%s takes input %llu", replica->name, (unsigned long long)input);
    return replica_take_input(cluster, number, TOY_NUMBERS, (struct log_bytes){data, sizeof data});
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

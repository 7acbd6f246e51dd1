/* Creation and end of a node, and the calls that any thread may make. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "libftvm/clock.h"
#include "libftvm/node_state.h"

uint64_t node_now_ns(const struct ftvm_node *node)
{
    return clock_monotonic_ns(node->hooks);
}

int node_set_error(struct ftvm_node *node, int error, const char *format, ...)
{
    char line[NODE_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&node->lock);
    memcpy(node->error, line, sizeof line);
    pthread_mutex_unlock(&node->lock);
    return error;
}

void ftvm_config_init(struct ftvm_config *config)
{
    *config = (struct ftvm_config){
        .size = sizeof *config,
        .join_timeout_ms = 10000,
        .protocol = FTVM_PROTOCOL_REVISED,
        .epoch_min_us = 100,
        .epoch_max_us = 4000,
        .heartbeat_ms = 50,
        .timeout_ms = 1000,
        .lag_policy = FTVM_LAG_WAIT,
        .lag_epochs = 64,
        .stuck_ms = 10000,
        .settle = FTVM_SETTLE_REISSUE,
    };
}

/* ---- Checking the configuration ------------------------------------------------------------ */

/* The first thing wrong with the configuration, in one line, or NULL. */
static const char *fault_of(const struct ftvm_config *config)
{
    bool primary = config->role == FTVM_ROLE_PRIMARY;
    if (config->size != sizeof *config) {
        return "config.size is not that of this library: call ftvm_config_init first";
    }
    if (config->role != FTVM_ROLE_PRIMARY && config->role != FTVM_ROLE_BACKUP) {
        return "role is neither primary nor backup";
    }
    size_t name_length = config->name != NULL ? strlen(config->name) : 0;
    if ((primary && name_length == 0) || name_length > FTVM_MAX_NAME) {
        return "the machine needs a name of 1 to 64 bytes";
    }
    if (config->replica != NULL &&
        (config->replica[0] == '\0' || strlen(config->replica) > FTVM_MAX_NAME)) {
        return "a replica's name has 1 to 64 bytes";
    }
    if (!primary && config->join == NULL) {
        return "a backup needs the address of its primary (join)";
    }
    if (config->arbiter == NULL) {
        return "an arbiter is needed: \"file:PATH\" on storage that both replicas see, or \"none\"";
    }
    if (strcmp(config->arbiter, "none") == 0 && !config->assume_fail_stop) {
        return "without an arbiter a cut cable makes two active replicas: \"none\" needs "
               "assume_fail_stop";
    }
    if (config->description_size > FTVM_MAX_DESCRIPTION ||
        (config->description == NULL && config->description_size > 0)) {
        return "the machine's description is longer than 64 KiB, or NULL";
    }
    if (config->epoch_length == 0 && (config->epoch_min_us == 0 || config->epoch_max_us == 0 ||
                                      config->epoch_min_us > config->epoch_max_us)) {
        return "the shortest epoch is longer than the longest, or has no length";
    }
    if (config->heartbeat_ms == 0 || config->timeout_ms < 2 * config->heartbeat_ms) {
        return "the timeout must be at least twice the heartbeat";
    }
    if (config->lag_epochs < 2) {
        return "a backup must be allowed to lag by two epochs at least";
    }
    if (config->allocator != NULL &&
        (config->allocator->allocate == NULL || config->allocator->release == NULL)) {
        return "an allocator needs both of its functions";
    }
    return NULL;
}

static bool copy_text(const struct ftvm_node *node, char **to, const char *from)
{
    *to = from != NULL ? memory_duplicate_text(node->memory, from) : NULL;
    return from == NULL || *to != NULL;
}

static char *make_replica_name(const struct ftvm_node *node)
{
    char host[40] = "host";
    uint32_t random = 0;
    gethostname(host, sizeof host - 1);
    if (getrandom(&random, sizeof random, 0) < 0) {
        random = (uint32_t)node_now_ns(node);
    }
    char name[FTVM_MAX_NAME + 1];
    snprintf(name, sizeof name, "%s-%d-%08x", host, (int)getpid(), random);
    return memory_duplicate_text(node->memory, name);
}

static bool copy_config(struct ftvm_node *node, const struct ftvm_config *config)
{
    node->config = *config;
    snprintf(node->name, sizeof node->name, "%s", config->name != NULL ? config->name : "");
    if (!copy_text(node, &node->listen, config->listen) ||
        !copy_text(node, &node->join, config->join) ||
        !copy_text(node, &node->arbiter_spec, config->arbiter) ||
        !copy_text(node, &node->replica, config->replica)) {
        return false;
    }
    if (node->replica == NULL) {
        node->replica = make_replica_name(node);
    }
    if (node->replica == NULL) {
        return false;
    }
    if (config->description_size > 0) {
        node->own_description = memory_allocate(node->memory, config->description_size);
        if (node->own_description == NULL) {
            return false;
        }
        memcpy(node->own_description, config->description, config->description_size);
    }
    node->arbitrated = strcmp(config->arbiter, "none") != 0;
    snprintf(node->status.name, sizeof node->status.name, "%s", node->name);
    snprintf(node->status.replica, sizeof node->status.replica, "%s", node->replica);
    node->status.role = config->role;
    return true;
}

/* The node itself comes from its own memory, too. */
static struct ftvm_node *allocate_node(const struct ftvm_allocator *allocator)
{
    if (allocator == NULL) {
        return memory_allocate_zeroed(NULL, sizeof(struct ftvm_node));
    }
    struct memory memory = {allocator->allocate, allocator->release, allocator->context};
    struct ftvm_node *node = memory_allocate_zeroed(&memory, sizeof *node);
    if (node != NULL) {
        node->own_memory = memory;
        node->memory = &node->own_memory;
    }
    return node;
}

static void release_node(struct ftvm_node *node)
{
    struct memory memory = node->own_memory;
    memory_release(node->memory != NULL ? &memory : NULL, node);
}

int ftvm_node_create(const struct ftvm_config *config, struct ftvm_node **created, char *error,
                     size_t error_size)
{
    *created = NULL;
    const char *fault = fault_of(config);
    char line[NODE_ERROR_SIZE];
    if (fault == NULL && config->listen != NULL &&
        channel_check_address(config->listen, config->insecure_channel, line, sizeof line) < 0) {
        fault = line;
    }
    if (fault == NULL && config->join != NULL &&
        channel_check_address(config->join, config->insecure_channel, line, sizeof line) < 0) {
        fault = line;
    }
    if (fault != NULL) {
        if (error != NULL) {
            snprintf(error, error_size, "%s", fault);
        }
        return FTVM_E_INVALID;
    }
    struct ftvm_node *node = allocate_node(config->allocator);
    if (node == NULL) {
        if (error != NULL) {
            snprintf(error, error_size, "out of memory");
        }
        return FTVM_E_MEMORY;
    }
    node->timer_fd = -1;
    pthread_mutex_init(&node->lock, NULL);
    pthread_cond_init(&node->changed, NULL);
    pthread_mutex_init(&node->input_lock, NULL);
    pthread_mutex_init(&node->engine_lock, NULL);
    atomic_init(&node->idle_deadline_ns, UINT64_MAX);
    node->from_vcpu = ring_create(node->memory, NODE_RING_SIZE);
    node->to_vcpu = ring_create(node->memory, NODE_RING_SIZE);
    node->inputs = ring_create(node->memory, NODE_RING_SIZE);
    if (node->from_vcpu == NULL || node->to_vcpu == NULL || node->inputs == NULL ||
        !copy_config(node, config)) {
        ftvm_node_destroy(node);
        if (error != NULL) {
            snprintf(error, error_size, "out of memory");
        }
        return FTVM_E_MEMORY;
    }
    if (hook_attach(&node->hooks, line, sizeof line) < 0) {
        ftvm_node_destroy(node);
        if (error != NULL) {
            snprintf(error, error_size, "%s", line);
        }
        return FTVM_E_INVALID;
    }
    node->pace.min_ns = config->epoch_min_us * UINT64_C(1000);
    node->pace.max_ns = config->epoch_max_us * UINT64_C(1000);
    *created = node;
    return 0;
}

void ftvm_node_destroy(struct ftvm_node *node)
{
    if (node == NULL) {
        return;
    }
    node_io_stop(node);
    engine_destroy(node->engine);
    hook_detach(node->hooks);
    ring_destroy(node->from_vcpu);
    ring_destroy(node->to_vcpu);
    ring_destroy(node->inputs);
    pthread_mutex_destroy(&node->lock);
    pthread_cond_destroy(&node->changed);
    pthread_mutex_destroy(&node->input_lock);
    pthread_mutex_destroy(&node->engine_lock);
    memory_release(node->memory, node->replica);
    memory_release(node->memory, node->listen);
    memory_release(node->memory, node->join);
    memory_release(node->memory, node->arbiter_spec);
    memory_release(node->memory, node->own_description);
    memory_release(node->memory, node->description);
    release_node(node);
}

/* ---- Any thread ---------------------------------------------------------------------------- */

const void *ftvm_node_description(const struct ftvm_node *node, size_t *size)
{
    if (node->config.role == FTVM_ROLE_PRIMARY) {
        *size = node->config.description_size;
        return node->own_description;
    }
    *size = node->description_size;
    return node->description;
}

int ftvm_input(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    if (size > FTVM_MAX_INPUT) {
        return FTVM_E_TOO_LARGE;
    }
    if (!atomic_load(&node->live)) {
        return 0; /* the log brings the primary's inputs */
    }
    pthread_mutex_lock(&node->input_lock);
    /* The device takes 8 bytes, so that the data keeps the record's alignment. */
    uint8_t *room = ring_reserve(node->inputs, (uint32_t)(8 + size));
    if (room != NULL) {
        memset(room, 0, 8);
        memcpy(room, &device, sizeof device);
        if (size > 0) {
            memcpy(room + 8, data, size);
        }
        ring_commit(node->inputs, 1);
    }
    pthread_mutex_unlock(&node->input_lock);
    if (room == NULL) {
        return FTVM_E_FULL;
    }
    /* A guest that runs comes to its boundary and takes it there; one that waits is woken. */
    wake_all(&node->vcpu_wake);
    return 0;
}

/* Commands are flags that the I/O thread looks at; before it runs there is nobody to stop. */
static int command(struct ftvm_node *node, _Atomic bool *flag)
{
    if (!node->thread_started) {
        return FTVM_E_STATE;
    }
    atomic_store(flag, true);
    node_kick(node);
    return 0;
}

int ftvm_node_stop(struct ftvm_node *node)
{
    return command(node, &node->stop_asked);
}

int ftvm_node_fail(struct ftvm_node *node, const char *reason)
{
    pthread_mutex_lock(&node->lock);
    if (node->fail_reason[0] == '\0') { /* the first one knows best */
        snprintf(node->fail_reason, sizeof node->fail_reason, "%s", reason);
    }
    pthread_mutex_unlock(&node->lock);
    return command(node, &node->fail_asked);
}

int ftvm_node_promote(struct ftvm_node *node)
{
    pthread_mutex_lock(&node->lock);
    bool may =
        node->status.role == FTVM_ROLE_BACKUP && node->status.is_protected && !node->status.ended;
    pthread_mutex_unlock(&node->lock);
    if (!may) {
        return node_set_error(node, FTVM_E_STATE,
                              "only a backup that protects its primary can be promoted");
    }
    return command(node, &node->promote_asked);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int ftvm_node_status(const struct ftvm_node *node, struct ftvm_status *status)
{
    if (status->size != sizeof *status) {
        return FTVM_E_INVALID;
    }
    struct ftvm_node *unlocked = (struct ftvm_node *)node; /* the lock is no part of its value */
    uint64_t samples[NODE_HOLD_SAMPLES];
    pthread_mutex_lock(&unlocked->lock);
    *status = node->status;
    status->size = sizeof *status;
    status->hold_count = node->hold_count;
    status->hold_ns_total = node->hold_total_ns;
    uint64_t heard_ns = node->heard_ns;
    memcpy(samples, node->hold_ns, sizeof samples);
    pthread_mutex_unlock(&unlocked->lock);
    size_t count = status->hold_count < NODE_HOLD_SAMPLES ? status->hold_count : NODE_HOLD_SAMPLES;
    qsort(samples, count, sizeof samples[0], compare_u64);
    status->hold_ns_median = count > 0 ? samples[count / 2] : 0;
    uint64_t now_ns = node_now_ns(node);
    status->peer_silent_ns = heard_ns != 0 && now_ns > heard_ns ? now_ns - heard_ns : 0;
    return 0;
}

void ftvm_node_error(const struct ftvm_node *node, char *line, size_t size)
{
    struct ftvm_node *unlocked = (struct ftvm_node *)node;
    pthread_mutex_lock(&unlocked->lock);
    snprintf(line, size, "%s", node->error);
    pthread_mutex_unlock(&unlocked->lock);
}

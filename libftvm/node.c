/* Creation and end of a node, and the calls that any thread may make. */
#include <stdarg.h>
#include <stddef.h>
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
    node->misused = error == FTVM_E_THREAD || error == FTVM_E_STATE;
    pthread_mutex_unlock(&node->lock);
    return error;
}

void ftvm_config_init_sized(struct ftvm_config *config, size_t size)
{
    const struct ftvm_config defaults = {
        .size = size,
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
        .io = FTVM_IO_THREAD,
    };
    memset(config, 0, size);
    memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* ---- Checking the configuration ------------------------------------------------------------ */

/* The first thing wrong with the configuration, in one line, or NULL. */
static const char *fault_of(const struct ftvm_config *config)
{
    bool primary = config->role == FTVM_ROLE_PRIMARY;
    if (config->io != FTVM_IO_THREAD && config->io != FTVM_IO_CALLER) {
        return "io is neither FTVM_IO_THREAD nor FTVM_IO_CALLER";
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

/* The caller's configuration, with defaults for what its header did not have yet. */
static const char *take_config(struct ftvm_config *config, const struct ftvm_config *given)
{
    if (given == NULL || given->size < offsetof(struct ftvm_config, io)) {
        return "config is NULL, or its size is not set: call ftvm_config_init first";
    }
    if (given->size > sizeof *config) {
        return "config was made for a later version of the library than this one, " FTVM_VERSION;
    }
    ftvm_config_init(config);
    memcpy(config, given, given->size);
    config->size = sizeof *config;
    return fault_of(config);
}

static const char *fault_of_address(const struct ftvm_config *config, const char *address,
                                    char line[NODE_ERROR_SIZE])
{
    bool fine = address == NULL || channel_check_address(address, config->insecure_channel, line,
                                                         NODE_ERROR_SIZE) == 0;
    return fine ? NULL : line;
}

void node_init(struct ftvm_node *node, const struct node_calls *calls)
{
    node->calls = calls;
    node->timer_fd = -1;
    node->kick_fd = -1;
    node->poll_fd = -1;
    pthread_mutex_init(&node->lock, NULL);
    pthread_cond_init(&node->changed, NULL);
    pthread_mutex_init(&node->input_lock, NULL);
    pthread_mutex_init(&node->engine_lock, NULL);
    pthread_mutex_init(&node->parts_lock, NULL);
    atomic_init(&node->idle_deadline_ns, UINT64_MAX);
}

void node_fini(struct ftvm_node *node)
{
    pthread_mutex_destroy(&node->lock);
    pthread_cond_destroy(&node->changed);
    pthread_mutex_destroy(&node->input_lock);
    pthread_mutex_destroy(&node->engine_lock);
    pthread_mutex_destroy(&node->parts_lock);
}

static struct ftvm_node *make_node(const struct ftvm_config *config)
{
    struct ftvm_node *node = allocate_node(config->allocator);
    if (node == NULL) {
        return NULL;
    }
    node_init(node, &node_vcpu_calls);
    node->pace.min_ns = config->epoch_min_us * UINT64_C(1000);
    node->pace.max_ns = config->epoch_max_us * UINT64_C(1000);
    node->from_vcpu = ring_create(node->memory, NODE_RING_SIZE);
    node->to_vcpu = ring_create(node->memory, NODE_RING_SIZE);
    node->inputs = ring_create(node->memory, NODE_RING_SIZE);
    if (node->from_vcpu == NULL || node->to_vcpu == NULL || node->inputs == NULL ||
        !copy_config(node, config)) {
        ftvm_node_destroy(node);
        return NULL;
    }
    return node;
}

int ftvm_node_create(const struct ftvm_config *given, struct ftvm_node **created, char *error,
                     size_t error_size)
{
    struct ftvm_config config;
    char line[NODE_ERROR_SIZE];
    int result = FTVM_E_INVALID;
    struct ftvm_node *node = NULL;
    *created = NULL;
    const char *fault = take_config(&config, given);
    fault = fault != NULL ? fault : fault_of_address(&config, config.listen, line);
    fault = fault != NULL ? fault : fault_of_address(&config, config.join, line);
    if (fault == NULL) {
        node = make_node(&config);
        if (node == NULL) {
            fault = "out of memory";
            result = FTVM_E_MEMORY;
        }
    }
    if (fault == NULL && hook_attach(&node->hooks, line, sizeof line) < 0) {
        ftvm_node_destroy(node);
        fault = line;
    }
    if (fault != NULL) {
        if (error != NULL) {
            snprintf(error, error_size, "%s", fault);
        }
        return result;
    }
    *created = node;
    return 0;
}

/* Who may not destroy: whoever would wait for itself, or leave another one inside of what is gone.
 */
static int check_unused(struct ftvm_node *node)
{
    if (node->calls != &node_vcpu_calls) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_node_destroy: this node belongs to the check that runs it");
    }
    if (node->thread_started && pthread_equal(pthread_self(), node->thread)) {
        return node_set_error(node, FTVM_E_THREAD,
                              "ftvm_node_destroy: not on the I/O thread, so from no callback");
    }
    if (atomic_load(&node->inside)) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_node_destroy: the vCPU thread is inside of a call; stop the "
                              "node and let that return first");
    }
    if (atomic_load(&node->dispatching) != 0) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_node_destroy: ftvm_node_dispatch is under way");
    }
    return 0;
}

int ftvm_node_destroy(struct ftvm_node *node)
{
    if (node == NULL) {
        return 0;
    }
    int result = check_unused(node);
    if (result < 0) {
        return result;
    }
    node_io_stop(node);
    engine_destroy(node->engine);
    hook_detach(node->hooks);
    ring_destroy(node->from_vcpu);
    ring_destroy(node->to_vcpu);
    ring_destroy(node->inputs);
    node_fini(node);
    part_history_destroy(node->memory, node->parts);
    memory_release(node->memory, node->replica);
    memory_release(node->memory, node->listen);
    memory_release(node->memory, node->join);
    memory_release(node->memory, node->arbiter_spec);
    memory_release(node->memory, node->own_description);
    memory_release(node->memory, node->description);
    release_node(node);
    return 0;
}

/* ---- Any thread ---------------------------------------------------------------------------- */

const void *ftvm_node_description(const struct ftvm_node *node, size_t *size)
{
    if (node == NULL) {
        *size = 0;
        return NULL;
    }
    if (node->config.role == FTVM_ROLE_PRIMARY) {
        *size = node->config.description_size;
        return node->own_description;
    }
    pthread_mutex_t *lock = &((struct ftvm_node *)node)->lock;
    pthread_mutex_lock(lock);
    *size = node->description_size;
    const void *description = node->description;
    pthread_mutex_unlock(lock);
    return description;
}

/* A backup that still joins counts, too. */
static bool is_started(const struct ftvm_node *node)
{
    return node->thread_started || node->started;
}

int ftvm_input(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    if (size > FTVM_MAX_INPUT) {
        return node_set_error(node, FTVM_E_TOO_LARGE, "ftvm_input: %zu bytes; %u are allowed", size,
                              FTVM_MAX_INPUT);
    }
    if (data == NULL && size > 0) {
        return node_set_error(node, FTVM_E_INVALID, "ftvm_input: data is NULL");
    }
    if (!atomic_load(&node->live)) {
        if (!is_started(node)) {
            return node_set_error(node, FTVM_E_STATE, "ftvm_input: ftvm_node_start comes first");
        }
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
    if (node->config.io == FTVM_IO_CALLER) {
        node_kick(node); /* the vCPU thread may wait in the loop itself */
    }
    return 0;
}

/* Commands are flags that the I/O thread looks at; before it runs there is nobody to stop. */
static int command(struct ftvm_node *node, const char *call, _Atomic bool *flag)
{
    if (!is_started(node)) {
        return node_set_error(node, FTVM_E_STATE, "%s: the node was not started", call);
    }
    atomic_store(flag, true);
    node->calls->kick(node);
    return 0;
}

int ftvm_node_stop(struct ftvm_node *node)
{
    return node == NULL ? FTVM_E_INVALID : command(node, "ftvm_node_stop", &node->stop_asked);
}

int ftvm_node_fail(struct ftvm_node *node, const char *reason)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    pthread_mutex_lock(&node->lock);
    if (node->fail_reason[0] == '\0') { /* the first one knows best */
        snprintf(node->fail_reason, sizeof node->fail_reason, "%s",
                 reason != NULL ? reason : "this replica failed");
    }
    pthread_mutex_unlock(&node->lock);
    return command(node, "ftvm_node_fail", &node->fail_asked);
}

int ftvm_node_promote(struct ftvm_node *node)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    pthread_mutex_lock(&node->lock);
    bool may =
        node->status.role == FTVM_ROLE_BACKUP && node->status.is_protected && !node->status.ended;
    pthread_mutex_unlock(&node->lock);
    if (!may) {
        return node_set_error(node, FTVM_E_STATE,
                              "ftvm_node_promote: only a backup that protects its primary can be "
                              "promoted");
    }
    return command(node, "ftvm_node_promote", &node->promote_asked);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void fill_status(struct ftvm_node *node, struct ftvm_status *status)
{
    uint64_t samples[NODE_HOLD_SAMPLES];
    pthread_mutex_lock(&node->lock);
    *status = node->status;
    status->hold_count = node->hold_count;
    status->hold_ns_total = node->hold_total_ns;
    uint64_t heard_ns = node->heard_ns;
    memcpy(samples, node->hold_ns, sizeof samples);
    pthread_mutex_unlock(&node->lock);
    size_t count = status->hold_count < NODE_HOLD_SAMPLES ? status->hold_count : NODE_HOLD_SAMPLES;
    qsort(samples, count, sizeof samples[0], compare_u64);
    status->hold_ns_median = count > 0 ? samples[count / 2] : 0;
    uint64_t now_ns = node_now_ns(node);
    status->peer_silent_ns = heard_ns != 0 && now_ns > heard_ns ? now_ns - heard_ns : 0;
}

int ftvm_node_status(const struct ftvm_node *node, struct ftvm_status *status)
{
    struct ftvm_node *unlocked = (struct ftvm_node *)node; /* the lock is no part of its value */
    struct ftvm_status filled;
    if (node == NULL || status == NULL) {
        return FTVM_E_INVALID;
    }
    size_t size = status->size;
    if (size < sizeof size || size > sizeof filled) {
        return node_set_error(unlocked, FTVM_E_INVALID,
                              "ftvm_node_status: set status->size to sizeof(struct ftvm_status)");
    }
    fill_status(unlocked, &filled);
    memcpy(status, &filled, size);
    status->size = size;
    return 0;
}

void ftvm_node_error(const struct ftvm_node *node, char *line, size_t size)
{
    struct ftvm_node *unlocked = (struct ftvm_node *)node;
    if (node == NULL) {
        snprintf(line, size, "the node is NULL");
        return;
    }
    pthread_mutex_lock(&unlocked->lock);
    snprintf(line, size, "%s", node->error);
    pthread_mutex_unlock(&unlocked->lock);
}

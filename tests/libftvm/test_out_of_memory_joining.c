/* A joiner that gets no memory at the moments at which only a joiner needs some. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#include "tests/support/scarce_memory.h"

#define PIECE   (64u * 1024)
#define PIECES  128u /* twice what the queue to the vCPU holds */
#define WAIT_MS 20000

/* A machine that is nothing but its state, and may be slow to load. */
struct bulk {
    struct ftvm_node *node;
    struct scarce_memory scarce;
    bool waits; /* it loads only when memory has run out */
    uint64_t position;
    pthread_t thread;
    int result;
};

static int bulk_deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    (void)machine;
    (void)device;
    (void)data;
    (void)size;
    return 0;
}

static int bulk_emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    bulk_deliver(machine, device, data, size);
    (void)number;
    return 0;
}

static int bulk_save(void *machine, struct ftvm_writer *writer)
{
    uint8_t piece[PIECE] = {0};
    int result = 0;
    (void)machine;
    for (unsigned i = 0; i < PIECES && result >= 0; i++) {
        result = ftvm_write(writer, piece, sizeof piece);
    }
    return result;
}

static int bulk_load(void *machine, struct ftvm_reader *reader)
{
    struct bulk *bulk = machine;
    uint8_t piece[PIECE];
    int result = 0;
    for (unsigned i = 0; bulk->waits && i < WAIT_MS && !scarce_has_failed(&bulk->scarce); i++) {
        usleep(1000);
    }
    for (unsigned i = 0; i < PIECES && result >= 0; i++) {
        result = ftvm_read(reader, piece, sizeof piece);
    }
    return result;
}

static void *bulk_run(void *argument)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = bulk_deliver,
        .emit = bulk_emit,
        .save = bulk_save,
        .load = bulk_load,
    };
    struct bulk *bulk = argument;
    struct ftvm_epoch epoch;
    int result = ftvm_begin(bulk->node, &ops, bulk, 0, &epoch);
    while (result >= 0) {
        bulk->position += epoch.length;
        result = ftvm_idle(bulk->node, bulk->position, UINT64_MAX, &epoch);
    }
    bulk->result = result;
    return NULL;
}

static void bulk_start(struct bulk *bulk)
{
    cr_assert_eq(pthread_create(&bulk->thread, NULL, bulk_run, bulk), 0);
}

static struct ftvm_status status_of(const struct bulk *bulk)
{
    struct ftvm_status status = {.size = sizeof status};
    cr_assert_eq(ftvm_node_status(bulk->node, &status), 0);
    return status;
}

static int start_node(struct bulk *bulk, const struct bulk *primary, char line[512])
{
    struct ftvm_allocator allocator = {scarce_allocate, scarce_release, &bulk->scarce};
    struct ftvm_config config;
    char join[32];
    ftvm_config_init(&config);
    config.name = "bulk";
    config.arbiter = "none";
    config.assume_fail_stop = true;
    config.epoch_length = 1000;
    config.timeout_ms = 20000;
    config.join_timeout_ms = 3000;
    config.allocator = &allocator;
    if (primary == NULL) {
        config.listen = "127.0.0.1:0";
    } else {
        snprintf(join, sizeof join, "127.0.0.1:%u", status_of(primary).listen_port);
        config.role = FTVM_ROLE_BACKUP;
        config.join = join;
    }
    int result = ftvm_node_create(&config, &bulk->node, line, 512);
    if (result == 0) {
        result = ftvm_node_start(bulk->node);
        ftvm_node_error(bulk->node, line, 512);
    }
    return result;
}

static void start_primary(struct bulk *bulk)
{
    char line[512];
    cr_assert_eq(start_node(bulk, NULL, line), 0, "%s", line);
    bulk_start(bulk);
}

static void end(struct bulk *bulk)
{
    ftvm_node_destroy(bulk->node);
    cr_assert_eq(bulk->scarce.live, 0);
}

static void stop(struct bulk *bulk)
{
    ftvm_node_stop(bulk->node);
    pthread_join(bulk->thread, NULL);
    cr_assert_eq(bulk->result, FTVM_E_STOPPED);
    end(bulk);
}

/* Pieces of the state that the vCPU does not take yet are kept, and a kept one may be lacking. The
 * node ends with the error that says so, and the vCPU is never shown a state with a gap. Of each
 * three allocations for a piece one is for keeping it; heartbeats among them, which come when they
 * come, move which one that is from one joiner to the next, so it is looked for. */
Test(out_of_memory_joining, a_piece_of_state_that_cannot_be_kept_ends_the_joiner, .timeout = 120)
{
    struct bulk primary = {0};
    unsigned ended_by_it = 0;
    start_primary(&primary);
    for (unsigned long fails_at = 200; fails_at < 204 || ended_by_it == 0; fails_at++) {
        cr_assert_lt(fails_at, 300, "no allocation is for a piece that is kept");
        struct bulk joiner = {.waits = true, .scarce = {.fails_at = fails_at}};
        char line[512];
        cr_assert_eq(start_node(&joiner, &primary, line), 0, "%s", line);
        bulk_start(&joiner);
        pthread_join(joiner.thread, NULL);
        ftvm_node_error(joiner.node, line, sizeof line);
        if (strcmp(line, "out of memory for a reply to the vCPU") == 0) {
            cr_assert_eq(joiner.result, FTVM_E_MEMORY, "%d", joiner.result);
            ended_by_it++;
        } else {
            cr_assert_eq(joiner.result, FTVM_E_LOST, "%d %s", joiner.result, line);
        }
        end(&joiner);
    }
    stop(&primary);
}

/* Whoever holds a node that did not start may take some time to destroy it. */
Test(out_of_memory_joining, a_joiner_without_memory_leaves_its_place, .timeout = 120)
{
    struct bulk primary = {0};
    char line[512] = "";
    start_primary(&primary);
    for (unsigned long fails_at = 1; strstr(line, "description") == NULL; fails_at++) {
        struct bulk without = {.scarce = {.fails_at = fails_at}};
        struct bulk next = {0};
        char reason[512];
        cr_assert_lt(fails_at, 100, "no allocation is for the description");
        int result = start_node(&without, &primary, line);
        cr_assert(result == 0 || result == FTVM_E_MEMORY, "%d %s", result, line);
        if (result < 0) {
            cr_assert_eq(start_node(&next, &primary, reason), 0, "%lu: %s", fails_at, reason);
            end(&next);
        }
        end(&without);
    }
    stop(&primary);
}

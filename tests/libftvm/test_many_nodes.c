/*
 * Two hundred nodes in one process: a hundred pairs, each with threads of its own or all driven by
 * one loop. Half of the primaries are lost at once, and their machines go on.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/libftvm/toy_machine.h"

#define PAIRS   100
#define WAIT_MS 60000

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy;
    char name[32];
};

/* One that dispatches all nodes, until it is told to stop. */
struct loop {
    struct replica (*pairs)[2];
    _Atomic bool stop;
    pthread_t thread;
};

static void create(struct replica *replica, int number, const struct replica *primary,
                   const char *arbiter, enum ftvm_io io)
{
    struct ftvm_config config;
    char error[256] = "", join[32];
    snprintf(replica->name, sizeof replica->name, "toy%d", number);
    ftvm_config_init(&config);
    config.name = replica->name;
    config.listen = "127.0.0.1:0";
    config.arbiter = arbiter;
    config.epoch_length = 1000;
    /* Two hundred vCPUs share a core or two, under ThreadSanitizer perhaps: nobody is to be taken
     * for lost but who says farewell. */
    config.timeout_ms = config.join_timeout_ms = WAIT_MS;
    config.stuck_ms = 0;
    config.io = io;
    if (primary != NULL) {
        struct ftvm_status status = {.size = sizeof status};
        cr_assert_eq(ftvm_node_status(primary->node, &status), 0);
        snprintf(join, sizeof join, "127.0.0.1:%u", status.listen_port);
        config.join = join;
        config.role = FTVM_ROLE_BACKUP;
    }
    cr_assert_eq(ftvm_node_create(&config, &replica->node, error, sizeof error), 0, "%s", error);
    int result = ftvm_node_start(replica->node);
    ftvm_node_error(replica->node, error, sizeof error);
    cr_assert_eq(result, 0, "%s", error);
    replica->toy = toy_create();
    replica->toy->epoch_us = 100000;
}

static struct ftvm_status status_of(const struct replica *replica)
{
    struct ftvm_status status = {.size = sizeof status};
    cr_assert_eq(ftvm_node_status(replica->node, &status), 0);
    return status;
}

static bool is_protected(const struct replica *replica)
{
    return status_of(replica).is_protected;
}

static bool is_live(const struct replica *replica)
{
    return status_of(replica).role == FTVM_ROLE_PRIMARY;
}

static void wait_until(bool (*condition)(const struct replica *), const struct replica *replica,
                       const char *what)
{
    for (int i = 0; i < WAIT_MS && !condition(replica); i++) {
        usleep(1000);
    }
    cr_assert(condition(replica), "waited in vain until %s is %s", replica->name, what);
}

static void *drive(void *context)
{
    struct loop *loop = context;
    struct pollfd watched[2 * PAIRS];
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        watched[i] =
            (struct pollfd){.fd = ftvm_node_fd(loop->pairs[i / 2][i % 2].node), .events = POLLIN};
        cr_assert_geq(watched[i].fd, 0);
    }
    while (!atomic_load(&loop->stop)) {
        poll(watched, 2 * PAIRS, 10);
        for (size_t i = 0; i < 2 * PAIRS; i++) {
            if (watched[i].revents != 0 && ftvm_node_dispatch(loop->pairs[i / 2][i % 2].node) < 0) {
                watched[i].fd = -1; /* ended */
            }
        }
    }
    return NULL;
}

static void run_pairs(enum ftvm_io io)
{
    static struct replica pairs[PAIRS][2];
    char directory[] = "/tmp/ftvm-test-XXXXXX", arbiter[PAIRS][64], command[64];
    struct loop loop = {.pairs = pairs};
    cr_assert_not_null(mkdtemp(directory));
    memset(pairs, 0, sizeof pairs);
    for (int i = 0; i < PAIRS; i++) {
        snprintf(arbiter[i], sizeof arbiter[i], "file:%s/%d", directory, i);
        create(&pairs[i][0], i, NULL, arbiter[i], io);
        create(&pairs[i][1], i, &pairs[i][0], arbiter[i], io);
    }
    if (io == FTVM_IO_CALLER) {
        cr_assert_eq(pthread_create(&loop.thread, NULL, drive, &loop), 0);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        toy_run(pairs[i / 2][i % 2].toy, pairs[i / 2][i % 2].node);
    }
    for (int i = 0; i < PAIRS; i++) {
        wait_until(is_protected, &pairs[i][0], "protected");
        wait_until(is_protected, &pairs[i][1], "ready to take over");
    }
    for (int i = 0; i < PAIRS; i += 2) {
        ftvm_node_fail(pairs[i][0].node, "lost by the test");
    }
    for (int i = 0; i < PAIRS; i++) {
        wait_until(is_live, &pairs[i][(i + 1) % 2], "primary");
    }
    for (int i = 0; i < PAIRS; i++) {
        cr_expect_eq(ftvm_node_stop(pairs[i][(i + 1) % 2].node), 0);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        struct replica *replica = &pairs[i / 2][i % 2];
        bool lost = i / 2 % 2 == 0 && i % 2 == 0;
        int result = toy_join(replica->toy);
        cr_expect_eq(result, lost ? FTVM_E_MACHINE : FTVM_E_STOPPED, "%s %d: %s", replica->name,
                     i % 2, ftvm_strerror(result));
    }
    if (io == FTVM_IO_CALLER) {
        atomic_store(&loop.stop, true);
        pthread_join(loop.thread, NULL);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        cr_expect_eq(ftvm_node_destroy(pairs[i / 2][i % 2].node), 0);
        toy_destroy(pairs[i / 2][i % 2].toy);
    }
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_expect_eq(system(command), 0);
}

Test(many_nodes, hundred_pairs_with_threads_of_their_own, .timeout = 300)
{
    run_pairs(FTVM_IO_THREAD);
}

Test(many_nodes, hundred_pairs_in_one_loop, .timeout = 300)
{
    run_pairs(FTVM_IO_CALLER);
}

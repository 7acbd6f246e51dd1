/*
 * Nodes without a thread of their own (FTVM_IO_CALLER): one loop serves all nodes of a test, or a
 * node's vCPU thread serves itself.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/libftvm/toy_machine.h"
#include "tests/libftvm/toy_nodes.h"

#define WAIT_MS   20000
#define MAX_NODES 4u

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy;
    atomic_uint starts, stops, failovers;
    atomic_int stop_error;
    atomic_int dispatched_inside; /* what a dispatch from inside of a callback said */
    int ended;                    /* what the last dispatch said */
    unsigned dispatches;
};

struct world {
    struct arbiter_place place;
    struct replica *served[MAX_NODES];
    size_t count;
};

static void on_event(void *context, const struct ftvm_event *event)
{
    struct replica *replica = context;
    if (getenv("FTVM_TEST_VERBOSE") != NULL) {
        fprintf(stderr, "[%p] event %d role %d protected %d term %llu %s\n", context, event->kind,
                event->role, event->is_protected, (unsigned long long)event->term, event->text);
    }
    replica->starts += event->kind == FTVM_EVENT_START;
    replica->failovers += event->kind == FTVM_EVENT_FAILOVER;
    if (event->kind == FTVM_EVENT_STOP) {
        replica->stop_error = event->error;
        replica->stops++;
    }
    if (event->kind == FTVM_EVENT_ROLE) {
        replica->dispatched_inside = ftvm_node_dispatch(replica->node);
    }
}

static void setup(struct world *world)
{
    *world = (struct world){.count = 0};
    arbiter_place_make(&world->place);
}

static void teardown(struct world *world)
{
    arbiter_place_remove(&world->place);
}

static void configure(struct ftvm_config *config, const struct world *world,
                      struct replica *replica)
{
    toy_configure(config, &world->place);
    config->on_event = on_event;
    config->context = replica;
    config->io = FTVM_IO_CALLER;
}

static struct ftvm_status status_of(const struct replica *replica)
{
    return toy_node_status(replica->node);
}

static void start(struct replica *replica, const struct ftvm_config *config)
{
    replica->toy = replica->toy != NULL ? replica->toy : toy_create();
    replica->node = toy_node_start(config);
}

static void start_primary(struct replica *replica, struct world *world)
{
    struct ftvm_config config;
    configure(&config, world, replica);
    start(replica, &config);
}

static void join_with(struct ftvm_config *config, struct replica *replica,
                      const struct replica *primary)
{
    char join[32];
    toy_configure_backup(config, primary->node, join);
    start(replica, config);
}

static void start_backup(struct replica *replica, struct world *world,
                         const struct replica *primary)
{
    struct ftvm_config config;
    configure(&config, world, replica);
    join_with(&config, replica, primary);
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

static void serve(struct world *world, struct replica *replica)
{
    cr_assert_geq(ftvm_node_fd(replica->node), 0);
    world->served[world->count++] = replica;
}

/* Once through the loop: what is readable within a millisecond is dispatched. */
static void turn(struct world *world)
{
    struct pollfd ready[MAX_NODES];
    for (size_t i = 0; i < world->count; i++) {
        struct replica *replica = world->served[i];
        int fd = replica->ended == 0 ? ftvm_node_fd(replica->node) : -1;
        ready[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    poll(ready, world->count, 1);
    for (size_t i = 0; i < world->count; i++) {
        if (ready[i].revents != 0) {
            world->served[i]->ended = ftvm_node_dispatch(world->served[i]->node);
            world->served[i]->dispatches++;
        }
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void turn_for(struct world *world, uint64_t duration_ms)
{
    uint64_t end_ms = now_ms() + duration_ms;
    while (now_ms() < end_ms) {
        turn(world);
    }
}

static void turn_until(struct world *world, bool (*condition)(const struct replica *),
                       const struct replica *replica, const char *what)
{
    uint64_t end_ms = now_ms() + WAIT_MS;
    while (!condition(replica)) {
        if (now_ms() > end_ms) {
            char line[512];
            ftvm_node_error(replica->node, line, sizeof line);
            cr_assert_fail("waited in vain: %s; \"%s\"", what, line);
        }
        turn(world);
    }
}

static bool is_protected(const struct replica *replica)
{
    return status_of(replica).is_protected;
}

static bool has_emitted_many(const struct replica *replica)
{
    return status_of(replica).outputs_released >= 200;
}

static bool emits_alone(const struct replica *replica)
{
    struct toy_output first[200];
    return replica->failovers > 0 && toy_emitted(replica->toy, first, 200) == 200;
}

static bool has_started(const struct replica *replica)
{
    return replica->starts > 0;
}

static bool has_ended(const struct replica *replica)
{
    return replica->ended < 0;
}

static void end(struct replica *replica)
{
    cr_expect_eq(ftvm_node_destroy(replica->node), 0);
    toy_destroy(replica->toy);
}

/* What left the second replica goes on where the first one's outputs end. */
static void check_history(const struct replica *first, const struct replica *second)
{
    static struct toy_output outputs[2][TOY_MAX_OUTPUTS];
    size_t count[2] = {toy_emitted(first->toy, outputs[0], TOY_MAX_OUTPUTS),
                       toy_emitted(second->toy, outputs[1], TOY_MAX_OUTPUTS)};
    cr_assert_gt(count[0], 0);
    cr_assert_gt(count[1], 0);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 1; j < count[i]; j++) {
            cr_assert_eq(outputs[i][j].epoch, outputs[i][j - 1].epoch + 1, "a gap");
        }
    }
    uint64_t last = outputs[0][count[0] - 1].epoch;
    uint64_t next = outputs[1][0].epoch;
    cr_assert_leq(next, last + 1, "a gap: %lu after %lu", next, last);
    for (; next <= last; next++) {
        size_t again = next - outputs[1][0].epoch;
        size_t before = next - outputs[0][0].epoch;
        cr_assert_eq(outputs[0][before].state, outputs[1][again].state, "a contradiction");
    }
}

/* ---- One loop for all --------------------------------------------------------------------------
 */

/* A pair under one loop, their machines on threads of their own, protected. */
static void start_pair(struct world *world, struct replica *a, struct replica *b)
{
    setup(world);
    start_primary(a, world);
    serve(world, a);
    toy_run(a->toy, a->node);
    start_backup(b, world, a);
    serve(world, b);
    toy_run(b->toy, b->node);
    turn_until(world, is_protected, b, "protection");
}

Test(dispatch, a_pair_in_one_loop_survives_the_loss_of_its_primary, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0}, c = {0};
    start_pair(&world, &a, &b);
    turn_until(&world, has_emitted_many, &a, "outputs");
    ftvm_node_fail(a.node, "killed by the test");
    turn_until(&world, has_ended, &a, "the end of the primary");
    turn_until(&world, emits_alone, &b, "outputs of the survivor");
    cr_expect_eq(a.ended, FTVM_E_MACHINE);
    cr_expect_eq(toy_join(a.toy), FTVM_E_MACHINE);
    start_backup(&c, &world, &b);
    serve(&world, &c);
    toy_run(c.toy, c.node);
    turn_until(&world, is_protected, &c, "a new backup");
    ftvm_node_stop(b.node);
    turn_until(&world, has_ended, &b, "the end of the survivor");
    turn_until(&world, has_ended, &c, "the end of its backup");
    cr_expect_eq(toy_join(b.toy), FTVM_E_STOPPED);
    cr_expect_eq(toy_join(c.toy), FTVM_E_STOPPED);
    cr_expect_eq(b.stops, 1);
    check_history(&a, &b);
    end(&a);
    end(&b);
    end(&c);
    teardown(&world);
}

Test(dispatch, backups_come_and_go_under_one_loop, .timeout = 60)
{
    struct world world;
    struct replica a = {0};
    setup(&world);
    start_primary(&a, &world);
    serve(&world, &a);
    toy_run(a.toy, a.node);
    for (unsigned i = 0; i < 8; i++) {
        struct replica b = {0};
        start_backup(&b, &world, &a);
        serve(&world, &b);
        toy_run(b.toy, b.node);
        turn_until(&world, is_protected, &b, "protection");
        ftvm_node_stop(b.node);
        turn_until(&world, has_ended, &b, "its end");
        cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
        world.count--;
        end(&b);
    }
    ftvm_node_stop(a.node);
    turn_until(&world, has_ended, &a, "the end");
    cr_expect_eq(toy_join(a.toy), FTVM_E_STOPPED);
    end(&a);
    teardown(&world);
}

Test(dispatch, a_primary_in_a_loop_and_a_backup_with_a_thread, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    struct ftvm_config config;
    setup(&world);
    start_primary(&a, &world);
    serve(&world, &a);
    toy_run(a.toy, a.node);
    turn_for(&world, 20); /* from here on the loop serves it */
    configure(&config, &world, &b);
    config.io = FTVM_IO_THREAD;
    config.join_timeout_ms = 200; /* it has to start while nobody serves the primary */
    char join[32];
    snprintf(join, sizeof join, "127.0.0.1:%u", status_of(&a).listen_port);
    config.role = FTVM_ROLE_BACKUP;
    config.join = join;
    b.toy = toy_create();
    cr_assert_eq(ftvm_node_create(&config, &b.node, NULL, 0), 0);
    cr_expect_eq(ftvm_node_start(b.node), FTVM_E_NO_PRIMARY, "a loop that does not run answers");
    cr_expect_eq(ftvm_node_destroy(b.node), 0);
    config.io = FTVM_IO_CALLER; /* does not wait in its start */
    config.join_timeout_ms = 10000;
    start(&b, &config);
    cr_expect_eq(ftvm_node_fd(b.node) >= 0, true);
    toy_run(b.toy, b.node); /* serves itself */
    turn_until(&world, is_protected, &b, "protection");
    ftvm_node_fail(a.node, "killed by the test");
    turn_until(&world, has_ended, &a, "the end of the primary");
    turn_until(&world, emits_alone, &b, "outputs of the survivor");
    ftvm_node_stop(b.node);
    toy_join(a.toy);
    cr_expect_eq(toy_join(b.toy), FTVM_E_STOPPED);
    check_history(&a, &b);
    end(&a);
    end(&b);
    teardown(&world);
}

/* A primary with a thread, whose backup is in the loop. */
Test(dispatch, a_backup_in_a_loop_takes_over_from_a_primary_with_a_thread, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    struct ftvm_config config;
    setup(&world);
    configure(&config, &world, &a);
    config.io = FTVM_IO_THREAD;
    start(&a, &config);
    toy_run(a.toy, a.node);
    start_backup(&b, &world, &a);
    serve(&world, &b);
    toy_run(b.toy, b.node);
    turn_until(&world, is_protected, &b, "protection");
    turn_until(&world, has_emitted_many, &a, "outputs");
    ftvm_node_fail(a.node, "killed by the test");
    turn_until(&world, emits_alone, &b, "outputs of the survivor");
    toy_join(a.toy);
    ftvm_node_stop(b.node);
    turn_until(&world, has_ended, &b, "the end");
    toy_join(b.toy);
    check_history(&a, &b);
    end(&a);
    end(&b);
    teardown(&world);
}

Test(dispatch, an_idle_pair_does_not_keep_the_loop_busy, .timeout = 60)
{
    struct world world;
    struct replica a = {.toy = toy_create()}, b = {.toy = toy_create()};
    a.toy->sleeps = b.toy->sleeps = true;
    start_pair(&world, &a, &b);
    turn_for(&world, 200);
    a.dispatches = b.dispatches = 0;
    turn_for(&world, 1000);
    /* Twenty heartbeats in each direction. */
    cr_expect_lt(a.dispatches, 150, "%u in a second", a.dispatches);
    cr_expect_lt(b.dispatches, 150, "%u in a second", b.dispatches);
    cr_expect_geq(a.dispatches, 10);
    ftvm_node_stop(a.node);
    turn_until(&world, has_ended, &a, "the end");
    turn_until(&world, has_ended, &b, "the end");
    toy_join(a.toy);
    toy_join(b.toy);
    end(&a);
    end(&b);
    teardown(&world);
}

/* A replica that is not served is silent: the other one takes over, and it finds itself fenced. */
Test(dispatch, a_loop_that_does_not_turn_is_a_replica_that_is_lost, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    struct ftvm_config config;
    setup(&world);
    configure(&config, &world, &a);
    config.timeout_ms = 300;
    a.toy = toy_create();
    a.toy->sleeps = true; /* or its own thread would still send */
    start(&a, &config);
    serve(&world, &a);
    toy_run(a.toy, a.node);
    b.toy = toy_create();
    b.toy->sleeps = true;
    start_backup(&b, &world, &a);
    toy_run(b.toy, b.node); /* serves itself */
    turn_until(&world, is_protected, &b, "protection");
    for (unsigned i = 0; i < WAIT_MS && b.failovers == 0; i++) {
        usleep(1000);
    }
    cr_assert_eq(b.failovers, 1);
    turn_until(&world, has_ended, &a, "the end of the one that was late");
    cr_expect_eq(a.ended, FTVM_E_FENCED);
    cr_expect_eq(toy_join(a.toy), FTVM_E_FENCED);
    ftvm_node_stop(b.node);
    cr_expect_eq(toy_join(b.toy), FTVM_E_STOPPED);
    end(&a);
    end(&b);
    teardown(&world);
}

/* ---- One thread --------------------------------------------------------------------------------
 */

/* It never waits for anything at its boundaries, so it is nowhere but there that it can be heard.
 */
static void busy_machine_of_one_thread(bool serves)
{
    struct world world;
    struct replica a = {.toy = toy_create()}, b = {0};
    struct ftvm_config config;
    setup(&world);
    start_primary(&a, &world);
    a.toy->serves = serves;
    toy_run(a.toy, a.node);
    configure(&config, &world, &b);
    config.io = FTVM_IO_THREAD;
    join_with(&config, &b, &a);
    toy_run(b.toy, b.node);
    turn_until(&world, is_protected, &a, "protection");
    uint64_t outputs = status_of(&a).outputs_released;
    turn_for(&world, 500);
    cr_expect_gt(status_of(&a).outputs_released, outputs + 200);
    cr_expect_lt(status_of(&a).hold_ns_median, 20000000, "%lu ns", status_of(&a).hold_ns_median);
    ftvm_node_fail(b.node, "killed by the test");
    cr_expect_eq(toy_join(b.toy), FTVM_E_MACHINE);
    for (unsigned i = 0; i < WAIT_MS && is_protected(&a); i++) {
        usleep(1000);
    }
    cr_expect(!is_protected(&a));
    ftvm_node_stop(a.node);
    cr_expect_eq(toy_join(a.toy), FTVM_E_STOPPED);
    end(&a);
    end(&b);
    teardown(&world);
}

Test(dispatch, a_busy_machine_of_one_thread_is_protected, .timeout = 60)
{
    busy_machine_of_one_thread(false);
}

Test(dispatch, a_busy_machine_that_dispatches_itself_is_protected, .timeout = 60)
{
    busy_machine_of_one_thread(true);
}

/* Who has served itself so far is not a callback. */
Test(dispatch, a_loop_that_begins_late_is_let_in, .timeout = 60)
{
    for (unsigned i = 0; i < 50; i++) {
        struct world world;
        struct replica a = {0};
        setup(&world);
        start_primary(&a, &world);
        toy_run(a.toy, a.node);
        uint64_t end_ms = now_ms() + 20;
        while (now_ms() < end_ms) {
            cr_assert_eq(ftvm_node_dispatch(a.node), 0);
        }
        serve(&world, &a);
        ftvm_node_stop(a.node);
        turn_until(&world, has_ended, &a, "the end");
        cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
        end(&a);
        teardown(&world);
    }
}

/* Without an arbiter, a backup that did not read the last words would take over what has halted. */
Test(dispatch, the_last_words_of_one_thread_leave, .timeout = 60)
{
    for (unsigned i = 0; i < 10; i++) {
        struct world world;
        struct replica a = {.toy = toy_create()}, b = {0};
        struct ftvm_config config;
        setup(&world);
        configure(&config, &world, &a);
        config.arbiter = "none";
        config.assume_fail_stop = true;
        config.wait_backup = true;
        start(&a, &config);
        a.toy->halt_at = 20;
        toy_run(a.toy, a.node);
        config.io = FTVM_IO_THREAD;
        config.context = &b;
        b.toy = toy_create();
        b.toy->halt_at = 20;
        join_with(&config, &b, &a);
        toy_run(b.toy, b.node);
        cr_assert_eq(toy_join(a.toy), FTVM_E_HALTED);
        cr_assert_eq(ftvm_node_destroy(a.node), 0); /* at once */
        cr_assert_eq(toy_join(b.toy), FTVM_E_HALTED, "%d", b.toy->result);
        cr_assert_eq(b.failovers, 0);
        toy_destroy(a.toy);
        end(&b);
        teardown(&world);
    }
}

/* ---- What does not go well ---------------------------------------------------------------------
 */

Test(dispatch, no_primary_ends_the_node, .timeout = 60)
{
    struct world world;
    struct replica b = {0};
    struct ftvm_config config;
    char line[512];
    setup(&world);
    configure(&config, &world, &b);
    config.role = FTVM_ROLE_BACKUP;
    config.join = "127.0.0.1:1";
    config.join_timeout_ms = 500;
    start(&b, &config);
    serve(&world, &b);
    toy_run(b.toy, b.node);
    turn_until(&world, has_ended, &b, "the end");
    cr_expect_eq(b.ended, FTVM_E_NO_PRIMARY);
    cr_expect_eq(toy_join(b.toy), FTVM_E_NO_PRIMARY);
    cr_expect_eq(b.stops, 1);
    cr_expect_eq(b.stop_error, FTVM_E_NO_PRIMARY);
    cr_expect_eq(ftvm_node_dispatch(b.node), FTVM_E_NO_PRIMARY, "said again");
    ftvm_node_error(b.node, line, sizeof line);
    cr_expect_not_null(strstr(line, "no primary at 127.0.0.1:1"), "%s", line);
    end(&b);
    teardown(&world);
}

Test(dispatch, no_primary_ends_a_machine_of_one_thread, .timeout = 60)
{
    struct world world;
    struct replica b = {0};
    struct ftvm_config config;
    setup(&world);
    configure(&config, &world, &b);
    config.role = FTVM_ROLE_BACKUP;
    config.join = "127.0.0.1:1";
    config.join_timeout_ms = 500;
    start(&b, &config);
    cr_expect_eq(toy_run_here(b.toy, b.node), FTVM_E_NO_PRIMARY);
    end(&b);
    teardown(&world);
}

Test(dispatch, another_arbiter_ends_the_node, .timeout = 60)
{
    struct world world, other;
    struct replica a = {0}, b = {0};
    setup(&world);
    setup(&other);
    start_primary(&a, &world);
    serve(&world, &a);
    toy_run(a.toy, a.node);
    start_backup(&b, &other, &a);
    serve(&world, &b);
    toy_run(b.toy, b.node);
    turn_until(&world, has_ended, &b, "the end");
    cr_expect_eq(b.ended, FTVM_E_ARBITER);
    cr_expect_eq(b.stop_error, FTVM_E_ARBITER);
    cr_expect_eq(status_of(&b).error, FTVM_E_ARBITER);
    cr_expect_eq(toy_join(b.toy), FTVM_E_ARBITER);
    ftvm_node_stop(a.node);
    turn_until(&world, has_ended, &a, "the end");
    toy_join(a.toy);
    end(&a);
    end(&b);
    teardown(&world);
    teardown(&other);
}

/* Both wait for it, and one goes on when it is back. */
Test(dispatch, an_arbiter_that_is_away_holds_up_the_survivor_and_not_the_loop, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    char away[128];
    start_pair(&world, &a, &b);
    snprintf(away, sizeof away, "%s.away", world.place.directory);
    cr_assert_eq(rename(world.place.directory, away), 0);
    ftvm_node_fail(a.node, "killed by the test");
    turn_until(&world, has_ended, &a, "the end of the primary");
    turn_for(&world, 700);
    cr_expect(status_of(&b).claiming);
    cr_expect_eq(b.failovers, 0);
    cr_expect_eq(b.ended, 0);
    cr_assert_eq(rename(away, world.place.directory), 0);
    turn_until(&world, emits_alone, &b, "outputs of the survivor");
    ftvm_node_stop(b.node);
    turn_until(&world, has_ended, &b, "the end");
    toy_join(a.toy);
    toy_join(b.toy);
    end(&a);
    end(&b);
    teardown(&world);
}

Test(dispatch, calls_at_the_wrong_time_are_refused, .timeout = 60)
{
    struct world world;
    struct replica a = {.toy = toy_create()}, b = {.toy = toy_create()};
    struct ftvm_config config;
    setup(&world);
    a.toy->sleeps = b.toy->sleeps = true; /* inside of a call, always */
    cr_expect_eq(ftvm_node_fd(NULL), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_dispatch(NULL), FTVM_E_INVALID);
    configure(&config, &world, &a);
    cr_assert_eq(ftvm_node_create(&config, &a.node, NULL, 0), 0);
    cr_expect_eq(ftvm_node_fd(a.node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_dispatch(a.node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_stop(a.node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_destroy(a.node), 0);
    configure(&config, &world, &a);
    config.io = FTVM_IO_THREAD;
    start(&a, &config);
    cr_expect_eq(ftvm_node_fd(a.node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_dispatch(a.node), FTVM_E_STATE);
    toy_run(a.toy, a.node);
    config.context = &b;
    config.io = FTVM_IO_CALLER;
    join_with(&config, &b, &a);
    serve(&world, &b);
    toy_run(b.toy, b.node);
    turn_until(&world, is_protected, &b, "protection");
    turn_for(&world, 50);
    cr_expect_eq(b.dispatched_inside, FTVM_E_STATE, "a callback dispatched");
    cr_expect_eq(ftvm_node_destroy(b.node), FTVM_E_STATE, "its machine waits inside of a call");
    ftvm_node_stop(a.node);
    turn_until(&world, has_ended, &b, "the end");
    cr_expect_eq(ftvm_node_dispatch(b.node), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_node_dispatch(b.node), FTVM_E_STOPPED);
    cr_expect_geq(ftvm_node_fd(b.node), 0);
    toy_join(a.toy);
    toy_join(b.toy);
    end(&a);
    end(&b);
    teardown(&world);
}

/* A joiner builds its machine by it. */
Test(dispatch, the_description_is_here_once_the_start_was_told, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    size_t size = 0;
    setup(&world);
    start_primary(&a, &world);
    serve(&world, &a);
    toy_run(a.toy, a.node);
    start_backup(&b, &world, &a);
    serve(&world, &b);
    turn_until(&world, has_started, &b, "a welcome");
    const void *description = ftvm_node_description(b.node, &size);
    cr_assert_eq(size, strlen(TOY_DESCRIPTION));
    cr_expect_eq(memcmp(description, TOY_DESCRIPTION, size), 0);
    toy_run(b.toy, b.node);
    turn_until(&world, is_protected, &b, "protection");
    ftvm_node_stop(a.node);
    turn_until(&world, has_ended, &a, "the end");
    turn_until(&world, has_ended, &b, "the end");
    toy_join(a.toy);
    toy_join(b.toy);
    end(&a);
    end(&b);
    teardown(&world);
}

Test(dispatch, a_node_may_be_destroyed_before_it_was_served, .timeout = 60)
{
    struct world world;
    struct replica a = {0}, b = {0};
    setup(&world);
    start_primary(&a, &world);
    start_backup(&b, &world, &a);
    cr_expect_eq(ftvm_node_destroy(b.node), 0);
    start_backup(&b, &world, &a); /* and while it joins */
    ftvm_node_stop(b.node);
    serve(&world, &b);
    turn_for(&world, 50);
    end(&b);
    end(&a);
    teardown(&world);
}

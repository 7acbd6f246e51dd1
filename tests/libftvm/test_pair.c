/*
 * Two nodes in one process over loopback: protection, failover, re-protection, ends of all kinds.
 * A primary is "killed" by destroying its node without stopping it.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/libftvm/toy_machine.h"
#include "tests/libftvm/toy_nodes.h"

#define WAIT_MS 20000

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy;
    struct ftvm_event last_failover;
    char joined[128];               /* text of the last join */
    unsigned refusals;              /* told of */
    char refused[128];              /* who and why, the last */
    uint64_t pause_ns, state_bytes; /* of the last transfer */
    ftvm_position diverged_at;
    char report[512]; /* with it */
};

static void on_event(void *context, const struct ftvm_event *event)
{
    struct replica *replica = context;
    if (getenv("FTVM_TEST_VERBOSE") != NULL) {
        fprintf(stderr, "[%p] event %d role %d protected %d term %llu pos %llu %s\n", context,
                event->kind, event->role, event->is_protected, (unsigned long long)event->term,
                (unsigned long long)event->position, event->text);
    }
    if (event->kind == FTVM_EVENT_FAILOVER) {
        replica->last_failover = *event;
    }
    if (event->kind == FTVM_EVENT_JOIN) {
        snprintf(replica->joined, sizeof replica->joined, "%s", event->text);
    }
    if (event->kind == FTVM_EVENT_REFUSE) {
        replica->refusals++;
        snprintf(replica->refused, sizeof replica->refused, "%s: %s", event->peer, event->text);
    }
    if (event->kind == FTVM_EVENT_TRANSFER && event->done == event->total) {
        replica->pause_ns = event->pause_ns;
        replica->state_bytes = event->done;
    }
    if (event->kind == FTVM_EVENT_DIVERGED) {
        replica->diverged_at = event->position;
        snprintf(replica->report, sizeof replica->report, "%s", event->report);
    }
}

static void configure(struct ftvm_config *config, const struct arbiter_place *place,
                      struct replica *replica)
{
    toy_configure(config, place);
    config->on_event = on_event;
    config->context = replica;
}

static struct ftvm_status status_of(const struct replica *replica)
{
    return toy_node_status(replica->node);
}

static void start_primary_with(struct replica *replica, const struct ftvm_config *config)
{
    replica->node = toy_node_start(config);
    toy_run(replica->toy, replica->node);
}

static void start_backup_of(struct replica *replica, const struct arbiter_place *place,
                            const struct replica *primary)
{
    struct ftvm_config config;
    configure(&config, place, replica);
    char join[32];
    toy_configure_backup(&config, primary->node, join);
    replica->node = toy_node_start(&config);
    toy_run(replica->toy, replica->node);
}

static void wait_until(bool (*condition)(const struct replica *), const struct replica *replica,
                       const char *what)
{
    for (int i = 0; i < WAIT_MS; i++) {
        if (condition(replica)) {
            return;
        }
        usleep(1000);
    }
    cr_assert_fail("waited in vain: %s", what);
}

static bool is_protected(const struct replica *replica)
{
    return status_of(replica).is_protected;
}

static bool is_primary(const struct replica *replica)
{
    return status_of(replica).role == FTVM_ROLE_PRIMARY;
}

static bool was_told_of_a_divergence(const struct replica *replica)
{
    return status_of(replica).term == 2; /* that it goes on alone comes with it */
}

static bool has_emitted_many(const struct replica *replica)
{
    return status_of(replica).outputs_released >= 200;
}

static void end(struct replica *replica)
{
    ftvm_node_destroy(replica->node);
    toy_destroy(replica->toy);
}

/* Kills a replica: its connections break, nothing is said. */
static void kill_replica(struct replica *replica)
{
    ftvm_node_fail(replica->node, "killed by the test");
    toy_join(replica->toy);
}

/* What left the survivor continues what left the others, with repetitions but without gap or
 * contradiction. */
static void check_history(struct replica *const *replicas, size_t count)
{
    static struct toy_output outputs[TOY_MAX_OUTPUTS];
    uint64_t *states = calloc(TOY_MAX_OUTPUTS, sizeof *states);
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        size_t emitted = toy_emitted(replicas[i]->toy, outputs, TOY_MAX_OUTPUTS);
        for (size_t j = 0; j < emitted; j++) {
            uint64_t epoch = outputs[j].epoch;
            cr_assert_lt(epoch, TOY_MAX_OUTPUTS);
            cr_assert_leq(epoch, last + 1, "replica %zu: output %lu follows %lu: a gap", i, epoch,
                          last);
            if (states[epoch] != 0) {
                cr_assert_eq(states[epoch], outputs[j].state,
                             "replica %zu contradicts what left at epoch %lu", i, epoch);
            }
            states[epoch] = outputs[j].state;
            last = epoch > last ? epoch : last;
        }
    }
    free(states);
    cr_assert_gt(last, 100);
}

/* A survivor hands on what its primary had told it. */
static void check_description(const struct replica *replica)
{
    size_t size;
    const void *description = ftvm_node_description(replica->node, &size);
    cr_assert_eq(size, strlen(TOY_DESCRIPTION));
    cr_assert_eq(memcmp(description, TOY_DESCRIPTION, size), 0);
}

/* The library's numbers are those of the outputs, on each replica. */
static void check_numbers(struct replica *const *replicas, size_t count)
{
    static struct toy_output outputs[TOY_MAX_OUTPUTS];
    for (size_t i = 0; i < count; i++) {
        size_t emitted = toy_emitted(replicas[i]->toy, outputs, TOY_MAX_OUTPUTS);
        for (size_t j = 0; j < emitted; j++) {
            cr_assert_eq(outputs[j].number, outputs[j].epoch);
        }
    }
}

static void let_lengths_vary(struct ftvm_config *config, struct toy_machine *toy)
{
    toy->looks = true;
    config->epoch_length = 0;
    config->epoch_min_us = 200;
    config->epoch_max_us = 3000;
}

static void survive(bool values, bool idles, bool looks, enum ftvm_protocol protocol)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    struct replica c = {.toy = toy_create()};
    struct replica *all[] = {&a, &b, &c};
    for (size_t i = 0; i < 3; i++) {
        all[i]->toy->asks_values = values;
        all[i]->toy->idles = idles;
        all[i]->toy->looks = looks;
    }
    arbiter_place_make(&place);
    struct ftvm_config config;
    configure(&config, &place, &a);
    config.protocol = protocol;
    config.wait_backup = true;
    if (looks) {
        let_lengths_vary(&config, a.toy);
    }
    start_primary_with(&a, &config);
    start_backup_of(&b, &place, &a);
    wait_until(is_protected, &a, "a protected");
    uint64_t value = 42;
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(ftvm_input(a.node, 7, &value, sizeof value), 0);
        value = value * 3 + 1;
        usleep(500);
    }
    wait_until(has_emitted_many, &a, "outputs of a");
    kill_replica(&a);
    wait_until(is_primary, &b, "b takes over");
    start_backup_of(&c, &place, &b);
    wait_until(is_protected, &b, "b protected");
    check_description(&c);
    uint64_t inputs = status_of(&b).outputs;
    cr_assert_gt(inputs, 0);
    usleep(100000);
    kill_replica(&b);
    wait_until(is_primary, &c, "c takes over");
    usleep(50000);
    cr_assert_eq(status_of(&c).term, 3);
    cr_assert_eq(ftvm_node_stop(c.node), 0);
    cr_assert_eq(toy_join(c.toy), FTVM_E_STOPPED);
    check_history(all, 3);
    check_numbers(all, 3);
    cr_assert_eq(c.toy->promotions, 1);
    cr_assert_eq(c.toy->inputs, 50);
    end(&a);
    end(&b);
    end(&c);
    arbiter_place_remove(&place);
}

Test(pair, survives_two_losses_of_its_primary, .timeout = 60)
{
    survive(false, false, false, FTVM_PROTOCOL_REVISED);
}

Test(pair, survives_with_values_in_the_log, .timeout = 60)
{
    survive(true, false, false, FTVM_PROTOCOL_REVISED);
}

Test(pair, survives_with_an_idle_guest, .timeout = 60)
{
    survive(false, true, false, FTVM_PROTOCOL_REVISED);
}

Test(pair, survives_with_epochs_that_inputs_end, .timeout = 60)
{
    survive(false, false, true, FTVM_PROTOCOL_REVISED);
}

Test(pair, survives_with_values_in_epochs_that_inputs_end, .timeout = 60)
{
    survive(true, false, true, FTVM_PROTOCOL_REVISED);
}

/* Nothing that could not leave is lost, or overtaken. */
Test(pair, outputs_that_are_refused_now_and_then_leave_in_order, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    arbiter_place_make(&place);
    struct ftvm_config config;
    configure(&config, &place, &a);
    a.toy->refuses = 3;
    start_primary_with(&a, &config);
    wait_until(has_emitted_many, &a, "outputs of a");
    cr_assert_eq(ftvm_node_stop(a.node), 0);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    struct replica *all[] = {&a};
    check_history(all, 1);
    check_numbers(all, 1);
    end(&a);
    arbiter_place_remove(&place);
}

static bool holds_many(const struct replica *replica)
{
    struct ftvm_status status = status_of(replica);
    return status.outputs >= status.outputs_released + 100;
}

Test(pair, outputs_that_could_not_leave_a_lost_primary_leave_its_backup, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    struct replica *all[] = {&a, &b};
    arbiter_place_make(&place);
    struct ftvm_config config;
    configure(&config, &place, &a);
    config.wait_backup = true;
    start_primary_with(&a, &config);
    start_backup_of(&b, &place, &a);
    wait_until(has_emitted_many, &a, "outputs of a");
    a.toy->emit_result = FTVM_E_FULL;
    wait_until(holds_many, &a, "outputs that a cannot let leave");
    kill_replica(&a);
    wait_until(is_primary, &b, "b takes over");
    usleep(50000);
    cr_assert_eq(ftvm_node_stop(b.node), 0);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    check_history(all, 2);
    check_numbers(all, 2);
    cr_assert_gt(b.toy->emitted_count, 100);
    end(&a);
    end(&b);
    arbiter_place_remove(&place);
}

/* What a new backup would lack must have left before it may take over. */
Test(pair, a_joiner_protects_once_what_was_refused_has_left, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    arbiter_place_make(&place);
    struct ftvm_config config;
    configure(&config, &place, &a);
    start_primary_with(&a, &config);
    wait_until(has_emitted_many, &a, "outputs of a");
    a.toy->emit_result = FTVM_E_FULL;
    wait_until(holds_many, &a, "outputs that a cannot let leave");
    start_backup_of(&b, &place, &a);
    usleep(300000);
    cr_assert_not(is_protected(&a));
    a.toy->emit_result = 0;
    wait_until(is_protected, &a, "a protected");
    kill_replica(&a);
    wait_until(is_primary, &b, "b takes over");
    usleep(50000);
    cr_assert_eq(ftvm_node_stop(b.node), 0);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    struct replica *all[] = {&a, &b};
    check_history(all, 2);
    end(&a);
    end(&b);
    arbiter_place_remove(&place);
}

static bool has_taken_an_input(const struct replica *replica)
{
    return status_of(replica).inputs == 1;
}

Test(pair, an_input_does_not_wait_for_the_end_of_a_long_epoch, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct ftvm_config config;
    arbiter_place_make(&place);
    configure(&config, &place, &a);
    let_lengths_vary(&config, a.toy);
    config.epoch_max_us = 5000000;
    start_primary_with(&a, &config);
    usleep(300000); /* inside of the first epoch, of five seconds */
    uint64_t value = 42, epoch = status_of(&a).epoch;
    cr_assert_eq(ftvm_input(a.node, 7, &value, sizeof value), 0);
    usleep(1000000);
    cr_expect(has_taken_an_input(&a));
    cr_expect_eq(status_of(&a).epoch, epoch + 1);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    end(&a);
    arbiter_place_remove(&place);
}

/* Without a backup there are no heartbeats that would wake a thread anyhow. */
static void start_alone(struct arbiter_place *place, struct replica *a)
{
    struct ftvm_config config;
    arbiter_place_make(place);
    configure(&config, place, a);
    start_primary_with(a, &config);
    usleep(100000);
}

static void stop_alone(struct arbiter_place *place, struct replica *a)
{
    ftvm_node_stop(a->node);
    toy_join(a->toy);
    end(a);
    arbiter_place_remove(place);
}

Test(pair, an_input_wakes_an_idle_guest, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    a.toy->sleeps = true;
    start_alone(&place, &a);
    uint64_t value = 42, epoch = status_of(&a).epoch;
    usleep(100000);
    cr_expect_eq(status_of(&a).epoch, epoch);
    cr_assert_eq(ftvm_input(a.node, 7, &value, sizeof value), 0);
    wait_until(has_taken_an_input, &a, "the input's delivery");
    cr_expect_eq(status_of(&a).epoch, epoch + 1);
    stop_alone(&place, &a);
}

Test(pair, an_idle_guest_is_woken_by_its_timer, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    a.toy->idles = true;
    start_alone(&place, &a);
    uint64_t epoch = status_of(&a).epoch;
    usleep(500000);
    cr_expect_gt(status_of(&a).epoch, epoch + 20);
    stop_alone(&place, &a);
}

Test(pair, survives_with_the_original_protocol, .timeout = 60)
{
    survive(true, false, false, FTVM_PROTOCOL_ORIGINAL);
}

/* Primary a protected by backup b. */
static void start_pair(struct arbiter_place *place, struct replica *a, struct replica *b)
{
    arbiter_place_make(place);
    struct ftvm_config config;
    configure(&config, place, a);
    config.wait_backup = true;
    start_primary_with(a, &config);
    start_backup_of(b, place, a);
    wait_until(is_protected, a, "protected");
    wait_until(is_protected, b, "backup told that it may claim");
}

static void end_pair(struct arbiter_place *place, struct replica *a, struct replica *b)
{
    end(a);
    end(b);
    arbiter_place_remove(place);
}

Test(pair, both_sides_tell_of_a_join_in_words, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    char expected[128];
    start_pair(&place, &a, &b);
    snprintf(expected, sizeof expected, "%s joins", status_of(&b).replica);
    cr_expect_str_eq(a.joined, expected);
    snprintf(expected, sizeof expected, "accepted by %s", status_of(&a).replica);
    cr_expect_str_eq(b.joined, expected);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    toy_join(b.toy);
    end_pair(&place, &a, &b);
}

static bool has_got_two_inputs(const struct replica *replica)
{
    return status_of(replica).inputs == 2;
}

Test(pair, empty_inputs_come_through_the_log, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    start_pair(&place, &a, &b);
    cr_assert_eq(ftvm_input(a.node, 7, NULL, 0), 0);
    cr_assert_eq(ftvm_input(a.node, 7, "", 0), 0);
    wait_until(has_got_two_inputs, &a, "both delivered");
    ftvm_node_stop(a.node);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    cr_expect_eq(a.toy->inputs, 2);
    cr_expect_eq(b.toy->inputs, 2);
    cr_expect_eq(a.toy->state, b.toy->state);
    end_pair(&place, &a, &b);
}

/* The backup has no guest that could stand still. */
Test(pair, only_the_primary_tells_how_long_its_guest_stood_still, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    start_pair(&place, &a, &b);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    toy_join(b.toy);
    cr_expect_gt(a.pause_ns, 0);
    cr_expect_eq(b.pause_ns, 0);
    cr_expect_eq(a.state_bytes, b.state_bytes);
    end_pair(&place, &a, &b);
}

Test(pair, halts_on_both_sides_when_the_guest_halts, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    a.toy->halt_at = 300;
    b.toy->halt_at = 300;
    start_pair(&place, &a, &b);
    cr_assert_eq(toy_join(a.toy), FTVM_E_HALTED);
    cr_assert_eq(toy_join(b.toy), FTVM_E_HALTED);
    cr_assert_eq(a.toy->emitted_count, 300);
    cr_assert_eq(b.toy->emitted_count, 0);
    end_pair(&place, &a, &b);
}

Test(pair, a_slow_backup_executes_all_of_the_log_before_it_ends, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    a.toy->halt_at = 300;
    b.toy->halt_at = 300;
    b.toy->epoch_us = 2000;
    start_pair(&place, &a, &b);
    cr_assert_eq(toy_join(a.toy), FTVM_E_HALTED);
    cr_assert_eq(toy_join(b.toy), FTVM_E_HALTED);
    cr_assert_eq(b.toy->position, a.toy->position);
    cr_assert_eq(b.toy->state, a.toy->state);
    end_pair(&place, &a, &b);
}

static bool has_run(const struct replica *replica)
{
    return status_of(replica).position > 0;
}

static bool has_an_input(const struct replica *replica)
{
    return status_of(replica).inputs > 0;
}

/* A primary that has run before its backup joined it, and an input for both. */
static void start_pair_with_an_input(struct replica *a, struct replica *b,
                                     const struct arbiter_place *place)
{
    struct ftvm_config config;
    const uint64_t value = 42;
    configure(&config, place, a);
    start_primary_with(a, &config);
    wait_until(has_run, a, "a's first epoch");
    start_backup_of(b, place, a);
    wait_until(is_protected, b, "b protects");
    cr_assert_eq(ftvm_input(a->node, 7, &value, sizeof value), 0);
    wait_until(has_an_input, a, "the input");
}

Test(pair, inputs_and_states_find_the_epoch_that_begins_with_them, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    arbiter_place_make(&place);
    start_pair_with_an_input(&a, &b, &place);
    cr_assert_eq(ftvm_node_stop(a.node), 0);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    cr_expect_eq(a.toy->inputs, 1);
    cr_expect_eq(b.toy->inputs, 1);
    cr_expect_eq(a.toy->blind, 0, "in deliver");
    cr_expect_eq(b.toy->blind, 0, "in load, or in deliver");
    end(&a);
    end(&b);
    arbiter_place_remove(&place);
}

Test(pair, only_a_backup_is_promoted, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    arbiter_place_make(&place);
    start_pair_with_an_input(&a, &b, &place);
    kill_replica(&a);
    wait_until(is_primary, &b, "b takes over");
    cr_assert_eq(ftvm_node_stop(b.node), 0);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    cr_expect_eq(a.toy->promotions, 0);
    cr_expect_eq(b.toy->promotions, 1);
    end(&a);
    end(&b);
    arbiter_place_remove(&place);
}

/* ---- A stop from a signal handler ------------------------------------------------------------ */

static struct ftvm_node *_Atomic signalled;
static _Atomic int stops, wrong_stops;

static void on_alarm(int number)
{
    (void)number;
    wrong_stops += ftvm_node_stop(signalled) != 0;
    stops++;
}

/* Handlers that interrupt this thread while it holds the node's locks: a stop that took one would
 * wait for ever. */
static void stop_while_calls_hold_locks(enum ftvm_io io)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct ftvm_config config;
    const struct itimerval often = {{0, 50}, {0, 50}};
    const struct itimerval never = {0};
    arbiter_place_make(&place);
    configure(&config, &place, &a);
    config.io = io;
    a.node = toy_node_start(&config);
    signalled = a.node;
    cr_assert_neq(signal(SIGALRM, on_alarm), SIG_ERR);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    while (stops < 2000) {
        status_of(&a);
        ftvm_input(a.node, 7, "x", 1);
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_expect_eq(wrong_stops, 0);
    end(&a);
    arbiter_place_remove(&place);
}

Test(pair, a_signal_handler_may_stop, .timeout = 60)
{
    stop_while_calls_hold_locks(FTVM_IO_THREAD);
}

Test(pair, a_signal_handler_may_stop_a_node_in_its_own_loop, .timeout = 60)
{
    stop_while_calls_hold_locks(FTVM_IO_CALLER);
}

Test(pair, stops_on_both_sides_and_releases_the_record, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    start_pair(&place, &a, &b);
    cr_assert_eq(ftvm_node_stop(a.node), 0);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    cr_assert_eq(toy_join(b.toy), FTVM_E_STOPPED);
    struct replica again = {.toy = toy_create()};
    struct ftvm_config config;
    configure(&config, &place, &again);
    again.node = toy_node_start(&config);
    cr_assert_eq(status_of(&again).term, 2);
    end(&again);
    end_pair(&place, &a, &b);
}

Test(pair, goes_on_unprotected_when_the_backup_is_lost, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    start_pair(&place, &a, &b);
    kill_replica(&b);
    for (int i = 0; i < WAIT_MS && status_of(&a).term != 2; i++) {
        usleep(1000);
    }
    cr_assert_eq(status_of(&a).term, 2);
    cr_assert_not(status_of(&a).is_protected);
    struct replica *all[] = {&a};
    wait_until(has_emitted_many, &a, "outputs of a");
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    check_history(all, 1);
    end_pair(&place, &a, &b);
}

Test(pair, finds_a_backup_that_diverges, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    b.toy->flip_at = 100;
    start_pair(&place, &a, &b);
    cr_assert_eq(toy_join(b.toy), FTVM_E_DIVERGED);
    wait_until(was_told_of_a_divergence, &a, "a report");
    ftvm_node_stop(a.node);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    /* Epochs are counted from 0 and have 1000 units. */
    cr_expect_eq(a.diverged_at, 101 * 1000);
    cr_expect_eq(b.diverged_at, a.diverged_at);
    /* The state differs, in its last bit, and the number of epochs does not. */
    char expected[512];
    unsigned long long ours = 0, theirs = 0;
    cr_expect_eq(
        sscanf(a.report, "state 0: 0x%llx on the primary, 0x%llx on the backup", &ours, &theirs), 2,
        "%s", a.report);
    snprintf(expected, sizeof expected, "state 0: 0x%llx on the primary, 0x%llx on the backup",
             ours, theirs);
    cr_expect_str_eq(a.report, expected);
    cr_expect_neq(ours, theirs);
    cr_expect_str_eq(b.report, "");
    end_pair(&place, &a, &b);
}

/* The window moves with the number of the epoch, which a backup that joins late has from its
 * primary. */
Test(pair, finds_the_page_of_memory_that_differs, .timeout = 60)
{
    const uint64_t spoil_at = 3000;
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    a.toy->has_memory = b.toy->has_memory = true;
    b.toy->spoil_at = spoil_at;
    arbiter_place_make(&place);
    struct ftvm_config config;
    configure(&config, &place, &a);
    start_primary_with(&a, &config);
    wait_until(has_emitted_many, &a, "outputs of a");
    start_backup_of(&b, &place, &a);
    cr_assert_eq(toy_join(b.toy), FTVM_E_DIVERGED);
    cr_assert_gt(b.toy->epochs, spoil_at);
    wait_until(was_told_of_a_divergence, &a, "a report");
    ftvm_node_stop(a.node);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    /* At the first boundary from there on at which the page has its turn: 16 pages of 256 have. */
    uint64_t found_at = a.diverged_at / 1000 - 1;
    cr_expect_geq(found_at, spoil_at);
    cr_expect_lt(found_at, spoil_at + 16);
    cr_expect_eq(found_at % 16, TOY_SPOILED / 4096 / 16);
    cr_expect_eq(strncmp(a.report, "ballast 37: 4096 bytes, digest ", 31), 0, "%s", a.report);
    cr_expect_null(strchr(a.report, '\n'), "nothing else differs: %s", a.report);
    end_pair(&place, &a, &b);
}

/* A code of the library is told by its text, as nobody knows numbers. */
Test(pair, a_backup_says_why_its_load_failed, .timeout = 60)
{
    struct arbiter_place place;
    struct ftvm_config config;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    char line[512];
    b.toy->load_result = FTVM_E_CORRUPT;
    arbiter_place_make(&place);
    configure(&config, &place, &a);
    start_primary_with(&a, &config);
    start_backup_of(&b, &place, &a);
    cr_assert_eq(toy_join(b.toy), FTVM_E_MACHINE);
    ftvm_node_error(b.node, line, sizeof line);
    cr_expect_str_eq(line, "the machine's load failed: damaged or hostile data from the other "
                           "replica");
    ftvm_node_stop(a.node);
    cr_assert_eq(toy_join(a.toy), FTVM_E_STOPPED);
    end_pair(&place, &a, &b);
}

Test(pair, promotion_by_command_fences_the_old_primary, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    struct replica *all[] = {&a, &b};
    start_pair(&place, &a, &b);
    wait_until(has_emitted_many, &a, "outputs of a");
    cr_assert_eq(ftvm_node_promote(a.node), FTVM_E_STATE);
    cr_assert_eq(ftvm_node_promote(b.node), 0);
    /* Both claim: the commanded one, and the one whose peer is gone. One wins. */
    int result = 0;
    for (int i = 0; i < WAIT_MS && result == 0; i++) {
        result = status_of(&a).ended || status_of(&b).ended;
        usleep(1000);
    }
    struct replica *loser = status_of(&a).ended ? &a : &b;
    struct replica *winner = loser == &a ? &b : &a;
    cr_assert_eq(toy_join(loser->toy), FTVM_E_FENCED);
    wait_until(is_primary, winner, "the winner goes live");
    usleep(50000);
    ftvm_node_stop(winner->node);
    cr_assert_eq(toy_join(winner->toy), FTVM_E_STOPPED);
    check_history(all, 2);
    end_pair(&place, &a, &b);
}

Test(pair, a_second_primary_is_refused_and_told_who_is_active, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    start_pair(&place, &a, &b);
    struct ftvm_config config;
    struct replica second = {0};
    configure(&config, &place, &second);
    cr_assert_eq(ftvm_node_create(&config, &second.node, NULL, 0), 0);
    cr_assert_eq(ftvm_node_start(second.node), FTVM_E_ACTIVE);
    char line[512];
    ftvm_node_error(second.node, line, sizeof line);
    cr_assert_not_null(strstr(line, status_of(&a).replica), "%s", line);
    ftvm_node_destroy(second.node);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    toy_join(b.toy);
    end_pair(&place, &a, &b);
}

static int join_result(const struct arbiter_place *place, const struct replica *primary,
                       const char *name, const char *description, char *line, size_t size)
{
    struct replica joiner = {0};
    struct ftvm_config config;
    configure(&config, place, &joiner);
    char join[32];
    snprintf(join, sizeof join, "127.0.0.1:%u", status_of(primary).listen_port);
    config.role = FTVM_ROLE_BACKUP;
    config.join = join;
    config.replica = "joiner";
    config.join_timeout_ms = 500;
    config.name = name;
    config.description = description;
    config.description_size = description != NULL ? strlen(description) : 0;
    cr_assert_eq(ftvm_node_create(&config, &joiner.node, NULL, 0), 0);
    int result = ftvm_node_start(joiner.node);
    ftvm_node_error(joiner.node, line, size);
    ftvm_node_destroy(joiner.node);
    return result;
}

Test(pair, joiners_are_refused_with_the_reason, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    char line[512];
    start_pair(&place, &a, &b);
    cr_assert_eq(join_result(&place, &a, "other", NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_assert_not_null(strstr(line, "machine \"toy\""), "%s", line);
    cr_assert_eq(join_result(&place, &a, "toy", "another", line, sizeof line), FTVM_E_REFUSED);
    cr_assert_not_null(strstr(line, "another machine"), "%s", line);
    cr_assert_eq(join_result(&place, &a, NULL, NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_assert_not_null(strstr(line, "backup already"), "%s", line);
    cr_assert_eq(join_result(&place, &b, NULL, NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_assert_not_null(strstr(line, "join its primary"), "%s", line);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    toy_join(b.toy);
    end_pair(&place, &a, &b);
}

/* It asks each 200 ms until its time is over. */
Test(pair, a_joiner_that_asks_again_is_told_of_once, .timeout = 60)
{
    struct arbiter_place place;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    char line[512], expected[128];
    start_pair(&place, &a, &b);
    cr_assert_eq(join_result(&place, &a, NULL, NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_expect_eq(a.refusals, 1);
    snprintf(expected, sizeof expected, "joiner: there is a backup already: %s",
             status_of(&b).replica);
    cr_expect_str_eq(a.refused, expected);
    cr_assert_eq(join_result(&place, &b, NULL, NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_expect_eq(b.refusals, 1);
    cr_assert_eq(join_result(&place, &a, "other", NULL, line, sizeof line), FTVM_E_REFUSED);
    cr_expect_eq(a.refusals, 2);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    toy_join(b.toy);
    end_pair(&place, &a, &b);
}

Test(pair, nobody_at_the_address_is_said_after_the_join_timeout, .timeout = 60)
{
    struct arbiter_place place;
    arbiter_place_make(&place);
    struct replica joiner = {0};
    struct ftvm_config config;
    configure(&config, &place, &joiner);
    config.role = FTVM_ROLE_BACKUP;
    config.join = "127.0.0.1:1";
    config.join_timeout_ms = 300;
    cr_assert_eq(ftvm_node_create(&config, &joiner.node, NULL, 0), 0);
    cr_assert_eq(ftvm_node_start(joiner.node), FTVM_E_NO_PRIMARY);
    ftvm_node_destroy(joiner.node);
    arbiter_place_remove(&place);
}

Test(pair, a_joiner_with_another_arbiter_does_not_follow, .timeout = 60)
{
    struct arbiter_place place, other;
    struct replica a = {.toy = toy_create()};
    struct replica b = {.toy = toy_create()};
    struct replica elsewhere = {.toy = toy_create()};
    struct ftvm_config config;
    char line[512];
    start_pair(&place, &a, &b);
    kill_replica(&b);
    arbiter_place_make(&other);
    configure(&config, &other, &elsewhere);
    elsewhere.node = toy_node_start(&config); /* a record of the same machine, by another primary */
    cr_assert_eq(join_result(&other, &a, NULL, NULL, line, sizeof line), FTVM_E_ARBITER);
    cr_assert_not_null(strstr(line, "is not the arbiter of primary"), "%s", line);
    ftvm_node_stop(a.node);
    toy_join(a.toy);
    end(&elsewhere);
    arbiter_place_remove(&other);
    end_pair(&place, &a, &b);
}

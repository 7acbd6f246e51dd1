/*
 * One replica of a pair gets no memory for one of its allocations, or for any from one on: each of
 * them in turn, until a whole life passes without reaching it. That life: a primary that waits for
 * its backup, inputs, values and outputs, the loss of the primary, a new backup, a stop.
 *
 * The guest sleeps until an input comes, so a life has few epochs, and few allocations that differ
 * in nothing but their number.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/libftvm/toy_machine.h"
#include "tests/support/scarce_memory.h"

#define MAX_REPLICAS 12u
#define LIFE_MS      30000u /* a life that takes longer hangs */
#define INPUTS       4u

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy; /* NULL: the node did not start */
    bool killed;
    atomic_bool may_take_over;
};

struct life {
    char directory[64];
    char arbiter[96];
    struct replica replicas[MAX_REPLICAS];
    unsigned count;
    unsigned victim; /* its number among them */
    struct scarce_memory scarce;
    uint64_t deadline_ms;
    char about[128];
};

static bool is_verbose(void)
{
    return getenv("FTVM_TEST_VERBOSE") != NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_event(void *context, const struct ftvm_event *event)
{
    struct replica *replica = context;
    if (event->role == FTVM_ROLE_BACKUP && event->is_protected) {
        atomic_store(&replica->may_take_over, true);
    }
    if (is_verbose()) {
        fprintf(stderr, "  [%p] event %d role %d protected %d term %llu error %d %s\n", context,
                event->kind, event->role, event->is_protected, (unsigned long long)event->term,
                event->error, event->text);
    }
}

/* ---- Replicas ----------------------------------------------------------------------------------
 */

static struct ftvm_status status_of(const struct replica *replica)
{
    struct ftvm_status status = {.size = sizeof status};
    cr_assert_eq(ftvm_node_status(replica->node, &status), 0);
    return status;
}

static bool runs(const struct replica *replica)
{
    return replica->toy != NULL && !status_of(replica).ended;
}

static bool is_victim(const struct life *life, const struct replica *replica)
{
    return replica == &life->replicas[life->victim];
}

static void be_patient(const struct life *life, const char *for_what)
{
    cr_assert_lt(now_ms(), life->deadline_ms, "%s: waits for ever for %s", life->about, for_what);
    usleep(200);
}

static void forget(struct life *life, struct replica *replica)
{
    ftvm_node_destroy(replica->node);
    replica->node = NULL;
    if (is_victim(life, replica)) {
        cr_assert_eq(life->scarce.live, 0, "%s: %ld pieces are left", life->about,
                     life->scarce.live);
    }
}

/* A node that does not start says why, and nothing is left of it. */
static int start_replica(struct life *life, struct replica *primary)
{
    cr_assert_lt(life->count, MAX_REPLICAS, "%s: no end of new replicas", life->about);
    struct replica *replica = &life->replicas[life->count++];
    struct ftvm_allocator allocator = {scarce_allocate, scarce_release, &life->scarce};
    struct ftvm_config config;
    char join[32], line[512] = "";
    ftvm_config_init(&config);
    config.name = "toy";
    config.listen = "127.0.0.1:0";
    config.arbiter = life->arbiter;
    config.epoch_length = 1000;
    config.timeout_ms = 20000; /* nothing here is noticed by silence */
    config.stuck_ms = 0;
    config.wait_backup = primary == NULL;
    config.on_event = on_event;
    config.context = replica;
    if (is_victim(life, replica)) {
        config.allocator = &allocator;
    }
    if (primary == NULL) {
        config.description = "toy machine";
        config.description_size = 11;
    } else {
        snprintf(join, sizeof join, "127.0.0.1:%u", status_of(primary).listen_port);
        config.role = FTVM_ROLE_BACKUP;
        config.join = join;
        if (is_victim(life, primary) && life->scarce.for_good) {
            config.join_timeout_ms = 300; /* it can only be in vain, or soon */
        }
    }
    int result = ftvm_node_create(&config, &replica->node, line, sizeof line);
    memset(&allocator, 0, sizeof allocator); /* it was copied */
    if (result == 0) {
        result = ftvm_node_start(replica->node);
        ftvm_node_error(replica->node, line, sizeof line);
    }
    if (is_verbose()) {
        fprintf(stderr, "  [%p] starts: %d %s\n", (void *)replica, result, line);
    }
    if (result < 0) {
        cr_assert_str_neq(line, "", "%s: it fails and does not say why", life->about);
        forget(life, replica);
        return result;
    }
    replica->toy = toy_create();
    replica->toy->asks_values = true;
    replica->toy->sleeps = true;
    replica->toy->epoch_us = 1;
    toy_run(replica->toy, replica->node);
    return 0;
}

/* ---- The machine -------------------------------------------------------------------------------
 */

/* Whoever is active. NULL: nobody runs any more. */
static struct replica *active(const struct life *life)
{
    for (;;) {
        struct replica *found = NULL;
        unsigned running = 0;
        bool claiming = false;
        for (unsigned i = 0; i < life->count; i++) {
            struct replica *replica = (struct replica *)&life->replicas[i];
            if (runs(replica)) {
                struct ftvm_status status = status_of(replica);
                running++;
                claiming |= status.claiming;
                found = status.role == FTVM_ROLE_PRIMARY ? replica : found;
            }
        }
        if (running == 0 || (found != NULL && !claiming)) {
            return found;
        }
        be_patient(life, "somebody to be active");
    }
}

static bool is_alone(const struct life *life, const struct replica *primary)
{
    for (unsigned i = 0; i < life->count; i++) {
        if (&life->replicas[i] != primary && runs(&life->replicas[i])) {
            return false;
        }
    }
    return true;
}

static void give_input(struct replica *primary)
{
    static const uint64_t value = 42;
    cr_assert_eq(ftvm_input(primary->node, 7, &value, sizeof value), 0);
}

/* One allocation that fails costs at most a connection, and a joiner tries again. */
static void add_backup(struct life *life, struct replica *primary)
{
    unsigned number = life->count;
    int result = start_replica(life, primary);
    if (result == 0) {
        return;
    }
    if (number == life->victim) {
        cr_assert_eq(result, FTVM_E_MEMORY, "%s: the joiner says %d", life->about, result);
        return;
    }
    cr_assert(is_victim(life, primary) && (life->scarce.for_good || !runs(primary)),
              "%s: a joiner could not join: %d", life->about, result);
    /* Who has no memory for a connection has none for an input, and shows it. */
    if (runs(primary)) {
        give_input(primary);
    }
}

/* The active replica, with another that may take over. NULL: the machine is lost. */
static struct replica *protected_by_another(struct life *life)
{
    for (;;) {
        struct replica *primary = active(life);
        if (primary == NULL || status_of(primary).is_protected) {
            return primary;
        }
        if (is_alone(life, primary)) {
            add_backup(life, primary);
        } else {
            be_patient(life, "protection");
        }
    }
}

static size_t emitted(const struct replica *replica)
{
    static struct toy_output outputs[4096];
    return toy_emitted(replica->toy, outputs, sizeof outputs / sizeof outputs[0]);
}

/* Inputs enter the guest, and what it makes of them leaves. False: the machine is lost. */
static bool work(struct life *life)
{
    for (unsigned done = 0; done < INPUTS;) {
        struct replica *primary = protected_by_another(life);
        if (primary == NULL) {
            return false;
        }
        size_t before = emitted(primary);
        give_input(primary);
        while (runs(primary) && emitted(primary) == before) {
            be_patient(life, "an output");
        }
        done += emitted(primary) != before;
    }
    return true;
}

/* ---- What came of it ---------------------------------------------------------------------------
 */

static bool is_the_victims_end(int result)
{
    return result == FTVM_E_MEMORY || result == FTVM_E_LOST || result == FTVM_E_FENCED;
}

static void judge(struct life *life)
{
    bool victim_ended = false;
    bool stopped = false;
    for (unsigned i = 0; i < life->count; i++) {
        struct replica *replica = &life->replicas[i];
        char line[512];
        if (replica->toy == NULL) {
            victim_ended |= is_victim(life, replica);
            continue;
        }
        int result = toy_join(replica->toy);
        ftvm_node_error(replica->node, line, sizeof line);
        cr_assert_str_neq(line, "", "%s: replica %u ends and does not say why", life->about, i);
        if (result == FTVM_E_STOPPED || replica->killed) {
            stopped |= result == FTVM_E_STOPPED;
            /* It may just have dropped its backup. */
            victim_ended |= is_victim(life, replica) && scarce_has_failed(&life->scarce);
            continue;
        }
        if (is_victim(life, replica)) {
            victim_ended = true;
            cr_assert(is_the_victims_end(result), "%s: the victim ends with %d %s", life->about,
                      result, line);
        } else if (result == FTVM_E_LOST) {
            cr_assert_not(replica->may_take_over, "%s: replica %u did not take over", life->about,
                          i);
        } else {
            cr_assert_eq(result, FTVM_E_FENCED, "%s: replica %u ends with %d %s", life->about, i,
                         result, line);
        }
    }
    cr_assert(stopped || victim_ended, "%s: the machine is lost for nothing", life->about);
}

/* What left one replica goes on with what left those before it. */
static void check_history(const struct life *life)
{
    static struct toy_output outputs[4096];
    static uint64_t states[4096];
    uint64_t last = 0;
    memset(states, 0, sizeof states);
    for (unsigned i = 0; i < life->count; i++) {
        if (life->replicas[i].toy == NULL) {
            continue;
        }
        size_t count = toy_emitted(life->replicas[i].toy, outputs, 4096);
        for (size_t j = 0; j < count; j++) {
            uint64_t epoch = outputs[j].epoch;
            cr_assert_leq(epoch, last + 1, "%s: replica %u leaves a gap", life->about, i);
            cr_assert(states[epoch] == 0 || states[epoch] == outputs[j].state,
                      "%s: replica %u contradicts", life->about, i);
            states[epoch] = outputs[j].state;
            last = epoch > last ? epoch : last;
        }
    }
}

static void live(struct life *life)
{
    int result = start_replica(life, NULL);
    if (result < 0) {
        cr_assert_eq(result, FTVM_E_MEMORY, "%s: start says %d", life->about, result);
        /* Nothing was taken: the next one needs no permission to take over. */
        cr_assert_eq(start_replica(life, NULL), 0, "%s: a record is left", life->about);
    }
    if (!work(life)) {
        return;
    }
    struct replica *first = protected_by_another(life);
    if (first != NULL) {
        first->killed = true;
        ftvm_node_fail(first->node, "killed by the test");
    }
    while (first != NULL && runs(first)) {
        be_patient(life, "the end of the first");
    }
    if (!work(life)) {
        return;
    }
    for (struct replica *last; (last = active(life)) != NULL;) {
        ftvm_node_stop(last->node);
        be_patient(life, "the stop");
    }
}

/* A whole life. Returns whether the allocation that was to fail was reached. */
static bool live_without(unsigned victim, unsigned long fails_at, bool for_good)
{
    struct life *life = calloc(1, sizeof *life);
    char command[128];
    life->victim = victim;
    life->scarce.fails_at = fails_at;
    life->scarce.for_good = for_good;
    life->deadline_ms = now_ms() + LIFE_MS;
    snprintf(life->about, sizeof life->about, "replica %u, allocation %lu%s", victim, fails_at,
             for_good ? " and all after it" : "");
    if (is_verbose()) {
        fprintf(stderr, "%s\n", life->about);
    }
    snprintf(life->directory, sizeof life->directory, "/tmp/ftvm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(life->directory));
    snprintf(life->arbiter, sizeof life->arbiter, "file:%s/arbiter", life->directory);
    live(life);
    judge(life);
    check_history(life);
    bool reached = scarce_has_failed(&life->scarce);
    for (unsigned i = 0; i < life->count; i++) {
        if (life->replicas[i].toy != NULL) {
            forget(life, &life->replicas[i]);
            toy_destroy(life->replicas[i].toy);
        }
    }
    snprintf(command, sizeof command, "rm -rf %s", life->directory);
    cr_assert_eq(system(command), 0);
    free(life);
    return reached;
}

static void fail_each(unsigned victim, bool for_good)
{
    unsigned long fails_at = 1;
    cr_assert_not(live_without(victim, 0, false));
    while (live_without(victim, fails_at, for_good)) {
        fails_at++;
    }
    cr_assert_gt(fails_at, 30, "a life has more allocations than %lu", fails_at);
    if (is_verbose()) {
        fprintf(stderr, "%lu allocations\n", fails_at - 1);
    }
}

Test(out_of_memory, the_first_primary_survives_or_is_survived, .timeout = 300)
{
    fail_each(0, false);
}

Test(out_of_memory, the_first_primary_has_none_from_some_moment_on, .timeout = 300)
{
    fail_each(0, true);
}

Test(out_of_memory, the_first_backup_survives_or_is_survived, .timeout = 300)
{
    fail_each(1, false);
}

Test(out_of_memory, the_first_backup_has_none_from_some_moment_on, .timeout = 300)
{
    fail_each(1, true);
}

/* Stories of pairs whose epochs have no fixed length: the primary's last as long as the guest's
 * speed says, or until something waits; a backup is told where they ended. */
#include <criterion/criterion.h>

#include "tests/replication/stories.h"

/* Epochs of up to 20 ms; the guest looks each millisecond whether its own is to end. */
static struct cluster_config config_with(const char *program)
{
    struct cluster_config config = cluster_defaults();
    config.program = program;
    config.engine.epoch_length = 0;
    config.engine.epoch_max_ns = 20 * MS;
    config.slice = 1000;
    return config;
}

/* A protected by B. */
static struct cluster *protected_pair(const struct cluster_config *config)
{
    struct cluster *c = cluster_create(config);
    cluster_add_primary(c);
    cluster_run(c, 5 * MS);
    cluster_add_backup(c, A);
    cr_assert(cluster_run_until(c, cluster_is_protected, 5000 * MS));
    cluster_run(c, 100 * MS);
    return c;
}

static uint64_t length_of(const struct cluster *c)
{
    return c->replicas[A].guest.epoch.length;
}

/* The input waits for the next look and not for the end of 20 ms; B is told, and stops there. */
Test(traces_length, an_input_ends_a_long_epoch, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    struct cluster *c = protected_pair(&config);
    cluster_tell(c, true);
    cluster_run(c, 8 * MS);
    cluster_input(c, A);
    cluster_run(c, 24 * MS);
    EXPECT_STORY(c, "an_input_ends_a_long_epoch",
                 "[    8] A takes input 1\n"
                 "[    8] A -> B BOUNDARY lsn 7, 1 input\n"
                 "[    8] A runs epoch 7, 1 input\n"
                 "[    9] B -> A ACK received 7, consumed 5\n"
                 "[   19] B runs epoch 6\n"
                 "[   29] A -> B BOUNDARY lsn 8\n"
                 "[   29] A runs epoch 8\n"
                 "[   30] B runs epoch 7, 1 input\n"
                 "[   30] B -> A ACK received 8, consumed 7\n");
    cr_expect_eq(c->replicas[B].guest.inputs, 1);
    story_ends(c);
}

/* What A let go in an epoch whose end never reached B: B comes to the same, as it runs that epoch
 * in full before it decides anything. */
Test(traces_length, a_survivor_runs_the_last_epoch_of_its_log_in_full, .timeout = 20)
{
    struct cluster_config config = config_with("oooo");
    struct cluster *c = protected_pair(&config);
    cluster_tell(c, true);
    cluster_run(c, 14 * MS);
    c->trap = (struct trap){
        .moment = TRAP_WITH, .replica = A, .action = ENGINE_DO_SEND, .message = MESSAGE_BOUNDARY};
    cluster_input(c, A);
    cluster_run(c, 40 * MS);
    cr_expect_eq(cluster_survivor(c), B);
    EXPECT_STORY(c, "a_survivor_runs_the_last_epoch_of_its_log_in_full",
                 "[    1] A makes output 25\n"
                 "[    1] A emits 25\n"
                 "[    3] A makes output 26\n"
                 "[    3] A emits 26\n"
                 "[    5] A makes output 27\n"
                 "[    5] A emits 27\n"
                 "[   14] A takes input 1\n"
                 "[   14] A -> B BOUNDARY lsn 7, 1 input, released 27\n"
                 "[   14] A -> B BOUNDARY lsn 7, 1 input, released 27 is lost\n"
                 "[   14] A crashes\n"
                 "[   15] B suspects: primary suspected: connection reset\n"
                 "[   15] B claims term 2\n"
                 "[   17] B has its claim answered: won\n"
                 "[   19] B runs epoch 6\n"
                 "[   39] B failover: live at position 129400 with 4 outputs to send again\n"
                 "[   39] B emits 24 to 27\n"
                 "[   39] B role: primary, unprotected\n"
                 "[   39] B runs epoch 7, promoted\n"
                 "[   41] B makes output 28\n"
                 "[   41] B emits 28\n"
                 "[   43] B makes output 29\n"
                 "[   43] B emits 29\n"
                 "[   45] B makes output 30\n"
                 "[   45] B emits 30\n"
                 "[   47] B makes output 31\n"
                 "[   47] B emits 31\n");
    story_ends(c);
}

/* The state is of the start of an epoch, and where that ends is told like any other. */
Test(traces_length, a_joiner_that_has_loaded_waits_for_the_end_of_its_first_epoch, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    cluster_tell(c, true);
    cluster_run(c, 5 * MS);
    cluster_add_backup(c, A);
    cluster_run(c, 35 * MS);
    EXPECT_STORY(c, "a_joiner_that_has_loaded_waits_for_the_end_of_its_first_epoch",
                 "[    0] A runs epoch 0\n"
                 "[    5] B starts as backup\n"
                 "[    6] B -> A HELLO, term 0\n"
                 "[    7] A -> B WELCOME, term 1\n"
                 "[    7] A runs epoch 1, saves first\n"
                 "[    7] A -> B STATE_BEGIN at lsn 1, outputs 0\n"
                 "[    8] B gets a state\n"
                 "[    8] A -> B STATE_CHUNK\n"
                 "[    9] A -> B STATE_END\n"
                 "[    9] A goes on\n"
                 "[   10] B has the whole state\n"
                 "[   11] B role: backup, following A\n"
                 "[   11] B -> A ACK received 1, consumed 1\n"
                 "[   12] A -> B PROTECTED from lsn 1\n"
                 "[   12] A role: primary, protected by B\n"
                 "[   13] B role: this backup may take over\n"
                 "[   29] A -> B BOUNDARY lsn 2\n"
                 "[   29] A runs epoch 2\n"
                 "[   30] B goes on\n"
                 "[   30] B -> A ACK received 2, consumed 1\n");
    story_ends(c);
}

/* Nothing holds the primary up because of the one epoch that its backup cannot run yet. */
Test(traces_length, the_smallest_lag_is_enough, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    config.engine.lag_epochs = 1;
    struct cluster *c = protected_pair(&config);
    uint64_t position = cluster_status(c, A).position;
    cluster_run(c, 1000 * MS);
    cr_expect_gt(cluster_status(c, A).position, position + 900000);
    story_ends(c);
}

Test(traces_length, values_of_an_epoch_that_the_backup_cannot_run_do_not_hold_up_its_end,
     .timeout = 60)
{
    struct cluster_config config = config_with(".");
    struct cluster *c = protected_pair(&config);
    uint8_t big[LOG_MAX_VALUE] = {0};
    struct engine *engine = c->replicas[A].engine;
    struct engine_event event = {.type = ENGINE_VALUE,
                                 .now_ns = c->now_ns + c->replicas[A].clock_base_ns,
                                 .data = {big, sizeof big}};
    struct engine_update update;
    cr_assert(cluster_status(c, A).lsn - cluster_status(c, A).lsn_consumed <= 1);
    for (uint64_t i = 0; i < ENGINE_MAX_LOG_BYTES / sizeof big + 2; i++) {
        engine_step(engine, &event, &update);
    }
    uint64_t epoch = cluster_status(c, A).epoch;
    event =
        (struct engine_event){.type = ENGINE_BOUNDARY, .now_ns = event.now_ns, .position = 1000000};
    engine_step(engine, &event, &update);
    cr_expect_eq(cluster_status(c, A).epoch, epoch + 1);
    cluster_destroy(c);
}

/* The longest epoch is a time; its instructions follow from how fast the guest was seen to be. */
Test(traces_length, the_length_follows_the_speed, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    struct cluster *c = protected_pair(&config);
    cluster_run(c, 1000 * MS);
    cr_expect(length_of(c) >= 20000 && length_of(c) < 21000, "%llu",
              (unsigned long long)length_of(c));
    c->replicas[A].instruction_ns = 100;
    c->replicas[B].instruction_ns = 100;
    cluster_run(c, 1000 * MS);
    cr_expect(length_of(c) >= 200000 && length_of(c) < 210000, "%llu",
              (unsigned long long)length_of(c));
    story_ends(c);
}

/* Its thread was not run for a while, or its caches were cold. */
Test(traces_length, a_guest_that_was_slow_for_a_moment_is_not_believed_slow, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    config.engine.epoch_max_ns = 4 * MS;
    config.engine.rate_q32 = UINT64_C(10) << 32;
    config.instruction_ns = 10;
    struct cluster *c = protected_pair(&config);
    uint64_t before = length_of(c), epoch = cluster_status(c, A).epoch;
    c->replicas[A].instruction_ns = 100;
    while (cluster_status(c, A).epoch < epoch + 2) {
        cluster_run(c, 1 * MS);
    }
    cr_expect(length_of(c) < before && length_of(c) > before / 4, "%llu after %llu",
              (unsigned long long)length_of(c), (unsigned long long)before);
    story_ends(c);
}

/* Its epochs are so short, by what was believed, that none says much about its speed. Were none
 * listened to, its clock would run a hundred times too fast for ever. */
Test(traces_length, the_clock_of_a_guest_that_was_believed_slow_does_not_run_away, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    config.engine.epoch_max_ns = 4 * MS;
    config.engine.rate_q32 = UINT64_C(1000) << 32;
    config.instruction_ns = 10;
    struct cluster *c = protected_pair(&config);
    cluster_run(c, 100 * MS);
    cr_expect_leq(c->replicas[A].guest.last_clock_ns, c->now_ns + 20 * MS);
    cr_expect_gt(length_of(c), 300000);
    story_ends(c);
}

Test(traces_length, a_fixed_length_is_kept_whatever_waits, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    config.engine.epoch_length = 20000;
    struct cluster *c = protected_pair(&config);
    for (unsigned i = 0; i < 100; i++) {
        cluster_input(c, A);
        cluster_run(c, 5 * MS);
    }
    cr_expect_eq(length_of(c), 20000);
    cr_expect_eq(cluster_status(c, A).position, cluster_status(c, A).epoch * 20000);
    story_ends(c);
}

/* The end of an epoch is told by a position, and what is told is input. */
Test(traces_length, an_epoch_that_ends_before_it_began_is_not_believed, .timeout = 20)
{
    struct cluster_config config = config_with(".");
    struct cluster *c = protected_pair(&config);
    struct engine_status status = cluster_status(c, B);
    struct message boundary = {.type = MESSAGE_BOUNDARY,
                               .boundary = {.lsn = status.lsn + 1, .term = 1, .position = 10}};
    cluster_forge(c, A, B, &boundary);
    cluster_run(c, 2 * MS);
    cr_expect_eq(c->replicas[B].end, ENGINE_END_CORRUPT);
    story_ends(c);
}

/* Stories of a pair in which nothing goes wrong. */
#include <criterion/criterion.h>

#include "tests/replication/stories.h"

Test(traces_epoch, revised, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = cluster_create(&config);
    cluster_tell(c, true);
    unsigned a = cluster_add_primary(c);
    cluster_run(c, 5 * MS);
    cluster_add_backup(c, a);
    cluster_run(c, 40 * MS);
    EXPECT_STORY(c, "revised",
                 "[    0] A starts as primary\n"
                 "[    0] A runs epoch 0\n"
                 "[    5] A makes output 1\n"
                 "[    5] A emits 1\n"
                 "[    5] B starts as backup\n"
                 "[    6] B -> A HELLO, term 0\n"
                 "[    7] A -> B WELCOME, term 1\n"
                 "[   10] A runs epoch 1, saves first\n"
                 "[   10] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[   11] B gets a state\n"
                 "[   11] A -> B STATE_CHUNK\n"
                 "[   12] A -> B STATE_END\n"
                 "[   12] A goes on\n"
                 "[   13] B has the whole state\n"
                 "[   14] B role: backup, following A\n"
                 "[   14] B goes on\n"
                 "[   14] B -> A ACK received 1, consumed 1\n"
                 "[   15] A -> B PROTECTED from lsn 1\n"
                 "[   15] A role: primary, protected by B\n"
                 "[   16] B role: this backup may take over\n"
                 "[   17] A makes output 2\n"
                 "[   17] A emits 2\n"
                 "[   22] A -> B BOUNDARY lsn 2, released 2\n"
                 "[   22] A runs epoch 2\n"
                 "[   23] B -> A ACK received 2, consumed 1\n"
                 "[   24] B runs epoch 2\n"
                 "[   27] A makes output 3\n"
                 "[   27] A emits 3\n"
                 "[   32] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   32] A runs epoch 3\n"
                 "[   33] B -> A ACK received 3, consumed 2\n"
                 "[   34] B runs epoch 3\n"
                 "[   37] A makes output 4\n"
                 "[   37] A emits 4\n"
                 "[   42] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   42] A runs epoch 4\n"
                 "[   43] B -> A ACK received 4, consumed 3\n"
                 "[   44] B runs epoch 4\n");
    story_ends(c);
}

/* The guest waits for the acknowledgement of its boundary: epoch 2 begins a round trip later. */
Test(traces_epoch, original, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.protocol = ENGINE_ORIGINAL;
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 30 * MS);
    EXPECT_STORY(c, "original",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] A runs epoch 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   13] A makes output 3\n"
                 "[   13] A emits 3\n"
                 "[   18] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   19] B runs epoch 3\n"
                 "[   19] B -> A ACK received 3, consumed 3\n"
                 "[   20] A runs epoch 3\n"
                 "[   25] A makes output 4\n"
                 "[   25] A emits 4\n"
                 "[   30] A -> B BOUNDARY lsn 4, released 4\n");
    story_ends(c);
}

/* Output 2 follows a value that is not acknowledged yet, and waits; the output of the first half
 * follows an acknowledged boundary, and does not. */
Test(traces_epoch, output_after_a_value_waits_for_its_acknowledgement, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "ovo...";
    config.latency_ns = 3 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 30 * MS);
    EXPECT_STORY(c, "output_after_a_value_waits_for_its_acknowledgement",
                 "[    2] A emits 8\n"
                 "[    3] A -> B BOUNDARY lsn 8, released 8\n"
                 "[    3] A runs epoch 4\n"
                 "[    4] A makes output 9\n"
                 "[    6] A -> B VALUE lsn 9\n"
                 "[    6] B -> A ACK received 8, consumed 7\n"
                 "[    7] B runs epoch 4\n"
                 "[    7] A makes output 10\n"
                 "[    9] B -> A ACK received 9, consumed 8\n"
                 "[    9] A emits 9\n"
                 "[   10] B gets a value\n"
                 "[   12] A emits 10\n"
                 "[   13] A -> B BOUNDARY lsn 10, released 10\n"
                 "[   13] A runs epoch 5\n"
                 "[   14] A makes output 11\n"
                 "[   16] A -> B VALUE lsn 11\n"
                 "[   16] B -> A ACK received 10, consumed 9\n"
                 "[   17] B runs epoch 5\n"
                 "[   17] A makes output 12\n"
                 "[   19] B -> A ACK received 11, consumed 10\n"
                 "[   19] A emits 11\n"
                 "[   20] B gets a value\n"
                 "[   22] A emits 12\n"
                 "[   23] A -> B BOUNDARY lsn 12, released 12\n"
                 "[   23] A runs epoch 6\n"
                 "[   24] A makes output 13\n"
                 "[   25] B -> A ACK received 11, consumed 11\n"
                 "[   26] A -> B VALUE lsn 13\n"
                 "[   26] B -> A ACK received 12, consumed 11\n"
                 "[   27] B runs epoch 6\n"
                 "[   27] A makes output 14\n"
                 "[   29] B -> A ACK received 13, consumed 12\n"
                 "[   29] A emits 13\n"
                 "[   30] B gets a value\n");
    story_ends(c);
}

Test(traces_epoch, inputs_enter_at_the_next_boundary_on_both_sides, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = story_of_a_pair(&config);
    cluster_input(c, A);
    cluster_input(c, A);
    cluster_input(c, B); /* a backup's own world is not asked */
    cluster_run(c, 20 * MS);
    cr_assert_eq(c->replicas[A].guest.inputs, 2);
    cr_assert_eq(c->replicas[B].guest.inputs, 2);
    cluster_crash(c, A);
    cluster_run(c, 20 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    cr_assert_eq(c->replicas[B].guest.inputs, 2);
    EXPECT_STORY(c, "inputs_enter_at_the_next_boundary_on_both_sides",
                 "[    0] A takes input 1\n"
                 "[    0] A takes input 2\n"
                 "[    0] B takes input 3\n"
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, 2 inputs, released 2\n"
                 "[    6] A runs epoch 2, 2 inputs\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2, 2 inputs\n"
                 "[   11] A makes output 3\n"
                 "[   11] A emits 3\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 2\n"
                 "[   18] B runs epoch 3\n"
                 "[   20] A crashes\n"
                 "[   21] B suspects: primary suspected: connection reset\n"
                 "[   21] B claims term 2\n"
                 "[   23] B has its claim answered: won\n"
                 "[   28] B failover: live at position 40000 with 1 outputs to send again\n"
                 "[   28] B emits 4\n"
                 "[   28] B role: primary, unprotected\n"
                 "[   28] B runs epoch 4, promoted\n"
                 "[   33] B makes output 5\n"
                 "[   33] B emits 5\n"
                 "[   38] B runs epoch 5\n");
    story_ends(c);
}

Test(traces_epoch, idle_guest_wakes_by_its_timer_or_by_an_input, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|o|oi|z|o";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 60 * MS);
    cluster_input(c, A);
    cluster_run(c, 20 * MS);
    EXPECT_STORY(c, "idle_guest_wakes_by_its_timer_or_by_an_input",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2\n"
                 "[    8] A makes output 3\n"
                 "[    8] A emits 3\n"
                 "[   30] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   30] A runs epoch 3\n"
                 "[   31] B runs epoch 3\n"
                 "[   31] B -> A ACK received 3, consumed 3\n"
                 "[   60] A takes input 1\n"
                 "[   60] A -> B BOUNDARY lsn 4, 1 input\n"
                 "[   60] A runs epoch 4, 1 input\n"
                 "[   61] B runs epoch 4, 1 input\n"
                 "[   61] B -> A ACK received 4, consumed 4\n"
                 "[   65] A makes output 4\n"
                 "[   65] A emits 4\n"
                 "[   70] A -> B BOUNDARY lsn 5, released 4\n"
                 "[   70] A runs epoch 5\n"
                 "[   71] B runs epoch 5\n"
                 "[   71] B -> A ACK received 5, consumed 5\n"
                 "[   75] A makes output 5\n"
                 "[   75] A emits 5\n"
                 "[   80] A -> B BOUNDARY lsn 6, released 5\n"
                 "[   80] A runs epoch 6\n");
    story_ends(c);
}

/* What the primary is known to have released, the backup keeps no longer; heartbeats tell it while
 * the guest idles. */
Test(traces_epoch, released_counts_drop_kept_outputs, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|o|o|oooz";
    config.engine.timeout_ns = 5000 * MS;
    struct cluster *c = story_of_a_pair(&config);
    c->tells_heartbeats = true;
    cluster_run(c, 27 * MS);
    cluster_say(c, "B keeps %llu", (unsigned long long)cluster_status(c, B).outputs_held);
    cluster_run(c, 60 * MS);
    cluster_say(c, "B keeps %llu", (unsigned long long)cluster_status(c, B).outputs_held);
    EXPECT_STORY(c, "released_counts_drop_kept_outputs",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 3\n"
                 "[   11] A emits 3\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 2\n"
                 "[   17] A makes output 4\n"
                 "[   18] A emits 4\n"
                 "[   18] B runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   19] A makes output 6\n"
                 "[   19] A emits 6\n"
                 "[   21] A -> B HEARTBEAT, released 6\n"
                 "[   27] B keeps 0\n"
                 "[   42] B -> A ACK received 3, consumed 3\n"
                 "[   42] B -> A HEARTBEAT, released 0\n"
                 "[   71] A -> B HEARTBEAT, released 6\n"
                 "[   87] B keeps 0\n");
    story_ends(c);
}

/* Rule R4: an output that could not leave is offered again, nothing overtakes it, and the backup is
 * not told that it has left. The story says "emits" of what is offered. */
Test(traces_epoch, refused_output_is_kept_and_offered_again, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|o|o|o";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 12 * MS);
    size_t left = c->emission_count;
    cluster_fill_sink(c, A, 14 * MS);
    cluster_run(c, 10 * MS);
    cr_expect_eq(c->emission_count, left);
    cr_expect_eq(cluster_status(c, A).outputs_held, 1);
    cluster_run(c, 20 * MS);
    cr_expect_gt(c->emission_count, left);
    EXPECT_STORY(c, "refused_output_is_kept_and_offered_again",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 3\n"
                 "[   11] A emits 3\n"
                 "[   12] nothing takes A's outputs for 14 ms\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 2\n"
                 "[   18] B runs epoch 3\n"
                 "[   21] A makes output 4\n"
                 "[   21] A emits 4\n"
                 "[   22] A emits 4\n"
                 "[   23] A emits 4\n"
                 "[   24] A emits 4\n"
                 "[   25] A emits 4\n"
                 "[   26] A -> B BOUNDARY lsn 4\n"
                 "[   26] A runs epoch 4\n"
                 "[   26] A emits 4\n"
                 "[   27] B -> A ACK received 4, consumed 3\n"
                 "[   28] B runs epoch 4\n"
                 "[   31] A makes output 5\n"
                 "[   31] A emits 5\n"
                 "[   36] A -> B BOUNDARY lsn 5, released 5\n"
                 "[   36] A runs epoch 5\n"
                 "[   37] B -> A ACK received 5, consumed 4\n"
                 "[   38] B runs epoch 5\n"
                 "[   41] A makes output 6\n"
                 "[   41] A emits 6\n"
                 "[   42] B -> A ACK received 5, consumed 5\n");
    for (size_t i = 1; i < c->emission_count; i++) {
        cr_expect_eq(c->emissions[i].number, c->emissions[i - 1].number + 1);
    }
    story_ends(c);
}

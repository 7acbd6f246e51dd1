/* Stories of a primary lost at each point of an epoch, and of a backup lost. */
#include "tests/replication/stories.h"

/* An epoch with everything in it: output, value, output, boundary. */
static struct cluster *lose(enum trap_moment moment, unsigned replica,
                            enum engine_action_type action, enum message_type message)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|ovo";
    struct cluster *c = story_of_a_pair(&config);
    c->trap = (struct trap){
        .moment = moment, .replica = replica, .action = action, .message = message, .skip = 1};
    cluster_run(c, 40 * MS);
    return c;
}

/* ---- The primary, around the boundary -------------------------------------------------------- */

/* B executes the epoch to its end, finds no boundary in the log, and decides it itself. */
Test(traces_failover, before_the_boundary_is_sent, .timeout = 20)
{
    struct cluster *c = lose(TRAP_BEFORE, A, ENGINE_DO_SEND, MESSAGE_BOUNDARY);
    EXPECT_STORY(c, "before_the_boundary_is_sent",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A crashes\n"
                 "[   17] B suspects: primary suspected: connection reset\n"
                 "[   17] B claims term 2\n"
                 "[   19] B has its claim answered: won\n"
                 "[   19] B failover: live at position 30000 with 1 outputs to send again\n"
                 "[   19] B emits 4\n"
                 "[   19] B role: primary, unprotected\n"
                 "[   19] B runs epoch 3, promoted\n"
                 "[   21] B makes output 5\n"
                 "[   21] B emits 5\n"
                 "[   26] B makes output 6\n"
                 "[   26] B emits 6\n"
                 "[   29] B runs epoch 4\n"
                 "[   34] B makes output 7\n"
                 "[   34] B emits 7\n"
                 "[   39] B runs epoch 5\n");
    story_ends(c);
}

Test(traces_failover, boundary_lost_with_the_primary, .timeout = 20)
{
    struct cluster *c = lose(TRAP_WITH, A, ENGINE_DO_SEND, MESSAGE_BOUNDARY);
    EXPECT_STORY(c, "boundary_lost_with_the_primary",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4 is lost\n"
                 "[   16] A crashes\n"
                 "[   17] B suspects: primary suspected: connection reset\n"
                 "[   17] B claims term 2\n"
                 "[   19] B has its claim answered: won\n"
                 "[   19] B failover: live at position 30000 with 1 outputs to send again\n"
                 "[   19] B emits 4\n"
                 "[   19] B role: primary, unprotected\n"
                 "[   19] B runs epoch 3, promoted\n"
                 "[   21] B makes output 5\n"
                 "[   21] B emits 5\n"
                 "[   26] B makes output 6\n"
                 "[   26] B emits 6\n"
                 "[   29] B runs epoch 4\n"
                 "[   34] B makes output 7\n"
                 "[   34] B emits 7\n"
                 "[   39] B runs epoch 5\n");
    story_ends(c);
}

/* The boundary was under way: B acknowledges it to nobody, consumes it, and goes live after it. */
Test(traces_failover, after_the_boundary_is_sent, .timeout = 20)
{
    struct cluster *c = lose(TRAP_AFTER, A, ENGINE_DO_SEND, MESSAGE_BOUNDARY);
    EXPECT_STORY(c, "after_the_boundary_is_sent",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   16] A crashes\n"
                 "[   17] B suspects: primary suspected: connection reset\n"
                 "[   17] B claims term 2\n"
                 "[   18] B runs epoch 3\n"
                 "[   19] B has its claim answered: won\n"
                 "[   23] B failover: live at position 35000 with 1 outputs to send again\n"
                 "[   23] B emits 5\n"
                 "[   23] B role: primary, unprotected\n"
                 "[   23] B gets a value, promoted\n"
                 "[   25] B makes output 6\n"
                 "[   25] B emits 6\n"
                 "[   28] B runs epoch 4\n"
                 "[   33] B makes output 7\n"
                 "[   33] B emits 7\n"
                 "[   38] B runs epoch 5\n");
    story_ends(c);
}

/* ---- The primary, around a value ------------------------------------------------------------- */

/* B waits for a value, and answers it itself. */
Test(traces_failover, before_a_value_is_sent, .timeout = 20)
{
    struct cluster *c = lose(TRAP_BEFORE, A, ENGINE_DO_SEND, MESSAGE_VALUE);
    EXPECT_STORY(c, "before_a_value_is_sent",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 4, consumed 3\n"
                 "[   18] B runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   21] A crashes\n"
                 "[   22] B suspects: primary suspected: connection reset\n"
                 "[   22] B claims term 2\n"
                 "[   24] B has its claim answered: won\n"
                 "[   24] B failover: live at position 35000 with 1 outputs to send again\n"
                 "[   24] B emits 5\n"
                 "[   24] B role: primary, unprotected\n"
                 "[   24] B gets a value, promoted\n"
                 "[   26] B makes output 6\n"
                 "[   26] B emits 6\n"
                 "[   29] B runs epoch 4\n"
                 "[   34] B makes output 7\n"
                 "[   34] B emits 7\n"
                 "[   39] B runs epoch 5\n");
    cr_assert_eq(c->replicas[B].promotions, 1);
    story_ends(c);
}

Test(traces_failover, value_lost_with_the_primary, .timeout = 20)
{
    struct cluster *c = lose(TRAP_WITH, A, ENGINE_DO_SEND, MESSAGE_VALUE);
    EXPECT_STORY(c, "value_lost_with_the_primary",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 4, consumed 3\n"
                 "[   18] B runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   21] A -> B VALUE lsn 5\n"
                 "[   21] A -> B VALUE lsn 5 is lost\n"
                 "[   21] A crashes\n"
                 "[   22] B suspects: primary suspected: connection reset\n"
                 "[   22] B claims term 2\n"
                 "[   24] B has its claim answered: won\n"
                 "[   24] B failover: live at position 35000 with 1 outputs to send again\n"
                 "[   24] B emits 5\n"
                 "[   24] B role: primary, unprotected\n"
                 "[   24] B gets a value, promoted\n"
                 "[   26] B makes output 6\n"
                 "[   26] B emits 6\n"
                 "[   29] B runs epoch 4\n"
                 "[   34] B makes output 7\n"
                 "[   34] B emits 7\n"
                 "[   39] B runs epoch 5\n");
    story_ends(c);
}

Test(traces_failover, after_a_value_is_sent, .timeout = 20)
{
    struct cluster *c = lose(TRAP_AFTER, A, ENGINE_DO_SEND, MESSAGE_VALUE);
    EXPECT_STORY(c, "after_a_value_is_sent",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 4, consumed 3\n"
                 "[   18] B runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   21] A -> B VALUE lsn 5\n"
                 "[   21] A crashes\n"
                 "[   22] B suspects: primary suspected: connection reset\n"
                 "[   22] B claims term 2\n"
                 "[   23] B gets a value\n"
                 "[   24] B has its claim answered: won\n"
                 "[   28] B failover: live at position 40000 with 2 outputs to send again\n"
                 "[   28] B emits 5 to 6\n"
                 "[   28] B role: primary, unprotected\n"
                 "[   28] B runs epoch 4, promoted\n"
                 "[   33] B makes output 7\n"
                 "[   33] B emits 7\n"
                 "[   38] B runs epoch 5\n");
    story_ends(c);
}

/* ---- The primary, around an output ----------------------------------------------------------- */

/* The acknowledged output never left: B lets it leave. */
Test(traces_failover, before_an_output_leaves, .timeout = 20)
{
    struct cluster *c = lose(TRAP_BEFORE, A, ENGINE_DO_EMIT, 0);
    EXPECT_STORY(c, "before_an_output_leaves",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A crashes\n"
                 "[   12] B suspects: primary suspected: connection reset\n"
                 "[   12] B claims term 2\n"
                 "[   14] B has its claim answered: won\n"
                 "[   18] B failover: live at position 30000 with 1 outputs to send again\n"
                 "[   18] B emits 4\n"
                 "[   18] B role: primary, unprotected\n"
                 "[   18] B runs epoch 3, promoted\n"
                 "[   20] B makes output 5\n"
                 "[   20] B emits 5\n"
                 "[   25] B makes output 6\n"
                 "[   25] B emits 6\n"
                 "[   28] B runs epoch 4\n"
                 "[   33] B makes output 7\n"
                 "[   33] B emits 7\n"
                 "[   38] B runs epoch 5\n");
    story_ends(c);
}

/* It left, and B does not know: it leaves twice. */
Test(traces_failover, after_an_output_left, .timeout = 20)
{
    struct cluster *c = lose(TRAP_AFTER, A, ENGINE_DO_EMIT, 0);
    EXPECT_STORY(c, "after_an_output_left",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   11] A crashes\n"
                 "[   12] B suspects: primary suspected: connection reset\n"
                 "[   12] B claims term 2\n"
                 "[   14] B has its claim answered: won\n"
                 "[   18] B failover: live at position 30000 with 1 outputs to send again\n"
                 "[   18] B emits 4\n"
                 "[   18] B role: primary, unprotected\n"
                 "[   18] B runs epoch 3, promoted\n"
                 "[   20] B makes output 5\n"
                 "[   20] B emits 5\n"
                 "[   25] B makes output 6\n"
                 "[   25] B emits 6\n"
                 "[   28] B runs epoch 4\n"
                 "[   33] B makes output 7\n"
                 "[   33] B emits 7\n"
                 "[   38] B runs epoch 5\n");
    story_ends(c);
}

/* Three outputs wait for a value's acknowledgement when A is lost; B lets them leave in order. */
Test(traces_failover, kept_outputs_leave_again_in_order, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|vooo";
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut(c, B, A); /* acknowledgements do not arrive */
    cluster_run(c, 26 * MS);
    cr_assert_eq(cluster_status(c, A).outputs_held, 4);
    cluster_power_off(c, A);
    cluster_run(c, 1015 * MS);
    EXPECT_STORY(c, "kept_outputs_leave_again_in_order",
                 "[    0] B -> A is cut\n"
                 "[    2] A makes output 3\n"
                 "[    2] A emits 3\n"
                 "[    4] A makes output 4\n"
                 "[    4] A emits 4\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 4\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    8] B runs epoch 2\n"
                 "[   11] A makes output 5\n"
                 "[   16] A -> B BOUNDARY lsn 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 4, consumed 3\n"
                 "[   18] A -> B VALUE lsn 5\n"
                 "[   18] B runs epoch 3\n"
                 "[   19] B -> A ACK received 5, consumed 4\n"
                 "[   20] A makes output 6\n"
                 "[   20] B gets a value\n"
                 "[   22] A makes output 7\n"
                 "[   24] A makes output 8\n"
                 "[   26] A -> B BOUNDARY lsn 6\n"
                 "[   26] A runs epoch 4\n"
                 "[   26] A is powered off\n"
                 "[   27] B -> A ACK received 6, consumed 5\n"
                 "[   28] B runs epoch 4\n"
                 "[   42] B -> A ACK received 6, consumed 6\n"
                 "[ 1027] B suspects: primary suspected: nothing heard for 1000 ms\n"
                 "[ 1027] B claims term 2\n"
                 "[ 1029] B has its claim answered: won\n"
                 "[ 1029] B failover: live at position 50000 with 5 outputs to send again\n"
                 "[ 1029] B emits 5 to 9\n"
                 "[ 1029] B role: primary, unprotected\n"
                 "[ 1029] B runs epoch 5, promoted\n"
                 "[ 1033] B makes output 10\n"
                 "[ 1033] B emits 10\n"
                 "[ 1035] B makes output 11\n"
                 "[ 1035] B emits 11\n"
                 "[ 1037] B makes output 12\n"
                 "[ 1037] B emits 12\n"
                 "[ 1039] B runs epoch 6\n");
    story_ends(c);
}

/* Heartbeats tell B what left: it sends again from the very next output on. */
Test(traces_failover, only_what_is_not_known_released_leaves_again, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|oovoo....";
    config.instruction_ns = 3000;
    config.engine.heartbeat_ns = 2 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    while (c->replicas[A].guest.epoch.number < 2) {
        cluster_run(c, 1 * MS);
    }
    cluster_cut(c, B, A);
    uint64_t boundary = cluster_status(c, A).lsn;
    while (c->replicas[B].guest.outputs < 5) {
        cluster_run(c, 1 * MS);
    }
    struct message ack = {.type = MESSAGE_ACK,
                          .ack = {.term = 1, .received = boundary, .consumed = boundary}};
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, A).peer, .message = &ack};
    cluster_step(c, A, &event);
    cluster_run(c, 5 * MS);
    size_t emitted = c->emission_count;
    uint64_t released = c->emissions[emitted - 1].number;
    cr_assert_eq(cluster_status(c, B).outputs_released, released);
    cr_assert_gt(cluster_status(c, B).outputs_held, 1);
    cluster_power_off(c, A);
    cluster_run(c, 1100 * MS);
    cr_assert_eq(c->emissions[emitted].replica, B);
    cr_assert_eq(c->emissions[emitted].number, released + 1);
    story_ends(c);
}

/* ---- The backup ------------------------------------------------------------------------------ */

/* A may not let output 5 leave before it has won the claim, though nobody else is there. */
Test(traces_failover, backup_lost_before_it_acknowledges, .timeout = 20)
{
    struct cluster *c = lose(TRAP_BEFORE, B, ENGINE_DO_SEND, MESSAGE_ACK);
    EXPECT_STORY(c, "backup_lost_before_it_acknowledges",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B crashes\n"
                 "[    8] A suspects: backup suspected: connection reset\n"
                 "[    8] A claims term 2\n"
                 "[   10] A has its claim answered: won\n"
                 "[   10] A role: primary, unprotected\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   23] A makes output 6\n"
                 "[   23] A emits 6\n"
                 "[   26] A runs epoch 4\n"
                 "[   31] A makes output 7\n"
                 "[   31] A emits 7\n"
                 "[   36] A runs epoch 5\n"
                 "[   38] A makes output 8\n"
                 "[   38] A emits 8\n");
    story_ends(c);
}

Test(traces_failover, acknowledgement_lost_with_the_backup, .timeout = 20)
{
    struct cluster *c = lose(TRAP_WITH, B, ENGINE_DO_SEND, MESSAGE_ACK);
    EXPECT_STORY(c, "acknowledgement_lost_with_the_backup",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    7] B -> A ACK received 3, consumed 2 is lost\n"
                 "[    7] B crashes\n"
                 "[    8] A suspects: backup suspected: connection reset\n"
                 "[    8] A claims term 2\n"
                 "[   10] A has its claim answered: won\n"
                 "[   10] A role: primary, unprotected\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   23] A makes output 6\n"
                 "[   23] A emits 6\n"
                 "[   26] A runs epoch 4\n"
                 "[   31] A makes output 7\n"
                 "[   31] A emits 7\n"
                 "[   36] A runs epoch 5\n"
                 "[   38] A makes output 8\n"
                 "[   38] A emits 8\n");
    story_ends(c);
}

Test(traces_failover, backup_lost_after_it_acknowledged, .timeout = 20)
{
    struct cluster *c = lose(TRAP_AFTER, B, ENGINE_DO_SEND, MESSAGE_ACK);
    EXPECT_STORY(c, "backup_lost_after_it_acknowledged",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B gets a value\n"
                 "[    3] A makes output 3\n"
                 "[    3] A emits 3\n"
                 "[    6] A -> B BOUNDARY lsn 3, released 3\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 3, consumed 2\n"
                 "[    7] B crashes\n"
                 "[    8] A suspects: backup suspected: connection reset\n"
                 "[    8] A claims term 2\n"
                 "[   10] A has its claim answered: won\n"
                 "[   10] A role: primary, unprotected\n"
                 "[   11] A makes output 4\n"
                 "[   11] A emits 4\n"
                 "[   16] A runs epoch 3\n"
                 "[   18] A makes output 5\n"
                 "[   18] A emits 5\n"
                 "[   23] A makes output 6\n"
                 "[   23] A emits 6\n"
                 "[   26] A runs epoch 4\n"
                 "[   31] A makes output 7\n"
                 "[   31] A emits 7\n"
                 "[   36] A runs epoch 5\n"
                 "[   38] A makes output 8\n"
                 "[   38] A emits 8\n");
    story_ends(c);
}

/* ---- Where the survivor's guest stands ------------------------------------------------------- */

/* The guest idles without a timer: its boundary comes at once, to have it settle its I/O. */
Test(traces_failover, promotion_of_an_idle_guest, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|o|oz|o";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 30 * MS);
    cluster_crash(c, A);
    cluster_run(c, 20 * MS);
    cr_assert_eq(c->replicas[B].promotions, 1);
    EXPECT_STORY(c, "promotion_of_an_idle_guest",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2\n"
                 "[    8] A makes output 3\n"
                 "[    8] A emits 3\n"
                 "[   30] A crashes\n"
                 "[   31] B suspects: primary suspected: connection reset\n"
                 "[   31] B claims term 2\n"
                 "[   33] B has its claim answered: won\n"
                 "[   33] B failover: live at position 25000 with 0 outputs to send again\n"
                 "[   33] B role: primary, unprotected\n"
                 "[   33] B runs epoch 3, promoted\n"
                 "[   38] B makes output 4\n"
                 "[   38] B emits 4\n"
                 "[   43] B runs epoch 4\n"
                 "[   48] B makes output 5\n"
                 "[   48] B emits 5\n");
    story_ends(c);
}

/* B is ten epochs behind: it has won, and executes the log to its end before it decides. */
Test(traces_failover, slow_backup_consumes_the_log_to_its_end, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.";
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].instruction_ns = 3000;
    cluster_run(c, 60 * MS);
    cluster_tell(c, true);
    cluster_crash(c, A);
    cluster_run(c, 160 * MS);
    EXPECT_STORY(c, "slow_backup_consumes_the_log_to_its_end",
                 "[    6] A -> B BOUNDARY lsn 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[   11] A makes output 2\n"
                 "[   11] A emits 2\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 2\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 1\n"
                 "[   18] B runs epoch 2\n"
                 "[   26] A -> B BOUNDARY lsn 4\n"
                 "[   26] A runs epoch 4\n"
                 "[   27] B -> A ACK received 4, consumed 2\n"
                 "[   31] A makes output 3\n"
                 "[   31] A emits 3\n"
                 "[   36] A -> B BOUNDARY lsn 5, released 3\n"
                 "[   36] A runs epoch 5\n"
                 "[   37] B -> A ACK received 5, consumed 2\n"
                 "[   46] A -> B BOUNDARY lsn 6\n"
                 "[   46] A runs epoch 6\n"
                 "[   47] B -> A ACK received 6, consumed 2\n"
                 "[   48] B runs epoch 3\n"
                 "[   51] A makes output 4\n"
                 "[   51] A emits 4\n"
                 "[   56] A -> B BOUNDARY lsn 7, released 4\n"
                 "[   56] A runs epoch 7\n"
                 "[   57] B -> A ACK received 7, consumed 3\n"
                 "[    0] A crashes\n"
                 "[    1] B suspects: primary suspected: connection reset\n"
                 "[    1] B claims term 2\n"
                 "[    3] B has its claim answered: won\n"
                 "[   18] B runs epoch 4\n"
                 "[   48] B runs epoch 5\n"
                 "[   78] B runs epoch 6\n"
                 "[  108] B runs epoch 7\n"
                 "[  138] B failover: live at position 80000 with 0 outputs to send again\n"
                 "[  138] B role: primary, unprotected\n"
                 "[  138] B runs epoch 8, promoted\n"
                 "[  153] B makes output 5\n"
                 "[  153] B emits 5\n");
    story_ends(c);
}

/* The guest waits for a reading of its clock when A is lost. What it reads in the end is the time
 * at which B went live, and not what B knew of the time when it asked. */
Test(traces_failover, clock_value_of_a_promotion_is_the_time_now, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|c";
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    c->trap = (struct trap){.moment = TRAP_BEFORE,
                            .replica = A,
                            .action = ENGINE_DO_SEND,
                            .message = MESSAGE_VALUE,
                            .silent = true};
    while (!cluster_is_live(c, B)) {
        cluster_run(c, 1 * MS);
    }
    cr_assert_gt(c->now_ns, 900 * MS);
    uint64_t value_ns = c->replicas[B].guest.last_value_ns;
    cr_expect(value_ns > c->now_ns - 5 * MS && value_ns <= c->now_ns, "%llu of %llu ms",
              (unsigned long long)(value_ns / MS), (unsigned long long)(c->now_ns / MS));
    story_ends(c);
}

/* The boundary was long on its way and the clock value after it was not: by the boundary, B's clock
 * is behind what the guest has read. It goes on from there. */
Test(traces_failover, clock_does_not_go_back_behind_a_value, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|c";
    config.instruction_ns = 3000; /* slower than the rate says, or that would hide it */
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    c->replicas[B].instruction_ns = 100;
    while (c->replicas[A].guest.epoch.number < 3) {
        cluster_run(c, 1 * MS);
    }
    uint64_t lsn = cluster_status(c, A).lsn;
    cluster_cut(c, A, B);
    while (cluster_status(c, A).lsn == lsn) {
        cluster_run(c, 1 * MS);
    }
    cluster_crash(c, A);
    cluster_run(c, 1 * MS);
    cluster_heal(c, A, B);
    cluster_run(c, 100 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    cr_assert_gt(c->replicas[B].guest.last_value_ns, 0);
    story_ends(c);
}

/* The guest reads its clock on three replicas one after the other; toy_guest checks that it never
 * runs backwards, and that the time of the failovers has not been forgotten. */
Test(traces_failover, clock_goes_on_over_two_failovers, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "oc|co|ci";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 500 * MS);
    cluster_power_off(c, A);
    cluster_run(c, 1500 * MS);
    cluster_add_backup(c, B);
    cluster_run(c, 500 * MS);
    cluster_power_off(c, B);
    cluster_run(c, 1500 * MS);
    cr_assert_eq(cluster_survivor(c), C);
    uint64_t guest_ns = c->replicas[C].guest.last_clock_ns;
    uint64_t world_ns = c->now_ns;
    cr_expect(guest_ns > world_ns - 60 * MS && guest_ns < world_ns + 60 * MS,
              "guest %llu ms, world %llu ms", (unsigned long long)(guest_ns / MS),
              (unsigned long long)(world_ns / MS));
    story_ends(c);
}

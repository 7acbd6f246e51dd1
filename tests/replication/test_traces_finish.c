/* Stories of ends in good order: stop, halt, and what may cross them. */
#include "tests/replication/stories.h"

/* Released at the arbiter first, told to the backup then. */
Test(traces_finish, stop, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_stop(c, A);
    cluster_run(c, 10 * MS);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "stop",
                 "[    0] A is told to stop\n"
                 "[    0] A gives up term 1\n"
                 "[    2] A has its release answered: won\n"
                 "[    2] A -> B BYE (stopped): the machine was stopped\n"
                 "[    2] A ends, stopped: stopped by command\n"
                 "[    3] B ends, stopped: the primary was stopped in good order\n");
    story_ends(c);
}

/* A dies between the two: B's claim is answered "released", and it ends in good order too. */
Test(traces_finish, crash_between_release_and_bye, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    c->trap = (struct trap){
        .moment = TRAP_BEFORE, .replica = A, .action = ENGINE_DO_SEND, .message = MESSAGE_BYE};
    cluster_stop(c, A);
    cluster_run(c, 10 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_STOPPED);
    EXPECT_STORY(c, "crash_between_release_and_bye",
                 "[    0] A is told to stop\n"
                 "[    0] A gives up term 1\n"
                 "[    2] A has its release answered: won\n"
                 "[    2] A crashes\n"
                 "[    3] B suspects: primary suspected: connection reset\n"
                 "[    3] B claims term 2\n"
                 "[    5] B has its claim answered: released\n"
                 "[    5] B ends, stopped: the primary was stopped in good order\n");
    story_ends(c);
}

/* Both claim a last word at once: A is told to stop while B, which cannot hear it, claims. Whoever
 * the arbiter hears first has it; here B goes on, and A learns that it is fenced. */
Test(traces_finish, stop_that_comes_after_the_others_claim, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_promote(c, B);
    cluster_run(c, 1 * MS);
    cluster_stop(c, A);
    cluster_run(c, 10 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_FENCED);
    EXPECT_STORY(c, "stop_that_comes_after_the_others_claim",
                 "[    0] B is told to take over\n"
                 "[    0] B suspects: primary suspected: told to take over\n"
                 "[    0] B claims term 2\n"
                 "[    1] A is told to stop\n"
                 "[    1] A gives up term 1\n"
                 "[    2] B has its claim answered: won\n"
                 "[    3] A suspects: backup suspected: connection closed\n"
                 "[    3] A has its release answered: lost\n"
                 "[    3] A fenced: the record is another's\n"
                 "[    3] A ends, fenced: another replica is active: the record is another's\n"
                 "[    3] B failover: live at position 10000 with 0 outputs to send again\n"
                 "[    3] B role: primary, unprotected\n"
                 "[    3] B runs epoch 2, promoted\n");
    story_ends(c);
}

/* Only this replica leaves; the primary claims, and goes on. */
Test(traces_finish, stop_of_a_backup, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_stop(c, B);
    cluster_run(c, 10 * MS);
    cr_assert_eq(cluster_survivor(c), A);
    EXPECT_STORY(c, "stop_of_a_backup",
                 "[    0] B is told to stop\n"
                 "[    0] B -> A BYE (leaving): told to stop\n"
                 "[    0] B ends, stopped: stopped by command\n"
                 "[    1] A suspects: backup suspected: told to stop\n"
                 "[    1] A claims term 2\n"
                 "[    3] A has its claim answered: won\n"
                 "[    3] A role: primary, unprotected\n");
    story_ends(c);
}

/* The claim's answer is under way when A is told to stop: the term to be released is the one that
 * the answer brings. */
Test(traces_finish, stop_during_a_claim, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    config.arbiter_ns = 20 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_crash(c, B);
    cluster_run(c, 5 * MS);
    cluster_stop(c, A);
    cluster_run(c, 300 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_STOPPED);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "stop_during_a_claim",
                 "[    0] B crashes\n"
                 "[    1] A suspects: backup suspected: connection reset\n"
                 "[    1] A claims term 2\n"
                 "[    5] A is told to stop\n"
                 "[   21] A has its claim answered: won\n"
                 "[   21] A role: primary, unprotected\n"
                 "[   21] A gives up term 2\n"
                 "[   41] A has its release answered: won\n"
                 "[   41] A ends, stopped: stopped by command\n");
    story_ends(c);
}

/* B has claimed, and may be the machine's only replica: it does not leave without the answer, and
 * what it won it gives up in good order. */
Test(traces_finish, stop_of_a_backup_that_claims, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    config.arbiter_ns = 20 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_crash(c, A);
    cluster_run(c, 5 * MS);
    cluster_stop(c, B);
    cluster_run(c, 300 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_STOPPED);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "stop_of_a_backup_that_claims",
                 "[    0] A crashes\n"
                 "[    1] B suspects: primary suspected: connection reset\n"
                 "[    1] B claims term 2\n"
                 "[    5] B is told to stop\n"
                 "[   21] B has its claim answered: won\n"
                 "[   21] B failover: live at position 10000 with 0 outputs to send again\n"
                 "[   21] B role: primary, unprotected\n"
                 "[   21] B gives up term 2\n"
                 "[   41] B has its release answered: won\n"
                 "[   41] B ends, stopped: stopped by command\n");
    story_ends(c);
}

/* B claims by command and is told to stop, the arbiter is away, and then the primary stops: nothing
 * is left to be given up. */
Test(traces_finish, stop_of_both_sides_during_a_claim, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut_arbiter(c, B, true);
    cluster_promote(c, B);
    cluster_stop(c, B);
    cluster_run(c, 10 * MS);
    cluster_stop(c, A);
    cluster_run(c, 500 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_STOPPED);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_STOPPED);
    EXPECT_STORY(c, "stop_of_both_sides_during_a_claim",
                 "[    0] B cannot reach the arbiter\n"
                 "[    0] B is told to take over\n"
                 "[    0] B suspects: primary suspected: told to take over\n"
                 "[    0] B claims term 2\n"
                 "[    0] B is told to stop\n"
                 "[    2] B has its claim answered: unreachable\n"
                 "[    2] B notes: arbiter unreachable: no answer\n"
                 "[   10] A is told to stop\n"
                 "[   10] A gives up term 1\n"
                 "[   12] A has its release answered: won\n"
                 "[   12] A -> B BYE (stopped): the machine was stopped\n"
                 "[   12] A ends, stopped: stopped by command\n"
                 "[   13] B ends, stopped: the primary was stopped in good order\n");
    story_ends(c);
}

/* The same while it consumes the log of the term that it has won. */
Test(traces_finish, stop_of_a_backup_that_has_won, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].instruction_ns = 20000;
    cluster_run(c, 50 * MS);
    cluster_crash(c, A);
    cluster_run(c, 10 * MS);
    cr_assert_not(cluster_is_live(c, B));
    cluster_tell(c, true);
    cluster_stop(c, B);
    cluster_run(c, 400 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_STOPPED);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "stop_of_a_backup_that_has_won",
                 "[    6] A -> B BOUNDARY lsn 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[   16] A -> B BOUNDARY lsn 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 1\n"
                 "[   26] A -> B BOUNDARY lsn 4\n"
                 "[   26] A runs epoch 4\n"
                 "[   27] B -> A ACK received 4, consumed 1\n"
                 "[   36] A -> B BOUNDARY lsn 5\n"
                 "[   36] A runs epoch 5\n"
                 "[   37] B -> A ACK received 5, consumed 1\n"
                 "[   46] A -> B BOUNDARY lsn 6\n"
                 "[   46] A runs epoch 6\n"
                 "[   47] B -> A ACK received 6, consumed 1\n"
                 "[   50] A crashes\n"
                 "[   51] B suspects: primary suspected: connection reset\n"
                 "[   51] B claims term 2\n"
                 "[   53] B has its claim answered: won\n"
                 "[    0] B is told to stop\n"
                 "[    0] B gives up term 2\n"
                 "[    2] B has its release answered: won\n"
                 "[    2] B ends, stopped: stopped by command\n");
    story_ends(c);
}

/* Asked ten times, two seconds; then the record keeps saying "active", which the next start will
 * have to be told to ignore. */
Test(traces_finish, stop_without_the_arbiter, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut_arbiter(c, A, true);
    cluster_tell(c, false);
    cluster_stop(c, A);
    cluster_run(c, 1500 * MS);
    cr_assert(c->replicas[A].alive);
    cluster_run(c, 1500 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_STOPPED);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_STOPPED);
    cr_assert(c->record.active);
    story_ends(c);
}

/* The guest powers off with an output that is not acknowledged: it leaves first. */
Test(traces_finish, halt_with_outputs_held, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|.|.|voh";
    config.latency_ns = 3 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 60 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_HALTED);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_HALTED);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "halt_with_outputs_held",
                 "[    6] A -> B BOUNDARY lsn 4\n"
                 "[    6] A runs epoch 4\n"
                 "[    7] A -> B VALUE lsn 5\n"
                 "[    9] B -> A ACK received 4, consumed 3\n"
                 "[    9] A makes output 2\n"
                 "[   10] B runs epoch 4\n"
                 "[   10] B -> A ACK received 5, consumed 4\n"
                 "[   11] A -> B BOUNDARY lsn 6, final\n"
                 "[   11] B gets a value\n"
                 "[   13] A emits 2\n"
                 "[   13] A gives up term 1\n"
                 "[   14] B -> A ACK received 6, consumed 5\n"
                 "[   15] A has its release answered: won\n"
                 "[   15] A -> B BYE (powered off): the guest powered off\n"
                 "[   15] A ends, halted: the guest powered off\n"
                 "[   18] B ends, halted: the guest powered off\n");
    story_ends(c);
}

/* A is lost with its last output unsaid: B halts in its place, and says it. */
Test(traces_finish, backup_halts_in_its_place, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|.|.|oh";
    config.latency_ns = 3 * MS;
    struct cluster *c = story_of_a_pair(&config);
    c->trap = (struct trap){.moment = TRAP_AFTER,
                            .replica = A,
                            .action = ENGINE_DO_SEND,
                            .message = MESSAGE_BOUNDARY,
                            .skip = 1};
    cluster_run(c, 60 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_HALTED);
    cr_assert_not(c->record.active);
    EXPECT_STORY(c, "backup_halts_in_its_place",
                 "[    6] A -> B BOUNDARY lsn 4\n"
                 "[    6] A runs epoch 4\n"
                 "[    8] A makes output 2\n"
                 "[    9] B -> A ACK received 4, consumed 3\n"
                 "[   10] B runs epoch 4\n"
                 "[   11] A -> B BOUNDARY lsn 5, final\n"
                 "[   11] A crashes\n"
                 "[   14] B suspects: primary suspected: connection reset\n"
                 "[   14] B claims term 2\n"
                 "[   16] B has its claim answered: won\n"
                 "[   16] B failover: live at position 45000 with 1 outputs to send again\n"
                 "[   16] B emits 2\n"
                 "[   16] B role: primary, unprotected\n"
                 "[   16] B gives up term 2\n"
                 "[   18] B has its release answered: won\n"
                 "[   18] B ends, halted: the guest powered off\n");
    story_ends(c);
}

/* The final boundary is in B's log, the record released, the farewell lost. */
Test(traces_finish, halt_whose_farewell_is_lost, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|.|oh";
    struct cluster *c = story_of_a_pair(&config);
    c->trap = (struct trap){
        .moment = TRAP_WITH, .replica = A, .action = ENGINE_DO_SEND, .message = MESSAGE_BYE};
    cluster_run(c, 60 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_HALTED);
    story_ends(c);
}

/* The backup is lost while an output waits for it at the halt: the claim comes first. */
Test(traces_finish, halt_after_the_backup_is_lost, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|.|voh";
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut(c, B, A);
    cluster_run(c, 30 * MS);
    cluster_lose(c, B, A);
    cluster_crash(c, B);
    cluster_heal(c, B, A);
    cluster_run(c, 20 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_HALTED);
    EXPECT_STORY(c, "halt_after_the_backup_is_lost",
                 "[    0] B -> A is cut\n"
                 "[    6] A -> B BOUNDARY lsn 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[    8] B runs epoch 2\n"
                 "[   16] A -> B BOUNDARY lsn 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 2\n"
                 "[   17] A -> B VALUE lsn 4\n"
                 "[   18] B runs epoch 3\n"
                 "[   18] B -> A ACK received 4, consumed 3\n"
                 "[   19] A makes output 2\n"
                 "[   19] B gets a value\n"
                 "[   21] A -> B BOUNDARY lsn 5, final\n"
                 "[   22] B -> A ACK received 5, consumed 4\n"
                 "[   30] B -> A ACK received 2, consumed 1 is lost\n"
                 "[   30] B -> A ACK received 3, consumed 2 is lost\n"
                 "[   30] B -> A ACK received 4, consumed 3 is lost\n"
                 "[   30] B -> A ACK received 5, consumed 4 is lost\n"
                 "[   30] B crashes\n"
                 "[   30] B -> A is healed\n"
                 "[   31] A suspects: backup suspected: connection reset\n"
                 "[   31] A claims term 2\n"
                 "[   33] A has its claim answered: won\n"
                 "[   33] A role: primary, unprotected\n"
                 "[   33] A emits 2\n"
                 "[   33] A gives up term 2\n"
                 "[   35] A has its release answered: won\n"
                 "[   35] A ends, halted: the guest powered off\n");
    story_ends(c);
}

/* A failure that the library cannot see, told by command: the other replica takes over at once. */
Test(traces_finish, fail_by_command, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_fail(c, A, "the disk is gone");
    cluster_run(c, 10 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    EXPECT_STORY(c, "fail_by_command",
                 "[    0] A is told to fail: the disk is gone\n"
                 "[    0] A -> B BYE (failed): the disk is gone\n"
                 "[    0] A ends, failed: the disk is gone\n"
                 "[    1] B suspects: primary suspected: the disk is gone\n"
                 "[    1] B claims term 2\n"
                 "[    3] B has its claim answered: won\n"
                 "[    3] B failover: live at position 10000 with 0 outputs to send again\n"
                 "[    3] B role: primary, unprotected\n"
                 "[    3] B runs epoch 2, promoted\n");
    story_ends(c);
}

/* Stories of suspicion: both alive and cut off, arbiters that do not answer, sleepers that wake. */
#include "tests/replication/stories.h"

/* Epochs of 20 ms, and silence is noticed after 60. */
static struct cluster_config quick(const char *program)
{
    struct cluster_config config = cluster_defaults();
    config.program = program;
    config.instruction_ns = 2000;
    config.engine.heartbeat_ns = 20 * MS;
    config.engine.timeout_ns = 60 * MS;
    return config;
}

static void cut_both(struct cluster *c, unsigned a, unsigned b)
{
    cluster_cut(c, a, b);
    cluster_cut(c, b, a);
}

/* The cut falls in an epoch with outputs; each side holds what the other has not acknowledged. */
Test(traces_claim, both_alive_and_cut_off, .timeout = 20)
{
    struct cluster_config config = quick("ov|o");
    struct cluster *c = story_of_a_pair(&config);
    cut_both(c, A, B);
    cluster_run(c, 100 * MS);
    EXPECT_STORY(c, "both_alive_and_cut_off",
                 "[    0] A -> B is cut\n"
                 "[    0] B -> A is cut\n"
                 "[    6] A makes output 2\n"
                 "[    6] A emits 2\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 2\n"
                 "[   16] A runs epoch 2\n"
                 "[   22] A makes output 3\n"
                 "[   29] A -> B VALUE lsn 4\n"
                 "[   36] A -> B BOUNDARY lsn 5\n"
                 "[   36] A runs epoch 3\n"
                 "[   46] A makes output 4\n"
                 "[   56] A -> B BOUNDARY lsn 6\n"
                 "[   56] A runs epoch 4\n"
                 "[   59] A suspects: backup suspected: nothing heard for 60 ms\n"
                 "[   59] A claims term 2\n"
                 "[   60] B suspects: primary suspected: nothing heard for 60 ms\n"
                 "[   60] B claims term 2\n"
                 "[   61] A has its claim answered: won\n"
                 "[   61] A role: primary, unprotected\n"
                 "[   61] A emits 3 to 4\n"
                 "[   62] B has its claim answered: lost\n"
                 "[   62] B fenced: the record is another's\n"
                 "[   62] B ends, fenced: another replica won term 2: the record is another's\n"
                 "[   62] A makes output 5\n"
                 "[   62] A emits 5\n"
                 "[   76] A runs epoch 5\n"
                 "[   86] A makes output 6\n"
                 "[   86] A emits 6\n"
                 "[   96] A runs epoch 6\n");
    story_ends(c);
}

/* A hears B, B does not hear A. */
Test(traces_claim, cut_off_in_one_direction, .timeout = 20)
{
    struct cluster_config config = quick(".|..");
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut(c, A, B);
    cluster_run(c, 100 * MS);
    cr_assert(c->replicas[A].alive + c->replicas[B].alive == 1);
    EXPECT_STORY(c, "cut_off_in_one_direction",
                 "[    0] A -> B is cut\n"
                 "[   16] A -> B BOUNDARY lsn 2\n"
                 "[   16] A runs epoch 2\n"
                 "[   36] A -> B BOUNDARY lsn 3\n"
                 "[   36] A runs epoch 3\n"
                 "[   56] A -> B BOUNDARY lsn 4\n"
                 "[   56] A runs epoch 4\n"
                 "[   60] B suspects: primary suspected: nothing heard for 60 ms\n"
                 "[   60] B claims term 2\n"
                 "[   61] A suspects: backup suspected: connection closed\n"
                 "[   61] A claims term 2\n"
                 "[   62] B has its claim answered: won\n"
                 "[   62] B failover: live at position 20000 with 0 outputs to send again\n"
                 "[   62] B role: primary, unprotected\n"
                 "[   62] B runs epoch 2, promoted\n"
                 "[   63] A has its claim answered: lost\n"
                 "[   63] A fenced: the record is another's\n"
                 "[   63] A ends, fenced: another replica won term 2: the record is another's\n"
                 "[   82] B runs epoch 3\n");
    story_ends(c);
}

/* B acknowledges output 3's value and then loses A from sight, claims and wins. The acknowledgement
 * arrives late: A may still let go what it covers, for B's history has it, and nothing more. */
Test(traces_claim, acknowledgement_that_arrives_after_the_claim, .timeout = 20)
{
    struct cluster_config config = quick("o|vo");
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 16 * MS);
    cluster_cut(c, B, A);
    cluster_run(c, 27 * MS);
    cluster_promote(c, B);
    cluster_run(c, 4 * MS);
    cluster_heal(c, B, A);
    cluster_run(c, 20 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_FENCED);
    EXPECT_STORY(c, "acknowledgement_that_arrives_after_the_claim",
                 "[    2] A -> B VALUE lsn 2\n"
                 "[    3] B -> A ACK received 2, consumed 1\n"
                 "[    4] B gets a value\n"
                 "[    9] A makes output 2\n"
                 "[    9] A emits 2\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 2\n"
                 "[   16] A runs epoch 2\n"
                 "[   16] B -> A is cut\n"
                 "[   17] B -> A ACK received 3, consumed 2\n"
                 "[   18] B runs epoch 2\n"
                 "[   22] B -> A ACK received 3, consumed 3\n"
                 "[   26] A makes output 3\n"
                 "[   36] A -> B BOUNDARY lsn 4\n"
                 "[   36] A runs epoch 3\n"
                 "[   37] B -> A ACK received 4, consumed 3\n"
                 "[   38] B runs epoch 3\n"
                 "[   42] B -> A ACK received 4, consumed 4\n"
                 "[   42] A -> B VALUE lsn 5\n"
                 "[   43] B is told to take over\n"
                 "[   43] B suspects: primary suspected: told to take over\n"
                 "[   43] B claims term 2\n"
                 "[   43] B -> A ACK received 5, consumed 4\n"
                 "[   44] B gets a value\n"
                 "[   45] B has its claim answered: won\n"
                 "[   47] B -> A is healed\n"
                 "[   47] A emits 3\n"
                 "[   47] A suspects: backup suspected: connection closed\n"
                 "[   47] A claims term 2\n"
                 "[   49] A has its claim answered: lost\n"
                 "[   49] A fenced: the record is another's\n"
                 "[   49] A ends, fenced: another replica won term 2: the record is another's\n"
                 "[   58] B failover: live at position 40000 with 2 outputs to send again\n"
                 "[   58] B emits 3 to 4\n"
                 "[   58] B role: primary, unprotected\n"
                 "[   58] B runs epoch 4, promoted\n");
    story_ends(c);
}

/* A's whole host stands still while B takes over. Awake again, it may let go what B had
 * acknowledged before, finds itself fenced, and lets nothing else go. */
Test(traces_claim, paused_primary_wakes_up_fenced, .timeout = 20)
{
    struct cluster_config config = quick("ov|o");
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 4 * MS);
    cluster_pause(c, A);
    cluster_run(c, 90 * MS);
    cluster_resume(c, A);
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_FENCED);
    EXPECT_STORY(c, "paused_primary_wakes_up_fenced",
                 "[    4] A is paused\n"
                 "[   62] B suspects: primary suspected: nothing heard for 60 ms\n"
                 "[   62] B claims term 2\n"
                 "[   64] B has its claim answered: won\n"
                 "[   64] B failover: live at position 20000 with 1 outputs to send again\n"
                 "[   64] B emits 2\n"
                 "[   64] B role: primary, unprotected\n"
                 "[   64] B runs epoch 2, promoted\n"
                 "[   70] B makes output 3\n"
                 "[   70] B emits 3\n"
                 "[   84] B runs epoch 3\n"
                 "[   94] A wakes up\n"
                 "[   94] A suspects: backup suspected: connection closed\n"
                 "[   94] A claims term 2\n"
                 "[   94] B makes output 4\n"
                 "[   94] B emits 4\n"
                 "[   96] A has its claim answered: lost\n"
                 "[   96] A fenced: the record is another's\n"
                 "[   96] A ends, fenced: another replica won term 2: the record is another's\n"
                 "[  104] B runs epoch 4\n"
                 "[  110] B makes output 5\n"
                 "[  110] B emits 5\n");
    story_ends(c);
}

/* A pause longer than every timeout, of a host that is alone with its guest: nobody is suspected
 * for it, and the vCPU is not taken for stuck. */
Test(traces_claim, own_pause_is_forgiven, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.timeout_ns = 100 * MS;
    config.engine.stuck_ns = 100 * MS;
    struct cluster *c = story_of_a_pair(&config);
    cluster_pause(c, A);
    cluster_pause(c, B); /* both at once: a host with two virtual machines on it */
    cluster_run(c, 5000 * MS);
    cluster_resume(c, A);
    cluster_resume(c, B);
    cluster_run(c, 500 * MS);
    cr_assert(c->replicas[A].alive && c->replicas[B].alive);
    cr_assert_eq(cluster_status(c, A).term, 1);
    cr_assert(cluster_status(c, A).is_protected);
    story_ends(c);
}

/* The claim takes effect, its answer is lost. Asked again with the same id it is a win. */
Test(traces_claim, claim_whose_answer_is_lost_is_asked_again, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.instruction_ns = 5000;
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].lose_answers = 2;
    cluster_crash(c, A);
    cluster_run(c, 420 * MS);
    EXPECT_STORY(c, "claim_whose_answer_is_lost_is_asked_again",
                 "[    0] A crashes\n"
                 "[    1] B suspects: primary suspected: connection reset\n"
                 "[    1] B claims term 2\n"
                 "[    3] B has its claim answered: unreachable\n"
                 "[    3] B notes: arbiter unreachable: its answer was lost\n"
                 "[  203] B claims term 2 again, with the same id\n"
                 "[  205] B has its claim answered: unreachable\n"
                 "[  405] B claims term 2 again, with the same id\n"
                 "[  407] B has its claim answered: won\n"
                 "[  407] B notes: arbiter reachable again\n"
                 "[  407] B failover: live at position 20000 with 1 outputs to send again\n"
                 "[  407] B emits 2\n"
                 "[  407] B role: primary, unprotected\n"
                 "[  407] B runs epoch 2, promoted\n");
    cr_assert_eq(c->record.term, 2);
    story_ends(c);
}

/* "That term is mine already" is said of one claim only. */
Test(traces_claim, each_claim_has_an_id_of_its_own, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    cluster_crash(c, B);
    cluster_run(c, 50 * MS);
    uint64_t first = c->replicas[A].last_claim_id;
    cluster_add_backup(c, A);
    cluster_run(c, 50 * MS);
    cr_assert(cluster_is_protected(c));
    cluster_crash(c, C);
    cluster_run(c, 50 * MS);
    cr_assert_eq(c->record.term, 3);
    cr_assert_neq(c->replicas[A].last_claim_id, first);
    story_ends(c);
}

/* Unknown is not lost and not won: outputs are held on both sides, guests run on, until the arbiter
 * is back. */
Test(traces_claim, arbiter_unreachable_from_both_sides_then_back, .timeout = 20)
{
    struct cluster_config config = quick("o|.|.|.|.");
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    cut_both(c, A, B);
    cluster_cut_arbiter(c, A, true);
    cluster_cut_arbiter(c, B, true);
    cluster_run(c, 10 * MS);
    size_t emitted = c->emission_count;
    cluster_run(c, 590 * MS);
    cr_assert_gt(cluster_status(c, A).outputs_held, 3);
    cr_assert_eq(c->emission_count, emitted);
    cluster_tell(c, true);
    cluster_cut_arbiter(c, B, false);
    cluster_cut_arbiter(c, A, false);
    cluster_run(c, 150 * MS);
    EXPECT_STORY(c, "arbiter_unreachable_from_both_sides_then_back",
                 "[    0] B can reach the arbiter\n"
                 "[    0] A can reach the arbiter\n"
                 "[   16] A runs epoch 32\n"
                 "[   36] A runs epoch 33\n"
                 "[   56] A runs epoch 34\n"
                 "[   65] A claims term 2 again, with the same id\n"
                 "[   66] B claims term 2 again, with the same id\n"
                 "[   67] A has its claim answered: won\n"
                 "[   67] A notes: arbiter reachable again\n"
                 "[   67] A role: primary, unprotected\n"
                 "[   67] A emits 2 to 7\n"
                 "[   68] B has its claim answered: lost\n"
                 "[   68] B notes: arbiter reachable again\n"
                 "[   68] B fenced: the record is another's\n"
                 "[   68] B ends, fenced: another replica won term 2: the record is another's\n"
                 "[   76] A runs epoch 35\n"
                 "[   86] A makes output 8\n"
                 "[   86] A emits 8\n"
                 "[   96] A runs epoch 36\n"
                 "[  116] A runs epoch 37\n"
                 "[  136] A runs epoch 38\n");
    story_ends(c);
}

/* The backup leaves while the arbiter is away: the guest runs on, outputs wait for the claim. */
Test(traces_claim, outputs_wait_for_the_claim_of_a_lone_primary, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.instruction_ns = 5000;
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut_arbiter(c, A, true);
    cluster_stop(c, B);
    cluster_run(c, 30 * MS);
    cluster_cut_arbiter(c, A, false);
    cluster_run(c, 200 * MS);
    EXPECT_STORY(c, "outputs_wait_for_the_claim_of_a_lone_primary",
                 "[    0] A cannot reach the arbiter\n"
                 "[    0] B is told to stop\n"
                 "[    0] B -> A BYE (leaving): told to stop\n"
                 "[    0] B ends, stopped: stopped by command\n"
                 "[    1] A suspects: backup suspected: told to stop\n"
                 "[    1] A claims term 2\n"
                 "[    3] A has its claim answered: unreachable\n"
                 "[    3] A notes: arbiter unreachable: no answer\n"
                 "[   21] A makes output 2\n"
                 "[   30] A can reach the arbiter\n"
                 "[   46] A runs epoch 2\n"
                 "[   71] A makes output 3\n"
                 "[   96] A runs epoch 3\n"
                 "[  121] A makes output 4\n"
                 "[  146] A runs epoch 4\n"
                 "[  171] A makes output 5\n"
                 "[  196] A runs epoch 5\n"
                 "[  203] A claims term 2 again, with the same id\n"
                 "[  205] A has its claim answered: won\n"
                 "[  205] A notes: arbiter reachable again\n"
                 "[  205] A role: primary, unprotected\n"
                 "[  205] A emits 2 to 5\n"
                 "[  221] A makes output 6\n"
                 "[  221] A emits 6\n");
    story_ends(c);
}

/* A joiner that was never told that it may claim must not: the primary has let outputs go without
 * it. So both sides part without a claim. */
Test(traces_claim, joiner_that_was_not_told_may_not_claim, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    cluster_add_backup(c, A);
    cluster_tell(c, true);
    c->trap = (struct trap){.moment = TRAP_BEFORE,
                            .replica = A,
                            .action = ENGINE_DO_SEND,
                            .message = MESSAGE_PROTECTED};
    cluster_run(c, 60 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_LOST);
    cr_assert_eq(c->record.term, 1);
    EXPECT_STORY(c, "joiner_that_was_not_told_may_not_claim",
                 "[    0] A runs epoch 0\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    5] A makes output 1\n"
                 "[    5] A emits 1\n"
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
                 "[   15] A crashes\n"
                 "[   16] B suspects: primary suspected: connection reset\n"
                 "[   16] B ends, lost: the primary was lost before this backup was protected "
                 "(connection reset)\n");
    story_ends(c);
}

/* By command. The primary is not told before the claim is won. */
Test(traces_claim, promotion_by_command, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = story_of_a_pair(&config);
    cluster_promote(c, A); /* is primary already */
    cluster_promote(c, B);
    cluster_run(c, 30 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    EXPECT_STORY(c, "promotion_by_command",
                 "[    0] A is told to take over\n"
                 "[    0] B is told to take over\n"
                 "[    0] B suspects: primary suspected: told to take over\n"
                 "[    0] B claims term 2\n"
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    2] B has its claim answered: won\n"
                 "[    3] A suspects: backup suspected: connection closed\n"
                 "[    3] A claims term 2\n"
                 "[    5] A has its claim answered: lost\n"
                 "[    5] A fenced: the record is another's\n"
                 "[    5] A ends, fenced: another replica won term 2: the record is another's\n"
                 "[    8] B failover: live at position 20000 with 1 outputs to send again\n"
                 "[    8] B emits 2\n"
                 "[    8] B role: primary, unprotected\n"
                 "[    8] B runs epoch 2, promoted\n"
                 "[   13] B makes output 3\n"
                 "[   13] B emits 3\n"
                 "[   18] B runs epoch 3\n"
                 "[   23] B makes output 4\n"
                 "[   23] B emits 4\n"
                 "[   28] B runs epoch 4\n");
    story_ends(c);
}

/* The arbiter is away, and A dies while B, told to take over, still follows it. */
Test(traces_claim, promotion_by_command_of_a_primary_that_dies_meanwhile, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.instruction_ns = 5000;
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut_arbiter(c, B, true);
    cluster_promote(c, B);
    cluster_run(c, 60 * MS);
    cluster_crash(c, A);
    cluster_run(c, 5 * MS);
    cluster_cut_arbiter(c, B, false);
    cluster_run(c, 175 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    EXPECT_STORY(c, "promotion_by_command_of_a_primary_that_dies_meanwhile",
                 "[    0] B cannot reach the arbiter\n"
                 "[    0] B is told to take over\n"
                 "[    0] B suspects: primary suspected: told to take over\n"
                 "[    0] B claims term 2\n"
                 "[    2] B has its claim answered: unreachable\n"
                 "[    2] B notes: arbiter unreachable: no answer\n"
                 "[   21] A makes output 2\n"
                 "[   21] A emits 2\n"
                 "[   46] A -> B BOUNDARY lsn 2, released 2\n"
                 "[   46] A runs epoch 2\n"
                 "[   47] B -> A ACK received 2, consumed 1\n"
                 "[   48] B runs epoch 2\n"
                 "[   52] B -> A ACK received 2, consumed 2\n"
                 "[   60] A crashes\n"
                 "[   65] B can reach the arbiter\n"
                 "[  202] B claims term 2 again, with the same id\n"
                 "[  204] B has its claim answered: won\n"
                 "[  204] B notes: arbiter reachable again\n"
                 "[  204] B failover: live at position 30000 with 1 outputs to send again\n"
                 "[  204] B emits 3\n"
                 "[  204] B role: primary, unprotected\n"
                 "[  204] B runs epoch 3, promoted\n"
                 "[  229] B makes output 4\n"
                 "[  229] B emits 4\n");
    story_ends(c);
}

/* What a connection says that was given up counts no longer: an acknowledgement of another term, or
 * of what was never sent. */
Test(traces_claim, acknowledgement_of_another_term_does_not_count, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "vo";
    struct cluster *c = story_of_a_pair(&config);
    cluster_cut(c, B, A);
    cluster_run(c, 15 * MS);
    uint64_t held = cluster_status(c, A).outputs_held;
    cr_assert_gt(held, 0);
    struct message stale = {
        .type = MESSAGE_ACK,
        .ack = {.term = 9, .received = cluster_status(c, A).lsn, .consumed = 1}};
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, A).peer, .message = &stale};
    cluster_step(c, A, &event);
    cr_assert_eq(cluster_status(c, A).outputs_held, held);
    stale.ack.term = 1;
    stale.ack.received += 1;
    cluster_step(c, A, &event);
    cr_assert(cluster_status(c, A).claiming, "a backup that acknowledges the future is given up");
    cr_assert_eq(cluster_status(c, A).outputs_held, held);
    story_ends(c);
}

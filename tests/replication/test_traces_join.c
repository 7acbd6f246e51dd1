/* Stories of joiners: state transfer, protection, losses on the way, refusals. */
#include "tests/replication/stories.h"

static struct cluster *lone_primary(const struct cluster_config *config)
{
    struct cluster *c = cluster_create(config);
    cluster_add_primary(c);
    cluster_run(c, 2 * MS);
    cluster_tell(c, true);
    return c;
}

/* Outputs leave freely until the moment of PROTECTED, and wait from there on: output 4 and those
 * before it leave at once, 5 only after its acknowledgement. */
Test(traces_join, protected_only_once_outputs_are_held, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "ovo|vo";
    config.latency_ns = 3 * MS;
    struct cluster *c = lone_primary(&config);
    cluster_add_backup(c, A);
    cluster_run(c, 46 * MS);
    EXPECT_STORY(c, "protected_only_once_outputs_are_held",
                 "[    0] B starts as backup\n"
                 "[    0] A makes output 1\n"
                 "[    0] A emits 1\n"
                 "[    3] B -> A HELLO, term 0\n"
                 "[    5] A makes output 2\n"
                 "[    5] A emits 2\n"
                 "[    6] A -> B WELCOME, term 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 2, outputs 2\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_END\n"
                 "[   10] A goes on\n"
                 "[   11] B gets a state\n"
                 "[   13] B has the whole state\n"
                 "[   13] A -> B VALUE lsn 3\n"
                 "[   14] B role: backup, following A\n"
                 "[   14] B goes on\n"
                 "[   14] B -> A ACK received 2, consumed 2\n"
                 "[   16] B -> A ACK received 3, consumed 2\n"
                 "[   16] A makes output 3\n"
                 "[   16] A emits 3\n"
                 "[   17] A -> B PROTECTED from lsn 3\n"
                 "[   17] A role: primary, protected by B\n"
                 "[   17] B gets a value\n"
                 "[   20] B role: this backup may take over\n"
                 "[   20] A -> B BOUNDARY lsn 4, released 3\n"
                 "[   20] A runs epoch 2\n"
                 "[   22] A makes output 4\n"
                 "[   23] B -> A ACK received 4, consumed 3\n"
                 "[   24] B runs epoch 2\n"
                 "[   25] A -> B VALUE lsn 5\n"
                 "[   26] A emits 4\n"
                 "[   27] A makes output 5\n"
                 "[   28] B -> A ACK received 5, consumed 4\n"
                 "[   29] B gets a value\n"
                 "[   30] A -> B BOUNDARY lsn 6, released 4\n"
                 "[   30] A runs epoch 3\n"
                 "[   31] A emits 5\n"
                 "[   33] B -> A ACK received 6, consumed 5\n"
                 "[   33] A -> B VALUE lsn 7\n"
                 "[   34] B runs epoch 3\n"
                 "[   36] B -> A ACK received 7, consumed 6\n"
                 "[   36] A makes output 6\n"
                 "[   37] B gets a value\n"
                 "[   39] A emits 6\n"
                 "[   40] A -> B BOUNDARY lsn 8, released 6\n"
                 "[   40] A runs epoch 4\n"
                 "[   42] A makes output 7\n"
                 "[   43] B -> A ACK received 8, consumed 7\n"
                 "[   44] B runs epoch 4\n"
                 "[   45] A -> B VALUE lsn 9\n"
                 "[   46] A emits 7\n");
    story_ends(c);
}

/* What is left to execute at a failover is bounded: a joiner that has loaded and is still more than
 * half of the lag limit behind is not told PROTECTED. */
Test(traces_join, protected_only_once_it_has_nearly_caught_up, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    config.engine.lag_epochs = 4;
    config.load_ns = 50 * MS;
    struct cluster *c = lone_primary(&config);
    cluster_add_backup(c, A);
    cluster_run(c, 90 * MS);
    EXPECT_STORY(c, "protected_only_once_it_has_nearly_caught_up",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 0\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_END\n"
                 "[   10] A goes on\n"
                 "[   11] B has the whole state\n"
                 "[   20] A -> B BOUNDARY lsn 2\n"
                 "[   20] A runs epoch 2\n"
                 "[   30] A -> B BOUNDARY lsn 3\n"
                 "[   30] A runs epoch 3\n"
                 "[   40] A -> B BOUNDARY lsn 4\n"
                 "[   40] A runs epoch 4\n"
                 "[   61] B role: backup, following A\n"
                 "[   61] B goes on\n"
                 "[   61] B -> A ACK received 4, consumed 1\n"
                 "[   71] B runs epoch 2\n"
                 "[   71] B -> A ACK received 4, consumed 2\n"
                 "[   72] A -> B PROTECTED from lsn 4\n"
                 "[   72] A role: primary, protected by B\n"
                 "[   72] A -> B BOUNDARY lsn 5\n"
                 "[   72] A runs epoch 5\n"
                 "[   73] B role: this backup may take over\n"
                 "[   73] B -> A ACK received 5, consumed 2\n"
                 "[   81] B runs epoch 3\n"
                 "[   81] B -> A ACK received 5, consumed 3\n"
                 "[   82] A -> B BOUNDARY lsn 6\n"
                 "[   82] A runs epoch 6\n"
                 "[   83] B -> A ACK received 6, consumed 3\n");
    story_ends(c);
}

/* A guest that idles is woken to be saved. */
Test(traces_join, idle_guest_is_saved_at_once, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z|o";
    struct cluster *c = lone_primary(&config);
    cluster_run(c, 100 * MS);
    cluster_tell(c, true);
    cluster_add_backup(c, A);
    cluster_run(c, 20 * MS);
    EXPECT_STORY(c, "idle_guest_is_saved_at_once",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    2] A runs epoch 1, saves first\n"
                 "[    2] A -> B STATE_BEGIN at lsn 1, outputs 0\n"
                 "[    3] B gets a state\n"
                 "[    3] A -> B STATE_CHUNK\n"
                 "[    4] A -> B STATE_END\n"
                 "[    4] A goes on\n"
                 "[    5] B has the whole state\n"
                 "[    6] B role: backup, following A\n"
                 "[    6] B goes on\n"
                 "[    6] B -> A ACK received 1, consumed 1\n"
                 "[    7] A -> B PROTECTED from lsn 1\n"
                 "[    7] A role: primary, protected by B\n"
                 "[    8] B role: this backup may take over\n"
                 "[    9] A makes output 1\n"
                 "[    9] A emits 1\n"
                 "[   14] A -> B BOUNDARY lsn 2, released 1\n"
                 "[   14] A runs epoch 2\n"
                 "[   15] B -> A ACK received 2, consumed 1\n"
                 "[   16] B runs epoch 2\n");
    story_ends(c);
}

/* The joiner is lost; the machine goes on, unprotected as it was and without a claim; the next one
 * joins. */
static struct cluster *lose_joiner(enum message_type message)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.";
    config.chunk_size = 40;
    struct cluster *c = lone_primary(&config);
    c->trap = (struct trap){
        .moment = TRAP_BEFORE, .replica = B, .action = ENGINE_DO_SEND, .message = message};
    cluster_add_backup(c, A);
    cluster_run(c, 30 * MS);
    cluster_add_backup(c, A);
    cluster_run(c, 30 * MS);
    cr_assert(cluster_is_protected(c));
    cr_assert_eq(c->record.term, 1);
    return c;
}

Test(traces_join, joiner_lost_before_its_hello, .timeout = 20)
{
    struct cluster *c = lose_joiner(MESSAGE_HELLO);
    story_ends(c);
}

Test(traces_join, joiner_lost_before_it_has_loaded, .timeout = 20)
{
    struct cluster *c = lose_joiner(MESSAGE_ACK);
    EXPECT_STORY(c, "joiner_lost_before_it_has_loaded",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] A makes output 1\n"
                 "[    3] A emits 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_CHUNK\n"
                 "[   11] A -> B STATE_END\n"
                 "[   11] A goes on\n"
                 "[   12] B has the whole state\n"
                 "[   13] B role: backup, following A\n"
                 "[   13] B goes on\n"
                 "[   13] B crashes\n"
                 "[   14] A suspects: backup suspected: connection reset\n"
                 "[   21] A runs epoch 2\n"
                 "[   26] A makes output 2\n"
                 "[   26] A emits 2\n"
                 "[   30] C starts as backup\n"
                 "[   31] C -> A HELLO, term 0\n"
                 "[   31] A runs epoch 3\n"
                 "[   32] A -> C WELCOME, term 1\n"
                 "[   41] A runs epoch 4, saves first\n"
                 "[   41] A -> C STATE_BEGIN at lsn 4, outputs 2\n"
                 "[   42] C gets a state\n"
                 "[   42] A -> C STATE_CHUNK\n"
                 "[   43] A -> C STATE_CHUNK\n"
                 "[   44] A -> C STATE_END\n"
                 "[   44] A goes on\n"
                 "[   45] C has the whole state\n"
                 "[   46] C role: backup, following A\n"
                 "[   46] C goes on\n"
                 "[   46] C -> A ACK received 4, consumed 4\n"
                 "[   47] A -> C PROTECTED from lsn 4\n"
                 "[   47] A role: primary, protected by C\n"
                 "[   48] C role: this backup may take over\n"
                 "[   49] A makes output 3\n"
                 "[   49] A emits 3\n"
                 "[   54] A -> C BOUNDARY lsn 5, released 3\n"
                 "[   54] A runs epoch 5\n"
                 "[   55] C -> A ACK received 5, consumed 4\n"
                 "[   56] C runs epoch 5\n");
    story_ends(c);
}

/* The state is a chunk long already when B goes: what A saves on is nobody's, and C gets a state of
 * its own. */
Test(traces_join, joiner_lost_while_the_state_is_sent, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.";
    config.chunk_size = 16;
    struct cluster *c = lone_primary(&config);
    cluster_add_backup(c, A);
    cluster_run(c, 10 * MS);
    cluster_crash(c, B);
    cluster_add_backup(c, A);
    cluster_run(c, 35 * MS);
    cr_assert(cluster_is_protected(c));
    EXPECT_STORY(c, "joiner_lost_while_the_state_is_sent",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] A makes output 1\n"
                 "[    3] A emits 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_CHUNK\n"
                 "[   10] B crashes\n"
                 "[   10] C starts as backup\n"
                 "[   11] A suspects: backup suspected: connection reset\n"
                 "[   11] C -> A HELLO, term 0\n"
                 "[   11] A goes on\n"
                 "[   12] A -> C WELCOME, term 1\n"
                 "[   21] A runs epoch 2, saves first\n"
                 "[   21] A -> C STATE_BEGIN at lsn 2, outputs 1\n"
                 "[   22] C gets a state\n"
                 "[   22] A -> C STATE_CHUNK\n"
                 "[   23] A -> C STATE_CHUNK\n"
                 "[   24] A -> C STATE_CHUNK\n"
                 "[   25] A -> C STATE_CHUNK\n"
                 "[   26] A -> C STATE_CHUNK\n"
                 "[   27] A -> C STATE_END\n"
                 "[   27] A goes on\n"
                 "[   28] C has the whole state\n"
                 "[   29] C role: backup, following A\n"
                 "[   29] C goes on\n"
                 "[   29] C -> A ACK received 2, consumed 2\n"
                 "[   30] A -> C PROTECTED from lsn 2\n"
                 "[   30] A role: primary, protected by C\n"
                 "[   31] C role: this backup may take over\n"
                 "[   32] A makes output 2\n"
                 "[   32] A emits 2\n"
                 "[   37] A -> C BOUNDARY lsn 3, released 2\n"
                 "[   37] A runs epoch 3\n"
                 "[   38] C -> A ACK received 3, consumed 2\n"
                 "[   39] C runs epoch 3\n");
    story_ends(c);
}

Test(traces_join, joiner_that_cannot_load_is_let_go, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = lone_primary(&config);
    unsigned b = cluster_prepare(c, ENGINE_BACKUP, A);
    c->replicas[b].fault = GUEST_CANNOT_LOAD;
    cluster_start(c, b);
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_FAILED);
    cr_assert(cluster_is_live(c, A));
    EXPECT_STORY(c, "joiner_that_cannot_load_is_let_go",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] A makes output 1\n"
                 "[    3] A emits 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_END\n"
                 "[   10] A goes on\n"
                 "[   11] B has the whole state\n"
                 "[   12] B -> A BYE (failed): the state could not be loaded\n"
                 "[   12] B ends, failed: the state could not be loaded\n"
                 "[   13] A suspects: backup suspected: the state could not be loaded\n"
                 "[   15] A makes output 2\n"
                 "[   15] A emits 2\n"
                 "[   20] A runs epoch 2\n"
                 "[   25] A makes output 3\n"
                 "[   25] A emits 3\n"
                 "[   30] A runs epoch 3\n");
    story_ends(c);
}

Test(traces_join, guest_that_cannot_be_saved_goes_on_alone, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = lone_primary(&config);
    c->replicas[A].fault = GUEST_CANNOT_SAVE;
    cluster_add_backup(c, A);
    cluster_run(c, 30 * MS);
    cr_assert(cluster_is_live(c, A));
    EXPECT_STORY(c, "guest_that_cannot_be_saved_goes_on_alone",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] A makes output 1\n"
                 "[    3] A emits 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B BYE (failed): the primary's state could not be saved\n"
                 "[    9] A suspects: backup suspected: the state could not be saved\n"
                 "[    9] A goes on\n"
                 "[   10] B suspects: primary suspected: the primary's state could not be saved\n"
                 "[   10] B ends, lost: the primary was lost before this backup was protected (the "
                 "primary's state could not be saved)\n"
                 "[   14] A makes output 2\n"
                 "[   14] A emits 2\n"
                 "[   19] A runs epoch 2\n"
                 "[   24] A makes output 3\n"
                 "[   24] A emits 3\n"
                 "[   29] A runs epoch 3\n");
    story_ends(c);
}

/* A primary that is lost while a joiner loads takes the machine with it: the joiner says so. */
Test(traces_join, primary_lost_while_the_joiner_loads, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.load_ns = 30 * MS;
    struct cluster *c = lone_primary(&config);
    cluster_add_backup(c, A);
    cluster_run(c, 15 * MS);
    cluster_crash(c, A);
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_LOST);
    EXPECT_STORY(c, "primary_lost_while_the_joiner_loads",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] A makes output 1\n"
                 "[    3] A emits 1\n"
                 "[    8] A runs epoch 1, saves first\n"
                 "[    8] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[    9] B gets a state\n"
                 "[    9] A -> B STATE_CHUNK\n"
                 "[   10] A -> B STATE_END\n"
                 "[   10] A goes on\n"
                 "[   11] B has the whole state\n"
                 "[   15] A makes output 2\n"
                 "[   15] A emits 2\n"
                 "[   15] A crashes\n"
                 "[   16] B suspects: primary suspected: connection reset\n"
                 "[   16] B ends, lost: the primary was lost before this backup was protected "
                 "(connection reset)\n");
    story_ends(c);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* A joiner with another configuration; the machine is not disturbed by it. */
static struct cluster *refused(void (*differ)(struct engine_config *joiner))
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = lone_primary(&config);
    unsigned b = cluster_prepare(c, ENGINE_BACKUP, A);
    differ(&c->replicas[b].config);
    cluster_start(c, b);
    cluster_run(c, 20 * MS);
    cr_assert(cluster_is_live(c, A));
    cr_assert_eq(cluster_status(c, A).peer, 0);
    return c;
}

static void another_name(struct engine_config *joiner)
{
    joiner->name = "other";
}

static void another_description(struct engine_config *joiner)
{
    static const uint8_t other[] = "another toy";
    joiner->description = (struct log_bytes){other, sizeof other};
}

static void later_term(struct engine_config *joiner)
{
    joiner->term = 7;
}

static void no_arbiter(struct engine_config *joiner)
{
    joiner->arbitrated = false;
}

Test(traces_join, refused_for_its_name, .timeout = 20)
{
    struct cluster *c = refused(another_name);
    EXPECT_STORY(c, "refused_for_its_name",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B REFUSE (name): this is machine \"toy\", not \"other\"\n"
                 "[    3] B is refused (name): this is machine \"toy\", not \"other\"\n");
    story_ends(c);
}

Test(traces_join, refused_for_its_description, .timeout = 20)
{
    struct cluster *c = refused(another_description);
    EXPECT_STORY(
        c, "refused_for_its_description",
        "[    0] B starts as backup\n"
        "[    1] B -> A HELLO, term 0\n"
        "[    2] A -> B REFUSE (machine): B describes another machine than the one that runs here\n"
        "[    3] B is refused (machine): B describes another machine than the one that runs "
        "here\n");
    story_ends(c);
}

/* Who has seen term 7 does not follow a primary of term 1. */
Test(traces_join, refused_by_a_stale_primary, .timeout = 20)
{
    struct cluster *c = refused(later_term);
    EXPECT_STORY(
        c, "refused_by_a_stale_primary",
        "[    0] B starts as backup\n"
        "[    1] B -> A HELLO, term 7\n"
        "[    2] A -> B REFUSE (term): B has seen term 7 and this primary is at term 1: stale\n"
        "[    3] B is refused (term): B has seen term 7 and this primary is at term 1: stale\n");
    story_ends(c);
}

/* The joiner refuses itself: without an arbiter every claim of it would win. */
Test(traces_join, refuses_itself_without_the_arbiter, .timeout = 20)
{
    struct cluster *c = refused(no_arbiter);
    EXPECT_STORY(c, "refuses_itself_without_the_arbiter",
                 "[    0] B starts as backup\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    3] B is refused (arbiter): the primary uses an arbiter and this replica "
                 "none: name the same arbiter\n"
                 "[    3] A runs epoch 1, saves first\n"
                 "[    3] A -> B STATE_BEGIN at lsn 1, outputs 0\n"
                 "[    4] A suspects: backup suspected: connection closed\n"
                 "[    4] A goes on\n");
    story_ends(c);
}

Test(traces_join, refused_for_its_version, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = lone_primary(&config);
    struct message hello = {.type = MESSAGE_HELLO,
                            .hello = {.version = LOG_VERSION + 1, .name = "toy", .replica = "B"}};
    unsigned b = cluster_prepare(c, ENGINE_BACKUP, A);
    c->replicas[b].config.description.size = 0;
    cluster_start(c, b);
    cluster_cut(c, B, A); /* its own HELLO stays behind the forged one */
    cluster_lose(c, B, A);
    cluster_forge(c, B, A, &hello);
    cluster_heal(c, B, A);
    cluster_run(c, 10 * MS);
    cr_assert(cluster_is_live(c, A));
    EXPECT_STORY(
        c, "refused_for_its_version",
        "[    0] B starts as backup\n"
        "[    0] B -> A is cut\n"
        "[    0] B -> A HELLO, term 0\n"
        "[    0] B -> A is healed\n"
        "[    1] B -> A HELLO, term 0\n"
        "[    1] A -> B REFUSE (version): B speaks protocol version 4 and this primary version 3\n"
        "[    2] B is refused (version): B speaks protocol version 4 and this primary version 3\n"
        "[    3] A makes output 1\n"
        "[    3] A emits 1\n"
        "[    8] A runs epoch 1\n");
    story_ends(c);
}

Test(traces_join, second_backup_is_refused_and_so_is_a_joiner_of_a_backup, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 30 * MS);
    cluster_tell(c, true);
    cluster_add_backup(c, A);
    cluster_run(c, 5 * MS);
    cluster_add_backup(c, B);
    cluster_run(c, 5 * MS);
    EXPECT_STORY(c, "second_backup_is_refused_and_so_is_a_joiner_of_a_backup",
                 "[    0] C starts as backup\n"
                 "[    1] C -> A HELLO, term 0\n"
                 "[    2] A -> C REFUSE (second): there is a backup already: B\n"
                 "[    3] C is refused (second): there is a backup already: B\n"
                 "[    5] D starts as backup\n"
                 "[    6] D -> B HELLO, term 0\n"
                 "[    7] B -> D REFUSE (role): B is a backup itself: join its primary\n"
                 "[    8] D is refused (role): B is a backup itself: join its primary\n");
    story_ends(c);
}

/* While a claim is under way nobody joins: whether this is a primary is being decided. */
Test(traces_join, joiner_during_a_claim_is_refused_for_now, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.";
    config.arbiter_ns = 60 * MS;
    config.instruction_ns = 5000;
    struct cluster *c = story_of_a_pair(&config);
    cluster_crash(c, B);
    cluster_run(c, 20 * MS);
    cluster_tell(c, true);
    unsigned joiner = cluster_prepare(c, ENGINE_BACKUP, A);
    c->replicas[joiner].rejoins = true;
    cluster_start(c, joiner);
    cluster_run(c, 240 * MS);
    cr_assert(cluster_is_protected(c));
    EXPECT_STORY(c, "joiner_during_a_claim_is_refused_for_now",
                 "[    0] B crashes\n"
                 "[    1] A suspects: backup suspected: connection reset\n"
                 "[    1] A claims term 2\n"
                 "[    0] C starts as backup\n"
                 "[    1] C -> A HELLO, term 0\n"
                 "[    2] A -> C REFUSE (role): a claim is under way: try again\n"
                 "[    3] C is refused (role): a claim is under way: try again\n"
                 "[   26] A runs epoch 2\n"
                 "[   41] A has its claim answered: won\n"
                 "[   41] A role: primary, unprotected\n"
                 "[   51] A makes output 2\n"
                 "[   51] A emits 2\n"
                 "[   76] A runs epoch 3\n"
                 "[  126] A runs epoch 4\n"
                 "[  151] A makes output 3\n"
                 "[  151] A emits 3\n"
                 "[  176] A runs epoch 5\n"
                 "[  204] C -> A HELLO, term 0\n"
                 "[  205] A -> C WELCOME, term 2\n"
                 "[  226] A runs epoch 6, saves first\n"
                 "[  226] A -> C STATE_BEGIN at lsn 6, outputs 3\n"
                 "[  227] C gets a state\n"
                 "[  227] A -> C STATE_CHUNK\n"
                 "[  228] A -> C STATE_END\n"
                 "[  228] A goes on\n"
                 "[  229] C has the whole state\n"
                 "[  230] C role: backup, following A\n"
                 "[  230] C goes on\n"
                 "[  230] C -> A ACK received 6, consumed 6\n"
                 "[  231] A -> C PROTECTED from lsn 6\n"
                 "[  231] A role: primary, protected by C\n"
                 "[  232] C role: this backup may take over\n");
    story_ends(c);
}

/* ---- Waiting for the first backup ------------------------------------------------------------ */

/* The guest does not run its first instruction unprotected, though the first joiner is lost after
 * the state was saved for it. */
Test(traces_join, waits_for_a_backup_though_the_first_joiner_is_lost, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.wait_backup = true;
    struct cluster *c = lone_primary(&config);
    cluster_run(c, 20 * MS);
    c->trap = (struct trap){
        .moment = TRAP_BEFORE, .replica = B, .action = ENGINE_DO_SEND, .message = MESSAGE_ACK};
    cluster_add_backup(c, A);
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[A].guest.position, 0);
    cluster_add_backup(c, A);
    cluster_run(c, 25 * MS);
    EXPECT_STORY(c, "waits_for_a_backup_though_the_first_joiner_is_lost",
                 "[   20] B starts as backup\n"
                 "[   21] B -> A HELLO, term 0\n"
                 "[   22] A -> B WELCOME, term 1\n"
                 "[   22] A runs epoch 0, saves first\n"
                 "[   22] A -> B STATE_BEGIN at lsn 0, outputs 0\n"
                 "[   23] B gets a state\n"
                 "[   23] A -> B STATE_CHUNK\n"
                 "[   24] A -> B STATE_END\n"
                 "[   25] B has the whole state\n"
                 "[   26] B role: backup, following A\n"
                 "[   26] B goes on\n"
                 "[   26] B crashes\n"
                 "[   27] A suspects: backup suspected: connection reset\n"
                 "[   50] C starts as backup\n"
                 "[   51] C -> A HELLO, term 0\n"
                 "[   52] A -> C WELCOME, term 1\n"
                 "[   52] A saves again\n"
                 "[   52] A -> C STATE_BEGIN at lsn 0, outputs 0\n"
                 "[   53] C gets a state\n"
                 "[   53] A -> C STATE_CHUNK\n"
                 "[   54] A -> C STATE_END\n"
                 "[   55] C has the whole state\n"
                 "[   56] C role: backup, following A\n"
                 "[   56] C goes on\n"
                 "[   56] C -> A ACK received 0, consumed 0\n"
                 "[   57] A -> C PROTECTED from lsn 0\n"
                 "[   57] A role: primary, protected by C\n"
                 "[   57] A goes on\n"
                 "[   58] C role: this backup may take over\n"
                 "[   62] A makes output 1\n"
                 "[   62] A emits 1\n"
                 "[   67] A -> C BOUNDARY lsn 1, released 1\n"
                 "[   67] A runs epoch 1\n"
                 "[   68] C runs epoch 1\n"
                 "[   68] C -> A ACK received 1, consumed 1\n"
                 "[   72] A makes output 2\n"
                 "[   72] A emits 2\n");
    story_ends(c);
}

/* ---- What no correct replica sends ----------------------------------------------------------- */

/* A joiner that sends pieces of a state to the primary is broken, and the primary is not. */
Test(traces_join, joiner_that_talks_nonsense_does_not_end_the_primary, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    struct cluster *c = story_of_a_pair(&config);
    struct message chunk = {.type = MESSAGE_STATE_END};
    cluster_forge(c, B, A, &chunk);
    cluster_run(c, 30 * MS);
    cr_assert_eq(cluster_survivor(c), A);
    EXPECT_STORY(c, "joiner_that_talks_nonsense_does_not_end_the_primary",
                 "[    0] B -> A STATE_END\n"
                 "[    1] A -> B BYE (failed): a state out of place\n"
                 "[    1] A suspects: backup suspected: it sent a state out of place\n"
                 "[    1] A claims term 2\n"
                 "[    2] B suspects: primary suspected: a state out of place\n"
                 "[    2] B claims term 2\n"
                 "[    3] A has its claim answered: won\n"
                 "[    3] A role: primary, unprotected\n"
                 "[    4] B has its claim answered: lost\n"
                 "[    4] B fenced: the record is another's\n"
                 "[    4] B ends, fenced: another replica won term 2: the record is another's\n"
                 "[    6] A runs epoch 2\n"
                 "[   16] A runs epoch 3\n"
                 "[   26] A runs epoch 4\n");
    story_ends(c);
}

Test(traces_join, damaged_state_is_not_loaded, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    cluster_add_backup(c, A);
    c->trap = (struct trap){.moment = TRAP_WITH,
                            .replica = A,
                            .action = ENGINE_DO_SEND,
                            .message = MESSAGE_STATE_END,
                            .silent = true};
    while (c->replicas[A].alive) {
        cluster_run(c, 1 * MS);
    }
    cluster_run(c, 1 * MS);
    struct message end = {.type = MESSAGE_STATE_END,
                          .state_end = {.size = c->replicas[B].state_size, .digest = 1}};
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, B).peer, .message = &end};
    cr_assert_gt(end.state_end.size, 0);
    cluster_step(c, B, &event);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_CORRUPT);
    story_ends(c);
}

/* PROTECTED says that the joiner has everything up to an entry: if it has not, it must not claim.
 */
Test(traces_join, protected_beyond_the_log_is_not_believed, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.latency_ns = 3 * MS;
    config.program = ".";
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    cluster_add_backup(c, A);
    c->trap = (struct trap){.moment = TRAP_WITH,
                            .replica = A,
                            .action = ENGINE_DO_SEND,
                            .message = MESSAGE_PROTECTED,
                            .silent = true};
    cluster_run(c, 60 * MS);
    struct message promise = {.type = MESSAGE_PROTECTED,
                              .protected_ = {.term = 1, .lsn = cluster_status(c, B).lsn + 1}};
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, B).peer, .message = &promise};
    cluster_step(c, B, &event);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_CORRUPT);
    story_ends(c);
}

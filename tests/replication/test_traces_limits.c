/* Stories of limits: lag, held outputs, stuck vCPUs, slow joiners; and of the clock. */
#include "tests/replication/stories.h"

/* B executes at a third of A's speed; A's guest waits at its boundary once B is two epochs behind.
 */
Test(traces_limits, lag_waits, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    config.engine.lag_epochs = 2;
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].instruction_ns = 3000;
    cluster_run(c, 100 * MS);
    cr_assert(cluster_status(c, A).is_protected);
    EXPECT_STORY(c, "lag_waits",
                 "[    6] A -> B BOUNDARY lsn 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[   16] A -> B BOUNDARY lsn 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 1\n"
                 "[   18] B runs epoch 2\n"
                 "[   18] B -> A ACK received 3, consumed 2\n"
                 "[   26] A -> B BOUNDARY lsn 4\n"
                 "[   26] A runs epoch 4\n"
                 "[   27] B -> A ACK received 4, consumed 2\n"
                 "[   36] A -> B BOUNDARY lsn 5\n"
                 "[   36] A runs epoch 5\n"
                 "[   37] B -> A ACK received 5, consumed 2\n"
                 "[   48] B runs epoch 3\n"
                 "[   48] B -> A ACK received 5, consumed 3\n"
                 "[   49] A -> B BOUNDARY lsn 6\n"
                 "[   49] A runs epoch 6\n"
                 "[   50] B -> A ACK received 6, consumed 3\n"
                 "[   78] B runs epoch 4\n"
                 "[   78] B -> A ACK received 6, consumed 4\n"
                 "[   79] A -> B BOUNDARY lsn 7\n"
                 "[   79] A runs epoch 7\n"
                 "[   80] B -> A ACK received 7, consumed 4\n");
    story_ends(c);
}

/* The same with "drop": A gives B up, and lets nothing go before it has won the claim. */
Test(traces_limits, lag_drops, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o";
    config.engine.lag_epochs = 2;
    config.engine.lag_policy = ENGINE_LAG_DROP;
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].instruction_ns = 5000;
    cluster_run(c, 60 * MS);
    cr_assert_eq(cluster_survivor(c), A);
    EXPECT_STORY(c, "lag_drops",
                 "[    1] A makes output 2\n"
                 "[    1] A emits 2\n"
                 "[    6] A -> B BOUNDARY lsn 2, released 2\n"
                 "[    6] A runs epoch 2\n"
                 "[    7] B -> A ACK received 2, consumed 1\n"
                 "[   11] A makes output 3\n"
                 "[   11] A emits 3\n"
                 "[   16] A -> B BOUNDARY lsn 3, released 3\n"
                 "[   16] A runs epoch 3\n"
                 "[   17] B -> A ACK received 3, consumed 1\n"
                 "[   21] A makes output 4\n"
                 "[   21] A emits 4\n"
                 "[   26] A -> B BOUNDARY lsn 4, released 4\n"
                 "[   26] A runs epoch 4\n"
                 "[   27] B -> A ACK received 4, consumed 1\n"
                 "[   28] B runs epoch 2\n"
                 "[   28] B -> A ACK received 4, consumed 2\n"
                 "[   31] A makes output 5\n"
                 "[   31] A emits 5\n"
                 "[   36] A -> B BOUNDARY lsn 5, released 5\n"
                 "[   36] A runs epoch 5\n"
                 "[   37] B -> A ACK received 5, consumed 2\n"
                 "[   41] A makes output 6\n"
                 "[   41] A emits 6\n"
                 "[   46] A suspects: backup suspected: its execution is too far behind\n"
                 "[   46] A claims term 2\n"
                 "[   46] A runs epoch 6\n"
                 "[   47] B suspects: primary suspected: connection closed\n"
                 "[   47] B claims term 2\n"
                 "[   48] A has its claim answered: won\n"
                 "[   48] A role: primary, unprotected\n"
                 "[   49] B has its claim answered: lost\n"
                 "[   49] B fenced: the record is another's\n"
                 "[   49] B ends, fenced: another replica won term 2: the record is another's\n"
                 "[   51] A makes output 7\n"
                 "[   51] A emits 7\n"
                 "[   56] A runs epoch 7\n");
    story_ends(c);
}

/* Many values in one epoch are more log than may be outstanding. Once B has executed them all, the
 * boundary after them goes through. */
Test(traces_limits, log_bytes_of_one_epoch_do_not_hold_up_its_boundary, .timeout = 60)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    uint8_t big[LOG_MAX_VALUE] = {0};
    struct engine *engine = c->replicas[A].engine;
    uint64_t lsn = cluster_status(c, A).lsn;
    uint64_t count = ENGINE_MAX_LOG_BYTES / sizeof big + 2;
    struct engine_event event = {.type = ENGINE_VALUE,
                                 .now_ns = c->now_ns + c->replicas[A].clock_base_ns,
                                 .data = {big, sizeof big}};
    struct engine_update update;
    for (uint64_t i = 0; i < count; i++) {
        engine_step(engine, &event, &update);
    }
    struct message ack = {.type = MESSAGE_ACK,
                          .ack = {.term = 1, .received = lsn + count, .consumed = lsn + count}};
    event = (struct engine_event){.type = ENGINE_MESSAGE,
                                  .now_ns = event.now_ns,
                                  .peer = cluster_status(c, A).peer,
                                  .message = &ack};
    engine_step(engine, &event, &update);
    uint64_t epoch = cluster_status(c, A).epoch;
    event =
        (struct engine_event){.type = ENGINE_BOUNDARY, .now_ns = event.now_ns, .position = 1000000};
    engine_step(engine, &event, &update);
    cr_assert_eq(cluster_status(c, A).epoch, epoch + 1, "the guest waits for what has happened");
    cluster_destroy(c);
}

/* Acknowledgements do not come; at half of the limit the guest waits at its boundary, at the limit
 * inside its epoch. The last acknowledgement lets all of them go. */
Test(traces_limits, held_outputs_stop_the_guest, .timeout = 60)
{
    struct cluster_config config = cluster_defaults();
    config.program = "vo|.|.|.|.|.|.|.";
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    cluster_cut(c, B, A);
    cluster_run(c, 100 * MS);
    uint8_t data[8] = {0};
    struct engine *engine = c->replicas[A].engine;
    struct engine_update update;
    struct engine_event output = {.type = ENGINE_OUTPUT,
                                  .now_ns = c->now_ns + c->replicas[A].clock_base_ns,
                                  .data = {data, sizeof data}};
    while (cluster_status(c, A).outputs_held < ENGINE_MAX_HELD_OUTPUTS / 2) {
        cr_assert(engine_accepts_vcpu(engine));
        engine_step(engine, &output, &update);
    }
    uint64_t epoch = cluster_status(c, A).epoch;
    cluster_run(c, 100 * MS);
    cr_assert_eq(cluster_status(c, A).epoch, epoch);
    cr_assert_eq(c->replicas[A].vcpu, VCPU_WAITS);
    output.now_ns = c->now_ns + c->replicas[A].clock_base_ns;
    while (engine_accepts_vcpu(engine)) {
        engine_step(engine, &output, &update);
    }
    cr_assert_eq(cluster_status(c, A).outputs_held, ENGINE_MAX_HELD_OUTPUTS);
    cluster_destroy(c);
}

Test(traces_limits, inputs_are_refused_when_too_many_wait, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    unsigned taken = 0;
    while (cluster_input(c, A)) {
        taken++;
    }
    cr_assert_eq(taken, ENGINE_MAX_PENDING_INPUTS);
    cluster_run(c, 200 * MS);
    cr_assert_eq(c->replicas[A].guest.inputs, ENGINE_MAX_PENDING_INPUTS);
    cr_assert_eq(c->replicas[B].guest.inputs, ENGINE_MAX_PENDING_INPUTS);
    cr_assert(cluster_input(c, A));
    story_ends(c);
}

/* The vCPU hangs while its I/O thread is well: the replica ends itself, and the other takes over.
 */
Test(traces_limits, stuck_primary_ends_itself, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|z";
    config.engine.stuck_ns = 200 * MS;
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[A].guest.program = "o|s";
    cluster_input(c, A);
    cluster_run(c, 300 * MS);
    cr_assert_eq(c->replicas[A].end, ENGINE_END_STUCK);
    cr_assert_eq(cluster_survivor(c), B);
    EXPECT_STORY(c, "stuck_primary_ends_itself",
                 "[    0] A takes input 1\n"
                 "[    1] A -> B BOUNDARY lsn 2, 1 input\n"
                 "[    1] A runs epoch 2, 1 input\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B runs epoch 2, 1 input\n"
                 "[    6] A makes output 2\n"
                 "[    6] A emits 2\n"
                 "[   11] A -> B BOUNDARY lsn 3, released 2\n"
                 "[   11] A runs epoch 3\n"
                 "[   12] B -> A ACK received 3, consumed 2\n"
                 "[   13] B runs epoch 3\n"
                 "[   16] A hangs\n"
                 "[   42] B -> A ACK received 3, consumed 3\n"
                 "[  211] A -> B BYE (failed): its vCPU thread is stuck\n"
                 "[  211] A ends, stuck: the vCPU thread reached no boundary for 200 ms after "
                 "position 25000\n"
                 "[  212] B suspects: primary suspected: its vCPU thread is stuck\n"
                 "[  212] B claims term 2\n"
                 "[  214] B has its claim answered: won\n"
                 "[  214] B failover: live at position 30000 with 0 outputs to send again\n"
                 "[  214] B role: primary, unprotected\n"
                 "[  214] B runs epoch 4, promoted\n"
                 "[  219] B makes output 3\n"
                 "[  219] B emits 3\n"
                 "[  224] B runs epoch 5\n");
    story_ends(c);
}

/* A joiner that takes no more of the state holds up the save. It is given up, and not the guest. */
Test(traces_limits, joiner_that_takes_no_state_is_given_up, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.stuck_ns = 200 * MS;
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    cluster_tell(c, true);
    cluster_add_backup(c, A);
    cluster_run(c, 10 * MS);
    cr_assert_eq(c->replicas[A].vcpu, VCPU_SAVES);
    c->replicas[A].vcpu_due_ns = CLUSTER_NEVER; /* as if its chunk waited for room */
    cluster_run(c, 300 * MS);
    cr_assert(c->replicas[A].alive);
    EXPECT_STORY(c, "joiner_that_takes_no_state_is_given_up",
                 "[    0] B starts as backup\n"
                 "[    0] A runs epoch 0\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[    5] A makes output 1\n"
                 "[    5] A emits 1\n"
                 "[   10] A runs epoch 1, saves first\n"
                 "[   10] A -> B STATE_BEGIN at lsn 1, outputs 1\n"
                 "[   11] B gets a state\n"
                 "[  210] A suspects: backup suspected: it takes no more of the state\n"
                 "[  211] B suspects: primary suspected: connection closed\n"
                 "[  211] B ends, lost: the primary was lost before this backup was protected "
                 "(connection closed)\n");
    cr_assert_not(cluster_status(c, A).saving, "what told the vCPU to go on saving");
    c->replicas[A].vcpu_due_ns = c->now_ns;
    cluster_run(c, 50 * MS);
    cr_assert_eq(c->replicas[A].vcpu, VCPU_RUNS);
    story_ends(c);
}

/* So is one that has the state and does not come to load it, once the guest has to wait for it. */
Test(traces_limits, joiner_that_does_not_load_is_given_up, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = ".";
    config.engine.stuck_ns = 200 * MS;
    config.engine.lag_epochs = 4;
    struct cluster *c = cluster_create(&config);
    cluster_add_primary(c);
    unsigned b = cluster_prepare(c, ENGINE_BACKUP, A);
    c->replicas[b].load_ns = 60000 * MS;
    c->replicas[b].config.stuck_ns = 0; /* and does not notice it */
    cluster_tell(c, true);
    cluster_start(c, b);
    cluster_run(c, 400 * MS);
    cr_assert_eq(c->replicas[A].vcpu, VCPU_RUNS);
    EXPECT_STORY(c, "joiner_that_does_not_load_is_given_up",
                 "[    0] B starts as backup\n"
                 "[    0] A runs epoch 0\n"
                 "[    1] B -> A HELLO, term 0\n"
                 "[    2] A -> B WELCOME, term 1\n"
                 "[   10] A runs epoch 1, saves first\n"
                 "[   10] A -> B STATE_BEGIN at lsn 1, outputs 0\n"
                 "[   11] B gets a state\n"
                 "[   11] A -> B STATE_CHUNK\n"
                 "[   12] A -> B STATE_END\n"
                 "[   12] A goes on\n"
                 "[   13] B has the whole state\n"
                 "[   22] A -> B BOUNDARY lsn 2\n"
                 "[   22] A runs epoch 2\n"
                 "[   32] A -> B BOUNDARY lsn 3\n"
                 "[   32] A runs epoch 3\n"
                 "[   42] A -> B BOUNDARY lsn 4\n"
                 "[   42] A runs epoch 4\n"
                 "[  302] A suspects: backup suspected: the guest waits for it, and it does not "
                 "load the state\n"
                 "[  302] A runs epoch 5\n"
                 "[  303] B suspects: primary suspected: connection closed\n"
                 "[  303] B ends, lost: the primary was lost before this backup was protected "
                 "(connection closed)\n"
                 "[  312] A runs epoch 6\n"
                 "[  322] A runs epoch 7\n"
                 "[  332] A runs epoch 8\n"
                 "[  342] A runs epoch 9\n"
                 "[  352] A runs epoch 10\n"
                 "[  362] A runs epoch 11\n"
                 "[  372] A runs epoch 12\n"
                 "[  382] A runs epoch 13\n"
                 "[  392] A runs epoch 14\n");
    story_ends(c);
}

/* B never loads; when it has ended as it should, another one must get its turn. */
static struct cluster *joiner_after_one_that_never_loads(const struct cluster_config *config,
                                                         bool it_notices, enum engine_end its_end)
{
    struct cluster *c = cluster_create(config);
    cluster_add_primary(c);
    unsigned b = cluster_prepare(c, ENGINE_BACKUP, A);
    c->replicas[b].load_ns = 60000 * MS;
    if (!it_notices) {
        c->replicas[b].config.stuck_ns = 0;
    }
    cluster_start(c, b);
    cluster_run(c, 500 * MS);
    cr_assert_eq(c->replicas[B].end, its_end);
    cluster_add_backup(c, A);
    cluster_run(c, 100 * MS);
    cr_assert(cluster_is_protected(c));
    return c;
}

/* A guest that sleeps does not wait for its joiner, and would never give it up: a joiner whose vCPU
 * hangs in the load ends itself. */
Test(traces_limits, joiner_that_hangs_in_its_load_ends_itself, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    config.engine.stuck_ns = 200 * MS;
    story_ends(joiner_after_one_that_never_loads(&config, true, ENGINE_END_STUCK));
}

/* The same while a new machine waits for its first backup. */
Test(traces_limits, first_backup_that_does_not_load_is_given_up, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.stuck_ns = 200 * MS;
    config.engine.wait_backup = true;
    struct cluster *c = joiner_after_one_that_never_loads(&config, false, ENGINE_END_LOST);
    cr_assert_eq(c->replicas[A].vcpu, VCPU_RUNS);
    story_ends(c);
}

/* The vCPU was held up by the limit on outputs, not by itself: when there is room again it has the
 * whole time that a stuck one has. */
Test(traces_limits, vcpu_that_waited_for_room_is_not_stuck, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.stuck_ns = 200 * MS;
    config.engine.timeout_ns = 5000 * MS;
    config.program = "o|.";
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    c->replicas[A].extra_arbiter_ns = 580 * MS;
    c->replicas[A].vcpu_due_ns += 150 * MS; /* a long epoch */
    cluster_crash(c, B);
    cluster_run(c, 2 * MS);
    uint8_t data[8] = {0};
    struct engine_update update;
    struct engine *engine = c->replicas[A].engine;
    struct engine_event output = {.type = ENGINE_OUTPUT,
                                  .now_ns = c->now_ns + c->replicas[A].clock_base_ns,
                                  .data = {data, sizeof data}};
    uint64_t left_ns = c->replicas[A].vcpu_due_ns - c->now_ns;
    while (engine_accepts_vcpu(engine)) {
        engine_step(engine, &output, &update);
    }
    while (!engine_accepts_vcpu(engine)) {
        cluster_run(c, 1 * MS);
    }
    c->replicas[A].vcpu_due_ns = c->now_ns + left_ns;
    cluster_run(c, 1000 * MS);
    cr_assert(c->replicas[A].alive, "%s", "taken for stuck");
    cluster_destroy(c);
}

/* Its vCPU did not run because nothing of it did. */
Test(traces_limits, lone_primary_that_slept_is_not_stuck, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.engine.stuck_ns = 2000 * MS;
    for (uint64_t slept_ns = 1000 * MS; slept_ns < 5000 * MS; slept_ns += 20 * MS) {
        struct cluster *c = cluster_create(&config);
        cluster_add_primary(c);
        cluster_run(c, 25 * MS);
        cluster_pause(c, A);
        cluster_run(c, slept_ns);
        cluster_resume(c, A);
        cluster_run(c, 1000 * MS);
        cr_assert(c->replicas[A].alive, "taken for stuck after %llu ms of sleep",
                  (unsigned long long)(slept_ns / MS));
        cluster_destroy(c);
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* Follows the guest of a replica: its rate and its lead over the world's clock must stay small. */
static void watch_clock(struct cluster *c, unsigned replica, uint64_t for_ns)
{
    const struct toy_guest *guest = &c->replicas[replica].guest;
    for (uint64_t passed_ns = 0; passed_ns < for_ns; passed_ns += 1 * MS) {
        cluster_run(c, 1 * MS);
        uint64_t rate_ns = guest->epoch.rate_q32 >> 32;
        cr_assert(rate_ns >= 85 && rate_ns <= 105, "%llu ns an instruction",
                  (unsigned long long)rate_ns);
        cr_assert(guest->last_clock_ns <= c->now_ns + 2 * MS, "the guest's clock is ahead");
    }
}

/* The engine keeps rates to 1000 ns an instruction, so this guest takes 100. */
static struct cluster_config clock_config(const char *program)
{
    struct cluster_config config = cluster_defaults();
    config.program = program;
    config.instruction_ns = 100;
    config.engine.epoch_length = 100000;
    config.engine.rate_q32 = UINT64_C(100) << 32;
    return config;
}

/* How fast the guest runs is measured while it runs. An idle guest, or one that was held up at its
 * boundary, is not a slow one: its clock inside the next epoch would race ahead. */
Test(traces_limits, rate_is_measured_while_the_guest_runs, .timeout = 20)
{
    struct cluster_config config = clock_config(".|oi|.o");
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    watch_clock(c, A, 1000 * MS);
    story_ends(c);
}

/* The survivor's epoch did not take the time that the failover took. */
Test(traces_limits, rate_survives_a_failover, .timeout = 20)
{
    struct cluster_config config = clock_config(".");
    struct cluster *c = story_of_a_pair(&config);
    cluster_tell(c, false);
    cluster_power_off(c, A);
    cluster_run(c, 990 * MS);
    watch_clock(c, B, 500 * MS);
    cr_assert_eq(cluster_survivor(c), B);
    story_ends(c);
}

/*
 * One engine, step by step, at the edges of the protocol: peers that stall or say what no correct
 * one says, and commands that cross a claim.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "logging/digest.h"
#include "replication/engine.h"

#define MS   UINT64_C(1000000)
#define PEER 7u

struct bench {
    struct engine_config config;
    struct engine *engine;
    struct engine_update update;
    uint64_t now_ns;
};

static void start(struct bench *bench, enum engine_role role)
{
    bench->now_ns = 1000 * MS;
    bench->config = (struct engine_config){
        .role = role,
        .name = "machine",
        .replica = role == ENGINE_PRIMARY ? "first" : "second",
        .term = role == ENGINE_PRIMARY ? 1 : 0,
        .arbitrated = true,
        .protocol = ENGINE_REVISED,
        .epoch_length = 1000,
        .heartbeat_ns = 50 * MS,
        .timeout_ns = 1000 * MS,
        .lag_epochs = 10,
        .stuck_ns = 3000 * MS,
        .claim_seed = 1,
        .rate_q32 = UINT64_C(4) << 32,
    };
    bench->engine = engine_create(&bench->config, bench->now_ns);
    cr_assert_not_null(bench->engine);
}

static void step(struct bench *bench, struct engine_event event)
{
    event.now_ns = bench->now_ns;
    engine_step(bench->engine, &event, &bench->update);
}

static void receive(struct bench *bench, const struct message *message)
{
    step(bench, (struct engine_event){.type = ENGINE_MESSAGE, .peer = PEER, .message = message});
}

static const struct engine_action *find(const struct bench *bench, enum engine_action_type type)
{
    for (size_t i = 0; i < bench->update.count; i++) {
        if (bench->update.actions[i].type == type) {
            return &bench->update.actions[i];
        }
    }
    return NULL;
}

static const struct message *find_sent(const struct bench *bench, enum message_type type)
{
    for (size_t i = 0; i < bench->update.count; i++) {
        const struct engine_action *action = &bench->update.actions[i];
        if (action->type == ENGINE_DO_SEND && action->message.type == type) {
            return &action->message;
        }
    }
    return NULL;
}

static struct engine_status status_of(const struct bench *bench)
{
    struct engine_status status;
    engine_get_status(bench->engine, &status);
    return status;
}

/* Time passes in steps of a heartbeat, with the peer saying that it lives. */
static void pass(struct bench *bench, uint64_t length_ns)
{
    struct message alive = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.term = 1}};
    for (uint64_t past = 0; past < length_ns && status_of(bench).end == ENGINE_RUNNING;
         past += 50 * MS) {
        bench->now_ns += 50 * MS;
        receive(bench, &alive);
        if (status_of(bench).end == ENGINE_RUNNING) {
            step(bench, (struct engine_event){.type = ENGINE_TICK});
        }
    }
}

static uint64_t run_epoch(struct bench *bench, uint64_t position)
{
    bench->now_ns += MS;
    step(bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = position + 1000});
    return position + 1000;
}

/* ---- A primary and its joiner -------------------------------------------------------- */

/* A joiner was welcomed, and the vCPU has begun to save for it. */
static uint64_t start_saving(struct bench *bench)
{
    struct message hello = {.type = MESSAGE_HELLO,
                            .hello = {.version = LOG_VERSION, .name = "", .replica = "second"}};
    start(bench, ENGINE_PRIMARY);
    step(bench, (struct engine_event){.type = ENGINE_BEGIN});
    receive(bench, &hello);
    cr_assert_not_null(find_sent(bench, MESSAGE_WELCOME));
    uint64_t position = run_epoch(bench, 0);
    cr_assert(find(bench, ENGINE_DO_REPLY)->reply.save);
    step(bench, (struct engine_event){.type = ENGINE_STATE_SIZE, .size = 100});
    return position;
}

static void finish_saving(struct bench *bench)
{
    step(bench, (struct engine_event){.type = ENGINE_STATE_SAVED, .ok = true});
    cr_assert_eq(find(bench, ENGINE_DO_REPLY)->reply.type, ENGINE_REPLY_GO);
}

static void acknowledge(struct bench *bench)
{
    uint64_t lsn = status_of(bench).lsn;
    struct message ack = {.type = MESSAGE_ACK,
                          .ack = {.term = 1, .received = lsn, .consumed = lsn}};
    receive(bench, &ack);
}

Test(engine_edges, a_joiner_that_takes_no_state_does_not_end_the_primary)
{
    struct bench bench;
    start_saving(&bench);
    pass(&bench, 2900 * MS);
    cr_assert(status_of(&bench).saving);
    pass(&bench, 300 * MS);
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    cr_assert_not(status_of(&bench).saving);
    cr_assert_eq(status_of(&bench).peer, 0);
    step(&bench, (struct engine_event){.type = ENGINE_STATE_SAVED, .ok = false});
    cr_assert_eq(find(&bench, ENGINE_DO_REPLY)->reply.type, ENGINE_REPLY_GO);
    engine_destroy(bench.engine);
}

Test(engine_edges, a_save_that_hangs_by_itself_ends_the_primary_in_the_end)
{
    struct bench bench;
    start_saving(&bench);
    pass(&bench, 3200 * MS);
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    pass(&bench, 3200 * MS);
    cr_assert_eq(status_of(&bench).end, ENGINE_END_STUCK);
    engine_destroy(bench.engine);
}

Test(engine_edges, a_joiner_that_does_not_load_does_not_hold_the_guest_for_ever)
{
    struct bench bench;
    uint64_t position = start_saving(&bench);
    finish_saving(&bench);
    for (unsigned i = 0; i < 6; i++) {
        position = run_epoch(&bench, position);
        cr_assert_not_null(find(&bench, ENGINE_DO_REPLY), "boundary %u", i);
    }
    run_epoch(&bench, position);
    cr_assert_null(find(&bench, ENGINE_DO_REPLY), "more epochs than the joiner may lag behind");
    pass(&bench, 2900 * MS);
    cr_assert_eq(status_of(&bench).peer, PEER);
    pass(&bench, 300 * MS);
    cr_assert_eq(status_of(&bench).peer, 0);
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    position = run_epoch(&bench, position + 1000);
    cr_assert_not_null(find(&bench, ENGINE_DO_REPLY));
    engine_destroy(bench.engine);
}

/* ---- Outputs that could not leave ------------------------------------------------------------ */

/* As if it could not leave, nor those behind it. Returns how many were offered. */
static size_t refuse(struct bench *bench)
{
    const struct engine_action *emit = find(bench, ENGINE_DO_EMIT);
    size_t count = 0;
    for (const struct engine_output *output = emit != NULL ? emit->outputs : NULL; output != NULL;
         output = output->next) {
        count++;
    }
    if (count > 0) {
        engine_refuse_output(bench->engine, emit->outputs->number);
    }
    return count;
}

static void tick_at_deadline(struct bench *bench)
{
    uint64_t deadline_ns = engine_deadline(bench->engine);
    cr_assert_lt(deadline_ns, UINT64_MAX);
    bench->now_ns = deadline_ns > bench->now_ns ? deadline_ns : bench->now_ns;
    step(bench, (struct engine_event){.type = ENGINE_TICK});
}

static void fill(struct bench *bench, size_t size)
{
    static const uint8_t data[100000];
    start(bench, ENGINE_PRIMARY);
    step(bench, (struct engine_event){.type = ENGINE_BEGIN});
    for (unsigned i = 0; i < 2 * ENGINE_MAX_HELD_OUTPUTS && engine_accepts_vcpu(bench->engine);
         i++) {
        step(bench, (struct engine_event){.type = ENGINE_OUTPUT, .data = {data, size}});
        refuse(bench);
    }
    cr_assert_not(engine_accepts_vcpu(bench->engine));
}

/* The limits hold, however long it lasts; and one that is refused is offered alone, or each offer
 * would go through all. Once they leave, the guest goes on. */
static void stand_still_and_go_on(size_t size)
{
    struct bench bench;
    fill(&bench, size);
    uint64_t made = status_of(&bench).outputs;
    cr_expect_eq(status_of(&bench).outputs_held, made);
    run_epoch(&bench, 0);
    cr_expect_null(find(&bench, ENGINE_DO_REPLY));
    refuse(&bench);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t before_ns = bench.now_ns;
        tick_at_deadline(&bench);
        cr_assert_leq(refuse(&bench), 1);
        cr_assert_geq(bench.now_ns, before_ns + (i > 0 ? MS : 0));
        cr_assert_not(engine_accepts_vcpu(bench.engine));
        cr_assert_null(find(&bench, ENGINE_DO_REPLY));
    }
    uint64_t opened_ns = bench.now_ns;
    while (find(&bench, ENGINE_DO_REPLY) == NULL) {
        tick_at_deadline(&bench);
    }
    cr_expect_leq(bench.now_ns, opened_ns + 2 * MS);
    cr_expect_eq(status_of(&bench).outputs_released, made);
    cr_expect(engine_accepts_vcpu(bench.engine));
    engine_destroy(bench.engine);
}

Test(engine_edges, the_guest_stands_still_while_many_outputs_are_refused, .timeout = 60)
{
    stand_still_and_go_on(1);
}

Test(engine_edges, the_guest_stands_still_while_large_outputs_are_refused, .timeout = 60)
{
    stand_still_and_go_on(100000);
}

Test(engine_edges, a_halt_waits_for_what_was_refused)
{
    struct bench bench;
    start(&bench, ENGINE_PRIMARY);
    step(&bench, (struct engine_event){.type = ENGINE_BEGIN});
    step(&bench, (struct engine_event){.type = ENGINE_OUTPUT, .data = {(const uint8_t *)"x", 1}});
    cr_assert_eq(refuse(&bench), 1);
    step(&bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = 100, .halt = true});
    for (unsigned i = 0; i < 20; i++) {
        tick_at_deadline(&bench);
        cr_assert_null(find(&bench, ENGINE_DO_RELEASE));
        refuse(&bench);
    }
    tick_at_deadline(&bench);
    cr_assert_not_null(find(&bench, ENGINE_DO_EMIT));
    uint64_t left_ns = bench.now_ns;
    tick_at_deadline(&bench);
    cr_expect_not_null(find(&bench, ENGINE_DO_RELEASE));
    cr_expect_lt(bench.now_ns, left_ns + MS);
    engine_destroy(bench.engine);
}

/* ---- Stopping while a claim is under way --------------------------------------------- */

/* A protected primary has lost its backup and asked for the next term. Returns the claim's id. */
static uint64_t lose_backup(struct bench *bench)
{
    start_saving(bench);
    finish_saving(bench);
    acknowledge(bench);
    cr_assert(status_of(bench).is_protected);
    step(bench, (struct engine_event){.type = ENGINE_PEER_LOST, .peer = PEER, .reason = "gone"});
    cr_assert_not_null(find(bench, ENGINE_DO_CLAIM));
    return find(bench, ENGINE_DO_CLAIM)->claim_id;
}

static void answer_claim(struct bench *bench, uint64_t id, enum engine_outcome outcome)
{
    step(bench, (struct engine_event){
                    .type = ENGINE_CLAIM_ANSWER, .claim_id = id, .outcome = outcome, .reason = ""});
}

Test(engine_edges, a_stop_during_a_claim_releases_the_term_that_was_won)
{
    struct bench bench;
    uint64_t id = lose_backup(&bench);
    step(&bench, (struct engine_event){.type = ENGINE_STOP});
    cr_assert_null(find(&bench, ENGINE_DO_RELEASE), "which term is not known yet");
    answer_claim(&bench, id, ENGINE_WON);
    bench.now_ns = engine_deadline(bench.engine);
    step(&bench, (struct engine_event){.type = ENGINE_TICK});
    cr_assert_not_null(find(&bench, ENGINE_DO_RELEASE));
    cr_assert_eq(find(&bench, ENGINE_DO_RELEASE)->term, 2);
    step(&bench, (struct engine_event){.type = ENGINE_RELEASE_ANSWER, .outcome = ENGINE_WON});
    cr_assert_eq(status_of(&bench).end, ENGINE_END_STOPPED);
    engine_destroy(bench.engine);
}

Test(engine_edges, a_stop_during_a_claim_that_is_lost_is_fenced)
{
    struct bench bench;
    uint64_t id = lose_backup(&bench);
    step(&bench, (struct engine_event){.type = ENGINE_STOP});
    answer_claim(&bench, id, ENGINE_LOST);
    cr_assert_eq(status_of(&bench).end, ENGINE_END_FENCED);
    engine_destroy(bench.engine);
}

Test(engine_edges, a_stop_without_an_arbiter_to_ask_ends_at_last)
{
    struct bench bench;
    uint64_t id = lose_backup(&bench);
    uint64_t begun_ns = bench.now_ns;
    answer_claim(&bench, id, ENGINE_UNREACHABLE);
    step(&bench, (struct engine_event){.type = ENGINE_STOP});
    while (status_of(&bench).end == ENGINE_RUNNING) {
        bench.now_ns = engine_deadline(bench.engine);
        cr_assert_lt(bench.now_ns - begun_ns, 10000 * MS);
        step(&bench, (struct engine_event){.type = ENGINE_TICK});
        if (find(&bench, ENGINE_DO_CLAIM) != NULL) {
            answer_claim(&bench, id, ENGINE_UNREACHABLE);
        }
    }
    cr_assert_eq(status_of(&bench).end, ENGINE_END_STOPPED);
    engine_destroy(bench.engine);
}

/* ---- A backup and its primary -------------------------------------------------------- */

static void connect_to_primary(struct bench *bench)
{
    start(bench, ENGINE_BACKUP);
    step(bench, (struct engine_event){.type = ENGINE_CONNECTED, .peer = PEER});
    cr_assert_not_null(find_sent(bench, MESSAGE_HELLO));
}

static void follow(struct bench *bench)
{
    struct message welcome = {.type = MESSAGE_WELCOME,
                              .welcome = {.version = LOG_VERSION,
                                          .name = "machine",
                                          .replica = "first",
                                          .term = 1,
                                          .protocol = ENGINE_REVISED,
                                          .heartbeat_ms = 50,
                                          .timeout_ms = 1000,
                                          .arbitrated = true,
                                          .lag_epochs = 10,
                                          .epoch_length = 1000}};
    struct message begin = {
        .type = MESSAGE_STATE_BEGIN,
        .state_begin = {.term = 1, .lsn = 4, .epoch = 4, .length = 1000, .chain = 5}};
    struct message end = {.type = MESSAGE_STATE_END};
    connect_to_primary(bench);
    receive(bench, &welcome);
    step(bench, (struct engine_event){.type = ENGINE_BEGIN});
    receive(bench, &begin);
    receive(bench, &end);
    step(bench, (struct engine_event){.type = ENGINE_STATE_LOADED, .ok = true});
    cr_assert_eq(status_of(bench).end, ENGINE_RUNNING);
    cr_assert_not(status_of(bench).joining);
}

Test(engine_edges, entries_behind_the_last_one_are_refused)
{
    struct bench bench;
    follow(&bench);
    struct message final = {.type = MESSAGE_BOUNDARY,
                            .boundary = {.lsn = 5, .term = 1, .position = 1000, .final = true}};
    final.boundary.chain = (uint32_t)digest_chain_boundary(5, &final.boundary);
    receive(&bench, &final);
    step(&bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = 1000, .halt = true});
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    struct message more = {.type = MESSAGE_BOUNDARY,
                           .boundary = {.lsn = 6, .term = 1, .position = 2000}};
    receive(&bench, &more);
    cr_assert_eq(status_of(&bench).end, ENGINE_END_CORRUPT);
    engine_destroy(bench.engine);
}

/* Nothing comes after it that could bring the engine to notice. */
Test(engine_edges, a_guest_that_halts_when_its_primary_has_said_bye_ends_at_once)
{
    struct bench bench;
    follow(&bench);
    struct message final = {.type = MESSAGE_BOUNDARY,
                            .boundary = {.lsn = 5, .term = 1, .position = 1000, .final = true}};
    final.boundary.chain = (uint32_t)digest_chain_boundary(5, &final.boundary);
    struct message bye = {.type = MESSAGE_BYE, .bye = {.term = 1, .code = BYE_POWEROFF}};
    receive(&bench, &final);
    receive(&bench, &bye);
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    step(&bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = 1000, .halt = true});
    cr_assert_eq(status_of(&bench).end, ENGINE_END_HALTED);
    engine_destroy(bench.engine);
}

Test(engine_edges, a_primary_that_does_not_answer_yet_is_not_lost)
{
    struct bench bench;
    connect_to_primary(&bench);
    bench.now_ns += 5000 * MS;
    step(&bench, (struct engine_event){.type = ENGINE_TICK});
    cr_assert_eq(status_of(&bench).end, ENGINE_RUNNING);
    step(&bench, (struct engine_event){.type = ENGINE_PEER_LOST, .peer = PEER, .reason = "no"});
    step(&bench, (struct engine_event){.type = ENGINE_CONNECTED, .peer = PEER + 1});
    cr_assert_not_null(find_sent(&bench, MESSAGE_HELLO));
    engine_destroy(bench.engine);
}

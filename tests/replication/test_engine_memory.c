/*
 * One engine, step by step, with each of its allocations failing in turn: it is not created, or it
 * ends with ENGINE_END_MEMORY and says so, once. Nothing is left of it.
 */
#include <criterion/criterion.h>

#include "logging/digest.h"
#include "replication/engine.h"
#include "tests/support/scarce_memory.h"

#define MS     UINT64_C(1000000)
#define PEER   7u
#define EPOCHS 70u /* more boundaries under way than there is room for at first */

struct bench {
    struct scarce_memory scarce;
    struct memory memory;
    struct engine *engine;
    struct engine_update update;
    uint64_t now_ns;
    uint64_t lsn, chain; /* of the log that a backup is sent */
    unsigned ends;
};

static struct engine_status status_of(const struct bench *bench)
{
    struct engine_status status;
    engine_get_status(bench->engine, &status);
    return status;
}

static bool runs(const struct bench *bench)
{
    return bench->engine != NULL && status_of(bench).end == ENGINE_RUNNING;
}

static void start(struct bench *bench, enum engine_role role)
{
    struct engine_config config = {
        .memory = &bench->memory,
        .role = role,
        .name = "machine",
        .replica = role == ENGINE_PRIMARY ? "first" : "second",
        .term = role == ENGINE_PRIMARY ? 1 : 0,
        .arbitrated = true,
        .protocol = ENGINE_REVISED,
        .epoch_length = 1000,
        .heartbeat_ns = 50 * MS,
        .timeout_ns = 1000 * MS,
        .lag_epochs = 1000,
        .claim_seed = 1,
        .rate_q32 = UINT64_C(4) << 32,
    };
    bench->engine = engine_create(&config, bench->now_ns);
}

static void step(struct bench *bench, struct engine_event event)
{
    if (!runs(bench)) {
        return;
    }
    event.now_ns = ++bench->now_ns;
    engine_step(bench->engine, &event, &bench->update);
    for (size_t i = 0; i < bench->update.count; i++) {
        const struct engine_action *action = &bench->update.actions[i];
        if (action->type == ENGINE_DO_END) {
            cr_assert_eq(action->end, ENGINE_END_MEMORY);
            cr_assert_str_neq(action->reason, "");
            cr_assert_eq(i, bench->update.count - 1, "something follows the end");
            bench->ends++;
        }
    }
}

static void receive(struct bench *bench, const struct message *message)
{
    step(bench, (struct engine_event){.type = ENGINE_MESSAGE, .peer = PEER, .message = message});
}

static void lose_peer_and_win(struct bench *bench)
{
    step(bench, (struct engine_event){.type = ENGINE_PEER_LOST, .peer = PEER, .reason = "gone"});
    if (!runs(bench)) {
        return;
    }
    cr_assert_eq(bench->update.actions[bench->update.count - 1].type, ENGINE_DO_CLAIM);
    uint64_t id = bench->update.actions[bench->update.count - 1].claim_id;
    step(bench,
         (struct engine_event){.type = ENGINE_CLAIM_ANSWER, .claim_id = id, .outcome = ENGINE_WON});
}

static const struct log_bytes data = {(const uint8_t *)"data", 4};

/* It saves for a joiner, and works far ahead of it; that one catches up, protects, and is lost. */
static void live_as_primary(struct bench *bench)
{
    struct message hello = {.type = MESSAGE_HELLO,
                            .hello = {.version = LOG_VERSION, .name = "", .replica = "second"}};
    start(bench, ENGINE_PRIMARY);
    step(bench, (struct engine_event){.type = ENGINE_BEGIN});
    receive(bench, &hello);
    step(bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = 1000});
    step(bench, (struct engine_event){.type = ENGINE_STATE_SIZE, .size = 100});
    step(bench, (struct engine_event){.type = ENGINE_STATE_SAVED, .ok = true});
    for (unsigned i = 2; i < EPOCHS; i++) {
        step(bench, (struct engine_event){.type = ENGINE_INPUT, .device = 1, .data = data});
        step(bench,
             (struct engine_event){.type = ENGINE_VALUE, .position = i * 1000 - 1, .data = data});
        step(bench, (struct engine_event){.type = ENGINE_OUTPUT, .device = 1, .data = data});
        step(bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = i * 1000});
    }
    if (runs(bench)) {
        uint64_t lsn = status_of(bench).lsn;
        struct message ack = {.type = MESSAGE_ACK,
                              .ack = {.term = 1, .received = lsn, .consumed = lsn}};
        receive(bench, &ack);
        cr_assert(status_of(bench).is_protected);
    }
    step(bench, (struct engine_event){.type = ENGINE_OUTPUT, .device = 1, .data = data});
    lose_peer_and_win(bench);
}

static void receive_value(struct bench *bench, uint64_t position)
{
    struct message value = {
        .type = MESSAGE_VALUE,
        .value = {.lsn = ++bench->lsn, .term = 1, .position = position, .data = data}};
    bench->chain = digest_chain_value(bench->chain, &value.value);
    receive(bench, &value);
}

static void receive_boundary(struct bench *bench, uint64_t position)
{
    struct log_input input = {1, data};
    struct message boundary = {.type = MESSAGE_BOUNDARY,
                               .boundary = {.lsn = ++bench->lsn,
                                            .term = 1,
                                            .position = position,
                                            .input_count = 1,
                                            .inputs = &input}};
    bench->chain = digest_chain_boundary(bench->chain, &boundary.boundary);
    boundary.boundary.chain = (uint32_t)bench->chain;
    receive(bench, &boundary);
}

/* It loads a state, follows the log, may take over, and does. */
static void live_as_backup(struct bench *bench)
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
                                          .lag_epochs = 1000,
                                          .epoch_length = 1000}};
    struct message begin = {.type = MESSAGE_STATE_BEGIN,
                            .state_begin = {.term = 1, .length = 1000, .chain = bench->chain}};
    struct message end = {.type = MESSAGE_STATE_END};
    struct message promise = {.type = MESSAGE_PROTECTED, .protected_ = {.term = 1}};
    start(bench, ENGINE_BACKUP);
    step(bench, (struct engine_event){.type = ENGINE_CONNECTED, .peer = PEER});
    receive(bench, &welcome);
    step(bench, (struct engine_event){.type = ENGINE_BEGIN});
    receive(bench, &begin);
    receive(bench, &end);
    step(bench, (struct engine_event){.type = ENGINE_STATE_LOADED, .ok = true});
    receive(bench, &promise);
    for (unsigned i = 1; i < EPOCHS; i++) {
        receive_value(bench, i * 1000 - 1);
        receive_boundary(bench, i * 1000);
        step(bench,
             (struct engine_event){.type = ENGINE_VALUE, .position = i * 1000 - 1, .data = data});
        step(bench, (struct engine_event){.type = ENGINE_OUTPUT, .device = 1, .data = data});
        step(bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = i * 1000});
    }
    lose_peer_and_win(bench);
    step(bench, (struct engine_event){.type = ENGINE_OUTPUT, .device = 1, .data = data});
    step(bench, (struct engine_event){.type = ENGINE_BOUNDARY, .position = EPOCHS * 1000});
}

static void fail_each(void (*live)(struct bench *bench))
{
    bool reached = true;
    for (unsigned long fails_at = 1; reached; fails_at++) {
        struct bench bench = {.scarce = {.fails_at = fails_at}, .now_ns = 1000 * MS, .chain = 5};
        bench.memory = scarce_memory(&bench.scarce);
        live(&bench);
        reached = scarce_has_failed(&bench.scarce);
        cr_assert_eq(runs(&bench), !reached, "allocation %lu", fails_at);
        cr_assert_eq(bench.ends, bench.engine != NULL && reached, "allocation %lu", fails_at);
        cr_assert(reached || status_of(&bench).live);
        cr_assert(reached || fails_at > EPOCHS, "a life has more than %lu allocations", fails_at);
        engine_destroy(bench.engine);
        cr_assert_eq(bench.scarce.live, 0, "allocation %lu", fails_at);
    }
}

Test(engine_memory, a_primary_ends_whichever_allocation_fails)
{
    fail_each(live_as_primary);
}

Test(engine_memory, a_backup_ends_whichever_allocation_fails)
{
    fail_each(live_as_backup);
}

Test(engine_memory, what_its_caller_lacks_ends_it_too_and_its_peer_hears_of_it)
{
    struct message hello = {.type = MESSAGE_HELLO,
                            .hello = {.version = LOG_VERSION, .name = "", .replica = "second"}};
    struct bench bench = {.now_ns = 1000 * MS};
    bench.memory = scarce_memory(&bench.scarce);
    start(&bench, ENGINE_PRIMARY);
    receive(&bench, &hello);
    step(&bench, (struct engine_event){.type = ENGINE_NO_MEMORY, .reason = "no memory"});
    cr_assert_eq(bench.ends, 1);
    cr_assert_eq(bench.update.actions[0].type, ENGINE_DO_SEND);
    cr_assert_eq(bench.update.actions[0].message.type, MESSAGE_BYE);
    engine_destroy(bench.engine);
}

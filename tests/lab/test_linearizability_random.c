/*
 * The checker of linearizability against histories drawn from seeds: those that an object gave are
 * all found good, however long; and of those that were bent afterwards, exactly the ones that no
 * order explains, which is found out here by trying every order, are found bad.
 */
#include "fault-injection/lab/workloads/linearizability.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLIENTS   8u
#define LONG_HISTORY  20000u
#define SHORT_HISTORY 7u
#define LONG_SEEDS    20u
#define SHORT_SEEDS   4000u

struct history {
    enum linearizability_type type;
    struct operation operations[LONG_HISTORY];
    size_t count;
    uint64_t random;
};

static uint64_t draw(struct history *history, uint64_t limit)
{
    history->random = history->random * 6364136223846793005u + 1442695040888963407u;
    return (history->random >> 33) % limit;
}

/* ---- What an object gives -------------------------------------------------------------------- */

/* An operation of a client is asked, done and answered at three moments, or given up. */
struct client {
    struct operation operation;
    enum { IDLE, ASKED, DONE } stage;
};

static enum operation_kind draw_kind(struct history *history)
{
    static const enum operation_kind kinds[][3] = {
        [LINEARIZABILITY_REGISTER] = {OPERATION_READ, OPERATION_WRITE, OPERATION_SWAP},
        [LINEARIZABILITY_COUNTER] = {OPERATION_READ, OPERATION_ADD, OPERATION_ADD},
    };

    return kinds[history->type][draw(history, 3)];
}

static void do_it(struct operation *operation, uint64_t *value)
{
    if (operation->kind == OPERATION_ADD)
        *value += 1;
    if (operation->kind != OPERATION_WRITE)
        operation->result = *value;
    if (operation->kind == OPERATION_WRITE || operation->kind == OPERATION_SWAP)
        *value = operation->argument;
}

static void put(struct history *history, const struct operation *operation)
{
    if (history->count < LONG_HISTORY)
        history->operations[history->count++] = *operation;
}

/* One in `given_up` operations has no answer and was done or not. */
static void step(struct history *history, struct client *client, uint64_t *value, uint64_t now,
                 uint64_t values, uint64_t given_up)
{
    switch (client->stage) {
    case IDLE:
        client->operation = (struct operation){.kind = draw_kind(history), .asked_ns = now};
        client->operation.argument =
            client->operation.kind == OPERATION_ADD ? 1 : 1 + draw(history, values);
        client->stage = ASKED;
        break;
    case ASKED:
        do_it(&client->operation, value);
        client->stage = DONE;
        if (draw(history, given_up) > 0)
            return;
        if (draw(history, 2) && client->operation.kind == OPERATION_ADD)
            *value -= 1; /* it was not done after all; nobody has looked */
        client->operation.answered_ns = OPERATION_NEVER;
        put(history, &client->operation);
        client->stage = IDLE;
        break;
    case DONE:
        client->operation.answered_ns = now;
        put(history, &client->operation);
        client->stage = IDLE;
        break;
    }
}

static void generate(struct history *history, uint64_t seed, size_t count, uint64_t values,
                     uint64_t given_up)
{
    struct client clients[MAX_CLIENTS] = {0};
    uint64_t value = 0, now = 1;
    unsigned used;

    history->random = seed * 2 + 1;
    history->count = 0;
    history->type = draw(history, 2) ? LINEARIZABILITY_COUNTER : LINEARIZABILITY_REGISTER;
    used = 1 + (unsigned)draw(history, MAX_CLIENTS);
    for (unsigned i = 0; i < used; i++)
        clients[i].operation.client = i;
    for (; history->count < count; now++)
        step(history, &clients[draw(history, used)], &value, now, values, given_up);
    /* What is under way has no answer. */
    for (unsigned i = 0; i < used; i++) {
        clients[i].operation.answered_ns = OPERATION_NEVER;
        if (clients[i].stage != IDLE)
            put(history, &clients[i].operation);
    }
}

/* ---- Every order ------------------------------------------------------------------------------
 */

static bool could_answer(const struct operation *operation, uint64_t *value)
{
    struct operation done = *operation;

    do_it(&done, value);
    return operation->answered_ns == OPERATION_NEVER || operation->kind == OPERATION_WRITE ||
           done.result == operation->result;
}

/* Is there an order of what is left, given that `value` is there now? */
static bool explain(const struct history *history, unsigned done, uint64_t value)
{
    uint64_t first_answer = OPERATION_NEVER;

    for (size_t i = 0; i < history->count; i++)
        if (!(done >> i & 1) && history->operations[i].answered_ns < first_answer)
            first_answer = history->operations[i].answered_ns;
    if (first_answer == OPERATION_NEVER)
        return true;
    for (size_t i = 0; i < history->count; i++) {
        uint64_t next = value;

        if (!(done >> i & 1) && history->operations[i].asked_ns <= first_answer &&
            could_answer(&history->operations[i], &next) && explain(history, done | 1u << i, next))
            return true;
    }
    return false;
}

/* ---- The checker -------------------------------------------------------------------------------
 */

/* Before this, nothing was asked that comes later in the history. */
static uint64_t horizon_after(const struct history *history, size_t count)
{
    uint64_t horizon = OPERATION_NEVER;

    for (size_t i = count; i < history->count; i++)
        if (history->operations[i].asked_ns < horizon)
            horizon = history->operations[i].asked_ns;
    return horizon;
}

/* Takes the history in pieces. */
static enum linearizability_verdict judge(const struct history *history, size_t piece)
{
    struct linearizability *checker = linearizability_create(history->type, 0, 0);
    enum linearizability_verdict verdict;

    for (size_t i = 0; i < history->count; i++) {
        linearizability_add(checker, &history->operations[i]);
        if (i % piece == piece - 1)
            linearizability_advance(checker, horizon_after(history, i + 1));
    }
    linearizability_advance(checker, OPERATION_NEVER);
    verdict = linearizability_verdict(checker);
    linearizability_destroy(checker);
    return verdict;
}

Test(linearizability_random, what_an_object_answered_is_good)
{
    struct history *history = malloc(sizeof(*history));

    for (uint64_t seed = 0; seed < LONG_SEEDS; seed++) {
        generate(history, seed, LONG_HISTORY - MAX_CLIENTS, UINT64_C(1) << 30, 500);
        cr_assert_eq(judge(history, LONG_HISTORY + 1), LINEARIZABILITY_HOLDS, "seed %u",
                     (unsigned)seed);
    }
    free(history);
}

Test(linearizability_random, it_makes_no_difference_when_it_is_taken_in)
{
    struct history *history = malloc(sizeof(*history));

    for (uint64_t seed = 0; seed < LONG_SEEDS; seed++) {
        generate(history, seed, LONG_HISTORY / 10, UINT64_C(1) << 30, 500);
        cr_assert_eq(judge(history, 100), LINEARIZABILITY_HOLDS, "seed %u", (unsigned)seed);
    }
    free(history);
}

static void bend(struct history *history)
{
    struct operation *operation = &history->operations[draw(history, history->count)];

    switch (draw(history, 4)) {
    case 0: operation->result = draw(history, 4); break;
    case 1: operation->answered_ns = operation->asked_ns + draw(history, 6); break;
    case 2: operation->asked_ns -= draw(history, operation->asked_ns); break;
    case 3: operation->answered_ns = OPERATION_NEVER; break;
    }
}

/* Few values, so that they are written more than once. */
Test(linearizability_random, bent_histories_are_bad_exactly_if_no_order_explains_them)
{
    struct history *history = malloc(sizeof(*history));
    unsigned good = 0, bad = 0;

    for (uint64_t seed = 0; seed < SHORT_SEEDS; seed++) {
        bool expected;

        generate(history, seed, 1 + seed % SHORT_HISTORY, 1 + seed % 5, 4);
        for (uint64_t bends = draw(history, 4); bends > 0; bends--)
            bend(history);
        expected = explain(history, 0, 0);
        good += expected;
        bad += !expected;
        cr_assert_eq(judge(history, LONG_HISTORY + 1),
                     expected ? LINEARIZABILITY_HOLDS : LINEARIZABILITY_VIOLATED, "seed %u",
                     (unsigned)seed);
    }
    /* Neither is a rare case. */
    cr_expect_gt(good, SHORT_SEEDS / 10);
    cr_expect_gt(bad, SHORT_SEEDS / 10);
    free(history);
}

/* Histories that a correct object could have given, and such that it could not. */
#include "fault-injection/lab/workloads/linearizability.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NEVER        OPERATION_NEVER

/* ---- By hand: client, question, answer ------------------------------------------------------ */

#define READ(client, asked, answered, result)                                                      \
    {                                                                                              \
        OPERATION_READ, client, 0, result, asked, answered                                         \
    }
#define WRITE(client, asked, answered, value)                                                      \
    {                                                                                              \
        OPERATION_WRITE, client, value, 0, asked, answered                                         \
    }
#define SWAP(client, asked, answered, value, before)                                               \
    {                                                                                              \
        OPERATION_SWAP, client, value, before, asked, answered                                     \
    }
#define ADD(client, asked, answered, result)                                                       \
    {                                                                                              \
        OPERATION_ADD, client, 1, result, asked, answered                                          \
    }

static enum linearizability_verdict judge(enum linearizability_type type,
                                          const struct operation *operations, size_t count,
                                          char problem[LINEARIZABILITY_PROBLEM_SIZE])
{
    struct linearizability *checker = linearizability_create(type, 0, 0);
    enum linearizability_verdict verdict;

    for (size_t i = 0; i < count; i++)
        linearizability_add(checker, &operations[i]);
    linearizability_advance(checker, OPERATION_NEVER);
    verdict = linearizability_verdict(checker);
    if (problem)
        strcpy(problem, linearizability_problem(checker));
    linearizability_destroy(checker);
    return verdict;
}

#define EXPECT(type, verdict, ...)                                                                 \
    do {                                                                                           \
        const struct operation history[] = {__VA_ARGS__};                                          \
        char problem[LINEARIZABILITY_PROBLEM_SIZE];                                                \
        cr_expect_eq(judge(LINEARIZABILITY_##type, history, COUNT(history), problem),              \
                     LINEARIZABILITY_##verdict, "%s", problem);                                    \
    } while (0)

Test(linearizability, one_client_reads_what_it_wrote)
{
    EXPECT(REGISTER, HOLDS, READ(1, 1, 2, 0), WRITE(1, 3, 4, 7), READ(1, 5, 6, 7),
           SWAP(1, 7, 8, 9, 7), READ(1, 9, 10, 9));
}

Test(linearizability, an_acknowledged_write_is_lost)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, 2, 7), READ(2, 3, 4, 0));
}

Test(linearizability, a_read_is_stale)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, 2, 7), WRITE(1, 3, 4, 8), READ(2, 5, 6, 7));
}

Test(linearizability, a_concurrent_read_may_see_either_value)
{
    EXPECT(REGISTER, HOLDS, WRITE(1, 1, 10, 7), READ(2, 2, 3, 0), READ(3, 4, 5, 7));
}

Test(linearizability, once_seen_a_write_is_done)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, 10, 7), READ(2, 2, 3, 7), READ(3, 4, 5, 0));
}

Test(linearizability, a_value_that_nobody_wrote_is_read)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, 2, 7), READ(2, 1, 3, 9));
}

Test(linearizability, a_value_is_read_before_it_is_written)
{
    EXPECT(REGISTER, VIOLATED, READ(2, 1, 2, 7), WRITE(1, 3, 4, 7));
}

Test(linearizability, two_swaps_saw_the_same_value)
{
    EXPECT(REGISTER, VIOLATED, SWAP(1, 1, 5, 7, 0), SWAP(2, 1, 5, 8, 0));
}

Test(linearizability, two_machines_answer_different_clients)
{
    EXPECT(COUNTER, VIOLATED, ADD(1, 1, 2, 1), ADD(2, 1, 2, 2), ADD(1, 3, 4, 3), ADD(2, 3, 4, 3));
}

Test(linearizability, an_increment_is_done_twice)
{
    EXPECT(COUNTER, VIOLATED, ADD(1, 1, 2, 1), ADD(1, 3, 4, 3));
}

Test(linearizability, an_increment_is_lost)
{
    EXPECT(COUNTER, VIOLATED, ADD(1, 1, 2, 1), READ(2, 3, 4, 0));
}

Test(linearizability, concurrent_increments_come_in_either_order)
{
    EXPECT(COUNTER, HOLDS, ADD(1, 1, 9, 3), ADD(2, 2, 8, 1), ADD(3, 3, 7, 2), READ(4, 10, 11, 3));
}

Test(linearizability, the_same_moment_counts_as_concurrent)
{
    EXPECT(REGISTER, HOLDS, READ(1, 1, 2, 7), WRITE(2, 2, 3, 7));
}

/* ---- Operations without an answer ----------------------------------------------------------- */

Test(linearizability, an_unanswered_write_may_never_be_done)
{
    EXPECT(REGISTER, HOLDS, WRITE(1, 1, NEVER, 7), READ(2, 3, 4, 0), READ(2, 5, 6, 0));
}

Test(linearizability, an_unanswered_write_may_be_done_late)
{
    EXPECT(REGISTER, HOLDS, WRITE(1, 1, NEVER, 7), READ(2, 3, 4, 0), WRITE(2, 5, 6, 8),
           READ(2, 7, 8, 8), READ(2, 9, 10, 7));
}

Test(linearizability, an_unanswered_write_is_done_once)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, NEVER, 7), READ(2, 3, 4, 7), WRITE(2, 5, 6, 8),
           READ(2, 7, 8, 7));
}

Test(linearizability, an_unanswered_write_is_not_done_before_it_was_asked)
{
    EXPECT(REGISTER, VIOLATED, READ(2, 1, 2, 7), WRITE(1, 3, NEVER, 7));
}

Test(linearizability, an_unanswered_swap_writes)
{
    EXPECT(REGISTER, HOLDS, SWAP(1, 1, NEVER, 7, 0), READ(2, 3, 4, 7));
}

Test(linearizability, unanswered_increments_may_be_done_at_any_time)
{
    EXPECT(COUNTER, HOLDS, ADD(1, 1, NEVER, 0), ADD(2, 1, NEVER, 0), READ(3, 3, 4, 0),
           ADD(3, 5, 6, 2), READ(3, 7, 8, 2), READ(3, 9, 10, 3));
}

Test(linearizability, unanswered_increments_are_done_once_each)
{
    EXPECT(COUNTER, VIOLATED, ADD(1, 1, NEVER, 0), ADD(3, 5, 6, 2), READ(3, 7, 8, 3));
}

/* ---- As the history grows ------------------------------------------------------------------- */

Test(linearizability, what_lies_before_the_horizon_is_judged)
{
    const struct operation good = WRITE(1, 1, 2, 7), bad = READ(2, 3, 4, 0);
    struct linearizability *checker = linearizability_create(LINEARIZABILITY_REGISTER, 0, 0);

    linearizability_add(checker, &good);
    linearizability_add(checker, &bad);
    linearizability_advance(checker, 4);
    cr_expect_eq(linearizability_verdict(checker), LINEARIZABILITY_HOLDS);
    cr_expect_eq(linearizability_waiting(checker), 1);
    linearizability_advance(checker, 5);
    cr_expect_eq(linearizability_verdict(checker), LINEARIZABILITY_VIOLATED);
    linearizability_destroy(checker);
}

Test(linearizability, an_operation_behind_the_horizon_is_not_judged)
{
    const struct operation late = WRITE(1, 5, 12, 7);
    struct linearizability *checker = linearizability_create(LINEARIZABILITY_REGISTER, 0, 0);

    linearizability_advance(checker, 10);
    linearizability_add(checker, &late);
    cr_expect_eq(linearizability_verdict(checker), LINEARIZABILITY_UNDECIDED);
    linearizability_destroy(checker);
}

/* Any of 64 writes under way may be the last: as nobody looks, that is all there is to know. */
Test(linearizability, writes_that_nobody_sees_are_cheap)
{
    struct operation history[LINEARIZABILITY_MAX_OPEN];

    for (size_t i = 0; i < COUNT(history); i++)
        history[i] = (struct operation)WRITE((uint32_t)i, 1, 100 + i, i + 1);
    cr_expect_eq(judge(LINEARIZABILITY_REGISTER, history, COUNT(history), NULL),
                 LINEARIZABILITY_HOLDS);
}

Test(linearizability, of_writes_under_way_only_one_is_last)
{
    EXPECT(REGISTER, VIOLATED, WRITE(1, 1, 5, 7), WRITE(2, 1, 5, 8), WRITE(3, 1, 5, 9),
           READ(4, 6, 7, 7), READ(4, 8, 9, 8));
}

/* 64 swaps of a value for itself: each may be done or not, all the time. */
Test(linearizability, too_many_possibilities_are_undecided)
{
    struct operation history[LINEARIZABILITY_MAX_OPEN];

    for (size_t i = 0; i < COUNT(history); i++)
        history[i] = (struct operation)SWAP((uint32_t)i, 1, 100 + i, 0, 0);
    cr_expect_eq(judge(LINEARIZABILITY_REGISTER, history, COUNT(history), NULL),
                 LINEARIZABILITY_UNDECIDED);
}

Test(linearizability, too_many_operations_at_a_time_are_undecided)
{
    struct operation history[LINEARIZABILITY_MAX_OPEN + 1];

    for (size_t i = 0; i < COUNT(history); i++)
        history[i] = (struct operation)READ((uint32_t)i, 1, 100 + i, 0);
    cr_expect_eq(judge(LINEARIZABILITY_REGISTER, history, COUNT(history), NULL),
                 LINEARIZABILITY_UNDECIDED);
}

Test(linearizability, too_many_unanswered_writes_are_undecided)
{
    struct linearizability *checker = linearizability_create(LINEARIZABILITY_REGISTER, 0, 0);

    for (uint64_t i = 0; i <= LINEARIZABILITY_MAX_UNKNOWN; i++) {
        const struct operation write = WRITE(1, i, NEVER, i + 1);

        cr_expect_eq(linearizability_verdict(checker), LINEARIZABILITY_HOLDS);
        linearizability_add(checker, &write);
        linearizability_advance(checker, i + 1);
    }
    cr_expect_eq(linearizability_verdict(checker), LINEARIZABILITY_UNDECIDED);
    linearizability_destroy(checker);
}

Test(linearizability, a_message_names_the_operation_and_what_was_possible)
{
    const struct operation history[] = {WRITE(1, 1000000, 2000000, 7),
                                        READ(2, 3000000, 4000000, 0)};
    char problem[LINEARIZABILITY_PROBLEM_SIZE];

    judge(LINEARIZABILITY_REGISTER, history, COUNT(history), problem);
    cr_expect_str_eq(problem,
                     "read, answered 0, by client 2 from 0.003000 s to 0.004000 s fits no order of "
                     "the operations; the value before those under way could have been 7");
}

/*
 * All short runs. Each test says how many choices, and how much may go wrong on the way; the search
 * must come to its end, and find nothing. That it would find something is shown with the mutants of
 * the protocol (logging/mutant.h), which this program is built with.
 *
 *     FTVM_EXPLORE_DEEPER=2  so many choices more than usual
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/explore_rows.h"
#include "fault-injection/simulator/mutant.h"
#include "replication/arbiter_backend.h"

static unsigned deeper(void)
{
    const char *text = getenv("FTVM_EXPLORE_DEEPER");
    return text != NULL ? (unsigned)strtoul(text, NULL, 0) : 0;
}

static void print(const struct explore_result *result)
{
    fprintf(stderr,
            "%llu states, %llu transitions, %llu runs to their end (%llu with a promotion)\n",
            (unsigned long long)result->states, (unsigned long long)result->transitions,
            (unsigned long long)result->finished, (unsigned long long)result->promoted);
}

static void holds(enum explore_row row, uint64_t at_least)
{
    struct explore_options options = explore_row_options(row);
    struct explore_result result;
    options.depth += deeper();
    bool good = explore(&options, &result);
    print(&result);
    cr_assert(good, "%s\n%s", result.violation, result.story);
    cr_expect(result.complete);
    cr_expect_gt(result.states, at_least);
    explore_result_clear(&result);
}

Test(explore, a_pair, .timeout = 3600)
{
    holds(EXPLORE_PAIR, 50000);
}

Test(explore, a_pair_of_the_original_protocol, .timeout = 3600)
{
    holds(EXPLORE_ORIGINAL, 50000);
}

Test(explore, a_pair_whose_inputs_end_epochs, .timeout = 3600)
{
    holds(EXPLORE_INPUT_ENDED, 20000);
}

Test(explore, a_pair_from_the_first_join_on, .timeout = 3600)
{
    holds(EXPLORE_FIRST_JOIN, 20000);
}

Test(explore, a_pair_and_an_arbiter_that_is_hard_to_reach, .timeout = 3600)
{
    holds(EXPLORE_ARBITER, 50000);
}

Test(explore, a_pair_that_sleeps_and_is_told_to_change_places, .timeout = 3600)
{
    holds(EXPLORE_SLEEP, 20000);
}

Test(explore, a_pair_and_one_more_that_joins, .timeout = 3600)
{
    holds(EXPLORE_ANOTHER, 20000);
}

/* ---- The search itself ----------------------------------------------------------------------- */

Test(explore, says_when_it_was_cut_short)
{
    struct explore_options options = explore_defaults();
    struct explore_result result;
    options.max_transitions = 1000;
    cr_assert(explore(&options, &result));
    cr_expect_not(result.complete);
    cr_expect_eq(result.transitions, 1000);
    explore_result_clear(&result);
}

/* Whoever claims wins, as often as it is asked. */
static void grant_everything(struct cluster *cluster, void *context)
{
    struct arbiter_record record = cluster->record;
    char text[ARBITER_TEXT_SIZE];
    (void)context;
    record.term = 1;
    record.claim_id = 1;
    store_put(&cluster->store, STORE_PATH, text, arbiter_record_format(&record, text));
}

Test(explore, finds_two_winners_and_tells_how)
{
    struct explore_options options = explore_defaults();
    struct explore_result result;
    char why[CHECK_WHY_SIZE];
    char *story;
    options.depth = 8;
    options.budget = (struct explore_budget){.breaks = 1};
    options.meddle = grant_everything;
    cr_assert_not(explore_shortest(&options, &result));
    cr_expect_not(explore_replay(&options, result.path, result.path_length, &story, why));
    cr_expect_str_eq(why, result.violation);
    cr_expect_str_eq(story, result.story);
    cr_expect(strstr(story, "a connection of it breaks") != NULL, "%s", story);
    free(story);
    explore_result_clear(&result);
}

Test(explore, refuses_a_path_that_is_none)
{
    struct explore_options options = explore_defaults();
    char why[CHECK_WHY_SIZE];
    uint16_t path[] = {EXPLORE_CHOICE(STEPS_MAX, 0)};
    cr_assert_not(explore_replay(&options, path, 1, NULL, why));
    cr_expect_str_eq(why, "not a run of these choices");
}

/* ---- Mutants --------------------------------------------------------------------------------- */

static void finds(enum mutant mutant, const struct explore_options *options)
{
    struct explore_result result;
    mutant_choose(mutant);
    bool good = explore(options, &result);
    cr_expect_not(good, "%s is not found", mutant_name(mutant));
    explore_result_clear(&result);
    mutant_choose(MUTANT_NONE);
}

static void finds_all(const enum mutant *mutants, size_t count,
                      const struct explore_options *options)
{
    for (size_t i = 0; i < count; i++) {
        finds(mutants[i], options);
    }
}

#define FINDS(options, ...)                                                                        \
    finds_all((const enum mutant[]){__VA_ARGS__},                                                  \
              sizeof((const enum mutant[]){__VA_ARGS__}) / sizeof(enum mutant), options)

Test(explore, finds_mutants_of_a_pair, .timeout = 3600)
{
    struct explore_options options = explore_defaults();
    options.depth = 8;
    FINDS(&options, MUTANT_OUTPUT_ENTRY_EARLY, MUTANT_OUTPUT_UNACKNOWLEDGED,
          MUTANT_OUTPUT_DURING_CLAIM, MUTANT_OUTPUTS_REVERSED, MUTANT_VALUE_NOT_LOGGED,
          MUTANT_VALUE_OF_THE_BACKUP, MUTANT_CLOCK_NOT_TAKEN, MUTANT_LAST_INPUT_DROPPED,
          MUTANT_BACKUP_EMITS, MUTANT_BACKUP_TAKES_INPUTS, MUTANT_KEPT_DROPPED_EARLY,
          MUTANT_HEARTBEAT_TELLS_MADE, MUTANT_SILENCE_UNNOTICED, MUTANT_PRIMARY_WITHOUT_CLAIM,
          MUTANT_BACKUP_WITHOUT_CLAIM, MUTANT_LOST_IS_WON_PRIMARY, MUTANT_LOST_IS_WON_BACKUP,
          MUTANT_TERM_NOT_RAISED, MUTANT_ARBITER_IGNORES_TERM, MUTANT_LOG_THROWN_AWAY,
          MUTANT_KEPT_FORGOTTEN, MUTANT_PROTECTED_BEFORE_HELD);
}

Test(explore, finds_mutants_of_claims_without_an_answer, .timeout = 3600)
{
    struct explore_options options = explore_defaults();
    options.depth = 10;
    options.budget = (struct explore_budget){.breaks = 1, .arbiter_faults = 1};
    FINDS(&options, MUTANT_UNREACHABLE_IS_WON, MUTANT_UNREACHABLE_IS_LOST,
          MUTANT_CLAIM_NOT_ASKED_AGAIN, MUTANT_CLAIM_ID_NEW_AT_RETRY,
          MUTANT_ARBITER_FORGETS_WINNER);
}

Test(explore, finds_mutants_of_joining, .timeout = 3600)
{
    struct explore_options options = explore_defaults();
    options.start = EXPLORE_FROM_JOIN;
    options.depth = 20;
    options.budget = (struct explore_budget){.breaks = 1, .promotions = 1};
    FINDS(&options, MUTANT_UNTOLD_CLAIMS, MUTANT_UNTOLD_PROMOTED, MUTANT_ENTRIES_FROM_THE_LOAD_ON);
}

Test(explore, finds_mutants_of_epochs_that_inputs_end, .timeout = 3600)
{
    struct explore_options options = explore_defaults();
    options.input_ended = true;
    options.depth = 13;
    options.budget = (struct explore_budget){.crashes = 1, .inputs = 1};
    FINDS(&options, MUTANT_LAST_EPOCH_CUT, MUTANT_EPOCH_RUN_WITHOUT_ITS_END);
}

/* ftvm_check_determinism(): which runs are made, and in what order. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libftvm/check/check_report.h"

#define LAST_POSITION (UINT64_C(1) << 62)

/* What a check is made of while it is under way. */
struct checking {
    struct check_session session;
    struct track recorded;
    struct suspect suspect;
    const char *doing;           /* for people, if it fails there */
    struct timespec recorded_at; /* host time */
    uint64_t states;             /* that were run from */
};

void ftvm_check_init_sized(struct ftvm_check *check, size_t size)
{
    const struct ftvm_check defaults = {
        .size = size,
        .epochs = 500,
        .epoch_length = 10000,
        .unit_ns = 4,
        .seed = 1,
        .chunkings = 4,
        .states = 8,
        .pause_ms = 1100,
    };
    memset(check, 0, size);
    memcpy(check, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* The first thing wrong with what the caller asks for, or NULL. */
static const char *take_check(struct ftvm_check *check, const struct ftvm_check *given)
{
    if (given == NULL || given->size < sizeof *check) {
        return "check is NULL, or its size is not set: call ftvm_check_init first";
    }
    if (given->size > sizeof *check) {
        return "check was made for a later version of the library than this one, " FTVM_VERSION;
    }
    *check = *given;
    if (check->create == NULL || check->run == NULL || check->destroy == NULL) {
        return "a check needs create, run and destroy";
    }
    if (check->epochs == 0 || check->epoch_length == 0 ||
        check->epoch_length > LAST_POSITION / check->epochs) {
        return "epochs and epoch_length are 1 at least, and all epochs end before position 2^62";
    }
    if (check->unit_ns > UINT32_MAX) {
        return "unit_ns is beyond 2^32 - 1";
    }
    return NULL;
}

/* ---- The runs -------------------------------------------------------------------------------- */

static int record(struct checking *checking)
{
    struct check_run run;
    const struct run_plan plan = {.script = NULL};
    run_log(&checking->session, "recording %llu epochs",
            (unsigned long long)checking->session.check.epochs);
    checking->doing = "while the first run was recorded";
    clock_gettime(CLOCK_MONOTONIC, &checking->recorded_at);
    return check_run(&checking->session, &plan, &checking->recorded, &run);
}

/* 1: the run differs, and is the suspect. */
static int compare_run(struct checking *checking, const struct run_plan *plan,
                       enum run_manner manner)
{
    struct check_run run;
    int result = check_run(&checking->session, plan, NULL, &run);
    if (result == 1) {
        struct suspect *suspect = &checking->suspect;
        suspect->manner = manner;
        suspect->place = run.place;
        suspect->lengths = plan->lengths;
        suspect->stops = plan->stops;
        suspect->state = plan->load;
        suspect->loaded_at = plan->load != NULL ? plan->load->epoch.position : 0;
        suspect->difference = run.difference;
    }
    return result;
}

static int run_again(struct checking *checking)
{
    const struct run_plan plan = {.script = &checking->recorded};
    check_pause(&checking->session, &checking->recorded_at);
    run_log(&checking->session, "running again as it was");
    checking->doing = "while the machine was run again";
    return compare_run(checking, &plan, MANNER_AGAIN);
}

/* Only a machine that asks where to stop can be stopped before the end that it was told. */
static int run_with_lengths(struct checking *checking)
{
    const struct run_plan exact = {.script = &checking->recorded, .lengths = LENGTHS_EXACT};
    const struct run_plan longer = {.script = &checking->recorded, .lengths = LENGTHS_LONGER};
    run_log(&checking->session, "running again with the lengths that a backup is told");
    checking->doing = "while the machine was told other lengths of its epochs";
    int result = compare_run(checking, &exact, MANNER_LENGTHS);
    if (result == 0 && checking->session.asks_stops) {
        run_log(&checking->session, "running again with epochs that are cut short");
        result = compare_run(checking, &longer, MANNER_LENGTHS);
    }
    return result;
}

static int run_stopped(struct checking *checking)
{
    const struct ftvm_check *check = &checking->session.check;
    int result = 0;
    checking->doing = "while the machine was stopped at other places";
    for (uint32_t i = 0; i < check->chunkings && result == 0 && checking->session.asks_stops; i++) {
        const struct run_plan plan = {.script = &checking->recorded,
                                      .stops = {.on = true,
                                                .seed = check->seed,
                                                .chunking = i,
                                                .epoch_length = check->epoch_length,
                                                .epochs = checking->recorded.boundaries,
                                                .last = UINT64_MAX}};
        run_log(&checking->session, "stopping at other places, %u of %u", i + 1, check->chunkings);
        result = compare_run(checking, &plan, MANNER_STOPPED);
        checking->suspect.chunking = i + 1;
    }
    return result;
}

/* ---- From states ----------------------------------------------------------------------------- */

/* A boundary at which the run goes on. */
static bool goes_on(const struct step *step)
{
    return step->entry->type == MESSAGE_BOUNDARY && !step->entry->boundary.final;
}

/* The `number`th of these; NULL: there is none. */
static const struct step *boundary_at(const struct track *track, uint64_t number)
{
    for (size_t i = 0; i < track->count; i++) {
        if (goes_on(&track->steps[i]) && number-- == 0) {
            return &track->steps[i];
        }
    }
    return NULL;
}

/* Loads what a run saved that had itself been loaded. */
static int reload(struct checking *checking, const struct saved_state *first,
                  const struct saved_state *second)
{
    const struct run_plan plan = {.script = &checking->recorded, .load = second, .load_ends = true};
    if (!second->saved) {
        return 0;
    }
    int result = compare_run(checking, &plan, MANNER_RELOADED);
    checking->suspect.loaded_at = first->epoch.position;
    return result;
}

static int close_in_now(struct checking *checking)
{
    checking->doing = "while the difference was closed in on";
    return close_in(&checking->session, &checking->recorded, &checking->suspect);
}

static int run_from(struct checking *checking, uint64_t number)
{
    const struct step *step = boundary_at(&checking->recorded, number);
    const struct step *next = boundary_at(&checking->recorded, number + 1);
    struct saved_state first, second;
    const struct run_plan saving = {
        .script = &checking->recorded, .save = &first, .save_at = step->ordinal, .save_ends = true};
    const struct run_plan loading = {.script = &checking->recorded,
                                     .load = &first,
                                     .save = next != NULL ? &second : NULL,
                                     .save_at = next != NULL ? next->ordinal : 0};
    saved_state_open(&first, &checking->session.names);
    saved_state_open(&second, &checking->session.names);
    run_log(&checking->session, "running from the state at position %llu",
            (unsigned long long)step->call.position);
    int result = compare_run(checking, &saving, MANNER_AGAIN);
    if (result == 0) {
        checking->states++;
        result = compare_run(checking, &loading, MANNER_LOADED);
    }
    if (result == 0) {
        result = reload(checking, &first, &second);
    }
    if (result == 1) { /* while the state is here */
        int closed = close_in_now(checking);
        result = closed < 0 ? closed : 1;
    }
    saved_state_close(&first);
    saved_state_close(&second);
    return result;
}

/* Spread over the run: one at random in each of as many pieces as there are to be states. */
static int run_from_states(struct checking *checking)
{
    const struct ftvm_check *check = &checking->session.check;
    uint64_t boundaries = 0;
    uint64_t random = check->seed;
    checking->doing = "while the machine was run from saved states";
    for (size_t i = 0; i < checking->recorded.count; i++) {
        boundaries += goes_on(&checking->recorded.steps[i]);
    }
    uint64_t states = check->states < boundaries ? check->states : boundaries;
    int result = 0;
    for (uint64_t i = 0; i < states && result == 0; i++) {
        uint64_t begin = boundaries * i / states;
        uint64_t end = boundaries * (i + 1) / states;
        result = run_from(checking, begin + stops_random(&random) % (end - begin));
    }
    return result;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int find_difference(struct checking *checking)
{
    int result = record(checking);
    if (result == 0) {
        result = run_again(checking);
    }
    if (result == 0) {
        result = run_with_lengths(checking);
    }
    if (result == 0) {
        result = run_stopped(checking);
    }
    if (result == 1) {
        int closed = close_in_now(checking);
        return closed < 0 ? closed : 1;
    }
    return result == 0 ? run_from_states(checking) : result;
}

static void fill_report(const struct checking *checking, int result,
                        struct ftvm_check_report *report)
{
    const struct check_session *session = &checking->session;
    const struct step *last = track_last(&checking->recorded);
    report->runs = session->runs;
    report->epochs = checking->recorded.boundaries;
    report->position = last != NULL ? last->call.position : 0;
    report->inputs = checking->recorded.inputs;
    report->values = checking->recorded.values;
    report->outputs = checking->recorded.outputs;
    report->states = checking->states;
    if (result == 0) {
        report_agreement(session, &checking->recorded, report);
    } else if (result == 1) {
        report_difference(session, &checking->suspect, report);
    } else {
        report_failure(session, result, checking->doing, report);
    }
}

int ftvm_check_determinism(const struct ftvm_check *check, struct ftvm_check_report *report)
{
    if (report == NULL || report->size != sizeof *report) {
        return FTVM_E_INVALID;
    }
    *report = (struct ftvm_check_report){.size = sizeof *report};
    struct checking *checking = calloc(1, sizeof *checking);
    if (checking == NULL) {
        return FTVM_E_MEMORY;
    }
    int result = FTVM_E_INVALID;
    const char *fault = take_check(&checking->session.check, check);
    if (fault != NULL) {
        snprintf(report->text, sizeof report->text, "%s", fault);
    } else {
        track_open(&checking->recorded, &checking->session.names, 0);
        result = find_difference(checking);
        fill_report(checking, result, report);
        track_close(&checking->recorded);
        names_release(&checking->session.names);
    }
    free(checking);
    return result == 1 ? FTVM_E_DIVERGED : result;
}

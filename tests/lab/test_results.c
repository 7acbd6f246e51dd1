/* What an interrupted experiment goes on from, and what it must not go on from. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/results.h"

struct place {
    char directory[64], ini[96];
    struct experiment experiment;
    struct results results;
    bool changed;
};

static void write_ini(struct place *place, const char *text)
{
    char error[EXPERIMENT_ERROR_SIZE];
    FILE *file = fopen(place->ini, "w");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    cr_assert(experiment_read(&place->experiment, place->ini, error), "%s", error);
}

static void make_place(struct place *place)
{
    strcpy(place->directory, "/tmp/ftvm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(place->directory));
    snprintf(place->ini, sizeof(place->ini), "%s/x.ini.txt", place->directory);
    write_ini(place, "[experiment]\nname = x\nrepetitions = 3\n[sweep]\nepoch = 1 2\n");
}

static void remove_place(struct place *place)
{
    char command[128];

    results_close(&place->results);
    snprintf(command, sizeof(command), "rm -rf %s", place->directory);
    cr_assert_eq(system(command), 0);
}

static bool open_results(struct place *place, bool fresh)
{
    char directory[96];

    snprintf(directory, sizeof(directory), "%s/a/b", place->directory);
    return results_open(&place->results, &place->experiment, place->ini, directory, fresh,
                        &place->changed);
}

static void add(struct place *place, unsigned point, unsigned repetition, enum outcome outcome)
{
    const struct run run = {.point = point, .repetition = repetition};
    struct result result = {0};
    struct settings settings;
    char name[POINT_NAME_SIZE];

    experiment_point(&place->experiment, point, &settings, name);
    result_set(&result, RESULT_point, "%s", name);
    result_set(&result, RESULT_repetition, "%u", repetition);
    result_set(&result, RESULT_outcome, "%s", outcome_name(outcome));
    result_set(&result, RESULT_problem, "with \"quotes\", commas\nand lines");
    cr_assert(results_add(&place->results, &run, &result), "%s", place->results.error);
}

static bool is_done(const struct place *place, unsigned point, unsigned repetition)
{
    const struct run run = {.point = point, .repetition = repetition};

    return results_is_done(&place->results, &run);
}

static void append_text(struct place *place, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    results_path(&place->results, "csv", path);
    file = fopen(path, "a");
    fputs(text, file);
    fclose(file);
}

Test(results, what_is_done_is_found_again)
{
    static struct place place;

    make_place(&place);
    cr_assert(open_results(&place, false), "%s", place.results.error);
    add(&place, 1, 2, OUTCOME_GOOD);
    add(&place, 0, 3, OUTCOME_VIOLATION);
    results_close(&place.results);
    cr_assert(open_results(&place, false), "%s", place.results.error);
    cr_assert_eq(place.results.done_count, 2);
    cr_assert_eq(place.results.bad_count, 1);
    cr_assert(is_done(&place, 1, 2) && is_done(&place, 0, 3));
    cr_assert_not(is_done(&place, 0, 2));
    remove_place(&place);
}

Test(results, half_a_line_is_a_run_that_is_not_done)
{
    static struct place place;

    make_place(&place);
    cr_assert(open_results(&place, false));
    add(&place, 1, 2, OUTCOME_GOOD);
    append_text(&place, "epoch=1,1,99,go");
    results_close(&place.results);
    cr_assert(open_results(&place, false));
    cr_assert_eq(place.results.done_count, 1);
    add(&place, 0, 1, OUTCOME_GOOD);
    results_close(&place.results);
    cr_assert(open_results(&place, false));
    cr_assert_eq(place.results.done_count, 2);
    remove_place(&place);
}

Test(results, more_repetitions_go_on_from_fewer)
{
    static struct place place;
    char error[EXPERIMENT_ERROR_SIZE];

    make_place(&place);
    cr_assert(open_results(&place, false));
    add(&place, 1, 3, OUTCOME_GOOD);
    results_close(&place.results);
    cr_assert(experiment_repeat(&place.experiment, 500, error));
    cr_assert(open_results(&place, false));
    cr_assert(is_done(&place, 1, 3));
    cr_assert_not(is_done(&place, 1, 500));
    remove_place(&place);
}

Test(results, another_experiment_is_refused_and_its_line_named)
{
    static struct place place;

    make_place(&place);
    cr_assert(open_results(&place, false));
    add(&place, 1, 2, OUTCOME_GOOD);
    results_close(&place.results);
    write_ini(&place, "[experiment]\nname = x\nrepetitions = 3\n[sweep]\nepoch = 1 4\n");
    cr_assert_not(open_results(&place, false));
    cr_assert(place.changed);
    cr_assert(strstr(place.results.error, ":5: changed since"), "%s", place.results.error);
    cr_assert(strstr(place.results.error, "--fresh"), "%s", place.results.error);
    results_close(&place.results);
    cr_assert(open_results(&place, true), "%s", place.results.error);
    cr_assert_eq(place.results.done_count, 0);
    remove_place(&place);
}

Test(results, columns_of_another_version_are_refused)
{
    static struct place place;
    char path[PATH_MAX];
    FILE *file;

    make_place(&place);
    cr_assert(open_results(&place, false));
    results_path(&place.results, "csv", path);
    results_close(&place.results);
    file = fopen(path, "w");
    fputs("point,weather\nepoch=1,fine\n", file);
    fclose(file);
    cr_assert_not(open_results(&place, false));
    cr_assert(strstr(place.results.error, "other columns"), "%s", place.results.error);
    remove_place(&place);
}

/* A device that is always full stands in for the disk. */
Test(results, a_full_disk_is_told_and_not_taken_for_done)
{
    static struct place place;
    const struct run run = {.point = 0, .repetition = 1};
    struct result result = {0};

    make_place(&place);
    cr_assert(open_results(&place, false));
    add(&place, 1, 2, OUTCOME_GOOD);
    close(place.results.file);
    place.results.file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_not(results_add(&place.results, &run, &result));
    cr_assert(strstr(place.results.error, "No space left on device; what was measured before is"),
              "%s", place.results.error);
    cr_assert_not(is_done(&place, 0, 1));
    results_close(&place.results);
    cr_assert(open_results(&place, false));
    cr_assert_eq(place.results.done_count, 1);
    remove_place(&place);
}

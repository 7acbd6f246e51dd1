/* Our machine and QEMU, unprotected, with the same kernel and the same programs. In each round
 * every emulator boots, then each program runs on each of them in turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "bench/contest.h"
#include "bench/forms.h"
#include "bench/plot.h"
#include "fault-injection/lab/replica.h"

#define BOOT "boot"
/* As Debian's own boot loader has it: on a console that the kernel fills, its messages are most of
 * what a boot costs. */
#define APPEND       "quiet"
#define QUICK_APPEND APPEND " " REPLICA_QUICK_BOOT

/* The order of the table. BOOT is what happens before the first of them. */
static const char all_programs[] =
    BOOT ",integer,calls,pointers,bytecode,mixed,sort,sha256,nbody,chase-8,chase-32,walk-8,walk-32,"
         "copy,scale,add,getpid,clock-vdso,clock-call,pipe,fork-exec";

struct race {
    struct lineup lineup;
    struct contest contest;
    char names[512]; /* of the programs */
    bool boot;       /* is one of them */
    bool good;
};

static bool choose_programs(struct race *race, struct bench *bench)
{
    const char *list = bench->options.programs ? bench->options.programs : all_programs;
    char *rest;

    snprintf(race->names, sizeof(race->names), "%s", list);
    for (char *name = strtok_r(race->names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (race->contest.count == CONTEST_PROGRAMS) {
            snprintf(bench->error, sizeof(bench->error), "too many programs");
            return false;
        }
        if (!bench_listed(all_programs, name)) {
            snprintf(bench->error, sizeof(bench->error), "there is no program '%s'; there are %s",
                     name, all_programs);
            return false;
        }
        race->contest.programs[race->contest.count++] = name;
        race->boot = race->boot || strcmp(name, BOOT) == 0;
    }
    return true;
}

/* An emulator that has failed is out; the others go on. */
static void drop(struct race *race, struct bench *bench, const struct emulator *emulator)
{
    report_note(&bench->report, "%s", emulator->error);
    snprintf(bench->error, sizeof(bench->error), "something of %s", emulator->label);
    race->good = false;
}

static void compare_value(struct race *race, struct bench *bench, unsigned program, unsigned i,
                          const char *value)
{
    struct contest *contest = &race->contest;
    const struct emulator *emulators = race->lineup.emulators;

    if (!contest->values[program][0]) {
        snprintf(contest->values[program], sizeof(contest->values[program]), "%s", value);
        contest->first[program] = i;
    }
    if (strcmp(contest->values[program], value) == 0)
        return;
    report_note(&bench->report, "%s: %s computes %s, and %s %s", contest->programs[program],
                emulators[contest->first[program]].label, contest->values[program],
                emulators[i].label, value);
    snprintf(bench->error, sizeof(bench->error), "%s, as the results differ",
             contest->programs[program]);
    race->good = false;
}

static void boot_all(struct race *race, struct bench *bench, double seconds[LINEUP_MAX])
{
    for (unsigned i = 0; i < race->lineup.count; i++) {
        struct emulator *emulator = &race->lineup.emulators[i];

        if (!emulator->error[0] && !emulator_boot(emulator, &seconds[i]))
            drop(race, bench, emulator);
    }
}

static void run_all(struct race *race, struct bench *bench, unsigned program)
{
    char value[EMULATOR_VALUE_SIZE];
    double seconds;

    for (unsigned i = 0; i < race->lineup.count; i++) {
        struct emulator *emulator = &race->lineup.emulators[i];

        if (emulator->error[0])
            continue;
        if (!emulator_run(emulator, race->contest.programs[program], bench->options.work, &seconds,
                          value)) {
            drop(race, bench, emulator);
            continue;
        }
        sample_add(&race->contest.seconds[program][i], seconds);
        compare_value(race, bench, program, i, value);
    }
}

static void take_round(struct race *race, struct bench *bench)
{
    double boots[LINEUP_MAX];

    boot_all(race, bench, boots);
    for (unsigned program = 0; program < race->contest.count; program++) {
        if (strcmp(race->contest.programs[program], BOOT) != 0) {
            run_all(race, bench, program);
            continue;
        }
        for (unsigned i = 0; i < race->lineup.count; i++)
            if (!race->lineup.emulators[i].error[0])
                sample_add(&race->contest.seconds[program][i], boots[i]);
    }
    lineup_end(&race->lineup);
}

static void report_all(struct race *race, struct bench *bench)
{
    FILE *table = report_open_table(&bench->report, bench->options.results);

    contest_record(&race->contest, &bench->report);
    contest_print(&race->contest);
    if (race->lineup.missing[0])
        report_note(&bench->report, "%s", race->lineup.missing);
    if (!table)
        return;
    contest_write(&race->contest, table);
    fclose(table);
    if (race->lineup.count > 1)
        plot_draw(bench);
}

bool section_qemu(struct bench *bench)
{
    struct race *race = calloc(1, sizeof(*race));
    bool good;

    if (!race) {
        snprintf(bench->error, sizeof(bench->error), "out of memory");
        return false;
    }
    /* Machines that idle are still others. */
    forms_end(bench);
    race->good = true;
    good = choose_programs(race, bench) &&
           lineup_make(&race->lineup, bench, race->boot ? APPEND : QUICK_APPEND);
    race->contest.lineup = &race->lineup;
    for (unsigned round = 0; good && round < bench->options.rounds; round++)
        take_round(race, bench);
    if (good)
        report_all(race, bench);
    good = good && race->good;
    free(race);
    return good;
}

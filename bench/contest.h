/*
 * What was taken of each emulator for each program, and what follows from it: how many times as
 * fast as the others the first one is. A table for people, one for programs (CSV: a row for each
 * program). Values come from elsewhere.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "bench/lineup.h"
#include "bench/report.h"

#define CONTEST_PROGRAMS 24u

struct contest {
    const struct lineup *lineup;
    const char *programs[CONTEST_PROGRAMS];
    unsigned count;
    struct sample seconds[CONTEST_PROGRAMS][LINEUP_MAX];
    /* What each program computed, and who computed it first. */
    char values[CONTEST_PROGRAMS][EMULATOR_VALUE_SIZE];
    unsigned first[CONTEST_PROGRAMS];
};

/* The samples go to the report's files, unprinted. */
void contest_record(const struct contest *contest, struct report *report);
void contest_print(const struct contest *contest);
void contest_write(const struct contest *contest, FILE *table);

#endif

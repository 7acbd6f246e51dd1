/*
 * Three machines side by side: unprotected, revised, original. The sections that compare them take
 * each value in turns, and share the machines.
 */
#ifndef BENCH_FORMS_H
#define BENCH_FORMS_H

#include "bench/bench.h"
#include "fault-injection/lab/measure/rig.h"

struct forms {
    struct rig rigs[FORM_COUNT];
};

/* The machines of this run: boots them if they are not there. NULL, with a line in bench->error. */
struct forms *forms_get(struct bench *bench);
/* Ends them, if they are there, so that they take no time from others. */
void forms_end(struct bench *bench);

/* Runs a task on each form in turns, `rounds` times over. samples[form][value] takes what it
 * measured. */
bool forms_measure(struct bench *bench, const struct rig_task *task,
                   struct sample samples[FORM_COUNT][RIG_VALUES]);

/* A row for each form from samples[form][value], with the unprotected one as base. */
void forms_report(struct bench *bench, const struct report_row *row,
                  struct sample samples[FORM_COUNT][RIG_VALUES], unsigned value);

#endif

/*
 * One run of a schedule: a phase in which things go wrong, then one without, in which the survivor
 * must find a backup and go on. What must be true is checked while it runs and at the end of each
 * phase.
 */
#ifndef FAULT_INJECTION_SIMULATOR_RUN_H
#define FAULT_INJECTION_SIMULATOR_RUN_H

#include "fault-injection/simulator/checks.h"
#include "fault-injection/simulator/schedule.h"

struct run_result {
    enum checker violated; /* CHECKER_NONE: all is well */
    char why[CHECK_WHY_SIZE];
    bool survived; /* one replica goes on; not so if all were lost in spite of all care */
    uint64_t promotions, emissions, requests;
    uint64_t steps;                    /* of engines */
    char *story;                       /* if it was asked for; the caller's */
    bool acts_done[SCHEDULE_MAX_ACTS]; /* which had an effect */
};

/* `result->story` is NULL unless `tells`. */
void run_schedule(const struct schedule *schedule, bool tells, struct run_result *result);
void run_result_free(struct run_result *result);

#endif

/*
 * One round of an experiment with faults: quiet work, the fault, its healing, and the pair's way
 * back to protection under load; and the judgement on it.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_ROUND_H
#define FAULT_INJECTION_LAB_EXPERIMENT_ROUND_H

#include "fault-injection/lab/experiment/results.h"
#include "fault-injection/lab/experiment/subject.h"

struct round {
    const char *point;
    unsigned repetition;
    uint64_t seed;
    bool last; /* of this pair: the guest's last state is looked at, too */
};

/* On the subject's pair, which is started if there is none (its load is drawn by `life_seed`). What
 * happened is in `result`, with what is to be drawn in files beside it; a pair that is not as new
 * afterwards is ended. False only if a signal asked for the end, or results cannot be written: then
 * there is no result. */
bool round_run(struct subject *subject, const struct settings *settings, uint64_t life_seed,
               const struct round *round, struct results *results, struct result *result);

#endif

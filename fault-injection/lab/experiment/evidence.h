/*
 * What is kept of a run that went wrong: RESULTS/NAME.violations/SEED-REPETITION/ with the events,
 * consoles and logs of all its replicas, the history of the load, and the command that does it
 * again.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_EVIDENCE_H
#define FAULT_INJECTION_LAB_EXPERIMENT_EVIDENCE_H

#include "fault-injection/lab/experiment/round.h"

#define EVIDENCE_FILE_MAX (4u << 20) /* of a longer file its end is kept */

/* Names the directory in the result; or there says why there is none, as the result itself is worth
 * more. */
void evidence_keep(struct subject *subject, const struct round *round,
                   const struct results *results, struct result *result);

#endif

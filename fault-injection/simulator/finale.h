/*
 * The end of a run in good order: the operator stops the machine, or the guest powers itself off.
 * Both replicas must end, for that reason, with all of the log executed, and the arbiter's record
 * must say that the term was released, so that a new start is possible.
 */
#ifndef FAULT_INJECTION_SIMULATOR_FINALE_H
#define FAULT_INJECTION_SIMULATOR_FINALE_H

#include "fault-injection/simulator/schedule.h"

/* A protected pair without faults. CHECKER_NONE, or what was violated, with a line in `why` (of
 * CHECK_WHY_SIZE). */
enum checker finale_play(struct cluster *cluster, const struct schedule *schedule, char *why);

#endif

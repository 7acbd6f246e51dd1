/*
 * What must be true of a run of choices, and how it must end once nothing goes wrong any more. If
 * there is somebody who may go on (a live replica or a backup that may claim, whom the arbiter
 * gives or leaves the record), there must soon be exactly one live replica, it must find a backup,
 * and outputs must flow.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_FINISH_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_FINISH_H

#include "fault-injection/simulator/checks.h"

/* What must be true after each choice: what checks.h says of any time, and that no replica has
 * ended for a fault of a guest or of a peer, as there is none. */
bool explore_check(const struct cluster *cluster, char why[CHECK_WHY_SIZE]);

/* Lets the cluster run. */
bool explore_finish(struct cluster *cluster, char why[CHECK_WHY_SIZE]);

#endif

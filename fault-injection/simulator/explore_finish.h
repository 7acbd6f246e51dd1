/*
 * How a run must end once nothing goes wrong any more. If there is somebody who may go on (a live
 * replica or a backup that may claim, whom the arbiter gives or leaves the record), there must soon
 * be exactly one live replica, it must find a backup, and outputs must flow.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_FINISH_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_FINISH_H

#include "fault-injection/simulator/checks.h"

/* Lets the cluster run. */
bool explore_finish(struct cluster *cluster, char why[CHECK_WHY_SIZE]);

#endif

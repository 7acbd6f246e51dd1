/*
 * A second cluster in the same state. What happens in the one is not seen in the other.
 */
#ifndef FAULT_INJECTION_SIMULATOR_CLUSTER_COPY_H
#define FAULT_INJECTION_SIMULATOR_CLUSTER_COPY_H

#include "fault-injection/simulator/cluster.h"

struct cluster *cluster_copy(const struct cluster *cluster);

#endif

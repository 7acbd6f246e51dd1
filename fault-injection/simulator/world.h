/*
 * What lies outside of the replicas: their disks, which say some time later that a request is done,
 * and clients, which ask, remember what they were answered, and ask again what they were not.
 * With config.devices only.
 */
#ifndef FAULT_INJECTION_SIMULATOR_WORLD_H
#define FAULT_INJECTION_SIMULATOR_WORLD_H

#include "fault-injection/simulator/cluster.h"

struct pending;

void world_start(struct cluster *cluster); /* clients begin to ask */
void world_disk_request(struct cluster *cluster, unsigned replica, uint64_t request);
void world_sees(struct cluster *cluster, const struct engine_output *output);
void world_arrive(struct cluster *cluster, const struct pending *pending);

#endif

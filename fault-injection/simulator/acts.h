/*
 * What the acts of a schedule do to a cluster. A schedule says "the primary" or "any": who that is
 * is found when the act comes.
 */
#ifndef FAULT_INJECTION_SIMULATOR_ACTS_H
#define FAULT_INJECTION_SIMULATOR_ACTS_H

#include "fault-injection/simulator/schedule.h"

/* False if there was nothing to do it to. */
bool acts_do(struct cluster *cluster, const struct schedule *schedule, const struct act *act);
void acts_inputs(struct cluster *cluster, const struct act *act);
/* A new replica joins the survivor, if there is one and there is room. */
bool acts_join(struct cluster *cluster, const struct schedule *schedule);
unsigned acts_alive(const struct cluster *cluster);
/* Everything works again. */
void acts_heal_all(struct cluster *cluster);

#endif

/*
 * What must be true of a run, whatever went wrong in it. Each check looks at a cluster and answers
 * true, or false with a line in `why`.
 */
#ifndef FAULT_INJECTION_SIMULATOR_CHECKS_H
#define FAULT_INJECTION_SIMULATOR_CHECKS_H

#include "fault-injection/simulator/cluster.h"

#define CHECK_WHY_SIZE 256u

typedef bool check_function(const struct cluster *cluster, char *why);

/* At any time. */
check_function check_rules_seen;           /* what the cluster saw while it ran */
check_function check_one_emitter_per_term; /* never two active replicas */
check_function check_order_without_gap;    /* each replica in order; no number left out */
check_function check_clock_and_terms;      /* as guests saw them */
check_function check_inputs_in_order;      /* as guests saw them, and what their disks finished */
check_function check_digests;              /* a backup executed what its primary did */

/* Of the one replica that is live. */
check_function check_survivor;           /* there is one */
check_function check_outputs_in_history; /* all that ever left is what the survivor did */
check_function check_inputs_delivered;   /* all that it took as primary, once, in order; for a run
                                            that ended without inputs under way */

check_function check_acknowledged; /* what clients were answered, it has served */

/* The first group, and the outputs in history if there is a survivor. */
check_function check_safety;

/* The same for a run: the first violation's checker, or CHECKER_NONE. The second is for the end of
 * a run, with a survivor. */
enum checker checks_always(const struct cluster *cluster, char *why);
enum checker checks_survivor(const struct cluster *cluster, char *why);

#endif

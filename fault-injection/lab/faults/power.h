/*
 * A host loses its power. Killing its processes is the caller's; here its disk loses what it had
 * not made durable, which the file under a killed process never does by itself.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_POWER_H
#define FAULT_INJECTION_LAB_FAULTS_POWER_H

#include "fault-injection/lab/lab.h"

/* After the death of the replica that wrote the image: takes back some of the writes since its last
 * completed flush, as a disk without power would have lost them. Each sector is left as one of
 * those writes left it, or as it was before all of them, independently of others: so writes are
 * lost out of order and torn. From the same seed the same. A replica that kept no undo log (struct
 * replica_options.keep_undo) loses nothing. `sectors` (may be NULL): how many were taken back. */
bool power_drop_unsynced(struct lab *lab, const char *image, uint64_t seed, uint64_t *sectors);

#endif

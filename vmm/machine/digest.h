/*
 * Digests of the machine, which must agree between replicas at equal positions.
 */
#ifndef VMM_MACHINE_DIGEST_H
#define VMM_MACHINE_DIGEST_H

#include "vmm/machine/parts.h"

/* Bytes of RAM in the digest of one boundary. Which ones turns with the epoch's number, so that
 * every corruption of memory is found in the end: 256 MiB are through after 16384 epochs. A window
 * costs one to two microseconds. */
#define DIGEST_WINDOW 16384u

/* Callback of the node (struct ftvm_machine_ops): hart, devices, one window of RAM. */
void machine_digest(void *context, struct ftvm_digest *digest);

#endif

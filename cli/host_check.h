/*
 * Problems of this host that would otherwise show only when the guest runs.
 */
#ifndef CLI_HOST_CHECK_H
#define CLI_HOST_CHECK_H

#include <stdbool.h>

#include "cli/options.h"
#include "vmm/machine/machine.h"

/* Does this host have the engine of --cpu, and does it serve what else was asked for? */
bool host_check_cpu(const struct options *options, char error[OPTIONS_ERROR_SIZE]);

/* Can the ports that --net forwards be taken? Only for a replica that is active from its start: on
 * a backup's host they may be the primary's until it is lost. */
bool host_check_forwards(const struct machine_local *local, char error[OPTIONS_ERROR_SIZE]);

/* A backup whose primary runs: is there a record at --arbiter? If not, the two look at different
 * storage, and a claim would be won by nobody's leave. */
bool host_check_record(const struct options *options, char error[OPTIONS_ERROR_SIZE]);

#endif

/*
 * From options to what vmm/machine wants: the description that both replicas share, and what is
 * this replica's own.
 */
#ifndef CLI_MACHINE_OPTIONS_H
#define CLI_MACHINE_OPTIONS_H

#include <stdbool.h>

#include "cli/options.h"
#include "vmm/machine/machine.h"

/* Parses --net, --console and --trace, and checks the MACs. `local` points into `options`; `quit`
 * is left to the caller. */
bool machine_options_local(const struct options *options, struct machine_local *local,
                           char error[OPTIONS_ERROR_SIZE]);
/* Primary: takes sizes from the disks' images, a seed and the wall clock from the host. */
bool machine_options_describe(const struct options *options, const struct machine_local *local,
                              struct machine_description *description,
                              char error[OPTIONS_ERROR_SIZE]);
/* Backup: does what is given here fit the machine that the primary runs? */
bool machine_options_match(const struct machine_description *description,
                           const struct machine_local *local, char error[OPTIONS_ERROR_SIZE]);

#endif

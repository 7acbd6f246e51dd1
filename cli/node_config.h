/*
 * From options to the library's configuration.
 */
#ifndef CLI_NODE_CONFIG_H
#define CLI_NODE_CONFIG_H

#include "cli/options.h"

/* Fills all but the description and the callbacks; strings point into `options`. */
void node_config_fill(struct ftvm_config *config, const struct options *options);

#endif

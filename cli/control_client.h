/*
 * `ftvm status`, `ftvm stop` and `ftvm promote`: the other end of the control socket.
 */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include "cli/options.h"

/* Returns the exit code. */
int control_client(const struct options *options);

#endif

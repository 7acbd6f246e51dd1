/*
 * What `ftvm --help` and `ftvm COMMAND --help` print.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/options.h"

void help_print(FILE *out);
void help_print_command(FILE *out, enum command command);

#endif

/*
 * What options mean together: what is missing, what contradicts what. Looks at the options, and at
 * files only to see whether two names mean the same one; whether things exist is found out by those
 * who open them.
 */
#ifndef CLI_OPTIONS_CHECK_H
#define CLI_OPTIONS_CHECK_H

#include <stdbool.h>

#include "cli/options.h"

/* Returns false and leaves a line that says what is wrong and how to mend it. */
bool options_check(const struct options *options, char error[OPTIONS_ERROR_SIZE]);

#endif

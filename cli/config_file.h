/*
 * The configuration file: INI, keys are the names of the options without dashes. Keys before the
 * first section, and in the section named like the command that runs ([run], [primary], [backup]),
 * are applied; other commands' sections are only checked for unknown keys, so that one file serves
 * a pair. A flag is `yes` or `no`. A key that may be repeated repeats, or goes on in indented
 * lines.
 */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include <stdbool.h>

#include "cli/options.h"

/* Returns false and leaves a line that names file, line and reason. */
bool config_file_read(struct options *options, const char *path, char error[OPTIONS_ERROR_SIZE]);

#endif

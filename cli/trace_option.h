/*
 * --trace FILE[,from=POSITION][,to=POSITION].
 */
#ifndef CLI_TRACE_OPTION_H
#define CLI_TRACE_OPTION_H

#include <stdbool.h>

#include "cli/options.h"
#include "vmm/machine/trace.h"

/* `text` may be NULL: no trace. */
bool trace_option_parse(const char *text, struct trace_config *trace,
                        char error[OPTIONS_ERROR_SIZE]);

#endif

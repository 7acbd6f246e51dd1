/*
 * The table of all options. A row says to which commands an option applies, where its value goes
 * in struct options and how it is read.
 */
#ifndef CLI_OPTION_TABLE_H
#define CLI_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* struct option_list: may be repeated */
    OPTION_NUMBER, /* uint64_t */
    OPTION_SIZE,   /* uint64_t, bytes */
    OPTION_CHOICE, /* int: index into the words of `value`, which are separated by | */
};

enum option_group { GROUP_MACHINE, GROUP_CPU, GROUP_PROTECTION, GROUP_CONTROL, GROUP_COUNT };

struct option {
    const char *name;
    const char *value; /* what stands for it in the help text; NULL for a flag */
    enum option_kind kind;
    enum option_group group;
    unsigned commands; /* bit per enum command */
    bool from_primary; /* a backup is told by the primary */
    bool on_command_line_only;
    size_t offset;             /* in struct options */
    uint64_t minimum, maximum; /* numbers, sizes; LIST: maximum is the number of items */
    const char *help;
};

extern const struct option option_table[];
extern const size_t option_count;

const struct option *option_find(const char *name);
/* The row whose name is nearest to a wrong one, or NULL if none is near. */
const struct option *option_nearest(const char *name);
size_t option_index(const struct option *option);

#endif

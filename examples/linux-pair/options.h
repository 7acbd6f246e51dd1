/* The demonstration's own options. */
#ifndef EXAMPLES_LINUX_PAIR_OPTIONS_H
#define EXAMPLES_LINUX_PAIR_OPTIONS_H

#include <stdbool.h>

#define MAX_FAILOVERS 25u

enum fault {
    FAULT_KILL,   /* SIGKILL: the host lives, and its kernel closes the channel at once */
    FAULT_UNPLUG, /* all cables out: nothing says goodbye, only the silence is noticed */
};

struct options {
    const char *ftvm, *kernel, *initrd;
    unsigned failovers, pipeline, pause_ms;
    enum fault fault;
    bool keep;
};

/* -1: go on. Else the exit code; what is to be said has been printed. */
int options_parse(struct options *options, int count, char **arguments);

#endif

/*
 * The command line of ftvm-lab.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_OPTIONS_H
#define FAULT_INJECTION_LAB_EXPERIMENT_OPTIONS_H

#include <stdbool.h>

/* Exit codes, which scripts rely on. */
#define LAB_EXIT_GOOD        0
#define LAB_EXIT_WRONG       1 /* a promise was broken, or something did not work */
#define LAB_EXIT_USAGE       2
#define LAB_EXIT_INTERRUPTED 130

enum lab_command { LAB_RUN, LAB_REPORT, LAB_LIST };

struct lab_options {
    enum lab_command command;
    const char *file; /* the experiment */
    const char *results, *output;
    const char *ftvm, *hooked_ftvm, *kernel, *initrd;
    const char *experiments; /* directory of those that `list` names */
    const char *only;        /* part of a point's name, or NULL */
    unsigned repetitions;    /* 0: as the file says */
    unsigned repetition;     /* this one alone; 0: all */
    unsigned share, shares;  /* of the pairs, the share-th of so many; shares 0: all */
    bool fresh, keep, no_report;
};

/* -1: go on. Otherwise the exit code, after a line on stderr or the help on stdout. */
int lab_options_parse(struct lab_options *options, int count, char **arguments);

#endif

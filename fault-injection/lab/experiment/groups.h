/*
 * The values of a column of results, by what was swept: a group for each combination of settings,
 * in the order of their first appearance in the sweeps. One setting may be taken apart as x, for a
 * picture over it; then the groups of one label are a series.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_GROUPS_H
#define FAULT_INJECTION_LAB_EXPERIMENT_GROUPS_H

#include "fault-injection/lab/experiment/experiment.h"
#include "fault-injection/lab/experiment/table.h"

#define GROUP_ALL (-1) /* no x */

struct group {
    char label[POINT_NAME_SIZE]; /* the other settings; "all" without any */
    double x;
    double *values;
    unsigned count;
};

struct groups {
    struct group *group;
    unsigned count;
};

/* Rows where the column has no number are left out; groups without rows as well. False without
 * memory. groups_free() is due in either case. */
bool groups_make(struct groups *groups, const struct experiment *experiment,
                 const struct table *table, int x, const char *column);
void groups_free(struct groups *groups);

/* What a group is called: the settings that are swept, without x. */
void groups_label(const struct experiment *experiment, const struct settings *settings, int x,
                  char label[POINT_NAME_SIZE]);
/* Is this the first group of its label? */
bool groups_is_first(const struct groups *groups, unsigned i);
/* From 0 to 1: 0.5 is the median. NAN for an empty one. */
double group_quantile(struct group *group, double part);

/* What pictures are drawn over: the length of an epoch if it is swept, else the first setting that
 * is swept with numbers; GROUP_ALL if there is none. */
int groups_number_swept(const struct experiment *experiment);

#endif

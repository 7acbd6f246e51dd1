/*
 * Measures work of a guest: on a pair as the settings say, and right before each value on an
 * unprotected machine that stands beside it, so that what disturbs the host disturbs both. Each of
 * the two gets as much of the work as takes it about the same time, as their speeds may lie a
 * thousandfold apart.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_SPEED_H
#define FAULT_INJECTION_LAB_EXPERIMENT_SPEED_H

#include "fault-injection/lab/experiment/results.h"
#include "fault-injection/lab/measure/rig.h"

#define SPEED_WORKS 4u

struct speed_rig {
    struct rig rig;
    bool open;
    struct rig_task tasks[SPEED_WORKS]; /* scaled, or without a function yet */
};

struct speed {
    struct machine_config config;
    struct settings settings; /* of the pair */
    struct machine_options options, reference;
    struct speed_rig pair, unprotected;
    char error[LAB_ERROR_SIZE];
};

/* When `signals` can be read, all ends at once. speed_close() is due in either case. */
void speed_init(struct speed *speed, const struct lab_config *config, int signals);
void speed_close(struct speed *speed);

/* The pair for these settings, in place of the one there is. */
bool speed_start(struct speed *speed, const struct settings *settings);
/* One value of the work that the settings name, on that pair. */
bool speed_run(struct speed *speed, const struct settings *settings, struct result *result);

#endif

/*
 * A process with a machine in it. Several rigs stand side by side, each with a network of its own,
 * so that measurements of several forms can be taken in turns; the one that is not asked idles.
 *
 * What a rig does is a task: a function that runs there, with the machine of the rig. The rig is a
 * fork of its owner, so functions are where they were.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_RIG_H
#define FAULT_INJECTION_LAB_MEASURE_RIG_H

#include <sys/types.h>

#include "fault-injection/lab/measure/machine.h"

#define RIG_VALUES    12u
#define RIG_ARGUMENTS 4u

struct rig_task {
    /* Failing, it leaves a line in the lab. */
    bool (*run)(struct machine *machine, const unsigned arguments[RIG_ARGUMENTS],
                double values[RIG_VALUES]);
    unsigned arguments[RIG_ARGUMENTS];
};

struct rig {
    pid_t pid;
    int socket;
    int signals; /* as in the configuration */
};

/* Boots the machine. On failure nothing is left, and a line is in `error`. Config and options
 * must live as long as the rig. */
bool rig_open(struct rig *rig, const struct machine_config *config,
              const struct machine_options *options, char error[LAB_ERROR_SIZE]);
void rig_close(struct rig *rig);
bool rig_do(struct rig *rig, const struct rig_task *task, double values[RIG_VALUES],
            char error[LAB_ERROR_SIZE]);

/* Scales an argument, an amount of work, until the task takes about that long on this rig: machines
 * differ tenfold, and too short a time is all noise. */
bool rig_scale(struct rig *rig, struct rig_task *task, unsigned argument, unsigned milliseconds,
               char error[LAB_ERROR_SIZE]);

#endif

/*
 * The cost of a boundary, from speeds at several lengths of an epoch. With epochs that last d
 * without protection, and a cost c for each boundary, the normalized performance is
 *
 *     NP = 1 / (1 + c / d)
 *
 * which is the model of Bressoud and Schneider, with all that a boundary costs in one number.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_FIT_H
#define FAULT_INJECTION_LAB_EXPERIMENT_FIT_H

#include <stdbool.h>

struct fit {
    double cost;  /* in the unit of the durations */
    double error; /* typical, relative: 0.1 is a tenth off */
};

double fit_model(double cost, double duration);
/* Least squares of the logarithms, as a speed of a hundredth counts as much as one of a half. False
 * if no pair of numbers says anything about a cost. */
bool fit_cost(const double durations[], const double normalized[], unsigned count, struct fit *fit);

#endif

/*
 * The values of one quantity, in the order in which they were taken. Medians, as the host has other
 * things to do as well.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_SAMPLE_H
#define FAULT_INJECTION_LAB_MEASURE_SAMPLE_H

#define SAMPLE_MAX 64u

struct sample {
    double values[SAMPLE_MAX];
    unsigned count;
};

/* Values beyond SAMPLE_MAX are dropped. */
void sample_add(struct sample *sample, double value);
/* All of these are 0 without values. */
double sample_median(const struct sample *sample);
double sample_min(const struct sample *sample);
double sample_max(const struct sample *sample);
/* How many times the base this is. Two samples of one length were taken in turns: then it is the
 * median of the ratios of neighbours, which drifts of the host touch least. */
double sample_ratio(const struct sample *sample, const struct sample *base);

/* Sorts. `part` is from 0 to 1. */
double quantile(double *values, unsigned count, double part);

#endif

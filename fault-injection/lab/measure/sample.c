#include "fault-injection/lab/measure/sample.h"

#include <stdlib.h>
#include <string.h>

void sample_add(struct sample *sample, double value)
{
    if (sample->count < SAMPLE_MAX)
        sample->values[sample->count++] = value;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double quantile(double *values, unsigned count, double part)
{
    double place = part * (count - 1);
    unsigned below = (unsigned)place;

    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare);
    if (below + 1 >= count)
        return values[count - 1];
    return values[below] + (place - below) * (values[below + 1] - values[below]);
}

static double quantile_of(const struct sample *sample, double part)
{
    double values[SAMPLE_MAX];

    memcpy(values, sample->values, sizeof(values));
    return quantile(values, sample->count, part);
}

double sample_median(const struct sample *sample)
{
    return quantile_of(sample, 0.5);
}

double sample_min(const struct sample *sample)
{
    return quantile_of(sample, 0);
}

double sample_max(const struct sample *sample)
{
    return quantile_of(sample, 1);
}

static double divide(double value, double base)
{
    return base != 0 ? value / base : 0;
}

double sample_ratio(const struct sample *sample, const struct sample *base)
{
    struct sample ratios = {0};

    if (sample->count != base->count)
        return divide(sample_median(sample), sample_median(base));
    for (unsigned i = 0; i < sample->count; i++)
        sample_add(&ratios, divide(sample->values[i], base->values[i]));
    return sample_median(&ratios);
}

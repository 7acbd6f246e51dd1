#include "fault-injection/lab/experiment/fit.h"

#include <math.h>

#define STEPS 100 /* of the search, each of which leaves 0.618 of the range */

double fit_model(double cost, double duration)
{
    return 1 / (1 + cost / duration);
}

/* Mean square; points of which nothing can be taken the logarithm say nothing. */
static double error_of(double cost, const double durations[], const double normalized[],
                       unsigned count, unsigned *used)
{
    double sum = 0;

    *used = 0;
    for (unsigned i = 0; i < count; i++) {
        double difference;

        if (!(durations[i] > 0) || !(normalized[i] > 0))
            continue;
        difference = log(normalized[i]) - log(fit_model(cost, durations[i]));
        sum += difference * difference;
        ++*used;
    }
    return *used > 0 ? sum / *used : 0;
}

bool fit_cost(const double durations[], const double normalized[], unsigned count, struct fit *fit)
{
    /* Golden section over the logarithm of the cost, within a millionth of the shortest and a
     * million times the longest duration: the error has one minimum there. */
    const double golden = (sqrt(5) - 1) / 2;
    double low = INFINITY, high = -INFINITY;
    unsigned used;

    for (unsigned i = 0; i < count; i++) {
        if (!(durations[i] > 0) || !(normalized[i] > 0))
            continue;
        low = fmin(low, log(durations[i] * 1e-6));
        high = fmax(high, log(durations[i] * 1e6));
    }
    if (!(low < high))
        return false;
    for (int i = 0; i < STEPS; i++) {
        double left = high - golden * (high - low), right = low + golden * (high - low);

        if (error_of(exp(left), durations, normalized, count, &used) <
            error_of(exp(right), durations, normalized, count, &used))
            high = right;
        else
            low = left;
    }
    fit->cost = exp((low + high) / 2);
    fit->error = sqrt(error_of(fit->cost, durations, normalized, count, &used));
    return true;
}

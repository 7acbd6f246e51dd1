/*
 * Many seeds, on several processes: a run that dies (an assertion of the engine's, say) is a
 * violation like any other, and costs its own process only.
 */
#ifndef FAULT_INJECTION_SIMULATOR_SWEEP_H
#define FAULT_INJECTION_SIMULATOR_SWEEP_H

#include "fault-injection/simulator/report.h"

#define SWEEP_MAX_JOBS 64u

struct sweep_options {
    struct report_options report;
    uint64_t first, runs; /* runs 0: until `seconds` have passed */
    uint64_t seconds;     /* 0: until all runs are done */
    unsigned jobs;
};

struct sweep_result {
    uint64_t runs, survived, promotions, emissions, requests, steps;
    uint64_t acts[ACT_KINDS]; /* how often each had an effect */
    double processor_s;       /* of all processes */
    bool violated;
    uint64_t seed; /* the least that was seen to fail */
    enum checker checker;
    int signal; /* by which it died instead; 0: none */
    char why[CHECK_WHY_SIZE];
};

/* False if processes cannot be made: errno says why. */
bool sweep(const struct sweep_options *options, struct sweep_result *result);
void sweep_print(const struct sweep_result *result, FILE *out);

#endif

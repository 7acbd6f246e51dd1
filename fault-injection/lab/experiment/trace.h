/*
 * What is seen from outside around a fault: the client's answers in steps of WINDOW_STEP_MS, the
 * longest time without one, and what the primary said of its log meanwhile.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_TRACE_H
#define FAULT_INJECTION_LAB_EXPERIMENT_TRACE_H

#include "fault-injection/lab/experiment/results.h"
#include "fault-injection/lab/experiment/subject.h"

#define TRACE_WINDOW_HEADER "point,repetition,at_ms,answers,latency_us,latency_max_us\n"
#define TRACE_STATUS_HEADER "point,repetition,at_ms,lag_entries,log_kbit_s,outputs_held\n"

/* When the round began, and in it the fault. */
struct trace_times {
    uint64_t round_ns, fault_ns;
};

/* Adds a run's rows to the files, and `gap` and `answers` to its result. What was before the round
 * belongs to another fault, and is left out. */
bool trace_write(struct subject *subject, const char *point, unsigned repetition,
                 const struct trace_times *times, struct results *results, struct result *result);

#endif

/*
 * Pictures of what was seen around the faults: the client's answers and the primary's log, over the
 * time from the beginning of the fault, as medians and quartiles of all runs.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_REPORT_WINDOW_H
#define FAULT_INJECTION_LAB_EXPERIMENT_REPORT_WINDOW_H

#include "fault-injection/lab/experiment/report.h"

void report_window(struct report *report);

#endif

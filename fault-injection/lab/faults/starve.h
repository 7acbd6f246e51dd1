/*
 * Gives a process less of the processors than it wants: in each period of 10 ms it runs until it
 * has used its share, as the kernel counts it, and is stopped for the rest. What a quota of a
 * control group does, without one: which version of them a host has, and whether we may, differs.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_STARVE_H
#define FAULT_INJECTION_LAB_FAULTS_STARVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "fault-injection/lab/lab.h"

struct starve;

/* `percent` of one processor, for all threads of the process together. It is a child of ours. */
bool starve_begin(struct starve **starve, struct lab *lab, pid_t pid, unsigned percent);
/* The process runs on, unless it is held. What it got, in percent of a processor. NULL is fine. */
double starve_end(struct starve *starve);
/* Somebody else has stopped it, and will continue it: it is not to run meanwhile. From the
 * return on nothing here wakes it. */
void starve_hold(struct starve *starve, bool held);

#endif

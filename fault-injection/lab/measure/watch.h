/*
 * A client that only listens: the guest's streamserver sends it a numbered line every millisecond,
 * and a thread keeps the longest silence. As the guest sends by itself, no repetition by the
 * client's TCP adds to it.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_WATCH_H
#define FAULT_INJECTION_LAB_MEASURE_WATCH_H

#include "fault-injection/lab/lab.h"

struct watch;

/* Connects, and begins at once. */
bool watch_start(struct watch **watch, struct lab *lab);
/* NULL is fine. */
void watch_end(struct watch *watch);

/* Silence is measured from here on. */
void watch_mark(struct watch *watch);
/* The longest since the mark, in nanoseconds. False if a line was missing or the stream ended. */
bool watch_gap(struct watch *watch, struct lab *lab, uint64_t *gap_ns);

#endif

/*
 * How long the guest of a live replica runs before it is looked whether its epoch should end.
 *
 * Inputs wait for a boundary, and boundaries cost; so an epoch is long while nothing waits, and
 * ends soon when something does. Only the vCPU thread can end it at an exact position: it runs a
 * slice of about `min_ns`, looks, and runs the next. The time comes as an argument.
 */
#ifndef LIBFTVM_PACE_H
#define LIBFTVM_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t min_ns;
    uint64_t max_ns;
    uint64_t start; /* positions */
    uint64_t end;
    uint64_t start_ns;
    uint64_t slice; /* units of position */
};

/* An epoch starts. The first slice is guessed by its rate. */
void pace_start(struct pace *pace, uint64_t position, uint64_t length, uint64_t rate_q32,
                uint64_t now_ns);
/* Where to stop next: beyond `position`, or `position` itself if the epoch is to end there. With
 * `wanted`, something waits for its end. */
uint64_t pace_next(struct pace *pace, uint64_t position, uint64_t now_ns, bool wanted);

#endif

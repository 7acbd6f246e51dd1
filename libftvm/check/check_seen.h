/* How much of a guest's life a recorded run had in it: what a check that passes has not looked at
 * is told with that. */
#ifndef LIBFTVM_CHECK_SEEN_H
#define LIBFTVM_CHECK_SEEN_H

#include "libftvm/check/check_track.h"

struct seen {
    uint64_t guest_ns;   /* that went by, from the first reset on */
    uint64_t running_ns; /* of these, while the guest ran: timers go off inside of epochs then */
    uint64_t ran_out;    /* epochs that ended as their length was over */
    uint64_t idle;       /* epochs that ended as the guest idled */
};

struct seen seen_in(const struct track *track, uint64_t unit_ns);

#define SEEN_TIME_SIZE 32u

/* "20 ms", "1.5 s": three digits or so. Returns `text`. */
const char *seen_time(uint64_t time_ns, char text[SEEN_TIME_SIZE]);

#endif

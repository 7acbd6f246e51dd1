/*
 * The other places at which a run is stopped: a set of positions that follows from a seed. It does
 * not depend on where the machine is asked from, so that it stays the same when boundaries are
 * added, or when only some of it is used.
 */
#ifndef LIBFTVM_CHECK_STOPS_H
#define LIBFTVM_CHECK_STOPS_H

#include <ftvm/ftvm.h>

struct stops {
    bool on;
    uint64_t seed;
    uint32_t chunking;         /* which set; in 0, some epochs stop at each position */
    uint64_t epoch_length;     /* of most epochs */
    uint64_t epochs;           /* there are */
    ftvm_position first, last; /* of the set, those that are used */

    bool everywhere; /* in this epoch */
    uint64_t random;
    uint64_t longest; /* way from one to the next */
    ftvm_position next;
};

/* Calls come in the order of positions. */
void stops_begin_epoch(struct stops *stops, uint64_t ordinal, ftvm_position position);
/* The first one beyond `position`; UINT64_MAX: none in sight. */
ftvm_position stops_after(struct stops *stops, ftvm_position position);

/* A number that follows from another one, and looks random (splitmix64). */
uint64_t stops_random(uint64_t *state);

#endif

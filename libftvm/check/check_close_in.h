/*
 * From "these two runs differ" to where and how: the run is recorded again with more boundaries in
 * the interval in which they begin to differ, and compared again in the manner that showed it,
 * until the interval is one unit of position, or does not get smaller.
 */
#ifndef LIBFTVM_CHECK_CLOSE_IN_H
#define LIBFTVM_CHECK_CLOSE_IN_H

#include "libftvm/check/check_run.h"

/* How the run was made that differs from the recorded one. */
enum run_manner {
    MANNER_AGAIN,    /* as it was */
    MANNER_LENGTHS,  /* told other lengths of its epochs, which end where they did */
    MANNER_STOPPED,  /* at other places */
    MANNER_LOADED,   /* from a saved state */
    MANNER_RELOADED, /* from a state that was saved by a run that had loaded one */
};

enum closing {
    CLOSING_EXACT,     /* there is nothing between the two positions */
    CLOSING_NOT_FINER, /* the machine does not stop between them */
    CLOSING_NOT_AGAIN, /* the difference did not come again */
    CLOSING_ELSEWHERE, /* it came, at other places */
};

struct suspect {
    enum run_manner manner;
    enum run_place place;
    enum told_lengths lengths;       /* MANNER_LENGTHS */
    uint32_t chunking;               /* MANNER_STOPPED, from 1 */
    struct stops stops;              /* the same */
    const struct saved_state *state; /* MANNER_LOADED */
    ftvm_position loaded_at;         /* the same, and MANNER_RELOADED */
    struct difference difference;
    /* Found by closing in: */
    enum closing closing;
    bool comes_with_time; /* did not come again at once: host time goes by between two runs */
    bool has_stop;        /* MANNER_STOPPED: with it the runs differ, without it they do not */
    bool stop_alone;
    ftvm_position stop;
    ftvm_position stopped_at; /* where the machine stood then: there, or just past it */
};

/* 0, or negative: session->line says why it cannot go on. */
int close_in(struct check_session *session, const struct track *recorded, struct suspect *suspect);

#endif

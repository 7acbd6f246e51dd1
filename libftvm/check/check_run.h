/*
 * One run of a machine under a node that is not a replica's: there is no peer, no I/O thread and no
 * host's clock. The node makes the calls of the vCPU thread (struct node_calls) in one of two ways:
 * check_record.c decides and writes the log, check_follow.c follows one and compares.
 */
#ifndef LIBFTVM_CHECK_RUN_H
#define LIBFTVM_CHECK_RUN_H

#include <time.h>

#include <ftvm/check.h>

#include "libftvm/check/check_state.h"
#include "libftvm/check/check_stops.h"
#include "libftvm/check/check_track.h"
#include "libftvm/node_state.h"

/* A whole check: what all of its runs share. */
struct check_session {
    struct ftvm_check check; /* the caller's, with defaults for what its header did not have */
    struct names names;
    uint32_t runs;
    bool asks_stops; /* the machine calls ftvm_stop_at */
    bool has_digest;
    uint64_t whole_each; /* boundaries with a whole digest, of those of the recorded run */
    char line[2 * NODE_ERROR_SIZE]; /* why the check cannot go on */
};

/* What a run that follows a log is told of its epochs' lengths. */
enum told_lengths {
    LENGTHS_RECORDED, /* what the recorded run was told */
    LENGTHS_EXACT,    /* as a backup is: where the recorded epoch ended, also if the guest idled */
    LENGTHS_LONGER,   /* as a primary is whose epoch an input cuts short by ftvm_stop_at */
};

/* What is special about a run. All zero is the one that is recorded first. */
struct run_plan {
    /* The log that is followed; NULL: there is none yet, and the world is asked for inputs. */
    const struct track *script;
    /* The log only brings inputs and values: the run is recorded anew, with more boundaries. */
    bool guided;
    const ftvm_position *looks; /* guided: there */
    size_t look_count;
    ftvm_position until;            /* guided: ends at the first boundary from there on */
    ftvm_position whole_from;       /* guided: states are kept whole beyond it */
    size_t kept_bytes;              /* recorded: of long parts and outputs */
    enum told_lengths lengths;      /* followed */
    struct stops stops;             /* followed */
    const struct saved_state *load; /* followed: from there on */
    struct saved_state *save;       /* followed: to be saved at step save_at */
    uint64_t save_at;               /* ordinal of a step */
    bool save_ends;                 /* the run ends with it */
    bool load_ends;                 /* the run ends when it has loaded */
};

/* Which callback a difference was seen at, if not along the log. */
enum run_place { PLACE_LOG, PLACE_LOAD, PLACE_SAVE, PLACE_MADE /* in ftvm_begin */ };

struct check_run {
    struct ftvm_node node; /* first: the machine's calls come with it */
    struct check_session *session;
    const struct run_plan *plan;
    struct track *track; /* recorded */

    struct ftvm_epoch epoch;
    ftvm_position epoch_end;  /* of the script's epoch, where that has been divided */
    size_t look;              /* next of plan->looks */
    size_t cursor;            /* next step of the script */
    size_t output;            /* outputs since the last step */
    struct log_input *inputs; /* of a boundary in the making */
    uint64_t ordinal;         /* boundaries so far, extra ones aside */

    ftvm_position cut;        /* LENGTHS_LONGER: where this epoch ends nevertheless */
    struct stops plan_stops;  /* the plan's, in use */
    ftvm_position stopped_at; /* where the machine stood at the last of them; 0: not yet */

    bool differs;
    enum run_place place;
    struct difference difference;
    ftvm_position agreed;   /* as far as was compared */
    uint64_t agreed_inputs; /* delivered there */
    uint64_t values_since;  /* asked for since */
};

/* Makes a machine and lets it run. 0: to the end that the plan or the machine gave it. 1: it
 * differs from the script; `run` says how. Negative: session->line says why. */
int check_run(struct check_session *session, const struct run_plan *plan, struct track *track,
              struct check_run *run);

/* Until so long after `since` (CLOCK_MONOTONIC) that host time in whole seconds is another one. */
void check_pause(const struct check_session *session, const struct timespec *since);

/* ---- For check_record.c and check_follow.c -------------------------------------------------- */

int run_end(struct check_run *run, int error); /* returns it, now and at each call from here on */
int run_ended(struct check_run *run);          /* 0: it goes on */
int run_fail(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* FTVM_E_MACHINE */
struct parts_source run_source(struct check_run *run);
int run_deliver(struct check_run *run, const struct message_boundary *boundary);
/* From the boundary's entry on. */
void run_start_epoch(struct check_run *run, const struct message_boundary *boundary,
                     struct ftvm_epoch *epoch);
enum call_kind run_kind(const struct vcpu_request *request);
void run_log(const struct check_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int record_begin(struct check_run *run, ftvm_position position, struct ftvm_epoch *first);
int record_boundary(struct check_run *run, const struct vcpu_request *request,
                    struct ftvm_epoch *next);
int record_output(struct check_run *run, uint32_t device, const void *data, size_t size);
int record_value(struct check_run *run, const struct vcpu_request *request, void *value,
                 size_t size);

int follow_begin(struct check_run *run, ftvm_position position, struct ftvm_epoch *first);
ftvm_position follow_stop_at(struct check_run *run, ftvm_position position);
int follow_boundary(struct check_run *run, const struct vcpu_request *request,
                    struct ftvm_epoch *next);
int follow_output(struct check_run *run, uint32_t device, const void *data, size_t size);
int follow_value(struct check_run *run, const struct vcpu_request *request, void *value,
                 size_t size);

#endif

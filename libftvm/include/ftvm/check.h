/*
 * check.h - does a machine keep the contract of determinism?
 *
 * A machine that does not is a backup that diverges one day. ftvm_check_determinism() looks for it
 * before that: it runs the machine once and records its log, and runs it again from that log, as a
 * backup would: as it is, with epochs of other lengths that end where they ended, stopped at other
 * places (ftvm_stop_at), and from states that were saved on the way. What ops.digest tells is
 * compared of each new machine before its first step, and at every boundary. Where two runs differ
 * it closes in on the first position at which they do, and says which parts of the state differ
 * there, and how.
 *
 *     struct ftvm_check check;
 *     struct ftvm_check_report report = {.size = sizeof report};
 *     ftvm_check_init(&check);
 *     check.create = ..., check.run = ..., check.destroy = ...;
 *     if (ftvm_check_determinism(&check, &report) == FTVM_E_DIVERGED) {
 *         puts(report.text);
 *     }
 *
 * The machine runs under a node as ever, by the loop that it has: nothing in it is changed for the
 * check. There is no network and no host's clock in it: guest time is computed, an idle guest's
 * time jumps. The command ftvm-check(1) does the same for a machine in a shared object.
 *
 * Everything here may be called on any thread, one check at a time for each thread; any number of
 * them may run at once. The machine runs on the calling thread.
 */
#ifndef FTVM_CHECK_H
#define FTVM_CHECK_H

#include <ftvm/ftvm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTVM_CHECK_TEXT 8192u /* bytes of a report's text */

/* What is checked, and how thoroughly. Fill with ftvm_check_init() first. */
struct ftvm_check {
    size_t size; /* sizeof(struct ftvm_check) of the caller, set by ftvm_check_init */

    /* Makes a machine as it is before its first instruction; equal ones each time. Each is looked
     * at by ops.digest inside of its ftvm_begin, so that all that digest reads must be set before
     * that. Two are alive at a time at most. 0, or a negative code, which ends the check
     * (FTVM_E_MACHINE). */
    int (*create)(void *context, void **machine);
    /* Frees what create made. */
    void (*destroy)(void *context, void *machine);
    /* The machine's loop: ftvm_begin, and on until a call returns an error, which it returns. One
     * that never does cannot be helped. */
    int (*run)(void *context, void *machine, struct ftvm_node *node);
    /* The world of the run that is recorded, at each of its boundaries but the first: what the
     * guest is to get there it puts in with ftvm_input. `epoch` is the one that begins there; an
     * idle guest's time has not jumped yet. A guest that waits for an input with no timer ends the
     * check if it gets none here, so give it one (the report says how many epochs were run). It is
     * on the thread that runs the machine: `context` may hold which one that is. NULL: no inputs
     * but those that the machine gives itself (a console that echoes, say). */
    void (*world)(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch);
    void *context; /* for the four */

    uint64_t epochs;       /* how many are run, unless the guest halts or idles for ever (500) */
    uint64_t epoch_length; /* units of position of each (10000) */
    uint64_t unit_ns;      /* guest nanoseconds per unit of position (4). It decides how many timer
                              interrupts come while the guest runs, inside of epochs: the defaults
                              are 20 ms of a busy guest's time. Where interrupts matter, raise it,
                              to 400, say, with an epoch_length of 40000 */
    uint64_t seed;         /* where runs are stopped and states are saved follows from it (1) */
    uint32_t chunkings;    /* runs that are stopped at other places; the first stops everywhere for
                              an epoch in a hundred (4) */
    uint32_t states;       /* saved on the way, and run from (8) */
    uint32_t pause_ms;     /* from the beginning of the recorded run to that of the first that is
                              compared with it: host time that is read in whole seconds has changed
                              by then (1100) */

    /* What is being done, a line each; NULL: nobody is told. */
    void (*on_log)(void *log_context, enum ftvm_log_level level, const char *line);
    void *log_context; /* for on_log */
};

/* Fills in the defaults, those in parentheses above and zero for the rest, for a caller whose
 * struct has `size` bytes; C and C++ take the next one. */
FTVM_API void ftvm_check_init_sized(struct ftvm_check *check, size_t size);

/* The same for this header's struct. */
static inline void ftvm_check_init(struct ftvm_check *check)
{
    ftvm_check_init_sized(check, sizeof *check);
}

/* What was found. */
struct ftvm_check_report {
    size_t size;            /* set to sizeof(struct ftvm_check_report) by the caller */
    uint32_t runs;          /* of the machine, in all */
    uint64_t epochs;        /* of the recorded run */
    ftvm_position position; /* where it ended */
    uint64_t inputs;        /* that it got */
    uint64_t values;        /* that it asked for */
    uint64_t outputs;       /* that it made */
    uint64_t states;        /* that were run from */
    ftvm_position agreed;   /* FTVM_E_DIVERGED: last position at which the runs agreed */
    ftvm_position differs;  /* first at which they did not; agreed + 1 if it could be found exactly.
                               Where a state differs right after its load, both are its position;
                               where two new machines differ, both are the one that ftvm_begin was
                               told */
    char text[FTVM_CHECK_TEXT]; /* what was found, for people: lines, the last without its end */
};

/* 0: every run agreed in what happened; the text says how much guest time that was, and what did
 * not happen ("not seen: ..."). FTVM_E_DIVERGED: two did not, and the report says where and how.
 * FTVM_E_INVALID: `check` is not filled in. FTVM_E_MACHINE: a callback failed, or the machine's
 * loop broke a rule (report->text says which). FTVM_E_MEMORY. Takes about as long as running the
 * guest three times for each of chunkings and states. */
FTVM_API int ftvm_check_determinism(const struct ftvm_check *check,
                                    struct ftvm_check_report *report);

/* What a shared object for ftvm-check(1) exports under the name "ftvm_check_machine": fills in
 * `check`, which has the defaults, from the arguments behind "--", before which argv has the path
 * of the object. 0, or a negative code after it has printed why. */
typedef int ftvm_check_entry(struct ftvm_check *check, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif

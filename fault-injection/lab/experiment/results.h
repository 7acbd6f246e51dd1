/*
 * What an experiment has measured so far, on disk: one line of RESULTS/NAME.csv for each finished
 * run, written and synced before the next begins. An experiment that was interrupted is continued
 * from there; one whose file has changed since is another experiment, and is refused.
 *
 *     NAME.csv          the runs
 *     NAME.ini          the experiment that they are of, as it was read
 *     NAME.window.csv   answers around each fault, in steps of WINDOW_STEP_MS
 *     NAME.status.csv   lag and log while it ran
 *     NAME.host         on what it was measured
 *     NAME.violations/  a directory for each violation: seed and repetition
 *     NAME.html         the report
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_RESULTS_H
#define FAULT_INJECTION_LAB_EXPERIMENT_RESULTS_H

#include <limits.h>

#include "fault-injection/lab/experiment/experiment.h"

#define RESULTS_VALUE_SIZE 1024u
#define RESULTS_ERROR_SIZE (2 * PATH_MAX)
#define WINDOW_STEP_MS     100
#define WINDOW_BEFORE_MS   2000
#define WINDOW_AFTER_MS    6000

/* Columns of every experiment; then come the swept settings, then those of its kind. */
#define RESULTS_COMMON(X) X(point) X(repetition) X(seed) X(outcome) X(problem) X(logs)

/* Of rounds with faults. Times in milliseconds. */
#define RESULTS_FAULTS(X)                                                                          \
    X(workload)                                                                                    \
    X(fault)                                                                                       \
    X(kind)                                                                                        \
    X(host)                                                                                        \
    X(victim)                                                                                      \
    X(failovers)                                                                                   \
    X(detected)                                                                                    \
    X(claimed)                                                                                     \
    X(consumed) X(live) X(failover) X(gap) X(recovery) X(answers) X(two_alive) X(divergences)

/* Of speed. `normalized` is to the unprotected machine, measured right before; `boundary_us` what
 * the work takes longer, shared out to its boundaries. */
#define RESULTS_SPEED(X)                                                                           \
    X(rate)                                                                                        \
    X(unprotected)                                                                                 \
    X(normalized)                                                                                  \
    X(epochs_s) X(boundary_us) X(instructions_s) X(log_kbit_s) X(round_trip_us) X(p99_us) X(hold_us)

enum result_column {
#define RESULTS_ENUM(name) RESULT_##name,
    RESULTS_COMMON(RESULTS_ENUM) RESULTS_FAULTS(RESULTS_ENUM) RESULTS_SPEED(RESULTS_ENUM)
#undef RESULTS_ENUM
        RESULT_COLUMNS
};

/* How a run ended, and what its outcome is called in the table. */
#define RESULTS_OUTCOMES(X)                                                                        \
    X(GOOD, "good", "nothing was lost")                                                            \
    X(TWO_ALIVE, "two-alive", "without an arbiter, as is to be expected")                          \
    X(DIVERGED, "diverged", "a flipped bit was found, as is to be expected")                       \
    X(SLOW, "slow", "recovered, but not in time")                                                  \
    X(VIOLATION, "violation", "a promise was broken")                                              \
    X(FAILED, "failed", "the run could not be brought to its end")

enum outcome {
#define RESULTS_OUTCOME_ENUM(name, text, what) OUTCOME_##name,
    RESULTS_OUTCOMES(RESULTS_OUTCOME_ENUM)
#undef RESULTS_OUTCOME_ENUM
        OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome);
const char *outcome_meaning(enum outcome outcome);
bool outcome_is_bad(enum outcome outcome);
/* The same of what a table says; no outcome is not bad. */
bool outcome_says_bad(const char *name);

/* The values of one run; "" where there is none. */
struct result {
    char value[RESULT_COLUMNS][RESULTS_VALUE_SIZE];
};

__attribute__((format(printf, 3, 4))) void
result_set(struct result *result, enum result_column column, const char *format, ...);

struct results {
    const struct experiment *experiment;
    char directory[PATH_MAX / 2];
    int file;            /* the CSV file, at its end; -1: closed */
    long size;           /* of its whole lines */
    unsigned char *done; /* point * repetitions + repetition - 1 */
    unsigned done_count, bad_count;
    char error[RESULTS_ERROR_SIZE];
};

/* Makes the directory; takes in what is there of this experiment, or with `fresh` removes it. False
 * with a line in results->error: `*changed` if it is there, but of another experiment.
 * results_close() is due in either case. */
bool results_open(struct results *results, const struct experiment *experiment,
                  const char *experiment_path, const char *directory, bool fresh, bool *changed);
void results_close(struct results *results);

bool results_is_done(const struct results *results, const struct run *run);
/* Writes and syncs the line; if the disk is full, the file ends with the last whole line. */
bool results_add(struct results *results, const struct run *run, const struct result *result);
/* Adds text to another of its files, for which a header is written first. */
bool results_append(struct results *results, const char *ending, const char *header,
                    const char *text);

/* DIRECTORY/NAME.ending; `path` is of PATH_MAX. */
void results_path(const struct results *results, const char *ending, char *path);

#endif

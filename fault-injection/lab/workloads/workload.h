/*
 * What the guest is kept busy with, and the history by which it is judged: every workload records
 * what was asked for and what was answered, and says in the end whether some correct machine, that
 * never failed, could have answered so.
 *
 * A workload runs on threads of its own between start and stop; the calls below are the lab's main
 * thread's. Functions that return bool leave a line in lab->error before they return false.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_WORKLOAD_H
#define FAULT_INJECTION_LAB_WORKLOADS_WORKLOAD_H

#include "fault-injection/lab/pair.h"

#define WORKLOAD_PROBLEM_SIZE 512u
/* Of a longer run the oldest samples are forgotten: at the standard pace, after an hour and more.
 */
#define WORKLOAD_MAX_SAMPLES (UINT64_C(1) << 23)

/* One answer that came. */
struct workload_sample {
    uint64_t at_ns; /* lab_now_ns() */
    uint32_t latency_us;
};

struct workload_verdict {
    uint64_t asked, answered; /* operations */
    uint64_t unknown;         /* asked and never answered: the connection broke, or the end came */
    bool holds;
    char problem[WORKLOAD_PROBLEM_SIZE]; /* the first violation; "" if it holds */
};

struct workload;

struct workload_kind {
    const char *name;   /* "redis", "disk", "stream", "console", "idle" */
    const char *append; /* words for the guest's command line, or NULL */
    bool disk;          /* the guest needs one */
    const char *what;   /* one line for people */
};

/* NULL if there is none of that name. All of them, up to NULL, for messages. */
const struct workload_kind *workload_find(const char *name);
const struct workload_kind *const *workload_kinds(void);

/* The guest is up (pair_wait_guest). `parameters` as in the experiment's file, "clients=4,keys=3",
 * or "". workload_destroy() is due in either case. `pair` is read while it runs. */
bool workload_start(struct workload **workload, const struct workload_kind *kind, struct lab *lab,
                    const struct pair *pair, const char *parameters, uint64_t seed);

/* Answers that have come so far. */
uint64_t workload_answers(const struct workload *workload);
/* Until so many further answers have come. At once if this kind asks nothing ("idle"). */
bool workload_wait(struct workload *workload, uint64_t answers, unsigned timeout_ms);
/* Copies the samples from number `first` on, in the order of time; returns how many. Answer and
 * sample have the same number, from 0 on. Those that are forgotten are passed over: the first one
 * that is copied is then the oldest one that there is. */
size_t workload_samples(const struct workload *workload, size_t first,
                        struct workload_sample *samples, size_t capacity);

/* Looks at the history so far, without an end of the run: cheap enough for every round. */
bool workload_check(struct workload *workload, struct workload_verdict *verdict);
/* Asks nothing more, waits for what is outstanding, checks the whole history, and what the guest
 * has in the end. A guest that does not answer then does not hold. */
bool workload_stop(struct workload *workload, unsigned timeout_ms,
                   struct workload_verdict *verdict);
/* The history as text, one operation a line, into that file: for a report of a violation. */
bool workload_dump(const struct workload *workload, const char *path);
void workload_destroy(struct workload *workload);

#endif

/*
 * What a kind of workload is made of, and what workload.c does for all of them: threads, counts,
 * samples, the first violation. Included by the kinds' own files alone.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_FORM_H
#define FAULT_INJECTION_LAB_WORKLOADS_FORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fault-injection/lab/workloads/parameters.h"
#include "fault-injection/lab/workloads/samples.h"
#include "fault-injection/lab/workloads/workload.h"

#define WORKLOAD_MAX_PARAMETERS 8u
#define WORKLOAD_MAX_THREADS    32u
#define WORKLOAD_ANSWER_MS                                                                         \
    30000 /* after a failover TCP waits longer after each attempt that fails */
#define WORKLOAD_CONNECT_MS 20000

struct workload_form {
    struct workload_kind kind; /* first: who has the one has the other */
    const struct parameter *parameters;
    size_t parameter_count;
    bool asks_nothing;

    /* On the lab's main thread. Each may be NULL. */
    bool (*open)(struct workload *workload);   /* sets `own`; before there is a thread */
    void (*look)(struct workload *workload);   /* at every call of the owner's */
    void (*check)(struct workload *workload);  /* the history so far */
    void (*finish)(struct workload *workload); /* there is no thread any more */
    bool (*dump)(struct workload *workload, FILE *file);
    void (*close)(struct workload *workload);

    /* On a thread of its own each. NULL: there are none. */
    unsigned (*threads)(const struct workload *workload); /* how many; NULL: 1 */
    void (*run)(struct workload *workload, unsigned thread);
};

struct workload_thread {
    struct workload *workload;
    unsigned number;
    pthread_t thread;
};

struct workload {
    const struct workload_form *form;
    struct lab *lab; /* the main thread's, but for the network */
    const struct pair *pair;
    uint64_t seed, start_ns;
    uint64_t values[WORKLOAD_MAX_PARAMETERS]; /* of the form's parameters */
    void *own;                                /* the kind's */

    struct workload_thread threads[WORKLOAD_MAX_THREADS];
    unsigned thread_count;
    atomic_uint running;
    atomic_bool stopping;  /* nothing more is to be asked */
    atomic_bool abandoned; /* nor waited for */

    pthread_mutex_t lock; /* of what follows */
    uint64_t asked, answered, unknown;
    struct samples samples;
    char problem[WORKLOAD_PROBLEM_SIZE];
};

extern const struct workload_form workload_redis, workload_disk, workload_stream, workload_console,
    workload_idle;

/* For the kinds, on any thread. */
bool workload_asks(const struct workload *workload); /* until it is being stopped */
/* Waits so long, or until it is being stopped. */
void workload_rest(const struct workload *workload, uint64_t microseconds);
void workload_note_asked(struct workload *workload);
/* It came now, to what was asked then. */
void workload_note_answer(struct workload *workload, uint64_t asked_ns);
/* It will not come. */
void workload_note_unknown(struct workload *workload);
/* The first violation counts. */
__attribute__((format(printf, 2, 3))) void workload_blame(struct workload *workload,
                                                          const char *format, ...);

/* A generator for one thread: its state is all there is. */
uint64_t workload_first_random(const struct workload *workload, unsigned thread);
uint64_t workload_random(uint64_t *state, uint64_t limit);

#endif

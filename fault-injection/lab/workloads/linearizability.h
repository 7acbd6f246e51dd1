/*
 * Is a history of operations on one object linearizable: could a single machine, that did one
 * operation after the other, each at some moment between its question and its answer, have answered
 * so? (Herlihy and Wing, 1990.) Objects are judged one by one, as linearizability is local.
 *
 * The history is taken in as it grows. The checker goes through questions and answers in the order
 * of time and holds the set of all configurations that are possible so far: the object's value, and
 * which of the operations under way have been done ("just-in-time linearization", Lowe, 2017). What
 * lies behind is forgotten, so that a run of hours costs no more memory than its busiest moment.
 *
 * Two things keep that set small. A read is done as soon as the value is what it answered: it
 * changes nothing. And a write that nobody sees, as another overwrites it at once, costs no
 * decision: as soon as a write is done, all others under way may have been done right before it, or
 * not yet; which of the two is left open until one of them is seen, or answered.
 *
 * An operation without an answer may be done at any time after its question, or never. Nobody has
 * seen its answer, so it is done here only right before an operation whose answer shows it: any
 * other order that explains the history can be turned into such a one by leaving it out, or by
 * doing it later.
 *
 * Pure: no I/O, no clock, no thread. Not safe for several threads at once.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_LINEARIZABILITY_H
#define FAULT_INJECTION_LAB_WORKLOADS_LINEARIZABILITY_H

#include <stddef.h>
#include <stdint.h>

#define LINEARIZABILITY_MAX_OPEN           64u    /* operations under way at a time */
#define LINEARIZABILITY_MAX_UNKNOWN        256u   /* unanswered writes of one register */
#define LINEARIZABILITY_MAX_CONFIGURATIONS 65536u /* possible at a time */
#define LINEARIZABILITY_MAX_WAITING                                                                \
    (1u << 20) /* taken in, and not gone through because of the horizon */
#define LINEARIZABILITY_PROBLEM_SIZE 320u
#define OPERATION_NEVER              UINT64_MAX

enum operation_kind {
    OPERATION_READ,  /* answers the value */
    OPERATION_WRITE, /* sets the value to its argument; answers nothing */
    OPERATION_SWAP,  /* the same, and answers the value before */
    OPERATION_ADD,   /* adds its argument, which is 1, and answers the new value */
};

struct operation {
    enum operation_kind kind;
    uint32_t client;
    uint64_t argument, result;
    uint64_t asked_ns, answered_ns; /* OPERATION_NEVER: unknown whether it was done */
};

enum linearizability_type {
    LINEARIZABILITY_REGISTER, /* read, write, swap */
    LINEARIZABILITY_COUNTER,  /* read, add */
};

enum linearizability_verdict {
    LINEARIZABILITY_HOLDS,
    LINEARIZABILITY_VIOLATED,
    LINEARIZABILITY_UNDECIDED, /* a limit was reached; not to be taken for an answer */
};

struct linearizability;

/* Times in messages are counted from `origin_ns`. NULL without memory. */
struct linearizability *linearizability_create(enum linearizability_type type, uint64_t initial,
                                               uint64_t origin_ns);
void linearizability_destroy(struct linearizability *checker);

/* In any order, but never one that was asked before the horizon of an earlier advance. */
void linearizability_add(struct linearizability *checker, const struct operation *operation);
/* Goes through what happened before `horizon_ns`. All operations asked before it have been added;
 * OPERATION_NEVER: the history is complete. */
void linearizability_advance(struct linearizability *checker, uint64_t horizon_ns);
/* How many have been added that lie, wholly or in part, beyond the last horizon. */
size_t linearizability_waiting(const struct linearizability *checker);

/* Of what was gone through. A verdict other than HOLDS stays. */
enum linearizability_verdict linearizability_verdict(const struct linearizability *checker);
/* What is wrong, in one line; "" while it holds. */
const char *linearizability_problem(const struct linearizability *checker);

#endif

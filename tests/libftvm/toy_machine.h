/*
 * A machine for tests of the node: a small generator as its processor, inputs that are stirred into
 * it, an output per epoch that tells its state, and environment values. Deterministic by
 * construction, and with a record of everything that left it.
 */
#ifndef TESTS_TOY_MACHINE_H
#define TESTS_TOY_MACHINE_H

#include <pthread.h>
#include <stdbool.h>

#include <ftvm/ftvm.h>

#define TOY_MAX_OUTPUTS 200000u
#define TOY_BALLAST     (1u << 20)
#define TOY_SPOILED     (37u * 4096 + 99) /* a byte of it */

struct toy_output {
    uint64_t epoch;
    uint64_t state;
    uint64_t number; /* told to emit */
};

struct toy_machine {
    /* State. */
    uint64_t position;
    uint64_t state;
    uint64_t epochs;
    uint64_t inputs;
    uint64_t last_clock_ns;
    uint8_t *ballast; /* makes the state large enough to be sent in pieces */

    /* How it behaves; equal on both replicas. */
    bool asks_values;  /* one ftvm_value and one ftvm_clock in each epoch */
    bool idles;        /* ends each epoch idle, to be woken after a millisecond of guest time */
    bool sleeps;       /* the same without a timer */
    uint64_t halt_at;  /* halts after that many epochs; 0 never */
    unsigned epoch_us; /* wall time that an epoch takes */
    bool serves;       /* calls ftvm_node_dispatch() itself, after each epoch */
    bool looks;        /* asks ftvm_stop_at() instead: ten units of position take a microsecond */
    bool has_memory;   /* the ballast is memory, also to the digest */

    /* Test's own. */
    struct ftvm_node *node;
    pthread_t thread;
    int result;               /* of the run */
    int load_result;          /* of its load, if it is to fail */
    _Atomic int emit_result;  /* of its emit, if nothing is to leave */
    _Atomic unsigned refuses; /* of so many calls of emit but the last; 0: none */
    unsigned calls;           /* of emit since the last that was not refused */
    uint64_t flip_at;         /* breaks determinism: the state is changed in that epoch */
    uint64_t spoil_at;        /* the same: a byte of the ballast is */
    uint64_t promotions;
    const struct ftvm_epoch *epoch; /* the one that its loop has */
    uint64_t blind; /* deliver or load was called before that was the one that begins there */
    pthread_mutex_t lock;
    struct toy_output *emitted;
    size_t emitted_count;
};

struct toy_machine *toy_create(void);
void toy_destroy(struct toy_machine *toy);
/* Runs the machine under the node on a thread of its own; toy_join waits for its end. */
void toy_run(struct toy_machine *toy, struct ftvm_node *node);
int toy_join(struct toy_machine *toy);
/* On the calling thread, until its end. */
int toy_run_here(struct toy_machine *toy, struct ftvm_node *node);
size_t toy_emitted(struct toy_machine *toy, struct toy_output *copy, size_t capacity);

#endif

/*
 * What the tests of a run share: the lab, a protected pair with a client that counts on it, and the
 * seed. To boot a guest takes long, so a test that finds a healthy pair goes on with it; one that
 * fails leaves none behind.
 */
#ifndef TESTS_END_TO_END_FIXTURE_H
#define TESTS_END_TO_END_FIXTURE_H

#include "fault-injection/lab/load.h"
#include "fault-injection/lab/pair.h"
#include "tests/end-to-end/wire.h"

#define FIXTURE_REPLY_MS                                                                           \
    30000 /* after a failover: TCP waits longer after each attempt that fails */

struct fixture {
    struct lab lab;
    struct pair pair;
    struct load *load;
    struct wire *wire;
    uint64_t random;    /* state of the generator; its start is the seed */
    int64_t base;       /* the counter when the load began */
    int64_t time_us;    /* the guest's wall clock at the last look */
    bool is_standard;   /* the pair has the standard options */
    unsigned failovers; /* over all tests */
};

/* The options of the standard pair: as users have it, and the guest counts on its console. */
extern const struct replica_options fixture_standard;

/* From 0 to limit - 1. */
unsigned fixture_random(struct fixture *fixture, unsigned limit);

/* A protected pair with the standard options, its guest up, its client counting: the one that there
 * is, with a new backup if it has none, or a new one. */
bool fixture_pair(struct fixture *fixture);
/* A new pair in place of what there was. The guest is booting when it returns. The second starts
 * it without a backup. */
bool fixture_start(struct fixture *fixture, const struct replica_options *options);
bool fixture_start_alone(struct fixture *fixture, const struct replica_options *options);
/* Until the guest is up; then a client connects and begins. */
bool fixture_connect(struct fixture *fixture);
/* Ends what there is. */
void fixture_end(struct fixture *fixture);

/* SIGKILL of the primary; the backup takes over and the client gets replies again. */
bool fixture_fail_over(struct fixture *fixture);
/* A new backup, until it protects. */
bool fixture_protect(struct fixture *fixture);
/* The client's replies do not stop. */
bool fixture_goes_on(struct fixture *fixture);

/* The guest's wall clock, in microseconds. */
bool fixture_time(struct fixture *fixture, int64_t *time_us);

/* All that must be true at any time: the client's connection lives, each reply was the next number,
 * the guest has what it confirmed and no more, a new connection finds the same, its clock did not
 * go back, its console has no gap, and no host has sent the client two different streams. */
bool fixture_check(struct fixture *fixture);

#endif

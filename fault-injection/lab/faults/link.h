/*
 * A link between the replicas that can be made slow, narrow, deaf or bad, in user space, as a
 * kernel that can do so (netem) is not everywhere. A process of its own accepts the joiners'
 * connections and carries the bytes of each to a replica and back. It ends with the lab.
 *
 * With no fault on it costs a copy and two system calls for each piece; that is measured in
 * tests/lab/test_link.c. Delays are kept to some 0.1 ms, if there is a processor for it.
 *
 * Connections are set up at once whatever the delay, and at most LINK_CONNECTIONS at a time;
 * further ones wait in the kernel.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_LINK_H
#define FAULT_INJECTION_LAB_FAULTS_LINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define LINK_ROUTES      2u
#define LINK_WAYS        2u
#define LINK_CONNECTIONS 16u
#define LINK_SPREAD      4096u /* bytes between two flipped bits, at most */

/* One direction. All zero: nothing is wrong. */
struct link_way {
    uint32_t delay_us, jitter_us; /* each piece: delay, and up to so much more */
    uint32_t kbit;                /* per second; 0: no limit */
    bool held;                    /* nothing moves, closes and resets included */
};

/* Where joiners come in, and whom they reach. What the joiner sends goes by way `caller`, what it
 * is sent by the other one. */
struct link_route {
    int listener;     /* listening and not blocking; stays the caller's */
    int namespace_fd; /* the network namespace in which `to` is; -1: here */
    struct sockaddr_in to;
    unsigned caller;
};

/* Since the link was made. */
struct link_counts {
    uint64_t bytes[LINK_WAYS];
    uint64_t accepted, refused; /* connections; refused: nobody listened behind it */
    uint64_t reset;             /* connections, by link_reset() */
    uint64_t flipped;           /* bits */
    unsigned open;              /* connections now */
};

struct link;

/* link_close() is due in either case. By the main thread, as any child (process.h). */
bool link_open(struct link **link, struct lab *lab, const struct link_route *routes,
               unsigned count);
void link_close(struct link *link);
/* So that a search for processes can leave it out. */
int link_process(const struct link *link);

/* These return when it is so, and fail if the link's process is gone. */
bool link_set(struct link *link, unsigned way, const struct link_way *settings);
/* Flips so many bits of what passes from now on, of both ways together, where chance has it. 0:
 * none any more. */
bool link_corrupt(struct link *link, uint32_t bits, uint64_t seed);
/* Ends all connections with a reset to both sides; what is on its way is lost. */
bool link_reset(struct link *link);
void link_count(const struct link *link, struct link_counts *counts);

#endif

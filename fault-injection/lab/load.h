/*
 * A client that never stops counting: a thread that sends INCR on one TCP connection and checks
 * that each reply is one more than the last. If any reply was lost, sent twice, or taken back by a
 * failover, it shows here.
 */
#ifndef FAULT_INJECTION_LAB_LOAD_H
#define FAULT_INJECTION_LAB_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define LOAD_MAX_PIPELINE 256u

struct load;

struct load_report {
    uint64_t sent, replies;
    int64_t last;     /* what the last reply said */
    uint64_t lost;    /* increments that the guest had confirmed and then did not have */
    uint64_t doubled; /* increments that nobody asked for */
    uint64_t
        gap_ns; /* longest silence between two replies since the mark, a present one included */
    uint64_t gap_end_ns; /* when it ended: monotonic; 0 while it lasts */
    bool broken;         /* the connection is gone, or talks nonsense */
    char problem[192];   /* the first thing that was wrong, or "" */
};

/* Begins at once, with `pipeline` requests on their way at a time. Takes the socket. */
bool load_start(struct load **load, struct lab *lab, int fd, unsigned pipeline, int64_t counter);
/* Ends the thread, closes the connection. NULL is fine. */
void load_end(struct load *load);

void load_report(struct load *load, struct load_report *report);
/* Gaps are measured from here on. */
void load_mark(struct load *load);
/* Sends nothing more and waits until all that was sent is answered. */
bool load_pause(struct load *load, struct lab *lab, unsigned timeout_ms);
void load_resume(struct load *load);
/* Waits for so many further replies. */
bool load_wait(struct load *load, struct lab *lab, uint64_t replies, unsigned timeout_ms);
/* Has nothing been wrong so far? If not, fails with the first problem. */
bool load_check(struct load *load, struct lab *lab);
int load_socket(const struct load *load);

#endif

/*
 * What the demonstration tells: a line for each thing that happens, with the seconds since the
 * start, and the tables at the end.
 */
#ifndef EXAMPLES_LINUX_PAIR_STORY_H
#define EXAMPLES_LINUX_PAIR_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/event_log.h"
#include "fault-injection/lab/load.h"
#include "fault-injection/lab/network.h"
#include "examples/linux-pair/options.h"

/* One loss of the primary, and what came of it. */
struct chapter {
    enum place lost;
    struct failover_times times; /* as the survivor measured them */
    uint64_t gap_ns;             /* the client's longest wait for a reply */
    uint64_t unprotected_ns;     /* from the loss until a new backup protected */
    uint64_t state_bytes, pause_ns;
    uint64_t join_gap_ns; /* the client's longest wait while the new backup joined */
};

struct story {
    uint64_t start_ns;
    unsigned count;
    struct chapter chapters[MAX_FAILOVERS];
};

struct story_end {
    struct load_report load;
    int64_t counter; /* GET, after all */
    unsigned port, retransmits;
};

void story_begin(struct story *story, const struct options *options);
/* `who` is a place's name, "guest" or "". */
__attribute__((format(printf, 3, 4))) void story_tell(const struct story *story, const char *who,
                                                      const char *format, ...);
/* The tables. True if nothing was lost. */
bool story_close(const struct story *story, const struct story_end *end);

#endif

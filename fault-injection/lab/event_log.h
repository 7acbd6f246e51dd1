/*
 * What a replica has said in the file of its --events option, read as it grows and summed up.
 */
#ifndef FAULT_INJECTION_LAB_EVENT_LOG_H
#define FAULT_INJECTION_LAB_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_LOG_LINE 4096u

/* The four parts of a failover, as the replica measured them. */
struct failover_times {
    uint64_t detected_ns, claimed_ns, consumed_ns, live_ns;
};

/* All of it. */
uint64_t failover_ns(const struct failover_times *times);

struct event_log {
    int fd;      /* -1: not there yet */
    bool closed; /* nothing more is read */
    char path[256];
    char line[EVENT_LOG_LINE]; /* the beginning of a line that is still being written */
    size_t used;

    /* The last role that was told. */
    bool started, is_primary, is_protected;
    uint64_t term;
    /* What happened, at least once. */
    bool failover, fenced, diverged, arbiter; /* diverged: this one */
    struct failover_times times;
    uint64_t state_bytes, pause_ns; /* of the last transfer */
    unsigned joined;                /* how often */
    char last[256];                 /* the text of the last event that had one */
};

void event_log_init(struct event_log *log, const char *path);
void event_log_close(struct event_log *log);
/* Takes in what has come since the last call. */
void event_log_read(struct event_log *log);

#endif

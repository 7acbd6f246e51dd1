/*
 * A machine that is measured: Linux in a lab of its own, unprotected or as a pair, with the client
 * connections that the measurements need. It lives in a rig (rig.h); everything here runs there.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "bench/bench.h"
#include "fault-injection/lab/lab.h"
#include "fault-injection/lab/load.h"
#include "fault-injection/lab/pair.h"

enum form { FORM_UNPROTECTED, FORM_REVISED, FORM_ORIGINAL, FORM_COUNT };

struct machine_options {
    enum form form;
    const char *epoch;        /* instructions of each, or NULL */
    const char *epoch_max_us; /* of the longest, or NULL: the default */
    bool disk;
};

struct watch;

struct machine {
    const struct bench_options *bench;
    struct machine_options options;
    struct lab lab;
    struct pair pair; /* of an unprotected machine: its one process is the "primary" */
    char disks[2][LAB_PATH_SIZE];
    char cpu[16];      /* --cpu of all its replicas, or "": the default */
    int shell;         /* connections, or -1 */
    struct load *load; /* clients of a failover, or NULL */
    struct watch *watch;
};

const char *form_name(enum form form);

/* The lab. machine_close() is due in either case. */
bool machine_open(struct machine *machine, const struct bench_options *bench,
                  const struct machine_options *options);
void machine_close(struct machine *machine);

/* Until the guest is ready and its shell is connected. */
bool machine_boot(struct machine *machine);
/* A new backup, until it protects. */
bool machine_protect(struct machine *machine);

/* Of the active replica. */
struct machine_status {
    double uptime_s;
    double instructions, epochs, entries;
    double log_bytes, sent_bytes;
    double outputs, holds, hold_ns, hold_median_ns;
};
bool machine_status(struct machine *machine, struct machine_status *status);

#endif

/*
 * A machine that is measured: Linux in a lab of its own, unprotected or as a pair, with the client
 * connections that the measurements need. It lives in a rig (rig.h); everything here runs there.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_MACHINE_H
#define FAULT_INJECTION_LAB_MEASURE_MACHINE_H

#include "fault-injection/lab/lab.h"
#include "fault-injection/lab/load.h"
#include "fault-injection/lab/pair.h"

#define MACHINE_MORE 24u

enum form { FORM_UNPROTECTED, FORM_REVISED, FORM_ORIGINAL, FORM_COUNT };

/* What all machines of a run have in common. */
struct machine_config {
    struct lab_config lab;
    const char *memory; /* of the guest */
    const char *cpu;    /* --cpu, or NULL: the default */
    int signals;        /* of the owner of rigs: when it can be read, they end at once; 0: none */
};

struct machine_options {
    enum form form;
    const char *epoch;        /* instructions of each, or NULL */
    const char *epoch_max_us; /* of the longest, or NULL: the default */
    bool disk;
    unsigned round_trip_us; /* added to the channel once the guest is up; 0: no link in between */
    const char *more[MACHINE_MORE]; /* further options of a pair's primary, up to NULL */
};

struct faults;
struct watch;

struct machine {
    const struct machine_config *config;
    struct machine_options options;
    struct lab lab;
    struct pair pair; /* of an unprotected machine: its one process is the "primary" */
    char disks[2][LAB_PATH_SIZE];
    struct faults *faults; /* for the link, or NULL */
    int shell;             /* connections, or -1 */
    struct load *load;     /* clients of a failover, or NULL */
    struct watch *watch;
};

const char *form_name(enum form form);

/* The lab. machine_close() is due in either case; `config` must live as long. */
bool machine_open(struct machine *machine, const struct machine_config *config,
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

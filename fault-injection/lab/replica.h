/*
 * One replica: an `ftvm primary` or `ftvm backup` on one of the hosts, with the files that it
 * writes.
 */
#ifndef FAULT_INJECTION_LAB_REPLICA_H
#define FAULT_INJECTION_LAB_REPLICA_H

#include <jansson.h>

#include "fault-injection/lab/event_log.h"
#include "fault-injection/lab/faults/hooks.h"
#include "fault-injection/lab/lab.h"
#include "fault-injection/lab/process.h"

#define REPLICA_MACHINE "demo" /* --name of a primary, unless told otherwise */
#define REPLICA_PORT    7001
#define REPLICA_EXTRA   32u

/* Self-tests and probing of Debian's kernel that a virtual machine gains nothing from: two thirds
 * of its boot (guest/README.md). */
#define REPLICA_QUICK_BOOT                                                                         \
    "cryptomgr.notests "                                                                           \
    "initcall_blacklist=jent_mod_init,init_kprobe_trace,check_unaligned_access_all_cpus"

struct replica_options {
    const char *name;                         /* of the machine; NULL: REPLICA_MACHINE */
    const char *net;                          /* NULL: the host's tap */
    unsigned port;                            /* to listen at; 0: REPLICA_PORT */
    const char *peer[PLACE_COUNT];            /* whom a backup on that host joins, "ADDRESS:PORT";
                                                 NULL: the other host's replica */
    const char *append;                       /* further words for the guest's kernel, or NULL */
    const char *primary_extra[REPLICA_EXTRA]; /* further options of `ftvm primary`, up to NULL */
    const char *backup_extra[REPLICA_EXTRA];  /* and of `ftvm backup` */
    /* Further options on each host, in either role, up to NULL. */
    const char *host_extra[PLACE_COUNT][REPLICA_EXTRA];
    const char *spool;   /* directory for events, console and capture; NULL: the lab's */
    bool disk;           /* the host's own: 64 MiB, empty when a pair starts */
    bool capture;        /* of the guest's frames */
    bool no_wait_backup; /* the guest starts at once */
    bool no_arbiter;     /* who is silent is taken for halted */
    bool hooks;          /* each has a page of hooks; `ftvm` is of the build with hooks */
    bool keep_undo;      /* and keeps what power_drop_unsynced() needs */
};

struct replica {
    enum place host;
    char label[12]; /* "1a": its number and its host */
    char control[LAB_PATH_SIZE], console[LAB_PATH_SIZE];
    struct process process;
    struct event_log events;
    struct hooks_page *hooks; /* NULL if it was started without */
};

/* The file of a host's disk. */
void replica_disk(const struct lab *lab, enum place host, char path[LAB_PATH_SIZE]);

bool replica_start_primary(struct replica *replica, struct lab *lab, enum place host,
                           const struct replica_options *options);
/* Joins whoever listens at `peer` ("ADDRESS:PORT"; NULL: as the options say). */
bool replica_start_backup(struct replica *replica, struct lab *lab, enum place host,
                          const struct replica_options *options, const char *peer);
/* Kills it if it still runs, and forgets its files and hooks. */
void replica_end(struct replica *replica);

typedef bool replica_condition(const struct event_log *events);
bool replica_is_protected(const struct event_log *events);   /* in either role */
bool replica_is_unprotected(const struct event_log *events); /* primary without backup */
bool replica_is_live(const struct event_log *events);        /* a backup that took over */
bool replica_is_joining(const struct event_log *events);     /* the primary has accepted it */

/* Fails if the condition does not come about in time, or the replica ends before. `what` ends the
 * sentence "... after N ms: ". */
bool replica_wait(struct replica *replica, struct lab *lab, replica_condition *condition,
                  unsigned timeout_ms, const char *what);
/* For its end, and that it exits with `code`. */
bool replica_wait_exit(struct replica *replica, struct lab *lab, unsigned timeout_ms, int code);

/* What `ftvm COMMAND --control ...` exits with, or a negative number after lab_fail(). What it
 * prints is in the file `output` (of LAB_PATH_SIZE), if not NULL. */
int replica_ask(struct replica *replica, struct lab *lab, const char *command, char *output);
/* `ftvm status --json`; NULL after lab_fail(). */
json_t *replica_status(struct replica *replica, struct lab *lab);

#endif

/*
 * The place where a pair is tried: namespaces of its own (sandbox.h), a network in them
 * (network.h), a directory for what the replicas write, and one way to wait and to fail.
 *
 * Everything in it goes when the process does, however it ends: namespaces have no names, children
 * are told to die with their parent, and the directory is removed by a process that waits for
 * nothing else. The demonstration and the end-to-end tests stand on this folder; it knows `ftvm` by
 * its command line alone.
 *
 * Functions that return bool leave one line (or several, with the end of a log) in lab->error
 * before they return false.
 */
#ifndef FAULT_INJECTION_LAB_LAB_H
#define FAULT_INJECTION_LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault-injection/lab/network.h"

#define LAB_ERROR_SIZE 4096u
#define LAB_PATH_SIZE  256u
#define LAB_POLL_MS    2 /* between two looks at what is waited for */

struct lab_config {
    const char *ftvm, *kernel, *initrd; /* paths */
    bool keep;                          /* leave the directory behind */
};

struct lab {
    struct lab_config config;
    char directory[64];
    struct network network;
    unsigned replicas;    /* started so far: numbers their files */
    int interrupted;      /* the signal that asked for the end, or 0 */
    uint64_t deadline_ns; /* no wait goes beyond it; 0: none. Monotonic */
    int signals;          /* SIGINT, SIGTERM and SIGHUP arrive here, and nowhere else */
    int cleaner;          /* when this end closes, the directory goes */
    pid_t cleaner_pid;
    char error[LAB_ERROR_SIZE];
};

/* To be called before any thread is made. lab_close() is due in either case. */
bool lab_open(struct lab *lab, const struct lab_config *config);
/* The caller has ended its replicas. */
void lab_close(struct lab *lab);

/* From here on SIGINT, SIGTERM and SIGHUP arrive at the descriptor that it returns, and nowhere
 * else. -1 with errno. For who has no lab of its own: lab_open() does it. */
int lab_catch_signals(void);
/* The one that has arrived there, or 0. */
int lab_take_signal(int signals);

/* "DIRECTORY/name". */
void lab_path(const struct lab *lab, const char *name, char path[LAB_PATH_SIZE]);

/* Always false. The second adds the end of a log file to the line. */
__attribute__((format(printf, 2, 3))) bool lab_fail(struct lab *lab, const char *format, ...);
__attribute__((format(printf, 3, 4))) bool lab_fail_log(struct lab *lab, const char *log,
                                                        const char *format, ...);

uint64_t lab_now_ns(void);
/* `timeout_ms` from now, or the lab's own deadline if that is earlier. */
uint64_t lab_deadline(const struct lab *lab, unsigned timeout_ms);
/* Waits a moment. False if the deadline has passed or a signal asked for the end. */
bool lab_pause(struct lab *lab, uint64_t deadline_ns);
/* False only if a signal asked for the end. */
bool lab_sleep(struct lab *lab, unsigned milliseconds);

#endif

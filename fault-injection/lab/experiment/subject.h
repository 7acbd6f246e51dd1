/*
 * What rounds are run on: a pair in the lab with its guest, its load, and what is needed to make
 * faults befall it. One lab for the whole experiment, and one pair after the other in it.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_SUBJECT_H
#define FAULT_INJECTION_LAB_EXPERIMENT_SUBJECT_H

#include "fault-injection/lab/experiment/settings.h"
#include "fault-injection/lab/experiment/status_log.h"
#include "fault-injection/lab/faults/faults.h"
#include "fault-injection/lab/pair.h"
#include "fault-injection/lab/workloads/workload.h"

struct subject {
    struct lab lab;
    struct pair pair;
    bool alive; /* there is a pair, and its guest is up */
    bool hooks; /* its `ftvm` is the build with hooks */
    struct settings settings;
    struct faults *faults;
    const struct workload_kind *kind;
    struct workload *workload;
    struct status_log *status;
    char append[2 * SETTINGS_VALUE_SIZE];
};

/* subject_close() is due in either case. Errors are in subject->lab.error. */
bool subject_open(struct subject *subject, const struct lab_config *config, bool hooks);
void subject_close(struct subject *subject);

/* Boots a pair and puts it to work: until it is protected and the load has had answers. */
bool subject_start(struct subject *subject, const struct settings *settings, uint64_t seed);
/* Ends it, and removes what its replicas wrote. */
void subject_end(struct subject *subject);

/* The delay that the settings ask for, which a heal takes away as it does any other. */
bool subject_delay(struct subject *subject);

#endif

/*
 * An experiment: what its INI file says, and the runs that follow from it. A *point* is one
 * combination of the values that its sweeps name; each is repeated. A *life* is a stretch of runs
 * that one pair (or one machine) goes through: lives are shuffled, so that a host that gets slower
 * or faster meanwhile does so for all points alike.
 *
 * Nothing here starts anything.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_EXPERIMENT_H
#define FAULT_INJECTION_LAB_EXPERIMENT_EXPERIMENT_H

#include "fault-injection/lab/experiment/settings.h"

#define EXPERIMENT_NAME_SIZE  64u
#define EXPERIMENT_TEXT_SIZE  4096u
#define EXPERIMENT_LIMIT      100000u /* of runs: points times repetitions */
#define EXPERIMENT_ERROR_SIZE 1024u
#define SWEEP_MAX             6u
#define SWEEP_VALUES          32u
#define POINT_MAX             512u
#define POINT_NAME_SIZE       512u

/* EXPERIMENT_FAULTS: rounds on a living pair; EXPERIMENT_SPEED: work beside an unprotected machine.
 */
enum experiment_kind { EXPERIMENT_FAULTS, EXPERIMENT_SPEED };

struct sweep {
    enum setting setting;
    unsigned count;
    char values[SWEEP_VALUES][SETTINGS_VALUE_SIZE];
};

struct experiment {
    char name[EXPERIMENT_NAME_SIZE]; /* of the files of results */
    char title[256], description[EXPERIMENT_TEXT_SIZE];
    enum experiment_kind kind;
    uint64_t seed;
    unsigned repetitions;
    struct settings settings; /* where no sweep says otherwise */
    struct sweep sweeps[SWEEP_MAX];
    unsigned sweep_count;
};

/* Reads the file; false with one line "FILE:LINE: what is wrong and what there is". */
bool experiment_read(struct experiment *experiment, const char *path,
                     char error[EXPERIMENT_ERROR_SIZE]);

/* A number of repetitions that is not the file's. */
bool experiment_repeat(struct experiment *experiment, unsigned repetitions,
                       char error[EXPERIMENT_ERROR_SIZE]);

unsigned experiment_points(const struct experiment *experiment);
/* The settings of a point, and its name: the swept settings, "epoch=1000 work=cpu"; "all" if there
 * is no sweep. */
void experiment_point(const struct experiment *experiment, unsigned point,
                      struct settings *settings, char name[POINT_NAME_SIZE]);
/* Decides all that is drawn in a run. Does not depend on how many there are. */
uint64_t experiment_run_seed(const struct experiment *experiment, const char *point,
                             unsigned repetition);

/* And in the pair that goes through it, which is the same for its neighbours. */
uint64_t experiment_life_seed(const struct experiment *experiment, const char *point,
                              unsigned repetition);

struct run {
    unsigned point, repetition; /* repetitions count from 1 */
    unsigned life;              /* the same number in a row: the same pair */
};

/* All runs, in the order in which they are to be done; to be freed. NULL without memory. */
struct run *experiment_schedule(const struct experiment *experiment, unsigned *count);

/* A number that looks random and depends on the argument alone. */
uint64_t experiment_mix(uint64_t number);

#endif

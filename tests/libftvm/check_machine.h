/*
 * A small machine for tests of the check: a processor with eight registers and 64 KiB of memory,
 * that executes one made-up instruction for each unit of position, and stops exactly. It keeps the
 * contract, but for the fault that is planted in it, at or from a position on.
 */
#ifndef TESTS_CHECK_MACHINE_H
#define TESTS_CHECK_MACHINE_H

#include <ftvm/check.h>

#define MEMORY_SIZE 65536u
#define REGISTERS   8u

/* X(name on the command line, enumerator, what it is) */
#define CHECK_FAULTS(X)                                                                            \
    X("none", FAULT_NONE, "keeps the contract")                                                    \
    X("create", FAULT_CREATE, "is another one each time that it is made")                          \
    X("later", FAULT_CREATE_LATER, "is another one from the third time on that it is made")        \
    X("host-time", FAULT_HOST_TIME, "reads the host's clock")                                      \
    X("seconds", FAULT_SECONDS, "reads the host's clock in whole seconds")                         \
    X("late", FAULT_LATE, "changes register 3 in run 5 and those behind it")                       \
    X("random", FAULT_RANDOM, "calls rand()")                                                      \
    X("address", FAULT_ADDRESS, "computes with the address of an allocation")                      \
    X("static", FAULT_STATIC, "has a variable that all runs share")                                \
    X("stops", FAULT_STOPS, "counts how often its loop is left")                                   \
    X("end-first", FAULT_END_FIRST, "looks whether its epoch has ended before whether it idles")   \
    X("length", FAULT_LENGTH, "computes with the length of its epoch")                             \
    X("save", FAULT_SAVE, "does not save register 5")                                              \
    X("load", FAULT_LOAD, "does not load register 6")                                              \
    X("hidden", FAULT_HIDDEN, "does not save a latch that digest does not add")                    \
    X("short-save", FAULT_SHORT_SAVE, "saves less than it loads")                                  \
    X("short-load", FAULT_SHORT_LOAD, "loads less than it saves")                                  \
    X("saving", FAULT_SAVING, "changes register 7 when it is saved")                               \
    X("order", FAULT_ORDER, "adds its parts in another order each time")                           \
    X("values", FAULT_VALUES, "asks for a value at another position each time")                    \
    X("byte", FAULT_BYTE, "changes a byte of memory")                                              \
    X("output", FAULT_OUTPUT, "sends what no register has")                                        \
    X("emit", FAULT_EMIT, "changes register 2 in emit")                                            \
    X("deliver", FAULT_DELIVER, "stirs the host's time into an input")                             \
    X("anywhere", FAULT_ANYWHERE, "changes register 3 at another position each time")              \
    X("rarely", FAULT_RARELY, "changes register 3 in the second run alone")

enum check_fault {
#define CHECK_FAULT_ENUM(name, enumerator, text) enumerator,
    CHECK_FAULTS(CHECK_FAULT_ENUM)
#undef CHECK_FAULT_ENUM
};

struct check_machine_options {
    enum check_fault fault;
    ftvm_position fault_at;
    bool looks;            /* calls ftvm_stop_at */
    bool without_digest;   /* has none */
    bool pages;            /* its memory is saved, loaded and digested by pages */
    unsigned granule;      /* stops only where this divides the position; 0 or 1: anywhere */
    bool idles;            /* each 7919 units, with a timer */
    bool sleeps;           /* the same, without */
    bool asks;             /* for a value each 3001 units, and for the clock each 5003 */
    ftvm_position halt_at; /* 0: never */
    /* Of the check that runs it. */
    uint64_t runs;         /* machines made so far */
    uint64_t wrong_epochs; /* digests that were not told of the machine's epoch */
    void *blocks[512];     /* that they leave behind, so that each gets another address */
};

/* Fills in create, destroy, run, world and context. The options are the machines' while it runs. */
void check_machine_set_up(struct ftvm_check *check, struct check_machine_options *options);
/* Frees what the machines left behind. */
void check_machine_clean_up(struct check_machine_options *options);

#endif

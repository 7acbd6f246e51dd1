/*
 * A process that runs a Linux guest with the programs of bench/guest/linux: `ftvm run`, or a QEMU.
 * Its console is a pair of pipes. Time is taken here, when the guest's lines arrive: what a guest
 * believes about time is its emulator's affair. Knows nothing of what is compared with what.
 */
#ifndef BENCH_EMULATOR_H
#define BENCH_EMULATOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EMULATOR_ARGUMENTS  32u
#define EMULATOR_LABEL_SIZE 32u
#define EMULATOR_VALUE_SIZE 24u
#define EMULATOR_ERROR_SIZE 512u

enum emulator_kind { EMULATOR_FTVM, EMULATOR_TCG, EMULATOR_ICOUNT };

struct emulator {
    /* Set by who makes it (lineup.h). */
    enum emulator_kind kind;
    char label[EMULATOR_LABEL_SIZE];               /* "qemu-7.2 icount" */
    const char *arguments[EMULATOR_ARGUMENTS + 1]; /* up to NULL; they live longer than this */
    char log[PATH_MAX];                            /* what it says on standard error goes there */

    /* While it runs. */
    pid_t pid; /* or 0 */
    int input, output;
    char received[4096]; /* of the console, from the start of a line on */
    size_t size;
    uint64_t arrived_ns; /* the last of it */
    char error[EMULATOR_ERROR_SIZE];
};

/* Starts the process and waits for userland. All functions return false with a line in
 * emulator->error; the process is gone then. */
bool emulator_boot(struct emulator *emulator, double *seconds);
/* `value` is what the program computed, as text. */
bool emulator_run(struct emulator *emulator, const char *program, unsigned percent, double *seconds,
                  char value[EMULATOR_VALUE_SIZE]);
/* Kills it, if it runs. */
void emulator_end(struct emulator *emulator);

#endif

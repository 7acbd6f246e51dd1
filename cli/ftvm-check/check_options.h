/* The command line of ftvm-check(1). */
#ifndef CLI_FTVM_CHECK_CHECK_OPTIONS_H
#define CLI_FTVM_CHECK_CHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <ftvm/check.h>

/* X(name, number, text for --help). Numbers are stable: scripts rely on them. */
#define CHECK_EXIT_CODES(X)                                                                        \
    X(CHECK_EXIT_AGREED, 0, "every run agreed")                                                    \
    X(CHECK_EXIT_DIFFERS, 1, "two runs differ; the report says where and how")                     \
    X(CHECK_EXIT_USAGE, 2, "wrong options")                                                        \
    X(CHECK_EXIT_MACHINE, 3, "the machine cannot be loaded, or failed")

enum check_exit {
#define CHECK_EXIT_ENUM(name, number, text) name = number,
    CHECK_EXIT_CODES(CHECK_EXIT_ENUM)
#undef CHECK_EXIT_ENUM
};

/* The numbers of struct ftvm_check that can be set. */
enum check_number {
    NUMBER_EPOCHS,
    NUMBER_EPOCH_LENGTH,
    NUMBER_UNIT_NS,
    NUMBER_SEED,
    NUMBER_CHUNKINGS,
    NUMBER_STATES,
    NUMBER_PAUSE_MS,
    NUMBERS
};

struct check_options {
    bool help, version, verbose;
    const char *machine;   /* path of the shared object */
    int argument_count;    /* for its entry: the path, and what stands behind "--" */
    char **arguments;      /* the same, ended by NULL; in the command line itself */
    bool is_set[NUMBERS];  /* on the command line: wins over what the machine's entry says */
    uint64_t set[NUMBERS]; /* to that */
};

/* False: a line on stderr says what is wrong. */
bool check_options_parse(struct check_options *options, int count, char **words);
/* Sets what the command line says. */
void check_options_apply(const struct check_options *options, struct ftvm_check *check);
void check_options_help(FILE *file);

/* "ftvm-check: ..." on stderr, in one piece. */
void check_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/*
 * The options of every command: one table (option_table.c) from which the command line, the
 * configuration file and the help text are made.
 *
 * options_parse() reads the command line and the file that --config names, in this order of weight:
 * default, file, command line; an option that may be repeated adds up instead (the file's first).
 * It then checks what options mean together. The first problem ends it with one line that says what
 * is wrong and what would be right.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ftvm/ftvm.h>

#include "vmm/riscv/hart.h"

#define OPTIONS_ERROR_SIZE 1024u
#define OPTIONS_MAX_REPEAT 16u
#define OPTIONS_MAX        64u /* rows of the table */

#define OPTIONS_MIN_EPOCH      UINT64_C(1000)
#define OPTIONS_MAX_EPOCH      UINT64_C(100000000)
#define OPTIONS_MAX_EPOCH_US   UINT64_C(1000000)
#define OPTIONS_MIN_CODE_CACHE HART_MIN_CODE_CACHE
#define OPTIONS_MAX_CODE_CACHE (UINT64_C(1) << 30)

enum command {
    COMMAND_RUN,
    COMMAND_PRIMARY,
    COMMAND_BACKUP,
    COMMAND_STATUS,
    COMMAND_STOP,
    COMMAND_PROMOTE,
    COMMAND_COUNT,
};

enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_COMMAND_LINE };

struct option_list {
    const char *items[OPTIONS_MAX_REPEAT];
    unsigned count;
};

struct options {
    enum command command;
    bool help;
    uint8_t source[OPTIONS_MAX]; /* enum option_source, by row of the table */

    const char *config;
    const char *name, *replica;

    const char *kernel, *initrd;
    struct option_list append;
    uint64_t memory;
    struct option_list disk, net;
    const char *console;
    int console_device; /* enum console_device */
    uint64_t seed;
    int clock; /* enum machine_clock */

    struct hart_config cpu;
    const char *trace;

    const char *listen, *join;
    uint64_t join_timeout_ms;
    bool wait_backup;
    const char *arbiter;
    bool assume_fail_stop, take_over, insecure_channel;
    int protocol, lag, settle; /* enum ftvm_protocol, ftvm_lag_policy, ftvm_settle */
    uint64_t epoch, epoch_min_us, epoch_max_us, heartbeat_ms, timeout_ms, lag_epochs, stuck_ms;

    const char *control, *events;
    bool quiet, verbose, json;

    struct option_text *texts; /* owns what the file's values point to */
};

enum console_device { CONSOLE_DEVICE_UART, CONSOLE_DEVICE_VIRTIO };

/* `arguments` are those after the command's name and must outlive the options. Returns false and
 * leaves a line in `error`; options_free() is due in either case. */
bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   char error[OPTIONS_ERROR_SIZE]);
void options_free(struct options *options);

/* Was the option (a name of the table) given, on the command line or in the file? */
bool options_given(const struct options *options, const char *name);

/* For the reader of the configuration file: sets one option by name. `origin` opens the line in
 * `error`. An option that does not apply to the command is an error. */
bool options_set_from_file(struct options *options, const char *name, const char *value,
                           const char *origin, char error[OPTIONS_ERROR_SIZE]);
/* Does the table know that name, for any command? If not, `error` has the line. */
bool options_check_name(const char *name, const char *origin, char error[OPTIONS_ERROR_SIZE]);

const char *command_name(enum command command);
/* Returns false if there is no such command. */
bool command_find(const char *name, enum command *command);
bool command_runs_machine(enum command command);

#endif

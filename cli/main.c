/*
 * The `ftvm` command: finds out which command is meant and hands over to it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/control_client.h"
#include "cli/exit_codes.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/say.h"
#include "cli/value.h"
#include "vmm/riscv/hart.h"

static int print_version(void)
{
    printf("ftvm %s\ncpu: %sinterp\n", ftvm_version(), hart_has_jit() ? "jit, " : "");
    return fflush(stdout) == 0 ? CLI_EXIT_GOOD : CLI_EXIT_REQUEST;
}

static int print_help(void)
{
    help_print(stdout);
    return fflush(stdout) == 0 ? CLI_EXIT_GOOD : CLI_EXIT_REQUEST;
}

static int unknown_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const char *known = command_name((enum command)i);

        if (value_distance(name, known) <= 2) {
            say("unknown command '%s'; did you mean '%s'?", name, known);
            return CLI_EXIT_USAGE;
        }
    }
    say("unknown command '%s'; 'ftvm --help' lists the commands", name);
    return CLI_EXIT_USAGE;
}

static int run_command(enum command command, int count, char **arguments)
{
    char error[OPTIONS_ERROR_SIZE];
    struct options options;
    int code;

    if (!options_parse(&options, command, count, arguments, error)) {
        say("%s", error);
        code = CLI_EXIT_USAGE;
    } else if (options.help) {
        help_print_command(stdout, command);
        code = fflush(stdout) == 0 ? CLI_EXIT_GOOD : CLI_EXIT_REQUEST;
    } else {
        code = command_runs_machine(command) ? run_replica(&options) : control_client(&options);
    }
    options_free(&options);
    return code;
}

int main(int count, char **arguments)
{
    enum command command;

    if (count < 2) {
        help_print(stderr);
        return CLI_EXIT_USAGE;
    }
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return print_help();
    if (strcmp(name, "--version") == 0)
        return print_version();
    if (strcmp(name, "help") == 0) {
        if (count < 3)
            return print_help();
        if (!command_find(arguments[2], &command))
            return unknown_command(arguments[2]);
        help_print_command(stdout, command);
        return CLI_EXIT_GOOD;
    }
    if (!command_find(name, &command))
        return unknown_command(name);
    return run_command(command, count - 2, arguments + 2);
}

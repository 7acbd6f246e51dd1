#include "cli/help.h"

#include <string.h>

#include "cli/exit_codes.h"
#include "cli/option_table.h"

#define OPTION_WIDTH 26
#define LINE_WIDTH   90

static const struct {
    const char *synopsis;
    const char *purpose;
} commands[COMMAND_COUNT] = {
    [COMMAND_RUN] = {"--kernel FILE [OPTION...]", "run a machine without protection"},
    [COMMAND_PRIMARY] = {"--listen HOST:PORT --arbiter file:FILE --kernel FILE [OPTION...]",
                         "run a machine that a backup may protect"},
    [COMMAND_BACKUP] = {"--join HOST:PORT --arbiter file:FILE [OPTION...]",
                        "protect the machine of a primary, and take over if it is lost"},
    [COMMAND_STATUS] = {"--control PATH [--json]", "show how a replica is doing"},
    [COMMAND_STOP] = {"--control PATH",
                      "stop in good order: a primary with its backup, a backup alone"},
    [COMMAND_PROMOTE] = {"--control PATH", "make a backup take over now"},
};

/* Prints words from column OPTION_WIDTH on, in lines of at most LINE_WIDTH. */
static void print_wrapped(FILE *out, const char *words)
{
    unsigned column = OPTION_WIDTH;

    while (*words) {
        size_t size = strcspn(words, " ");

        if (column > OPTION_WIDTH && column + 1 + size > LINE_WIDTH) {
            fprintf(out, "\n%*s", OPTION_WIDTH, "");
            column = OPTION_WIDTH;
        }
        column +=
            (unsigned)fprintf(out, "%s%.*s", column > OPTION_WIDTH ? " " : "", (int)size, words);
        words += size + (words[size] == ' ');
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct option *option)
{
    char heading[64], text[512];

    snprintf(heading, sizeof(heading), "--%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
    if (strlen(heading) > OPTION_WIDTH - 4)
        fprintf(out, "  %s\n%*s", heading, OPTION_WIDTH, "");
    else
        fprintf(out, "  %-*s", OPTION_WIDTH - 2, heading);
    snprintf(text, sizeof(text), "%s%s", option->help,
             option->kind == OPTION_LIST ? "; may be repeated" : "");
    print_wrapped(out, text);
}

static void print_group(FILE *out, enum command command, enum option_group group, const char *title)
{
    bool any = false;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->group != group || !(option->commands & 1u << command))
            continue;
        if (!any)
            fprintf(out, "\n%s:\n", title);
        any = true;
        print_option(out, option);
    }
}

void help_print_command(FILE *out, enum command command)
{
    fprintf(out, "ftvm %s: %s\n\nusage: ftvm %s %s\n", command_name(command),
            commands[command].purpose, command_name(command), commands[command].synopsis);
    print_group(out, command, GROUP_MACHINE, "machine");
    print_group(out, command, GROUP_CPU, "execution");
    print_group(out, command, GROUP_PROTECTION, "protection");
    print_group(out, command, GROUP_CONTROL, "control");
    if (command == COMMAND_BACKUP)
        fprintf(out, "\nThe primary tells a backup what the machine is: kernel, memory, protocol "
                     "and so on\nare not given here. Disks and networks are this host's own.\n");
}

void help_print(FILE *out)
{
    fprintf(out, "ftvm: run virtual machines that survive the loss of their host\n\nusage:\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  ftvm %-8s %s\n                %s\n", command_name((enum command)i),
                commands[i].synopsis, commands[i].purpose);
    fprintf(out, "  ftvm COMMAND --help\n                all options of a command\n"
                 "  ftvm --version\n                the version, and the engines that --cpu has on "
                 "this host\n");
    fprintf(out, "\na pair on one host:\n"
                 "  ftvm primary --listen 127.0.0.1:7000 --arbiter file:/tmp/vm.arbiter \\\n"
                 "      --kernel Image --initrd initrd.gz\n"
                 "  ftvm backup --join 127.0.0.1:7000 --arbiter file:/tmp/vm.arbiter \\\n"
                 "      --listen 127.0.0.1:7001\n");
    fprintf(out,
            "\nSIGINT and SIGTERM stop a replica in good order, a second one at once.\n"
            "With --config FILE, options are read from an INI file: NAME = VALUE, flags yes or "
            "no.\nKeys in [run], [primary] or [backup] are for that command alone.\n");
    fprintf(out, "\nexit codes:\n");
#define PRINT_EXIT_CODE(name, number, text) fprintf(out, "  %-5d%s\n", number, text);
    CLI_EXIT_CODES(PRINT_EXIT_CODE)
#undef PRINT_EXIT_CODE
    fprintf(out, "  %-5s%s\n", "128+", "ended by a signal before it could stop in good order");
}

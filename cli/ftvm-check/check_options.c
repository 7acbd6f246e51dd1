#include "cli/ftvm-check/check_options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 2048

/* X(enumerator, name, least, most, text for --help) */
#define NUMBER_OPTIONS(X)                                                                          \
    X(NUMBER_EPOCHS, "epochs", 1, UINT32_MAX, "that are run, if the guest does not halt before")   \
    X(NUMBER_EPOCH_LENGTH, "epoch-length", 1, UINT32_MAX, "units of position of each")             \
    X(NUMBER_UNIT_NS, "unit-ns", 0, UINT32_MAX, "guest nanoseconds per unit of position")          \
    X(NUMBER_SEED, "seed", 0, UINT64_MAX, "for where runs are stopped and states are saved")       \
    X(NUMBER_CHUNKINGS, "chunkings", 0, 100000, "runs that are stopped at other places")           \
    X(NUMBER_STATES, "states", 0, 100000, "states that are saved on the way and run from")         \
    X(NUMBER_PAUSE_MS, "pause-ms", 0, 3600000, "between the recorded run and the one after it")

struct number_option {
    const char *name;
    uint64_t least, most;
    const char *text;
};

static const struct number_option numbers[NUMBERS] = {
#define NUMBER_OPTION(enumerator, name, least, most, text) [enumerator] = {name, least, most, text},
    NUMBER_OPTIONS(NUMBER_OPTION)
#undef NUMBER_OPTION
};

void check_say(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "ftvm-check: %s\n", line);
}

static uint64_t default_of(enum check_number number)
{
    struct ftvm_check check;
    ftvm_check_init(&check);
    switch (number) {
    case NUMBER_EPOCHS: return check.epochs;
    case NUMBER_EPOCH_LENGTH: return check.epoch_length;
    case NUMBER_UNIT_NS: return check.unit_ns;
    case NUMBER_SEED: return check.seed;
    case NUMBER_CHUNKINGS: return check.chunkings;
    case NUMBER_STATES: return check.states;
    case NUMBER_PAUSE_MS: return check.pause_ms;
    case NUMBERS: break;
    }
    return 0;
}

void check_options_help(FILE *file)
{
    fputs(
        "Usage: ftvm-check [OPTION...] MACHINE.so [-- ARGUMENT...]\n"
        "\n"
        "Runs the machine in a shared object again and again from one log, and says where two "
        "runs\n"
        "differ, and how. The object exports ftvm_check_machine (<ftvm/check.h>), which gets the\n"
        "arguments.\n"
        "\n",
        file);
    for (unsigned i = 0; i < NUMBERS; i++) {
        char option[32];
        snprintf(option, sizeof option, "--%s N", numbers[i].name);
        fprintf(file, "  %-18s  %s (%" PRIu64 ")\n", option, numbers[i].text,
                default_of((enum check_number)i));
    }
    fputs("  --verbose           say on standard error what is being done\n"
          "  --help, --version\n"
          "\n"
          "Exit codes:\n",
          file);
#define CHECK_EXIT_LINE(name, number, text) fprintf(file, "  %d  %s\n", number, text);
    CHECK_EXIT_CODES(CHECK_EXIT_LINE)
#undef CHECK_EXIT_LINE
}

static bool parse_number(struct check_options *options, enum check_number number, const char *text)
{
    const struct number_option *option = &numbers[number];
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < option->least ||
        value > option->most) {
        check_say("--%s: '%s': expected a number from %" PRIu64 " to %" PRIu64, option->name, text,
                  option->least, option->most);
        return false;
    }
    options->is_set[number] = true;
    options->set[number] = value;
    return true;
}

/* How many words stand before "--", or in all. */
static int words_before_arguments(int count, char **words)
{
    int own = 1;
    while (own < count && strcmp(words[own], "--") != 0) {
        own++;
    }
    return own < count ? own : count;
}

static bool take_machine(struct check_options *options, int own, int count, char **words)
{
    if (optind == own) {
        check_say("which machine? 'ftvm-check --help' says more");
        return false;
    }
    if (optind + 1 < own) {
        check_say("'%s': unexpected; arguments for the machine stand behind --", words[optind + 1]);
        return false;
    }
    options->machine = words[optind];
    /* As main() has them: the name first. It takes the place of what stands before. */
    options->arguments = own < count ? &words[own] : &words[own - 1];
    options->argument_count = own < count ? count - own : 1;
    options->arguments[0] = words[optind];
    return true;
}

enum { OPTION_VERBOSE = NUMBERS, OPTION_HELP, OPTION_VERSION };

bool check_options_parse(struct check_options *options, int count, char **words)
{
    struct option names[NUMBERS + 4] = {
        [NUMBERS] = {"verbose", no_argument, NULL, OPTION_VERBOSE},
        [NUMBERS + 1] = {"help", no_argument, NULL, OPTION_HELP},
        [NUMBERS + 2] = {"version", no_argument, NULL, OPTION_VERSION},
    };
    int own = words_before_arguments(count, words);
    int option;
    *options = (struct check_options){0};
    for (int i = 0; i < NUMBERS; i++) {
        names[i] = (struct option){numbers[i].name, required_argument, NULL, i};
    }
    opterr = 0;
    while ((option = getopt_long(own, words, ":", names, NULL)) >= 0) {
        switch (option) {
        case ':': check_say("%s: a number is missing", words[optind - 1]); return false;
        case '?':
            check_say("%s: unknown option; 'ftvm-check --help' lists them", words[optind - 1]);
            return false;
        case OPTION_VERBOSE: options->verbose = true; break;
        case OPTION_HELP: options->help = true; return true;
        case OPTION_VERSION: options->version = true; return true;
        default:
            if (!parse_number(options, (enum check_number)option, optarg)) {
                return false;
            }
        }
    }
    return take_machine(options, own, count, words);
}

void check_options_apply(const struct check_options *options, struct ftvm_check *check)
{
    for (unsigned i = 0; i < NUMBERS; i++) {
        if (!options->is_set[i]) {
            continue;
        }
        switch ((enum check_number)i) {
        case NUMBER_EPOCHS: check->epochs = options->set[i]; break;
        case NUMBER_EPOCH_LENGTH: check->epoch_length = options->set[i]; break;
        case NUMBER_UNIT_NS: check->unit_ns = options->set[i]; break;
        case NUMBER_SEED: check->seed = options->set[i]; break;
        case NUMBER_CHUNKINGS: check->chunkings = (uint32_t)options->set[i]; break;
        case NUMBER_STATES: check->states = (uint32_t)options->set[i]; break;
        case NUMBER_PAUSE_MS: check->pause_ms = (uint32_t)options->set[i]; break;
        case NUMBERS: break;
        }
    }
}

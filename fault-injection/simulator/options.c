#include "fault-injection/simulator/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault-injection/simulator/mutant.h"
#include "fault-injection/simulator/sweep.h"

#define DEFAULT_RUNS   10000u
#define DEFAULT_HUNTED 20000u

void options_help(void)
{
    puts("ftvm-sim: pairs of replicas in virtual time, with faults drawn from a seed\n"
         "\n"
         "usage: ftvm-sim [--first N] [--runs N | --seconds N] [--jobs N] [--mutant NAME]\n"
         "       ftvm-sim --seed N [--shrink] [--mutant NAME]\n"
         "       ftvm-sim --mutants [--first N] [--runs N] [--jobs N]\n"
         "       ftvm-sim --explore [--deeper N]\n"
         "       ftvm-sim --list\n"
         "\n"
         "  --runs N       so many seeds (10000; with --mutants 20000 for each)\n"
         "  --seconds N    seeds until so much time has passed\n"
         "  --first N      the first of them (1)\n"
         "  --jobs N       processes (as many as there are processors)\n"
         "  --seed N       that seed alone, and its story\n"
         "  --shrink       with --seed: the shortest story that still fails in the same way\n"
         "  --mutants      turns on one deliberate fault of the protocol after the other, and\n"
         "                 fails if one of them is not found\n"
         "  --mutant NAME  with that one turned on\n"
         "  --explore      short runs, with all choices: what comes next, what is lost where\n"
         "  --deeper N     so many choices more than usual\n"
         "  --list         the checkers and the mutants\n"
         "\n"
         "exit codes: 0 nothing was violated; 1 something was, or a mutant survived; 2 wrong\n"
         "usage; 3 the system would not let it run\n"
         "\n"
         "The seed that fails is told with the shortest story. Same seed, same story.");
}

static bool number(const char *name, const char *text, uint64_t most, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (*text == '\0' || *text == '-' || *end != '\0' || errno != 0 || *value > most) {
        fprintf(stderr, "ftvm-sim: --%s %s: give a number from 0 to %llu\n", name, text,
                (unsigned long long)most);
        return false;
    }
    return true;
}

static bool read_mutant(struct options *options, const char *name)
{
    options->mutant = mutant_find(name);
    if (options->mutant == MUTANT_NONE) {
        fprintf(stderr, "ftvm-sim: there is no mutant \"%s\"; ftvm-sim --list names them\n", name);
        return false;
    }
    return true;
}

static const struct option long_options[] = {
    {"seed", required_argument, NULL, 's'},
    {"first", required_argument, NULL, 'f'},
    {"runs", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 't'},
    {"jobs", required_argument, NULL, 'j'},
    {"shrink", no_argument, NULL, 'k'},
    {"explore", no_argument, NULL, 'e'},
    {"deeper", required_argument, NULL, 'd'},
    {"mutants", no_argument, NULL, 'M'},
    {"mutant", required_argument, NULL, 'm'},
    {"list", no_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool read_one(struct options *options, int letter)
{
    uint64_t value = 0;
    switch (letter) {
    case 's': options->task = SIM_SEED; return number("seed", optarg, UINT64_MAX, &options->seed);
    case 'f': return number("first", optarg, UINT64_MAX / 2, &options->first);
    case 'r': return number("runs", optarg, UINT64_MAX / 2, &options->runs);
    case 't': return number("seconds", optarg, 1000000000, &options->seconds);
    case 'j':
        if (!number("jobs", optarg, SWEEP_MAX_JOBS, &value)) {
            return false;
        }
        options->jobs = value == 0 ? 1 : (unsigned)value;
        return true;
    case 'k': options->shrinks = true; return true;
    case 'e': options->task = SIM_EXPLORE; return true;
    case 'd':
        if (!number("deeper", optarg, 40, &value)) {
            return false;
        }
        options->deeper = (unsigned)value;
        return true;
    case 'M': options->task = SIM_MUTANTS; return true;
    case 'm': return read_mutant(options, optarg);
    case 'l': options->task = SIM_LIST; return true;
    case 'h': options->task = SIM_HELP; return true;
    default: fprintf(stderr, "ftvm-sim: see ftvm-sim --help\n"); return false;
    }
}

bool options_read(struct options *options, int count, char **arguments)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *options = (struct options){.first = 1, .jobs = processors > 0 ? (unsigned)processors : 1};
    if (options->jobs > SWEEP_MAX_JOBS) {
        options->jobs = SWEEP_MAX_JOBS;
    }
    for (int letter; (letter = getopt_long(count, arguments, "", long_options, NULL)) != -1;) {
        if (!read_one(options, letter)) {
            return false;
        }
    }
    if (optind < count) {
        fprintf(stderr, "ftvm-sim: unexpected \"%s\"; see ftvm-sim --help\n", arguments[optind]);
        return false;
    }
    if (options->runs == 0 && options->seconds == 0) {
        options->runs = options->task == SIM_MUTANTS ? DEFAULT_HUNTED : DEFAULT_RUNS;
    }
    return true;
}

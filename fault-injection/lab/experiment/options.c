#include "fault-injection/lab/experiment/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/experiment/experiment.h"

static const char usage[] =
    "ftvm-lab: experiments on pairs of ftvm, with real faults\n"
    "\n"
    "usage: ftvm-lab run FILE [OPTION...]       run an experiment, or go on with it\n"
    "       ftvm-lab report FILE [OPTION...]    write its report from what is measured\n"
    "       ftvm-lab list [OPTION...]           experiments, workloads and faults there are\n"
    "\n"
    "  --results DIR       where results are, and go (build/experiments)\n"
    "  --output FILE       of the report (DIR/NAME.html)\n"
    "  --fresh             throw away what is measured, and begin anew\n"
    "  --repetitions N     other than the file says; more of them go on from what is there\n"
    "  --only TEXT         points whose name contains TEXT\n"
    "  --repetition N      this one alone, for a run that is to be seen again\n"
    "  --share I/N         every N-th pair, from the I-th on: for several that work on one\n"
    "                      experiment, each with --results of its own. Lines of their CSV\n"
    "                      files may be put together\n"
    "  --no-report         do not write the report at the end\n"
    "  --ftvm FILE         the command (build/ftvm)\n"
    "  --hooked-ftvm FILE  its build with hooks, for experiments with faults: without it they\n"
    "                      take the command, and faults at events are not drawn\n"
    "                      (build/hooks/ftvm)\n"
    "  --kernel FILE       the guest's kernel (build/guest/Image)\n"
    "  --initrd FILE       and initial RAM disk (build/guest/initrd.cpio.gz)\n"
    "  --experiments DIR   that list looks into (fault-injection/lab/experiments)\n"
    "  --keep              leave the last replicas' files behind\n"
    "\n"
    "exit codes:\n"
    "  0    all runs are done, and nothing was wrong\n"
    "  1    a run broke a promise (the report names it), or something did not work\n"
    "  2    wrong options, or an experiment that cannot be understood\n"
    "  130  interrupted (143 if by SIGTERM); the same command goes on\n"
    "\n"
    "An experiment is an INI file. [experiment] has name, title, description (indented lines go\n"
    "on with it), kind (faults or speed), seed and repetitions; [sweep] has settings with\n"
    "several values, with spaces: all combinations are run. The settings:\n"
    "\n";

static void help(void)
{
    fputs(usage, stdout);
    settings_print(stdout);
}

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("ftvm-lab: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; see ftvm-lab --help\n", stderr);
    va_end(arguments);
    return LAB_EXIT_USAGE;
}

static bool read_number(const char *text, unsigned *number)
{
    uint64_t value;
    bool good = setting_read_number(text, 1, EXPERIMENT_LIMIT, &value);

    *number = (unsigned)value;
    return good;
}

static bool read_share(const char *text, struct lab_options *options)
{
    char end;

    return sscanf(text, "%u/%u%c", &options->share, &options->shares, &end) == 2 &&
           options->share >= 1 && options->share <= options->shares;
}

static int find_command(struct lab_options *options, const char *name)
{
    static const char *const names[] = {
        [LAB_RUN] = "run", [LAB_REPORT] = "report", [LAB_LIST] = "list"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            options->command = (enum lab_command)i;
            return -1;
        }
    }
    return complain("there is no command '%s'; there are run, report, list", name);
}

/* What stands behind the options: the command, and its file. */
static int take_words(struct lab_options *options, int count, char **words)
{
    int code;

    if (count == 0)
        return complain("no command; there are run, report, list");
    code = find_command(options, words[0]);
    if (code >= 0)
        return code;
    if (options->command == LAB_LIST)
        return count == 1 ? -1 : complain("list takes no '%s'", words[1]);
    if (count == 1)
        return complain("%s needs the file of an experiment", words[0]);
    if (count > 2)
        return complain("%s takes one file, and no '%s'", words[0], words[2]);
    options->file = words[1];
    return -1;
}

int lab_options_parse(struct lab_options *options, int count, char **arguments)
{
    static const struct option names[] = {
        {"results", required_argument, NULL, 'r'},
        {"output", required_argument, NULL, 'o'},
        {"fresh", no_argument, NULL, 'f'},
        {"repetitions", required_argument, NULL, 'n'},
        {"only", required_argument, NULL, 'O'},
        {"repetition", required_argument, NULL, 'N'},
        {"share", required_argument, NULL, 's'},
        {"no-report", no_argument, NULL, 'R'},
        {"ftvm", required_argument, NULL, 'v'},
        {"hooked-ftvm", required_argument, NULL, 'V'},
        {"kernel", required_argument, NULL, 'k'},
        {"initrd", required_argument, NULL, 'i'},
        {"experiments", required_argument, NULL, 'e'},
        {"keep", no_argument, NULL, 'K'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *options = (struct lab_options){
        .results = "build/experiments",
        .ftvm = "build/ftvm",
        .hooked_ftvm = "build/hooks/ftvm",
        .kernel = "build/guest/Image",
        .initrd = "build/guest/initrd.cpio.gz",
        .experiments = "fault-injection/lab/experiments",
    };
    opterr = 0;
    while ((option = getopt_long(count, arguments, "h", names, NULL)) >= 0) {
        switch (option) {
        case 'r': options->results = optarg; break;
        case 'o': options->output = optarg; break;
        case 'f': options->fresh = true; break;
        case 'n':
            if (!read_number(optarg, &options->repetitions))
                return complain("--repetitions: '%s' is no number from 1 to %u", optarg,
                                EXPERIMENT_LIMIT);
            break;
        case 'O': options->only = optarg; break;
        case 'N':
            if (!read_number(optarg, &options->repetition))
                return complain("--repetition: '%s' is no number from 1 to %u", optarg,
                                EXPERIMENT_LIMIT);
            break;
        case 's':
            if (!read_share(optarg, options))
                return complain("--share: '%s' is no I/N with I from 1 to N", optarg);
            break;
        case 'R': options->no_report = true; break;
        case 'v': options->ftvm = optarg; break;
        case 'V': options->hooked_ftvm = optarg; break;
        case 'k': options->kernel = optarg; break;
        case 'i': options->initrd = optarg; break;
        case 'e': options->experiments = optarg; break;
        case 'K': options->keep = true; break;
        case 'h': help(); return LAB_EXIT_GOOD;
        default:
            return complain("%s: no such option, or its value is missing", arguments[optind - 1]);
        }
    }
    return take_words(options, count - optind, arguments + optind);
}

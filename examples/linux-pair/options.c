#include "examples/linux-pair/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/load.h"

#define DEFAULT_FAILOVERS 3
#define DEFAULT_PAUSE_MS  2000
#define MAX_PAUSE_MS      60000

static const char usage[] =
    "Usage: linux-pair [OPTIONS]\n"
    "\n"
    "Runs Linux with Redis as a protected pair on two hosts (network namespaces of this one),\n"
    "counts on one TCP connection without pause, and loses the primary again and again.\n"
    "\n"
    "  --failovers N         how often (3)\n"
    "  --fault kill|unplug   SIGKILL (default), or all cables of the host: then nothing says\n"
    "                        goodbye, and silence alone tells that it is lost\n"
    "  --pipeline N          INCRs on their way at a time (1)\n"
    "  --pause-ms N          of quiet work before each loss (2000)\n"
    "  --ftvm FILE           the command (build/ftvm)\n"
    "  --kernel FILE         the guest's kernel (build/guest/Image)\n"
    "  --initrd FILE         and initial RAM disk (build/guest/initrd.cpio.gz)\n"
    "  --keep                leave the replicas' logs, events and consoles behind\n"
    "\n"
    "Exit code: 0 nothing was lost; 1 something was, or did not come up; 2 wrong options;\n"
    "128 + N ended by signal N.\n";

static bool parse_number(const char *name, const char *text, unsigned least, unsigned most,
                         unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "linux-pair: --%s: '%s': expected a number from %u to %u\n", name, text,
                least, most);
        return false;
    }
    *number = (unsigned)value;
    return true;
}

static bool parse_fault(const char *text, enum fault *fault)
{
    *fault = strcmp(text, "unplug") == 0 ? FAULT_UNPLUG : FAULT_KILL;
    if (*fault == FAULT_UNPLUG || strcmp(text, "kill") == 0)
        return true;
    fprintf(stderr, "linux-pair: --fault: '%s': expected kill or unplug\n", text);
    return false;
}

int options_parse(struct options *options, int count, char **arguments)
{
    static const struct option names[] = {
        {"failovers", required_argument, NULL, 'n'},
        {"fault", required_argument, NULL, 'f'},
        {"pipeline", required_argument, NULL, 'p'},
        {"pause-ms", required_argument, NULL, 'w'},
        {"ftvm", required_argument, NULL, 'v'},
        {"kernel", required_argument, NULL, 'k'},
        {"initrd", required_argument, NULL, 'i'},
        {"keep", no_argument, NULL, 'K'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool good = true;
    int option;

    *options = (struct options){
        .ftvm = "build/ftvm",
        .kernel = "build/guest/Image",
        .initrd = "build/guest/initrd.cpio.gz",
        .failovers = DEFAULT_FAILOVERS,
        .pipeline = 1,
        .pause_ms = DEFAULT_PAUSE_MS,
    };
    while (good && (option = getopt_long(count, arguments, "h", names, NULL)) >= 0) {
        switch (option) {
        case 'n':
            good = parse_number("failovers", optarg, 1, MAX_FAILOVERS, &options->failovers);
            break;
        case 'f': good = parse_fault(optarg, &options->fault); break;
        case 'p':
            good = parse_number("pipeline", optarg, 1, LOAD_MAX_PIPELINE, &options->pipeline);
            break;
        case 'w':
            good = parse_number("pause-ms", optarg, 100, MAX_PAUSE_MS, &options->pause_ms);
            break;
        case 'v': options->ftvm = optarg; break;
        case 'k': options->kernel = optarg; break;
        case 'i': options->initrd = optarg; break;
        case 'K': options->keep = true; break;
        case 'h': fputs(usage, stdout); return 0;
        default: good = false;
        }
    }
    if (good && optind < count) {
        fprintf(stderr, "linux-pair: '%s': unexpected\n", arguments[optind]);
        good = false;
    }
    if (!good)
        fputs("linux-pair: --help lists the options\n", stderr);
    return good ? -1 : 2;
}

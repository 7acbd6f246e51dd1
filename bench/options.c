#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

#define DEFAULT_ROUNDS   5
#define DEFAULT_KILLS    10
#define DEFAULT_SILENCES 3
#define DEFAULT_WORK     100
#define MAX_WORK         1000u

static const char usage[] =
    "Usage: measure [OPTIONS]\n"
    "\n"
    "Measures the pair on this host and prints tables; the values go into CSV files as well.\n"
    "\n"
    "  --only NAMES      sections, with commas: hart, qemu, memory, cpu, disk, network,\n"
    "                    redis, log, failover, transfer, epoch (all of them)\n"
    "  --rounds N        how often each value is taken, in turns (5)\n"
    "  --kills N         failovers after SIGKILL (10)\n"
    "  --silences N      failovers after SIGSTOP: the host is silent (3)\n"
    "  --memory SIZE     of the guest (256M)\n"
    "  --cpu NAME        of the machine, as ftvm has it (its default); for sections qemu and\n"
    "                    memory several, with commas\n"
    "  --qemu FILES      to compare with, with commas (qemu-system-riscv64)\n"
    "  --programs NAMES  of section qemu, with commas (all of them)\n"
    "  --work PERCENT    of the work of programs (100)\n"
    "  --epochs LIST     fixed lengths to compare, with commas (50000,250000,1000000,\n"
    "                    4000000,16000000,64000000)\n"
    "  --epochs-max-us LIST  and longest epochs, where lengths vary (1000,2000,4000,8000)\n"
    "  --results DIR     where the CSV files go (build/bench-results)\n"
    "  --ftvm FILE       the command (build/ftvm)\n"
    "  --kernel FILE     the guest's kernel (build/guest/Image)\n"
    "  --initrd FILE     and initial RAM disk (build/guest/initrd.cpio.gz)\n"
    "  --mips FILE       riscv_mips (build/bench/riscv_mips)\n"
    "  --program FILE    and what it runs (build/bench/guest/mips.bin)\n"
    "  --programs-initrd FILE  the initial RAM disk of section qemu\n"
    "                    (build/bench/guest/linux.cpio)\n"
    "  --plots DIR       scripts for gnuplot (bench/plots)\n"
    "  --keep            leave the replicas' logs, events and consoles behind\n"
    "\n"
    "Exit code: 0 all was measured; 1 something was not; 2 wrong options.\n";

bool bench_listed(const char *list, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

static bool parse_number(const char *name, const char *text, unsigned highest, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > highest) {
        fprintf(stderr, "measure: --%s: '%s': expected a number from 1 to %u\n", name, text,
                highest);
        return false;
    }
    *number = (unsigned)value;
    return true;
}

/* Their bounds are the command's to check. */
static bool take_numbers(const char *name, const char *text, const char **list)
{
    if (text[strspn(text, "0123456789,")] != '\0') {
        fprintf(stderr, "measure: --%s: '%s': expected numbers, with commas\n", name, text);
        return false;
    }
    *list = text;
    return true;
}

static bool take(struct bench_options *options, int option, const char *value)
{
    switch (option) {
    case 'o': options->only = value; break;
    case 'r': return parse_number("rounds", value, SAMPLE_MAX, &options->rounds);
    case 'n': return parse_number("kills", value, SAMPLE_MAX, &options->kills);
    case 's': return parse_number("silences", value, SAMPLE_MAX, &options->silences);
    case 'm': options->memory = value; break;
    case 'c': options->cpu = value; break;
    case 'q': options->qemu = value; break;
    case 'P': options->programs = value; break;
    case 'w': return parse_number("work", value, MAX_WORK, &options->work);
    case 'I': options->programs_initrd = value; break;
    case 'G': options->plots = value; break;
    case 'e': return take_numbers("epochs", value, &options->epochs);
    case 'x': return take_numbers("epochs-max-us", value, &options->epochs_max_us);
    case 'd': options->results = value; break;
    case 'v': options->ftvm = value; break;
    case 'k': options->kernel = value; break;
    case 'i': options->initrd = value; break;
    case 'M': options->mips = value; break;
    case 'p': options->mips_program = value; break;
    case 'K': options->keep = true; break;
    default: return false;
    }
    return true;
}

int bench_options_parse(struct bench_options *options, int count, char **arguments)
{
    static const struct option names[] = {
        {"only", required_argument, NULL, 'o'},
        {"rounds", required_argument, NULL, 'r'},
        {"kills", required_argument, NULL, 'n'},
        {"silences", required_argument, NULL, 's'},
        {"memory", required_argument, NULL, 'm'},
        {"cpu", required_argument, NULL, 'c'},
        {"qemu", required_argument, NULL, 'q'},
        {"programs", required_argument, NULL, 'P'},
        {"work", required_argument, NULL, 'w'},
        {"programs-initrd", required_argument, NULL, 'I'},
        {"plots", required_argument, NULL, 'G'},
        {"epochs", required_argument, NULL, 'e'},
        {"epochs-max-us", required_argument, NULL, 'x'},
        {"results", required_argument, NULL, 'd'},
        {"ftvm", required_argument, NULL, 'v'},
        {"kernel", required_argument, NULL, 'k'},
        {"initrd", required_argument, NULL, 'i'},
        {"mips", required_argument, NULL, 'M'},
        {"program", required_argument, NULL, 'p'},
        {"keep", no_argument, NULL, 'K'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool good = true;
    int option;

    *options = (struct bench_options){
        .ftvm = "build/ftvm",
        .kernel = "build/guest/Image",
        .initrd = "build/guest/initrd.cpio.gz",
        .mips = "build/bench/riscv_mips",
        .mips_program = "build/bench/guest/mips.bin",
        .results = "build/bench-results",
        .programs_initrd = "build/bench/guest/linux.cpio",
        .plots = "bench/plots",
        .memory = "256M",
        .epochs = "50000,250000,1000000,4000000,16000000,64000000",
        .epochs_max_us = "1000,2000,4000,8000",
        .rounds = DEFAULT_ROUNDS,
        .kills = DEFAULT_KILLS,
        .silences = DEFAULT_SILENCES,
        .work = DEFAULT_WORK,
    };
    while (good && (option = getopt_long(count, arguments, "h", names, NULL)) >= 0) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        good = take(options, option, optarg);
    }
    if (good && optind < count) {
        fprintf(stderr, "measure: '%s': unexpected\n", arguments[optind]);
        good = false;
    }
    if (!good)
        fputs("measure: --help lists the options\n", stderr);
    return good ? -1 : 2;
}

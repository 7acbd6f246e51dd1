/* The hart alone: no Linux, no library. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

#define WORKLOADS  8u
#define NAME_WIDTH 22u /* of the first column that riscv_mips prints */
#define SCALE      "0.5"

struct speeds {
    char names[WORKLOADS][NAME_WIDTH + 1];
    struct sample samples[WORKLOADS];
    unsigned count;
};

static void take_line(struct speeds *speeds, unsigned i, const char *line)
{
    const char *last = strrchr(line, ' ');
    size_t size = NAME_WIDTH;

    if (strlen(line) <= NAME_WIDTH || !last)
        return;
    while (size > 0 && line[size - 1] == ' ')
        size--;
    memcpy(speeds->names[i], line, size);
    speeds->names[i][size] = '\0';
    sample_add(&speeds->samples[i], strtod(last, NULL));
    if (speeds->count <= i)
        speeds->count = i + 1;
}

static bool run_once(struct bench *bench, struct speeds *speeds)
{
    char command[1024], line[256];
    unsigned i = 0;
    FILE *mips;

    snprintf(command, sizeof(command), "'%s' '%s' " SCALE, bench->options.mips,
             bench->options.mips_program);
    mips = popen(command, "re");
    /* The first line has the columns' names. */
    if (!mips || !fgets(line, sizeof(line), mips)) {
        snprintf(bench->error, sizeof(bench->error), "%s says nothing", bench->options.mips);
        if (mips)
            pclose(mips);
        return false;
    }
    while (i < WORKLOADS && fgets(line, sizeof(line), mips))
        take_line(speeds, i++, line);
    if (pclose(mips) == 0)
        return true;
    snprintf(bench->error, sizeof(bench->error), "%s has failed", bench->options.mips);
    return false;
}

bool section_interpreter(struct bench *bench)
{
    struct speeds speeds = {0};

    if (access(bench->options.mips, X_OK) || access(bench->options.mips_program, R_OK)) {
        snprintf(bench->error, sizeof(bench->error),
                 "%s or %s is not there; to make them takes gcc-riscv64-linux-gnu",
                 bench->options.mips, bench->options.mips_program);
        return false;
    }
    for (unsigned round = 0; round < bench->options.rounds; round++)
        if (!run_once(bench, &speeds))
            return false;
    for (unsigned i = 0; i < speeds.count; i++)
        report_row(&bench->report, &(struct report_row){.workload = speeds.names[i],
                                                        .form = "bare",
                                                        .quantity = "instructions",
                                                        .unit = "million/s",
                                                        .sample = &speeds.samples[i]});
    return true;
}

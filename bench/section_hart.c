/* The hart alone: no Linux, no library. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

#define ROWS        16u
#define NAME_SIZE   23u /* as wide as the first column that riscv_mips prints */
#define ENGINE_SIZE 8u
#define SCALE       "0.5"

/* Of a workload and an engine, in the order of the lines; a workload's first engine is what ratios
 * are of. */
struct speed {
    char workload[NAME_SIZE], engine[ENGINE_SIZE];
    struct sample sample;
};

struct speeds {
    struct speed rows[ROWS];
    unsigned count;
};

static void take_line(struct speeds *speeds, unsigned i, const char *line)
{
    struct speed *row = &speeds->rows[i];
    const char *last = strrchr(line, ' ');
    size_t size = NAME_SIZE - 1;

    if (strlen(line) < NAME_SIZE || !last || sscanf(line + NAME_SIZE, "%7s", row->engine) != 1)
        return;
    while (size > 0 && line[size - 1] == ' ')
        size--;
    memcpy(row->workload, line, size);
    row->workload[size] = '\0';
    sample_add(&row->sample, strtod(last, NULL));
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
    while (i < ROWS && fgets(line, sizeof(line), mips))
        take_line(speeds, i++, line);
    if (pclose(mips) == 0)
        return true;
    snprintf(bench->error, sizeof(bench->error), "%s has failed", bench->options.mips);
    return false;
}

bool section_hart(struct bench *bench)
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
    for (unsigned i = 0; i < speeds.count; i++) {
        const struct speed *row = &speeds.rows[i];
        bool other = i > 0 && strcmp(row->workload, row[-1].workload) == 0;

        report_row(&bench->report, &(struct report_row){.workload = row->workload,
                                                        .form = row->engine,
                                                        .quantity = "instructions",
                                                        .unit = "million/s",
                                                        .sample = &row->sample,
                                                        .base = other ? &row[-1].sample : NULL});
    }
    return true;
}

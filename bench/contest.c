#include "bench/contest.h"

#include <math.h>
#include <stdio.h>

#define NAME_WIDTH   11
#define COLUMN_WIDTH 16
#define KINDS        2u /* of QEMU: plain and counting */

static const enum emulator_kind kinds[KINDS] = {EMULATOR_TCG, EMULATOR_ICOUNT};
/* The fastest of a kind, program by program. */
static const char *const kind_names[KINDS] = {"best TCG", "best icount"};

/* How many times as fast as this one the first is; 0 if either has no values. */
static double ratio_to(const struct contest *contest, unsigned program, unsigned other)
{
    const struct sample *seconds = contest->seconds[program];

    if (seconds[0].count == 0 || seconds[other].count == 0)
        return 0;
    return sample_ratio(&seconds[other], &seconds[0]);
}

/* The same to the fastest of a kind in this program; 0 without any. */
static double ratio_to_best(const struct contest *contest, unsigned program,
                            enum emulator_kind kind)
{
    double best = 0;

    for (unsigned i = 1; i < contest->lineup->count; i++) {
        double ratio = ratio_to(contest, program, i);

        if (contest->lineup->emulators[i].kind == kind && ratio > 0 && (best == 0 || ratio < best))
            best = ratio;
    }
    return best;
}

/* ---- Over all programs --------------------------------------------------------------------- */

struct summary {
    double mean, least; /* geometric mean; 0 without values */
};

static struct summary summarize(const double *ratios, unsigned count)
{
    struct summary summary = {0};
    double logarithms = 0;
    unsigned used = 0;

    for (unsigned i = 0; i < count; i++) {
        if (ratios[i] <= 0)
            continue;
        if (used == 0 || ratios[i] < summary.least)
            summary.least = ratios[i];
        logarithms += log(ratios[i]);
        used++;
    }
    if (used > 0)
        summary.mean = exp(logarithms / used);
    return summary;
}

/* Column by column: the ratios to each other emulator, then those to the best of each kind. */
static struct summary summarize_column(const struct contest *contest, unsigned column)
{
    unsigned others = contest->lineup->count;
    double ratios[CONTEST_PROGRAMS];

    for (unsigned i = 0; i < contest->count; i++)
        ratios[i] = column < others ? ratio_to(contest, i, column)
                                    : ratio_to_best(contest, i, kinds[column - others]);
    return summarize(ratios, contest->count);
}

/* ---- For people ---------------------------------------------------------------------------- */

static void print_name(const char *name)
{
    printf("%-*s", NAME_WIDTH, name);
}

static void print_seconds(const struct contest *contest)
{
    const struct lineup *lineup = contest->lineup;

    print_name("seconds");
    for (unsigned i = 0; i < lineup->count; i++)
        printf(" %*s", COLUMN_WIDTH, lineup->emulators[i].label);
    putchar('\n');
    for (unsigned program = 0; program < contest->count; program++) {
        print_name(contest->programs[program]);
        for (unsigned i = 0; i < lineup->count; i++)
            printf(" %*.3f", COLUMN_WIDTH, sample_median(&contest->seconds[program][i]));
        putchar('\n');
    }
}

static void print_ratio(double ratio)
{
    if (ratio > 0)
        printf(" %*.2f", COLUMN_WIDTH, ratio);
    else
        printf(" %*s", COLUMN_WIDTH, "-");
}

static void print_summary(const struct contest *contest, const char *name, bool mean)
{
    unsigned columns = contest->lineup->count + KINDS;

    print_name(name);
    for (unsigned column = 1; column < columns; column++) {
        struct summary summary = summarize_column(contest, column);

        print_ratio(mean ? summary.mean : summary.least);
    }
    putchar('\n');
}

static void print_ratios(const struct contest *contest)
{
    const struct lineup *lineup = contest->lineup;

    printf("\n%s is so many times as fast as\n", lineup->emulators[0].label);
    print_name("");
    for (unsigned i = 1; i < lineup->count; i++)
        printf(" %*s", COLUMN_WIDTH, lineup->emulators[i].label);
    for (unsigned i = 0; i < KINDS; i++)
        printf(" %*s", COLUMN_WIDTH, kind_names[i]);
    putchar('\n');
    for (unsigned program = 0; program < contest->count; program++) {
        print_name(contest->programs[program]);
        for (unsigned i = 1; i < lineup->count; i++)
            print_ratio(ratio_to(contest, program, i));
        for (unsigned i = 0; i < KINDS; i++)
            print_ratio(ratio_to_best(contest, program, kinds[i]));
        putchar('\n');
    }
    print_summary(contest, "geom. mean", true);
    print_summary(contest, "least", false);
}

void contest_print(const struct contest *contest)
{
    print_seconds(contest);
    if (contest->lineup->count > 1)
        print_ratios(contest);
    fflush(stdout);
}

/* ---- For programs -------------------------------------------------------------------------- */

void contest_record(const struct contest *contest, struct report *report)
{
    for (unsigned program = 0; program < contest->count; program++)
        for (unsigned i = 0; i < contest->lineup->count; i++)
            report_record(
                report, &(struct report_row){.workload = contest->programs[program],
                                             .form = contest->lineup->emulators[i].label,
                                             .quantity = "time",
                                             .unit = "s",
                                             .sample = &contest->seconds[program][i],
                                             .base = i > 0 ? &contest->seconds[program][0] : NULL});
}

static void write_number(FILE *table, double value)
{
    if (value > 0)
        fprintf(table, ",%.6g", value);
    else
        fputc(',', table);
}

/* A geometric mean has ratios only. */
static void write_means(const struct contest *contest, FILE *table)
{
    unsigned others = contest->lineup->count;

    fputs("mean", table);
    for (unsigned i = 0; i < others; i++)
        fputc(',', table);
    for (unsigned column = 1; column < others + KINDS; column++)
        write_number(table, summarize_column(contest, column).mean);
    fputc('\n', table);
}

void contest_write(const struct contest *contest, FILE *table)
{
    const struct lineup *lineup = contest->lineup;

    fputs("program", table);
    for (unsigned i = 0; i < lineup->count; i++)
        fprintf(table, ",%s s", lineup->emulators[i].label);
    for (unsigned i = 1; i < lineup->count; i++)
        fprintf(table, ",to %s", lineup->emulators[i].label);
    for (unsigned i = 0; i < KINDS; i++)
        fprintf(table, ",to %s", kind_names[i]);
    fputc('\n', table);
    for (unsigned program = 0; program < contest->count; program++) {
        fputs(contest->programs[program], table);
        for (unsigned i = 0; i < lineup->count; i++)
            write_number(table, sample_median(&contest->seconds[program][i]));
        for (unsigned i = 1; i < lineup->count; i++)
            write_number(table, ratio_to(contest, program, i));
        for (unsigned i = 0; i < KINDS; i++)
            write_number(table, ratio_to_best(contest, program, kinds[i]));
        fputc('\n', table);
    }
    write_means(contest, table);
}

#include "bench/report.h"

#include <limits.h>
#include <stdarg.h>

static FILE *open_file(const char *directory, const char *section, const char *ending)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s.%s", directory, section, ending);
    return fopen(path, "we");
}

bool report_open(struct report *report, const char *directory, const char *section,
                 const char *title)
{
    *report = (struct report){.section = section};
    report->summary = open_file(directory, section, "csv");
    report->samples = open_file(directory, section, "samples.csv");
    if (!report->summary || !report->samples) {
        report_close(report);
        return false;
    }
    fputs("section,workload,form,parameter,quantity,unit,median,min,max,count,ratio\n",
          report->summary);
    fputs("section,workload,form,parameter,quantity,unit,round,value\n", report->samples);
    printf("\n%s: %s\n\n", section, title);
    return true;
}

void report_close(struct report *report)
{
    if (report->summary)
        fclose(report->summary);
    if (report->samples)
        fclose(report->samples);
    report->summary = report->samples = NULL;
}

static void print_number(double value)
{
    int digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;

    printf(" %12.*f", digits, value);
}

/* Only above rows: a section may print a table of its own instead. */
static void print_heading(struct report *report)
{
    if (!report->headed)
        printf("%-20s %-16s %-9s %-18s %12s %12s %12s %3s  %-10s %s\n", "workload", "form", "",
               "quantity", "median", "min", "max", "n", "unit", "ratio");
    report->headed = true;
}

static void print_row(const struct report_row *row, double ratio)
{
    printf("%-20s %-16s %-9s %-18s", row->workload, row->form, row->parameter ? row->parameter : "",
           row->quantity);
    print_number(sample_median(row->sample));
    print_number(sample_min(row->sample));
    print_number(sample_max(row->sample));
    printf(" %3u  %-10s", row->sample->count, row->unit);
    if (row->base)
        printf(" %.3f", ratio);
    putchar('\n');
    fflush(stdout);
}

static void write_key(FILE *file, const struct report *report, const struct report_row *row)
{
    fprintf(file, "%s,%s,%s,%s,%s,%s", report->section, row->workload, row->form,
            row->parameter ? row->parameter : "", row->quantity, row->unit);
}

FILE *report_open_table(const struct report *report, const char *directory)
{
    return open_file(directory, report->section, "table.csv");
}

static double ratio_of(const struct report_row *row)
{
    return row->base ? sample_ratio(row->sample, row->base) : 0;
}

void report_record(struct report *report, const struct report_row *row)
{
    write_key(report->summary, report, row);
    fprintf(report->summary, ",%.9g,%.9g,%.9g,%u,", sample_median(row->sample),
            sample_min(row->sample), sample_max(row->sample), row->sample->count);
    if (row->base)
        fprintf(report->summary, "%.4f", ratio_of(row));
    fputc('\n', report->summary);
    fflush(report->summary);
    for (unsigned i = 0; i < row->sample->count; i++) {
        write_key(report->samples, report, row);
        fprintf(report->samples, ",%u,%.9g\n", i + 1, row->sample->values[i]);
    }
    fflush(report->samples);
}

void report_row(struct report *report, const struct report_row *row)
{
    print_heading(report);
    print_row(row, ratio_of(row));
    report_record(report, row);
}

void report_note(struct report *report, const char *format, ...)
{
    va_list arguments;

    (void)report;
    va_start(arguments, format);
    fputs("  ", stdout);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

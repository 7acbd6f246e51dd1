/* The figures and pictures of an experiment with faults: what befell the pair, how long it was
 * silent and of what that consisted. What is seen around a fault is in report_window.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/experiment/groups.h"
#include "fault-injection/lab/experiment/html.h"
#include "fault-injection/lab/experiment/plot.h"
#include "fault-injection/lab/experiment/report.h"
#include "fault-injection/lab/experiment/report_window.h"
#include "fault-injection/lab/measure/sample.h"

#define KINDS_MAX  40u
#define SERIES_MAX 10u /* more lines in one picture nobody can tell apart */
#define PARTS      4u

static const char *const columns[] = {"failovers", "failover", "detected", "claimed",   "consumed",
                                      "live",      "gap",      "recovery", "two_alive", NULL};
static const char *const heads[] = {
    "failovers", "failover, ms",     "detected, ms",        "claimed, ms", "consumed, ms",
    "live, ms",  "client waits, ms", "protected again, ms", "two alive",   NULL};
static const char *const parts[PARTS] = {"detected", "claimed", "consumed", "live"};

/* ---- Totals -------------------------------------------------------------------------------- */

static double sum(const struct table *table, const char *column)
{
    int number = table_column(table, column);
    double total = 0;

    for (size_t row = 0; row < table->rows; row++) {
        double value = table_number(table, row, number);

        if (!isnan(value))
            total += value;
    }
    return total;
}

static void write_totals(struct report *report)
{
    const struct table *table = &report->table;

    fputs("<table>\n", report->page);
    fprintf(report->page,
            "<tr><td>faults</td><td>%zu</td></tr>\n<tr><td>failovers</td><td>%.0f</td></tr>\n"
            "<tr><td>runs that broke a promise</td><td>%u</td></tr>\n"
            "<tr><td>runs with two machines alive</td><td>%.0f</td></tr>\n"
            "<tr><td>replicas that diverged</td><td>%.0f</td></tr>\n"
            "<tr><td>recoveries that took too long</td><td>%u</td></tr>\n",
            table->rows - table_count(table, "kind", "none"), sum(table, "failovers"),
            table_count(table, "outcome", outcome_name(OUTCOME_VIOLATION)), sum(table, "two_alive"),
            sum(table, "divergences"), table_count(table, "outcome", outcome_name(OUTCOME_SLOW)));
    fputs("</table>\n", report->page);
}

/* ---- By kind of fault ---------------------------------------------------------------------- */

/* The values of rows whose column `by` says `text`; how many. */
static unsigned collect(const struct table *table, const char *by, const char *text,
                        const char *column, double *values)
{
    int by_column = table_column(table, by), number = table_column(table, column);
    unsigned count = 0;

    for (size_t row = 0; row < table->rows; row++) {
        double value = table_number(table, row, number);

        if (!isnan(value) && (!by || strcmp(table_text(table, row, by_column), text) == 0))
            values[count++] = value;
    }
    return count;
}

static void write_median(struct report *report, const char *kind, const char *column,
                         double *values)
{
    unsigned count = collect(&report->table, "kind", kind, column, values);

    html_number(report->page, count > 0 ? quantile(values, count, 0.5) : NAN);
    html_number(report->page, count > 0 ? quantile(values, count, 1) : NAN);
}

static unsigned bad_of_kind(const struct table *table, const char *kind)
{
    int kinds = table_column(table, "kind"), outcomes = table_column(table, "outcome");
    unsigned count = 0;

    for (size_t row = 0; row < table->rows; row++)
        count += strcmp(table_text(table, row, kinds), kind) == 0 &&
                 outcome_says_bad(table_text(table, row, outcomes));
    return count;
}

static void write_kind(struct report *report, const char *kind, double *values)
{
    const struct table *table = &report->table;
    unsigned failovers = collect(table, "kind", kind, "failovers", values);
    double total = 0;

    for (unsigned i = 0; i < failovers; i++)
        total += values[i];
    fputs("<tr><td>", report->page);
    html_text(report->page, kind);
    fprintf(report->page, "</td><td>%u</td><td>%.0f</td>", table_count(table, "kind", kind), total);
    write_median(report, kind, "failover", values);
    write_median(report, kind, "gap", values);
    write_median(report, kind, "recovery", values);
    fprintf(report->page, "<td>%u</td></tr>\n", bad_of_kind(table, kind));
}

static void write_kinds(struct report *report)
{
    static const char *const names[] = {"fault",     "runs",
                                        "failovers", "failover, ms",
                                        "at most",   "client waits, ms",
                                        "at most",   "protected again, ms",
                                        "at most",   "went wrong",
                                        NULL};
    const struct table *table = &report->table;
    double *values = malloc((table->rows + 1) * sizeof(*values));
    const char *kinds[KINDS_MAX];
    unsigned count = 0;

    for (size_t row = 0; row < table->rows && count < KINDS_MAX; row++) {
        const char *kind = table_text(table, row, table_column(table, "kind"));
        unsigned i = 0;

        while (i < count && strcmp(kinds[i], kind) != 0)
            i++;
        if (i == count && kind[0])
            kinds[count++] = kind;
    }
    if (values && count > 0) {
        html_element(report->page, "h2", "By kind of fault");
        fputs("<table>\n", report->page);
        html_heads(report->page, names);
        for (unsigned i = 0; i < count; i++)
            write_kind(report, kinds[i], values);
        fputs("</table>\n", report->page);
    }
    free(values);
}

/* ---- Distributions ------------------------------------------------------------------------- */

static void write_distribution(struct plot *plot, const char *block, double *values, unsigned count)
{
    quantile(values, count, 0); /* sorts */
    fprintf(plot->script, "$%s << EOD\n", block);
    /* A few hundred steps are as good as thousands. */
    for (unsigned i = 0, step = count / 400 + 1; i < count; i += step)
        fprintf(plot->script, "%.6g,%.6g\n", values[i], (i + 1) / (double)count);
    if (count > 0)
        fprintf(plot->script, "%.6g,1\n", values[count - 1]);
    fputs("EOD\n", plot->script);
}

static bool begin_distribution(struct report *report, struct plot *plot, const char *label)
{
    if (!report->pictures || !plot_begin(plot, report->picture++, 460))
        return false;
    fputs("set key outside bottom center maxcols 2\nset logscale x 10\nset xlabel ", plot->script);
    plot_text(plot, label);
    fputs("\nset ylabel \"part of the failovers\"\nset yrange [0:1.02]\n", plot->script);
    return true;
}

/* All failovers, and the four parts of which they consist. */
static void draw_parts(struct report *report)
{
    static const char *const names[] = {"detected", "claimed", "consumed", "live", "failover"};
    double *values = malloc((report->table.rows + 1) * sizeof(*values));
    struct plot plot;

    if (values && collect(&report->table, NULL, "", "failover", values) > 0 &&
        begin_distribution(report, &plot, "ms")) {
        for (unsigned i = 0; i < 5; i++)
            write_distribution(&plot, names[i], values,
                               collect(&report->table, NULL, "", names[i], values));
        fputs("plot $failover using ($1<0.001?0.001:$1):2 with steps linewidth 3 linecolor rgb "
              "\"black\" title \"all of it\"",
              plot.script);
        for (unsigned i = 0; i < PARTS; i++)
            fprintf(plot.script,
                    ", $%s using ($1<0.001?0.001:$1):2 with steps linewidth 2 linetype %u title "
                    "\"%s\"",
                    parts[i], i + 1, parts[i]);
        fputc('\n', plot.script);
        plot_end(&plot, report->page);
    }
    free(values);
}

/* A line for each point. */
static void draw_points(struct report *report)
{
    struct groups groups;
    struct plot plot;

    if (groups_make(&groups, report->experiment, &report->table, GROUP_ALL, "failover") &&
        groups.count > 1 && groups.count <= SERIES_MAX &&
        begin_distribution(report, &plot, "failover, ms")) {
        char block[16];

        for (unsigned i = 0; i < groups.count; i++) {
            snprintf(block, sizeof(block), "p%u", i);
            write_distribution(&plot, block, groups.group[i].values, groups.group[i].count);
        }
        for (unsigned i = 0; i < groups.count; i++) {
            fprintf(plot.script, "%s $p%u with steps linewidth 2 linetype %u title ",
                    i > 0 ? "," : "plot", i, i + 1);
            plot_text(&plot, groups.group[i].label);
        }
        fputc('\n', plot.script);
        plot_end(&plot, report->page);
    }
    groups_free(&groups);
}

/* What a failover consists of at each point: medians, on top of each other. */
static void draw_stacks(struct report *report)
{
    struct groups groups[PARTS] = {0};
    struct plot plot;
    bool good = true;

    for (unsigned i = 0; i < PARTS; i++)
        good = good &&
               groups_make(&groups[i], report->experiment, &report->table, GROUP_ALL, parts[i]);
    if (good && groups[0].count > 1 && groups[0].count == groups[PARTS - 1].count &&
        report->pictures && plot_begin(&plot, report->picture++, 460)) {
        fputs("set style data histograms\nset style histogram rowstacked\nset boxwidth 0.6\n"
              "set style fill solid 0.8\nset key outside bottom center maxcols 4\n"
              "set ylabel \"ms, medians\"\nset yrange [0:*]\nset xtics rotate by -20 noenhanced\n"
              "$medians << EOD\n",
              plot.script);
        for (unsigned i = 0; i < groups[0].count; i++) {
            fputc('"', plot.script);
            fputs(groups[0].group[i].label, plot.script);
            fputc('"', plot.script);
            for (unsigned part = 0; part < PARTS; part++)
                fprintf(plot.script, ",%.6g", group_quantile(&groups[part].group[i], 0.5));
            fputc('\n', plot.script);
        }
        fputs("EOD\nplot", plot.script);
        for (unsigned part = 0; part < PARTS; part++)
            fprintf(plot.script, "%s $medians using %u:xtic(1) title \"%s\"", part > 0 ? "," : "",
                    part + 2, parts[part]);
        fputc('\n', plot.script);
        plot_end(&plot, report->page);
    }
    for (unsigned i = 0; i < PARTS; i++)
        groups_free(&groups[i]);
}

/* ---- Over what was swept ------------------------------------------------------------------- */

static double mean(const struct group *group)
{
    double total = 0;

    for (unsigned i = 0; i < group->count; i++)
        total += group->values[i];
    return total / group->count;
}

static void draw_means(struct report *report, int x, const char *column, const char *label)
{
    struct groups groups;
    struct plot plot;
    unsigned series = 0;

    if (x < 0 || !groups_make(&groups, report->experiment, &report->table, x, column))
        return;
    if (groups.count > 1 && report->pictures && plot_begin(&plot, report->picture++, 420)) {
        fputs("set key outside bottom center maxcols 2\nset yrange [0:*]\nset xlabel ",
              plot.script);
        plot_text(&plot, setting_name((enum setting)x));
        fputs("\nset ylabel ", plot.script);
        plot_text(&plot, label);
        fputc('\n', plot.script);
        for (unsigned i = 0; i < groups.count; i++) {
            if (!groups_is_first(&groups, i))
                continue;
            fprintf(plot.script, "$s%u << EOD\n", series++);
            for (unsigned j = i; j < groups.count; j++)
                if (strcmp(groups.group[j].label, groups.group[i].label) == 0)
                    fprintf(plot.script, "%.9g,%.9g\n", groups.group[j].x, mean(&groups.group[j]));
            fputs("EOD\n", plot.script);
        }
        series = 0;
        for (unsigned i = 0; i < groups.count; i++) {
            if (!groups_is_first(&groups, i))
                continue;
            fprintf(plot.script, "%s $s%u with linespoints linewidth 2 pointtype 7 title ",
                    series > 0 ? "," : "plot", series);
            plot_text(&plot, groups.group[i].label);
            series++;
        }
        fputc('\n', plot.script);
        plot_end(&plot, report->page);
    }
    groups_free(&groups);
}

void report_faults(struct report *report)
{
    int x = groups_number_swept(report->experiment);

    html_element(report->page, "h2", "What befell the pair");
    write_totals(report);
    report_figures(report, columns, heads);
    write_kinds(report);
    html_element(report->page, "h2", "Failovers");
    html_element(report->page, "p",
                 "From the loss to the first output of the survivor, as the survivor measured it: "
                 "detected (the silence or the broken channel is noticed), claimed (the arbiter "
                 "has decided), consumed (the rest of the log is executed), live (outputs leave).");
    draw_parts(report);
    draw_points(report);
    draw_stacks(report);
    draw_means(report, x, "failover", "failover, ms, mean");
    draw_means(report, x, "failovers", "failovers for each run, mean");
    draw_means(report, x, "two_alive", "part of the runs with two machines alive");
    report_window(report);
}

#include "fault-injection/lab/experiment/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/groups.h"
#include "fault-injection/lab/experiment/html.h"
#include "fault-injection/lab/experiment/plot.h"

#define FIGURES_MAX 16u

static void path_of(const struct report *report, const char *ending, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s.%s", report->directory, report->experiment->name, ending);
}

void report_table(const struct report *report, const char *ending, struct table *table)
{
    char path[PATH_MAX];

    path_of(report, ending, path);
    if (!table_read(table, path))
        *table = (struct table){0};
}

/* ---- Figures ------------------------------------------------------------------------------- */

static void write_cell(FILE *page, struct group *group)
{
    double median = group ? group_quantile(group, 0.5) : NAN;

    html_number(page, median);
    if (!group || group->count < 2) {
        fputs("<td></td>", page);
        return;
    }
    fprintf(page, "<td>%.3g &ndash; %.3g</td>", group_quantile(group, 0.25),
            group_quantile(group, 0.75));
}

static struct group *find_group(const struct groups *groups, const char *label)
{
    for (unsigned i = 0; i < groups->count; i++)
        if (strcmp(groups->group[i].label, label) == 0)
            return &groups->group[i];
    return NULL;
}

static void write_heads(struct report *report, const struct groups figures[],
                        const char *const heads[])
{
    FILE *page = report->page;

    fputs("<tr><th>point</th><th>runs</th>", page);
    for (unsigned i = 0; heads[i]; i++) {
        if (figures[i].count == 0)
            continue;
        fputs("<th>", page);
        html_text(page, heads[i]);
        fputs("</th><th>quartiles</th>", page);
    }
    fputs("</tr>\n", page);
}

static void write_point(struct report *report, unsigned point, const struct groups figures[],
                        unsigned count)
{
    char name[POINT_NAME_SIZE];
    struct settings settings;
    unsigned runs;

    experiment_point(report->experiment, point, &settings, name);
    runs = table_count(&report->table, "point", name);
    if (runs == 0)
        return;
    fputs("<tr><td>", report->page);
    html_text(report->page, name);
    fprintf(report->page, "</td><td>%u</td>", runs);
    for (unsigned i = 0; i < count; i++) {
        /* A group's label says the same as the point's name in other words. */
        char label[POINT_NAME_SIZE];

        if (figures[i].count == 0)
            continue;
        groups_label(report->experiment, &settings, GROUP_ALL, label);
        write_cell(report->page, find_group(&figures[i], label));
    }
    fputs("</tr>\n", report->page);
}

void report_figures(struct report *report, const char *const columns[], const char *const heads[])
{
    struct groups figures[FIGURES_MAX] = {0};
    unsigned count = 0;
    bool good = true;

    for (; good && columns[count] && count < FIGURES_MAX; count++)
        good = groups_make(&figures[count], report->experiment, &report->table, GROUP_ALL,
                           columns[count]);
    if (good) {
        fputs("<table>\n", report->page);
        write_heads(report, figures, heads);
        for (unsigned i = 0; i < experiment_points(report->experiment); i++)
            write_point(report, i, figures, count);
        fputs("</table>\n", report->page);
    }
    for (unsigned i = 0; i < count; i++)
        groups_free(&figures[i]);
}

/* ---- What is in every report --------------------------------------------------------------- */

static void write_description(struct report *report)
{
    char copy[EXPERIMENT_TEXT_SIZE], *rest;

    snprintf(copy, sizeof(copy), "%s", report->experiment->description);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        html_element(report->page, "p", line);
}

static unsigned count_outcome(const struct report *report, enum outcome outcome)
{
    return table_count(&report->table, "outcome", outcome_name(outcome));
}

static void write_outcomes(struct report *report)
{
    static const char *const heads[] = {"outcome", "runs", "meaning", NULL};
    unsigned wanted = experiment_points(report->experiment) * report->experiment->repetitions;
    unsigned bad = 0;

    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (outcome_is_bad((enum outcome)i))
            bad += count_outcome(report, (enum outcome)i);
    fprintf(report->page, "<p>%zu of %u runs: <span class=\"%s\">%u went wrong</span>.</p>\n",
            report->table.rows, wanted, bad > 0 ? "bad" : "fine", bad);
    fputs("<table>\n", report->page);
    html_heads(report->page, heads);
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        unsigned count = count_outcome(report, (enum outcome)i);

        if (count > 0)
            fprintf(report->page, "<tr><td>%s</td><td>%u</td><td class=\"text\">%s</td></tr>\n",
                    outcome_name((enum outcome)i), count, outcome_meaning((enum outcome)i));
    }
    fputs("</table>\n", report->page);
}

/* All that did not simply go well: what was to be expected as well, as a reader may want to see. */
static void write_incidents(struct report *report)
{
    static const char *const heads[] = {"outcome", "point", "repetition", "seed",
                                        "fault",   "what",  "logs",       NULL};
    static const char *const columns[] = {"outcome", "point",   "repetition", "seed",
                                          "fault",   "problem", "logs"};
    const struct table *table = &report->table;
    unsigned count = (unsigned)table->rows - count_outcome(report, OUTCOME_GOOD), said = 0;

    html_element(report->page, "h2", "What was not simply good");
    if (count == 0) {
        html_element(report->page, "p", "Nothing.");
        return;
    }
    fputs("<table>\n", report->page);
    html_heads(report->page, heads);
    for (size_t row = 0; row < table->rows && said < 500; row++) {
        if (strcmp(table_text(table, row, table_column(table, "outcome")),
                   outcome_name(OUTCOME_GOOD)) == 0)
            continue;
        fputs("<tr>", report->page);
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
            fputs("<td class=\"text\">", report->page);
            html_text(report->page, table_text(table, row, table_column(table, columns[i])));
            fputs("</td>", report->page);
        }
        fputs("</tr>\n", report->page);
        said++;
    }
    fputs("</table>\n", report->page);
    if (said < count)
        html_elementf(report->page, "p", "And %u more, in the CSV file.", count - said);
}

/* As text, whole. */
static void write_file(struct report *report, const char *path)
{
    char bytes[16384];
    FILE *file = fopen(path, "re");
    size_t size;

    if (!file)
        return;
    size = fread(bytes, 1, sizeof(bytes) - 1, file);
    bytes[size] = '\0';
    fclose(file);
    html_element(report->page, "pre", bytes);
}

static void write_setting(struct report *report, const char *experiment_path)
{
    char path[PATH_MAX];

    html_element(report->page, "h2", "On what, and how to do it again");
    path_of(report, "host", path);
    write_file(report, path);
    html_elementf(report->page, "pre", "make lab guest\nbuild/ftvm-lab run %s --repetitions %u",
                  experiment_path, report->experiment->repetitions);
    html_element(report->page, "p",
                 "Every run's point, seed and values are in the CSV file beside this report. The "
                 "experiment:");
    path_of(report, "ini", path);
    write_file(report, access(path, R_OK) == 0 ? path : experiment_path);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void write_page(struct report *report, const char *experiment_path)
{
    html_begin(report->page, report->experiment->title);
    write_description(report);
    write_outcomes(report);
    if (report->experiment->kind == EXPERIMENT_FAULTS)
        report_faults(report);
    else
        report_speed(report);
    write_incidents(report);
    write_setting(report, experiment_path);
    html_end(report->page);
}

bool report_write(const struct experiment *experiment, const char *experiment_path,
                  const char *results_directory, const char *output, char error[RESULTS_ERROR_SIZE])
{
    struct report report = {.experiment = experiment, .directory = results_directory};
    char path[PATH_MAX], page[PATH_MAX];
    bool good;

    path_of(&report, "csv", path);
    path_of(&report, "html", page);
    if (!output)
        output = page;
    if (!table_read(&report.table, path)) {
        snprintf(error, RESULTS_ERROR_SIZE, "%s: %s; run the experiment first", path,
                 errno == EINVAL ? "no table" : strerror(errno));
        return false;
    }
    report.page = fopen(output, "we");
    if (report.page) {
        report.pictures = plot_is_possible();
        write_page(&report, experiment_path);
    }
    good = report.page && !ferror(report.page);
    if (report.page)
        good = fclose(report.page) == 0 && good;
    if (!good)
        snprintf(error, RESULTS_ERROR_SIZE, "%s: %s", output, strerror(errno));
    table_free(&report.table);
    return good;
}

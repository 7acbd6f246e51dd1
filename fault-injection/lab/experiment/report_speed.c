/* The pictures of an experiment on speed: over the length of an epoch with the fitted cost of a
 * boundary, or over whatever else was swept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/experiment/fit.h"
#include "fault-injection/lab/experiment/groups.h"
#include "fault-injection/lab/experiment/html.h"
#include "fault-injection/lab/experiment/plot.h"
#include "fault-injection/lab/experiment/report.h"

#define SERIES_MAX 24u
#define LINES_MAX  8u /* in one picture; of more, a picture for each value of the first sweep */

static const char *const columns[] = {"rate",        "unprotected", "normalized",    "epochs_s",
                                      "boundary_us", "log_kbit_s",  "round_trip_us", "p99_us",
                                      "hold_us",     NULL};
static const char *const heads[] = {
    "rate",        "unprotected",    "normalized", "boundaries/s",     "us a boundary",
    "log, kbit/s", "round trip, us", "p99, us",    "outputs held, us", NULL};

/* The groups of one label, first to last. */
struct series {
    const char *label;
    struct fit fit;
    double rate; /* of the unprotected machine, instructions a second */
    bool fitted;
};

/* Those whose label contains `part`. */
static unsigned list_series(const struct groups *groups, const char *part,
                            struct series series[SERIES_MAX])
{
    unsigned count = 0;

    for (unsigned i = 0; i < groups->count && count < SERIES_MAX; i++)
        if (groups_is_first(groups, i) && strstr(groups->group[i].label, part))
            series[count++] = (struct series){.label = groups->group[i].label};
    return count;
}

/* ---- The cost of a boundary ---------------------------------------------------------------- */

static double median_of_label(struct groups *groups, const char *label)
{
    double sum = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < groups->count; i++) {
        if (strcmp(groups->group[i].label, label) != 0)
            continue;
        sum += group_quantile(&groups->group[i], 0.5);
        count++;
    }
    return count > 0 ? sum / count : NAN;
}

/* Only of CPU-bound work: other guests wait, and their epochs end where they do. */
static void fit_series(struct groups *normalized, struct groups *rates, struct series *series)
{
    double durations[POINT_MAX], values[POINT_MAX];
    unsigned count = 0;

    series->rate = median_of_label(rates, series->label);
    if (!(series->rate > 0))
        return;
    for (unsigned i = 0; i < normalized->count; i++) {
        struct group *group = &normalized->group[i];

        if (strcmp(group->label, series->label) != 0)
            continue;
        durations[count] = group->x / series->rate * 1e6;
        values[count++] = group_quantile(group, 0.5);
    }
    series->fitted = count > 1 && fit_cost(durations, values, count, &series->fit);
}

static void write_fits(struct report *report, const struct series series[], unsigned count)
{
    static const char *const names[] = {"series",
                                        "cost of a boundary, us",
                                        "typical error of the fit",
                                        "epoch for half the speed, instructions",
                                        "for 0.95 of it",
                                        NULL};
    FILE *page = report->page;
    unsigned fitted = 0;

    for (unsigned i = 0; i < count; i++)
        fitted += series[i].fitted;
    if (fitted == 0)
        return;
    fputs("<table>\n", page);
    html_heads(page, names);
    for (unsigned i = 0; i < count; i++) {
        double half = series[i].fit.cost / 1e6 * series[i].rate;

        if (!series[i].fitted)
            continue;
        fputs("<tr><td>", page);
        html_text(page, series[i].label);
        fputs("</td>", page);
        html_number(page, series[i].fit.cost);
        fprintf(page, "<td>%.0f %%</td><td>%.2g</td><td>%.2g</td></tr>\n",
                series[i].fit.error * 100, half, half * 19);
    }
    fputs("</table>\n", page);
}

/* ---- Pictures ------------------------------------------------------------------------------ */

static void write_block(struct plot *plot, unsigned number, struct groups *groups,
                        const char *label)
{
    fprintf(plot->script, "$series%u << EOD\n", number);
    for (unsigned i = 0; i < groups->count; i++) {
        struct group *group = &groups->group[i];

        if (strcmp(group->label, label) == 0)
            fprintf(plot->script, "%.9g,%.9g,%.9g,%.9g\n", group->x, group_quantile(group, 0.5),
                    group_quantile(group, 0.25), group_quantile(group, 0.75));
    }
    fputs("EOD\n", plot->script);
}

static void write_curves(struct plot *plot, const struct series series[], unsigned count)
{
    fputs("plot ", plot->script);
    for (unsigned i = 0; i < count; i++) {
        fprintf(plot->script, "%s$series%u using 1:2:3:4 with yerrorbars linetype %u pointtype %u ",
                i > 0 ? ", \\\n  " : "", i, i + 1, i % 7 + 4);
        if (series[i].fitted) {
            fputs("notitle", plot->script);
            fprintf(plot->script, ", 1/(1+%.9g/(x/%.9g)) with lines linewidth 2 linetype %u title ",
                    series[i].fit.cost / 1e6, series[i].rate, i + 1);
        } else {
            fprintf(plot->script,
                    "notitle, $series%u using 1:2 with lines linewidth 1 linetype %u title ", i,
                    i + 1);
        }
        plot_text(plot, series[i].label);
    }
    fputc('\n', plot->script);
}

/* `column` over x, a line for each series whose label contains `part`. */
static void draw_part(struct report *report, int x, const char *column, const char *label, bool fit,
                      const char *part)
{
    struct groups groups, rates = {0};
    struct series series[SERIES_MAX];
    struct plot plot;
    unsigned count;

    if (!groups_make(&groups, report->experiment, &report->table, x, column) ||
        !groups_make(&rates, report->experiment, &report->table, x, "instructions_s") ||
        groups.count == 0) {
        groups_free(&groups);
        groups_free(&rates);
        return;
    }
    count = list_series(&groups, part, series);
    for (unsigned i = 0; fit && i < count; i++)
        fit_series(&groups, &rates, &series[i]);
    if (count > 0 && report->pictures && plot_begin(&plot, report->picture++, 520)) {
        fprintf(plot.script, "set key outside bottom center maxcols 2\nset xlabel ");
        plot_text(&plot, setting_name((enum setting)x));
        fputs("\nset ylabel ", plot.script);
        plot_text(&plot, label);
        fputs(x == SETTING_EPOCH ? "\nset logscale x 10\nset format x \"10^{%L}\"\n" : "\n",
              plot.script);
        fputs(fit ? "set yrange [0:1.1]\n" : "set yrange [0:*]\n", plot.script);
        for (unsigned i = 0; i < count; i++)
            write_block(&plot, i, &groups, series[i].label);
        write_curves(&plot, series, count);
        plot_end(&plot, report->page);
    }
    if (fit)
        write_fits(report, series, count);
    groups_free(&groups);
    groups_free(&rates);
}

/* One picture, or several, if they would be too full. */
static void draw(struct report *report, int x, const char *column, const char *label, bool fit)
{
    const struct experiment *experiment = report->experiment;
    const struct sweep *first = experiment->sweeps;
    unsigned lines = experiment_points(experiment);
    char part[SETTINGS_VALUE_SIZE + 64];

    for (unsigned i = 0; i < experiment->sweep_count; i++)
        if ((int)experiment->sweeps[i].setting == x)
            lines /= experiment->sweeps[i].count;
    if ((int)first->setting == x)
        first++;
    if (lines <= LINES_MAX || first == experiment->sweeps + experiment->sweep_count) {
        draw_part(report, x, column, label, fit, "");
        return;
    }
    for (unsigned i = 0; i < first->count; i++) {
        /* With the comma behind it, as one value may begin another; it is not the last word. */
        snprintf(part, sizeof(part), "%s %s,", setting_name(first->setting), first->values[i]);
        draw_part(report, x, column, label, fit, part);
    }
}

static void explain_fit(struct report *report)
{
    html_element(report->page, "p",
                 "The lines over CPU-bound work, and the table of costs below the picture, are "
                 "fitted: with epochs that last d without protection and a cost c for each "
                 "boundary, NP = 1 / (1 + c / d). For work that waits, see the measured time for "
                 "each boundary in the last table.");
}

void report_speed(struct report *report)
{
    int x = groups_number_swept(report->experiment);

    html_element(report->page, "h2", "Speed, protected and unprotected");
    html_element(report->page, "p",
                 "Medians and quartiles. The unprotected machine is measured right before each "
                 "value, on the same host; what is normalized is the ratio of the two.");
    if (x == SETTING_EPOCH)
        explain_fit(report);
    if (x >= 0) {
        draw(report, x, "normalized", "normalized performance (protected / unprotected)",
             x == SETTING_EPOCH);
        draw(report, x, "round_trip_us", "round trip of a request, us", false);
        draw(report, x, "hold_us", "outputs held by the protocol, us", false);
    }
    report_figures(report, columns, heads);
}

#include "fault-injection/lab/experiment/report_window.h"

#include <math.h>
#include <stdlib.h>

#include "fault-injection/lab/experiment/html.h"
#include "fault-injection/lab/experiment/plot.h"
#include "fault-injection/lab/measure/sample.h"

#define STEPS ((WINDOW_BEFORE_MS + WINDOW_AFTER_MS) / WINDOW_STEP_MS)

struct picture {
    const char *column, *label;
    double scale; /* what is drawn for one of the column's unit */
    bool log;
};

static int step_of(double at_ms)
{
    return isnan(at_ms) ? -1 : (int)floor((at_ms + WINDOW_BEFORE_MS) / WINDOW_STEP_MS);
}

struct reading {
    int step;
    double value;
};

static int compare_steps(const void *left, const void *right)
{
    return ((const struct reading *)left)->step - ((const struct reading *)right)->step;
}

/* The column's values, step by step; how many. */
static size_t read_column(const struct table *table, const struct picture *picture,
                          struct reading *readings)
{
    int at = table_column(table, "at_ms"), column = table_column(table, picture->column);
    size_t count = 0;

    for (size_t row = 0; row < table->rows; row++) {
        double value = table_number(table, row, column);
        int step = step_of(table_number(table, row, at));

        if (!isnan(value) && step >= 0 && step < STEPS)
            readings[count++] = (struct reading){step, value * picture->scale};
    }
    qsort(readings, count, sizeof(*readings), compare_steps);
    return count;
}

/* Steps that only a few of the runs have reached say something about these runs alone. */
static void write_steps(struct plot *plot, const struct reading *readings, size_t size,
                        double *values)
{
    unsigned most = 0, count;

    fputs("$steps << EOD\n", plot->script);
    for (size_t from = 0; from < size; from += count) {
        int step = readings[from].step;

        for (count = 0; from + count < size && readings[from + count].step == step; count++)
            values[count] = readings[from + count].value;
        if (count > most)
            most = count;
        if (count < most / 10)
            continue;
        fprintf(plot->script, "%.3f,%.6g,%.6g,%.6g\n",
                (step * WINDOW_STEP_MS - WINDOW_BEFORE_MS) / 1e3, quantile(values, count, 0.5),
                quantile(values, count, 0.25), quantile(values, count, 0.75));
    }
    fputs("EOD\n", plot->script);
}

static void draw(struct report *report, const struct table *table, const struct picture *picture)
{
    struct reading *readings = malloc((table->rows + 1) * sizeof(*readings));
    double *values = malloc((table->rows + 1) * sizeof(*values));
    struct plot plot;

    if (readings && values && table->rows > 0 && report->pictures &&
        plot_begin(&plot, report->picture++, 320)) {
        write_steps(&plot, readings, read_column(table, picture, readings), values);
        fputs("set key top right\nset xlabel \"seconds from the beginning of the fault\"\n"
              "set arrow from 0, graph 0 to 0, graph 1 nohead dashtype 2\nset ylabel ",
              plot.script);
        plot_text(&plot, picture->label);
        fputs(picture->log ? "\nset logscale y 10\n" : "\nset yrange [0:*]\n", plot.script);
        fputs("plot $steps using 1:3:4 with filledcurves fillcolor rgb \"#bbccee\" title "
              "\"quartiles\", $steps using 1:2 with lines linewidth 2 linecolor rgb \"#224488\" "
              "title \"median\"\n",
              plot.script);
        plot_end(&plot, report->page);
    }
    free(readings);
    free(values);
}

void report_window(struct report *report)
{
    static const struct picture client[] = {
        {"answers", "answers a second", 1000.0 / WINDOW_STEP_MS, false},
        {"latency_us", "latency, us", 1, true},
    };
    static const struct picture primary[] = {
        {"lag_entries", "lag of the backup, entries", 1, false},
        {"log_kbit_s", "log, kbit/s", 1, false},
    };
    struct table window, status;

    report_table(report, "window.csv", &window);
    report_table(report, "status.csv", &status);
    html_element(report->page, "h2", "Around the fault");
    html_element(report->page, "p",
                 "All runs on top of each other: what the client got, and what the primary said of "
                 "its log.");
    for (int i = 0; i < 2; i++)
        draw(report, &window, &client[i]);
    for (int i = 0; i < 2; i++)
        draw(report, &status, &primary[i]);
    table_free(&window);
    table_free(&status);
}

/* The parts of which reports are made: the fit, the tables, and text in HTML. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/fit.h"
#include "fault-injection/lab/experiment/html.h"
#include "fault-injection/lab/experiment/table.h"

Test(fit, finds_the_cost_that_made_the_numbers)
{
    static const double durations[] = {0.5, 1.5, 5, 15, 50, 150, 500};
    static const double costs[] = {0.002, 18.5, 55, 5000};
    double normalized[7];
    struct fit fit;

    for (unsigned c = 0; c < 4; c++) {
        for (unsigned i = 0; i < 7; i++)
            normalized[i] = fit_model(costs[c], durations[i]);
        cr_assert(fit_cost(durations, normalized, 7, &fit));
        cr_assert_lt(fabs(fit.cost / costs[c] - 1), 1e-3, "%g for %g", fit.cost, costs[c]);
        cr_assert_lt(fit.error, 1e-3);
    }
}

Test(fit, noise_of_a_tenth_is_told_as_such_and_does_not_lead_far)
{
    static const double durations[] = {1, 3, 10, 30, 100, 300};
    double normalized[6];
    struct fit fit;

    for (unsigned i = 0; i < 6; i++)
        normalized[i] = fit_model(20, durations[i]) * (i % 2 ? 1.1 : 1 / 1.1);
    cr_assert(fit_cost(durations, normalized, 6, &fit));
    cr_assert(fit.cost > 16 && fit.cost < 25, "%g", fit.cost);
    cr_assert(fit.error > 0.05 && fit.error < 0.15, "%g", fit.error);
}

Test(fit, nothing_is_fitted_to_nothing)
{
    static const double zero[] = {0, NAN}, one[] = {1, 1};
    struct fit fit;

    cr_assert_not(fit_cost(zero, one, 2, &fit));
    cr_assert_not(fit_cost(one, zero, 2, &fit));
    cr_assert_not(fit_cost(one, one, 0, &fit));
}

static void escape(const char *text, char result[256])
{
    FILE *file = fmemopen(result, 256, "w");

    html_text(file, text);
    fclose(file);
}

Test(html, what_has_a_meaning_in_html_loses_it)
{
    static const char *const texts[][2] = {
        {"plain", "plain"},
        {"<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"},
        {"a & b \"c\"", "a &amp; b &quot;c&quot;"},
        {"\x1b[31mred\r", "?[31mred?"},
        {"two\nlines", "two\nlines"},
    };
    char result[256];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        escape(texts[i][0], result);
        cr_assert_str_eq(result, texts[i][1]);
    }
}

static void read_table(struct table *table, const char *text)
{
    char path[] = "/tmp/ftvm-test-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");

    fputs(text, file);
    fclose(file);
    cr_assert(table_read(table, path));
    unlink(path);
}

Test(table, gives_back_what_was_written)
{
    static const char *const heads[] = {"a", "b", "c"};
    static const char *const values[] = {"1,5", "say \"no\"", "x\ny"};
    char first[TABLE_LINE_SIZE], second[TABLE_LINE_SIZE], text[2 * TABLE_LINE_SIZE];
    struct table table;

    cr_assert(table_format(first, heads, 3));
    cr_assert(table_format(second, values, 3));
    snprintf(text, sizeof(text), "%s%s", first, second);
    read_table(&table, text);
    cr_assert_eq(table.rows, 1);
    cr_assert_str_eq(table_text(&table, 0, table_column(&table, "a")), "1,5");
    cr_assert_str_eq(table_text(&table, 0, table_column(&table, "b")), "say \"no\"");
    cr_assert_str_eq(table_text(&table, 0, table_column(&table, "c")), "x y");
    table_free(&table);
}

Test(table, rows_of_another_width_and_unfinished_ones_are_passed_over)
{
    struct table table;

    read_table(&table, "a,b\n1,2\n1\n1,2,3\n,\n4,");
    cr_assert_eq(table.rows, 2);
    cr_assert_eq(table_number(&table, 0, 1), 2);
    cr_assert(isnan(table_number(&table, 1, 0)));
    cr_assert_eq(table.whole_size, strlen("a,b\n1,2\n1\n1,2,3\n,\n"));
    cr_assert_eq(table_column(&table, "c"), -1);
    cr_assert_str_eq(table_text(&table, 0, -1), "");
    table_free(&table);
}

Test(table, a_line_that_does_not_fit_is_not_written_in_part)
{
    char long_text[TABLE_LINE_SIZE + 1], line[TABLE_LINE_SIZE];
    const char *values[] = {"a", long_text};

    memset(long_text, 'x', TABLE_LINE_SIZE);
    long_text[TABLE_LINE_SIZE] = '\0';
    cr_assert_not(table_format(line, values, 2));
}

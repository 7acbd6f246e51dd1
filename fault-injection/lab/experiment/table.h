/*
 * A table of text: what a CSV file holds, with a header line. Quotes as RFC 4180 has them; values
 * have no line breaks (they are written as spaces), so that a line is a row, and half a line is a
 * row that was not finished.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_TABLE_H
#define FAULT_INJECTION_LAB_EXPERIMENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS   64u
#define TABLE_LINE_SIZE 8192u
#define TABLE_ROWS      4000000u

struct table {
    char *text; /* of the file, cut into values */
    const char *columns[TABLE_COLUMNS];
    unsigned column_count;
    const char **values; /* row by row */
    size_t rows;
    size_t whole_size; /* of the file up to the end of its last whole line */
};

/* False with errno; ENOENT if there is no such file, EINVAL if it is no table. Rows with another
 * number of values than the header are passed over. */
bool table_read(struct table *table, const char *path);
void table_free(struct table *table);

/* -1 if there is none of that name, or no name. */
int table_column(const struct table *table, const char *name);
/* "" without such a column. */
const char *table_text(const struct table *table, size_t row, int column);
/* NAN where there is no number. */
double table_number(const struct table *table, size_t row, int column);
/* In how many rows does the text stand in that column? */
unsigned table_count(const struct table *table, const char *column, const char *text);

/* A line with its end, for `count` values. False if it does not fit. */
bool table_format(char line[TABLE_LINE_SIZE], const char *const values[], unsigned count);

#endif

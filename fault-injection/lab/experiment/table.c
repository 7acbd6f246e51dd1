#include "fault-injection/lab/experiment/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Reading ------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    char *text = NULL;
    int error = 0;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &status) == 0 && (text = malloc((size_t)status.st_size + 1))) {
        *size = fread(text, 1, (size_t)status.st_size, file);
        error = ferror(file) ? EIO : 0;
        text[*size] = '\0';
    } else {
        error = errno;
    }
    fclose(file);
    if (error) {
        free(text);
        errno = error;
        return NULL;
    }
    return text;
}

/* Cuts one value off, in place, and takes the quotes away. NULL behind the last. */
static char *next_value(char **rest)
{
    char *start = *rest, *from = start, *to = start;

    if (!start)
        return NULL;
    if (*from != '"') {
        *rest = strchr(start, ',');
        if (*rest)
            *(*rest)++ = '\0';
        return start;
    }
    for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
        if (*from == '"')
            from++;
        *to++ = *from;
    }
    from += *from == '"';
    *rest = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return start;
}

static unsigned split(char *line, const char *values[TABLE_COLUMNS])
{
    unsigned count = 0;
    char *value;

    while (count < TABLE_COLUMNS && (value = next_value(&line)))
        values[count++] = value;
    return line ? TABLE_COLUMNS + 1 : count;
}

static bool take_row(struct table *table, char *line)
{
    const char *values[TABLE_COLUMNS];
    size_t size = table->column_count * sizeof(*table->values);

    if (split(line, values) != table->column_count)
        return true;
    /* Room grows by doubling: whenever the number of rows is a power of two. */
    if ((table->rows & (table->rows - 1)) == 0) {
        const char **more = realloc(table->values, (table->rows ? 2 * table->rows : 1) * size);

        if (!more)
            return false;
        table->values = more;
    }
    memcpy(table->values + table->rows * table->column_count, values, size);
    table->rows++;
    return true;
}

static bool take_lines(struct table *table)
{
    char *line = table->text, *end;

    for (; (end = strchr(line, '\n')) && table->rows < TABLE_ROWS; line = end + 1) {
        *end = '\0';
        if (table->column_count > 0) {
            if (!take_row(table, line))
                return false;
        } else {
            table->column_count = split(line, table->columns);
            if (table->column_count > TABLE_COLUMNS || line == end)
                return (errno = EINVAL, false);
        }
    }
    table->whole_size = (size_t)(line - table->text);
    return table->column_count > 0 || (errno = EINVAL, false);
}

bool table_read(struct table *table, const char *path)
{
    size_t size = 0;
    int error;

    *table = (struct table){0};
    table->text = read_file(path, &size);
    if (!table->text)
        return false;
    if (take_lines(table))
        return true;
    error = errno;
    table_free(table);
    errno = error;
    return false;
}

void table_free(struct table *table)
{
    free(table->text);
    free(table->values);
    *table = (struct table){0};
}

int table_column(const struct table *table, const char *name)
{
    for (unsigned i = 0; i < table->column_count; i++)
        if (name && strcmp(table->columns[i], name) == 0)
            return (int)i;
    return -1;
}

const char *table_text(const struct table *table, size_t row, int column)
{
    return column < 0 ? "" : table->values[row * table->column_count + (unsigned)column];
}

double table_number(const struct table *table, size_t row, int column)
{
    const char *text = table_text(table, row, column);
    char *end;
    double number = strtod(text, &end);

    return end == text || *end != '\0' ? NAN : number;
}

unsigned table_count(const struct table *table, const char *column, const char *text)
{
    int number = table_column(table, column);
    unsigned count = 0;

    for (size_t row = 0; row < table->rows; row++)
        count += strcmp(table_text(table, row, number), text) == 0;
    return count;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static bool add(char line[TABLE_LINE_SIZE], size_t *used, char byte)
{
    if (*used + 1 >= TABLE_LINE_SIZE)
        return false;
    line[(*used)++] = byte;
    line[*used] = '\0';
    return true;
}

static bool add_value(char line[TABLE_LINE_SIZE], size_t *used, const char *value)
{
    bool quoted = strpbrk(value, ",\"") != NULL;

    if (quoted && !add(line, used, '"'))
        return false;
    for (; *value; value++) {
        if (*value == '"' && !add(line, used, '"'))
            return false;
        if (!add(line, used, *value == '\n' || *value == '\r' ? ' ' : *value))
            return false;
    }
    return !quoted || add(line, used, '"');
}

bool table_format(char line[TABLE_LINE_SIZE], const char *const values[], unsigned count)
{
    size_t used = 0;

    line[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        if ((i > 0 && !add(line, &used, ',')) || !add_value(line, &used, values[i]))
            return false;
    return add(line, &used, '\n');
}

#include "fault-injection/lab/experiment/results.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/table.h"
#include "fault-injection/lab/host.h"

#define COMPARE_SIZE 65536u

static const char *const column_names[RESULT_COLUMNS] = {
#define RESULTS_TEXT(name) #name,
    RESULTS_COMMON(RESULTS_TEXT) RESULTS_FAULTS(RESULTS_TEXT) RESULTS_SPEED(RESULTS_TEXT)
#undef RESULTS_TEXT
};

static const struct {
    const char *name, *meaning;
} outcomes[OUTCOME_COUNT] = {
#define RESULTS_ROW(name, text, what) [OUTCOME_##name] = {text, what},
    RESULTS_OUTCOMES(RESULTS_ROW)
#undef RESULTS_ROW
};

const char *outcome_name(enum outcome outcome)
{
    return outcomes[outcome].name;
}

const char *outcome_meaning(enum outcome outcome)
{
    return outcomes[outcome].meaning;
}

bool outcome_is_bad(enum outcome outcome)
{
    return outcome >= OUTCOME_SLOW;
}

bool outcome_says_bad(const char *name)
{
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(name, outcomes[i].name) == 0)
            return outcome_is_bad((enum outcome)i);
    return false;
}

void result_set(struct result *result, enum result_column column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(result->value[column], RESULTS_VALUE_SIZE, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static bool fail(struct results *results, const char *format,
                                                       ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(results->error, sizeof(results->error), format, arguments);
    va_end(arguments);
    return false;
}

void results_path(const struct results *results, const char *ending, char *path)
{
    snprintf(path, PATH_MAX, "%s/%s.%s", results->directory, results->experiment->name, ending);
}

/* ---- The columns --------------------------------------------------------------------------- */

static bool is_of_kind(enum experiment_kind kind, int column)
{
    if (column < RESULT_workload)
        return true;
    return (column < RESULT_rate) == (kind == EXPERIMENT_FAULTS);
}

/* Names, or what stands there: point and repetition and what is common, then what is swept. */
static unsigned list_row(const struct experiment *experiment, const struct settings *settings,
                         const struct result *result, const char *values[TABLE_COLUMNS])
{
    unsigned count = 0;

    for (int i = 0; i < RESULT_workload; i++)
        values[count++] = result ? result->value[i] : column_names[i];
    for (unsigned i = 0; i < experiment->sweep_count; i++) {
        enum setting setting = experiment->sweeps[i].setting;

        values[count++] = settings ? settings->value[setting] : setting_name(setting);
    }
    for (int i = RESULT_workload; i < RESULT_COLUMNS; i++)
        if (is_of_kind(experiment->kind, i))
            values[count++] = result ? result->value[i] : column_names[i];
    return count;
}

/* ---- What is there already ----------------------------------------------------------------- */

static bool write_whole(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, text, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        size -= (size_t)written;
    }
    return true;
}

static ssize_t read_start(const char *path, char bytes[COMPARE_SIZE])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (file < 0)
        return -1;
    size = read(file, bytes, COMPARE_SIZE);
    close(file);
    return size;
}

static unsigned first_difference(const char *a, ssize_t a_size, const char *b, ssize_t b_size)
{
    unsigned line = 1;

    for (ssize_t i = 0; i < a_size && i < b_size && a[i] == b[i]; i++)
        line += a[i] == '\n';
    return line;
}

/* The copy of the INI file beside the results must be the file. */
static bool same_experiment(struct results *results, const char *path, bool *changed)
{
    static const char advice[] =
        "with --fresh they are thrown away, with --results DIR they stay and others begin";
    char *bytes = malloc(2 * COMPARE_SIZE), copy[PATH_MAX];
    ssize_t now, then;
    bool same = true;

    if (!bytes)
        return fail(results, "out of memory");
    results_path(results, "ini", copy);
    now = read_start(path, bytes);
    then = read_start(copy, bytes + COMPARE_SIZE);
    if (now < 0) {
        same = fail(results, "%s: %s", path, strerror(errno));
    } else if (then >= 0 && (now != then || memcmp(bytes, bytes + COMPARE_SIZE, (size_t)now))) {
        *changed = true;
        same = fail(results, "%s:%u: changed since the results in %s were begun; %s", path,
                    first_difference(bytes, now, bytes + COMPARE_SIZE, then), results->directory,
                    advice);
    } else if (then < 0) {
        int file = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

        if (file < 0 || !write_whole(file, bytes, (size_t)now))
            same = fail(results, "%s: %s", copy, strerror(errno));
        if (file >= 0)
            close(file);
    }
    free(bytes);
    return same;
}

static void take_row(struct results *results, const struct table *table, size_t row)
{
    const struct experiment *experiment = results->experiment;
    const char *point = table_text(table, row, table_column(table, "point"));
    const char *outcome = table_text(table, row, table_column(table, "outcome"));
    double repetition = table_number(table, row, table_column(table, "repetition"));
    struct settings settings;
    char name[POINT_NAME_SIZE];

    if (!(repetition >= 1 && repetition <= experiment->repetitions))
        return;
    for (unsigned i = 0; i < experiment_points(experiment); i++) {
        size_t place = (size_t)i * experiment->repetitions + (size_t)repetition - 1;

        experiment_point(experiment, i, &settings, name);
        if (strcmp(name, point) != 0 || results->done[place])
            continue;
        results->done[place] = 1;
        results->done_count++;
        results->bad_count += outcome_says_bad(outcome);
    }
}

/* Another version of this program may have had others. */
static bool has_our_columns(const struct results *results, const struct table *table)
{
    const char *columns[TABLE_COLUMNS];
    unsigned count = list_row(results->experiment, NULL, NULL, columns);

    for (unsigned i = 0; i < count && i < table->column_count; i++)
        if (strcmp(columns[i], table->columns[i]) != 0)
            return false;
    return count == table->column_count;
}

static bool take_in(struct results *results, const char *path)
{
    struct table table;
    bool good;

    results->size = 0;
    if (!table_read(&table, path))
        return errno == ENOENT || errno == EINVAL || fail(results, "%s: %s", path, strerror(errno));
    good = has_our_columns(results, &table) ||
           fail(results,
                "%s: has other columns than this version writes; with --fresh it begins "
                "anew",
                path);
    for (size_t i = 0; good && i < table.rows; i++)
        take_row(results, &table, i);
    /* What was being written when its writer was killed goes. */
    results->size = (long)table.whole_size;
    table_free(&table);
    return good;
}

static bool begin(struct results *results, const char *path)
{
    const char *values[TABLE_COLUMNS];
    char line[TABLE_LINE_SIZE];
    unsigned count;

    results->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (results->file < 0 || ftruncate(results->file, results->size) ||
        lseek(results->file, 0, SEEK_END) < 0)
        return fail(results, "%s: %s", path, strerror(errno));
    if (results->size > 0)
        return true;
    count = list_row(results->experiment, NULL, NULL, values);
    if (!table_format(line, values, count) || !write_whole(results->file, line, strlen(line)) ||
        fsync(results->file))
        return fail(results, "%s: %s", path, strerror(errno));
    results->size = (long)strlen(line);
    return true;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_all(const struct results *results)
{
    static const char *const endings[] = {"csv",  "ini",  "window.csv", "status.csv",
                                          "host", "html", "violations"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        results_path(results, endings[i], path);
        nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/* And those above it. */
static bool make_directories(struct results *results)
{
    char path[PATH_MAX], *slash = path;

    snprintf(path, sizeof(path), "%s", results->directory);
    do {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0777) && errno != EEXIST)
            return fail(results, "%s: %s", path, strerror(errno));
        if (slash)
            *slash = '/';
    } while (slash);
    return true;
}

static void write_host(const struct results *results)
{
    char path[PATH_MAX];
    FILE *file;

    results_path(results, "host", path);
    file = fopen(path, "we");
    if (!file)
        return; /* the report then says nothing of the host */
    host_print(file);
    fclose(file);
}

bool results_open(struct results *results, const struct experiment *experiment,
                  const char *experiment_path, const char *directory, bool fresh, bool *changed)
{
    char path[PATH_MAX];

    *changed = false;
    *results = (struct results){.experiment = experiment, .file = -1};
    if (strlen(directory) + EXPERIMENT_NAME_SIZE + 64 > sizeof(results->directory))
        return fail(results, "%s: too long", directory);
    snprintf(results->directory, sizeof(results->directory), "%s", directory);
    results->done = calloc(experiment_points(experiment), experiment->repetitions);
    if (!results->done)
        return fail(results, "out of memory");
    if (!make_directories(results))
        return false;
    if (fresh)
        remove_all(results);
    results_path(results, "csv", path);
    if (!same_experiment(results, experiment_path, changed) || !take_in(results, path) ||
        !begin(results, path))
        return false;
    write_host(results);
    return true;
}

void results_close(struct results *results)
{
    if (results->file >= 0)
        close(results->file);
    free(results->done);
    results->file = -1;
    results->done = NULL;
}

/* ---- Adding -------------------------------------------------------------------------------- */

static unsigned char *place_of(const struct results *results, const struct run *run)
{
    return &results
                ->done[(size_t)run->point * results->experiment->repetitions + run->repetition - 1];
}

bool results_is_done(const struct results *results, const struct run *run)
{
    return *place_of(results, run) != 0;
}

bool results_add(struct results *results, const struct run *run, const struct result *result)
{
    const char *values[TABLE_COLUMNS];
    char line[TABLE_LINE_SIZE], point[POINT_NAME_SIZE], path[PATH_MAX];
    struct settings settings;
    unsigned count;

    experiment_point(results->experiment, run->point, &settings, point);
    count = list_row(results->experiment, &settings, result, values);
    results_path(results, "csv", path);
    if (!table_format(line, values, count))
        return fail(results, "%s: a line is longer than %u bytes", path, TABLE_LINE_SIZE);
    if (!write_whole(results->file, line, strlen(line)) || fsync(results->file)) {
        fail(results, "%s: %s; what was measured before is kept", path, strerror(errno));
        if (ftruncate(results->file, results->size) == 0)
            lseek(results->file, results->size, SEEK_SET);
        return false;
    }
    results->size += (long)strlen(line);
    *place_of(results, run) = 1;
    results->done_count++;
    results->bad_count += outcome_says_bad(result->value[RESULT_outcome]);
    return true;
}

bool results_append(struct results *results, const char *ending, const char *header,
                    const char *text)
{
    char path[PATH_MAX];
    struct stat status;
    int file;
    bool good;

    results_path(results, ending, path);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    good = file >= 0 && fstat(file, &status) == 0 &&
           (status.st_size > 0 || write_whole(file, header, strlen(header))) &&
           write_whole(file, text, strlen(text));
    if (!good)
        fail(results, "%s: %s; what was measured before is kept", path, strerror(errno));
    if (file >= 0)
        close(file);
    return good;
}

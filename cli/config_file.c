#include "cli/config_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reading {
    struct options *options;
    const char *path;
    FILE *file;
    int read_error; /* errno */
    unsigned line;  /* the last that was read */
    bool failed;    /* the first error stands in `error` */
    char *error;
};

static void fail_at_line(struct reading *reading, const char *reason)
{
    if (!reading->failed)
        snprintf(reading->error, OPTIONS_ERROR_SIZE, "%s:%u: %s", reading->path, reading->line,
                 reason);
    reading->failed = true;
}

/* inih reads line by line through this, which is how lines are counted. It takes a line that does
 * not fit its buffer for two, so that is caught here. */
static char *read_line(char *line, int capacity, void *context)
{
    struct reading *reading = context;

    if (reading->failed)
        return NULL;
    errno = 0;
    if (!fgets(line, capacity, reading->file)) {
        reading->read_error = ferror(reading->file) ? errno : 0;
        return NULL;
    }
    reading->line++;
    size_t size = strlen(line);
    if (size + 1 == (size_t)capacity && line[size - 1] != '\n' && !feof(reading->file)) {
        fail_at_line(reading, "line too long; a value that repeats (append) may be split");
        return NULL;
    }
    return line;
}

static int set_option(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    char origin[512];
    enum command command;

    if (reading->failed)
        return 0;
    snprintf(origin, sizeof(origin), "%s:%u: %s", reading->path, reading->line, name);
    if (section[0] != '\0' &&
        (!command_find(section, &command) || !command_runs_machine(command))) {
        char reason[128];

        snprintf(reason, sizeof(reason),
                 "unknown section [%s]; there are [run], [primary] and [backup]", section);
        fail_at_line(reading, reason);
        return 0;
    }
    if (section[0] == '\0' || command == reading->options->command)
        reading->failed =
            !options_set_from_file(reading->options, name, value, origin, reading->error);
    else
        reading->failed = !options_check_name(name, origin, reading->error);
    return !reading->failed;
}

bool config_file_read(struct options *options, const char *path, char error[OPTIONS_ERROR_SIZE])
{
    struct reading reading = {.options = options, .path = path, .error = error};

    reading.file = fopen(path, "r");
    if (!reading.file) {
        snprintf(error, OPTIONS_ERROR_SIZE, "--config %s: %s", path, strerror(errno));
        return false;
    }
    int result = ini_parse_stream(read_line, &reading, set_option, &reading);
    if (!reading.failed && reading.read_error != 0) {
        snprintf(error, OPTIONS_ERROR_SIZE, "--config %s: %s", path, strerror(reading.read_error));
        reading.failed = true;
    }
    if (!reading.failed && result != 0) {
        /* inih goes on after such a line, and tells only at the end which it was. */
        reading.line = result > 0 ? (unsigned)result : reading.line;
        fail_at_line(&reading, "expected NAME = VALUE or [SECTION]");
    }
    fclose(reading.file);
    return !reading.failed;
}

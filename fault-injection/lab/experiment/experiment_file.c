/* Reads an experiment's INI file. What is not understood is an error with its line: a misspelt key
 * that is passed over is an experiment that measures something else. */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/experiment/experiment.h"

#define OWN_KEYS "name, title, description, kind, seed, repetitions"

struct reading {
    struct experiment *experiment;
    const char *path;
    FILE *file;
    unsigned line;   /* the last that was read */
    int read_error;  /* errno */
    bool failed;     /* the first error stands in `error` */
    bool fault_said; /* a further line adds to the first, and the first replaces the standard */
    char *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reading *reading, const char *format,
                                                       ...)
{
    va_list arguments;
    size_t used;

    if (reading->failed)
        return false;
    reading->failed = true;
    used = (size_t)snprintf(reading->error, EXPERIMENT_ERROR_SIZE, "%s:%u: ", reading->path,
                            reading->line);
    va_start(arguments, format);
    if (used < EXPERIMENT_ERROR_SIZE)
        vsnprintf(reading->error + used, EXPERIMENT_ERROR_SIZE - used, format, arguments);
    va_end(arguments);
    return false;
}

/* inih reads line by line through this, which is how lines are counted; it takes a line that does
 * not fit its buffer for two. */
static char *read_line(char *line, int capacity, void *context)
{
    struct reading *reading = context;
    size_t size;

    if (reading->failed)
        return NULL;
    errno = 0;
    if (!fgets(line, capacity, reading->file)) {
        reading->read_error = ferror(reading->file) ? errno : 0;
        return NULL;
    }
    reading->line++;
    size = strlen(line);
    if (size + 1 == (size_t)capacity && line[size - 1] != '\n' && !feof(reading->file)) {
        fail(reading, "line too long");
        return NULL;
    }
    return line;
}

/* ---- [experiment] -------------------------------------------------------------------------- */

static bool set_number(struct reading *reading, const char *key, const char *value, uint64_t least,
                       uint64_t largest, uint64_t *number)
{
    return setting_read_number(value, least, largest, number) ||
           fail(reading, "%s: '%s' is no number from %llu to %llu", key, value,
                (unsigned long long)least, (unsigned long long)largest);
}

static bool set_name(struct reading *reading, const char *value)
{
    size_t size = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    if (size == 0 || value[size] != '\0' || size >= EXPERIMENT_NAME_SIZE)
        return fail(reading, "name: '%s' is no file name of letters, digits, - and _", value);
    memcpy(reading->experiment->name, value, size + 1);
    return true;
}

/* Lines are one paragraph; an empty one ends it. */
static bool add_text(struct reading *reading, const char *key, const char *value, char *text,
                     size_t size)
{
    size_t used = strlen(text);
    bool first = used == 0 || text[used - 1] == '\n';

    if (used + strlen(value) + 2 > size)
        return fail(reading, "%s: longer than %zu characters", key, size - 2);
    snprintf(text + used, size - used, "%s%s", value[0] == '\0' ? "\n" : first ? "" : " ", value);
    return true;
}

static bool set_own(struct reading *reading, const char *key, const char *value)
{
    struct experiment *experiment = reading->experiment;
    uint64_t number;

    if (strcmp(key, "name") == 0)
        return set_name(reading, value);
    if (strcmp(key, "title") == 0)
        return add_text(reading, key, value, experiment->title, sizeof(experiment->title));
    if (strcmp(key, "description") == 0)
        return add_text(reading, key, value, experiment->description,
                        sizeof(experiment->description));
    if (strcmp(key, "seed") == 0)
        return set_number(reading, key, value, 0, UINT64_MAX, &experiment->seed);
    if (strcmp(key, "repetitions") == 0) {
        if (!set_number(reading, key, value, 1, EXPERIMENT_LIMIT, &number))
            return false;
        experiment->repetitions = (unsigned)number;
        return true;
    }
    if (strcmp(key, "kind") != 0)
        return fail(reading, "[experiment] has no '%s'; it has %s", key, OWN_KEYS);
    if (strcmp(value, "faults") != 0 && strcmp(value, "speed") != 0)
        return fail(reading, "kind: '%s' is none of faults|speed", value);
    experiment->kind = value[0] == 'f' ? EXPERIMENT_FAULTS : EXPERIMENT_SPEED;
    return true;
}

/* ---- Settings and sweeps ------------------------------------------------------------------- */

static bool add_sweep(struct reading *reading, const char *key, const char *value)
{
    struct experiment *experiment = reading->experiment;
    char copy[INI_MAX_LINE + 1], names[SETTINGS_ERROR_SIZE], error[SETTINGS_ERROR_SIZE], *rest;
    struct sweep *sweep = experiment->sweeps;
    enum setting setting;

    setting_list(NULL, names, sizeof(names));
    if (!setting_find(NULL, key, &setting) || setting == SETTING_PER_PAIR)
        return fail(reading, "[sweep] cannot vary '%s'; there are %s", key, names);
    /* A further line of a sweep adds to it. */
    while (sweep < experiment->sweeps + experiment->sweep_count && sweep->setting != setting)
        sweep++;
    if (sweep == experiment->sweeps + SWEEP_MAX)
        return fail(reading, "more than %u sweeps", SWEEP_MAX);
    if (sweep == experiment->sweeps + experiment->sweep_count) {
        *sweep = (struct sweep){.setting = setting};
        experiment->sweep_count++;
    }
    snprintf(copy, sizeof(copy), "%s", value);
    for (char *one = strtok_r(copy, " \t\r\n", &rest); one;
         one = strtok_r(NULL, " \t\r\n", &rest)) {
        if (sweep->count == SWEEP_VALUES)
            return fail(reading, "%s: more than %u values", key, SWEEP_VALUES);
        if (!setting_check(setting, one, error))
            return fail(reading, "%s: %s", key, error);
        snprintf(sweep->values[sweep->count++], SETTINGS_VALUE_SIZE, "%s", one);
    }
    if (sweep->count == 0)
        return fail(reading, "%s: there is no value", key);
    return experiment_points(experiment) <= POINT_MAX ||
           fail(reading, "the sweeps have more than %u points", POINT_MAX);
}

static bool set_setting(struct reading *reading, enum setting setting, const char *value)
{
    char *target = reading->experiment->settings.value[setting], error[SETTINGS_ERROR_SIZE];
    size_t used;

    if (!setting_check(setting, value, error))
        return fail(reading, "%s: %s", setting_name(setting), error);
    if (setting != SETTING_FAULT || !reading->fault_said)
        target[0] = '\0';
    used = strlen(target);
    if (used + strlen(value) + 2 > SETTINGS_VALUE_SIZE)
        return fail(reading, "%s: longer than %u characters", setting_name(setting),
                    SETTINGS_VALUE_SIZE - 2);
    snprintf(target + used, SETTINGS_VALUE_SIZE - used, "%s%s", used > 0 ? "+" : "", value);
    reading->fault_said |= setting == SETTING_FAULT;
    return true;
}

static int take(void *context, const char *section, const char *key, const char *value)
{
    struct reading *reading = context;
    char names[SETTINGS_ERROR_SIZE];
    enum setting setting;

    if (reading->failed)
        return 0;
    if (strcmp(section, "experiment") == 0)
        return set_own(reading, key, value);
    if (strcmp(section, "sweep") == 0)
        return add_sweep(reading, key, value);
    if (!setting_is_section(section)) {
        setting_list_sections(names, sizeof(names));
        return fail(reading, "there is no section [%s]; there are experiment, %s, sweep", section,
                    names);
    }
    if (setting_find(section, key, &setting))
        return set_setting(reading, setting, value);
    setting_list(section, names, sizeof(names));
    return fail(reading, "[%s] has no '%s'; it has %s", section, key, names);
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Without a name it is that of the file. */
static void name_after(struct experiment *experiment, const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int size = (int)strcspn(base, ".");

    snprintf(experiment->name, sizeof(experiment->name), "%.*s", size, base);
    if (experiment->name[0] == '\0')
        strcpy(experiment->name, "experiment");
}

static bool parse(struct reading *reading)
{
    int result = ini_parse_stream(read_line, reading, take, reading);

    if (!reading->failed && reading->read_error != 0) {
        snprintf(reading->error, EXPERIMENT_ERROR_SIZE, "%s: %s", reading->path,
                 strerror(reading->read_error));
        return false;
    }
    if (!reading->failed && result != 0) {
        /* inih goes on after such a line, and tells only at the end which it was. */
        reading->line = result > 0 ? (unsigned)result : reading->line;
        fail(reading, "expected KEY = VALUE or [SECTION]");
    }
    return !reading->failed;
}

bool experiment_read(struct experiment *experiment, const char *path,
                     char error[EXPERIMENT_ERROR_SIZE])
{
    struct reading reading = {.experiment = experiment, .path = path, .error = error};
    bool good;

    *experiment = (struct experiment){.seed = 1, .repetitions = 1};
    settings_init(&experiment->settings);
    name_after(experiment, path);
    reading.file = fopen(path, "re");
    if (!reading.file) {
        snprintf(error, EXPERIMENT_ERROR_SIZE, "%s: %s", path, strerror(errno));
        return false;
    }
    good = parse(&reading);
    fclose(reading.file);
    good = good && experiment_repeat(experiment, experiment->repetitions, error);
    if (good && experiment->title[0] == '\0')
        snprintf(experiment->title, sizeof(experiment->title), "%s", experiment->name);
    return good;
}

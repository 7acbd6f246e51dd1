#include "fault-injection/lab/experiment/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/faults/fault.h"
#include "fault-injection/lab/workloads/workload.h"

enum check { CHECK_TEXT, CHECK_NUMBER, CHECK_WORDS, CHECK_FAULT, CHECK_WORKLOAD };

struct row {
    const char *section, *name;
    const char *option; /* of `ftvm primary`, or NULL: used otherwise */
    const char *standard;
    enum check check;
    const char *words;       /* CHECK_WORDS: "a|b" */
    uint64_t least, largest; /* CHECK_NUMBER; an empty one is good where the standard is empty */
    const char *what;
};

static const struct row rows[SETTING_COUNT] = {
    [SETTING_MEMORY] = {"guest", "memory", "--memory", "256M", CHECK_TEXT, NULL, 0, 0,
                        "RAM of the guest"},
    [SETTING_APPEND] = {"guest", "append", NULL, "", CHECK_TEXT, NULL, 0, 0,
                        "further words for the guest's kernel"},
    [SETTING_CPU] = {"guest", "cpu", "--cpu", "", CHECK_WORDS, "interp|jit", 0, 0,
                     "how the replicas execute the guest"},
    [SETTING_PROTOCOL] = {"protocol", "protocol", "--protocol", "revised", CHECK_WORDS,
                          "original|revised", 0, 0, "when the guest waits"},
    [SETTING_EPOCH] = {"protocol", "epoch", "--epoch", "", CHECK_NUMBER, NULL, 1, 1000000000000,
                       "instructions in each epoch; none: as the next two say"},
    [SETTING_EPOCH_MIN_US] = {"protocol", "epoch-min-us", "--epoch-min-us", "", CHECK_NUMBER, NULL,
                              0, 10000000, "run time before an input may end an epoch"},
    [SETTING_EPOCH_MAX_US] = {"protocol", "epoch-max-us", "--epoch-max-us", "", CHECK_NUMBER, NULL,
                              1, 10000000, "the longest epoch"},
    [SETTING_HEARTBEAT_MS] = {"protocol", "heartbeat-ms", "--heartbeat-ms", "", CHECK_NUMBER, NULL,
                              1, 60000, "time between signs of life"},
    [SETTING_TIMEOUT_MS] = {"protocol", "timeout-ms", "--timeout-ms", "", CHECK_NUMBER, NULL, 3,
                            600000, "silence after which the other is suspected lost"},
    [SETTING_LAG] = {"protocol", "lag", "--lag", "", CHECK_WORDS, "wait|drop", 0, 0,
                     "what happens when the backup falls behind"},
    [SETTING_LAG_EPOCHS] = {"protocol", "lag-epochs", "--lag-epochs", "", CHECK_NUMBER, NULL, 1,
                            1000000, "epochs that the backup may be behind"},
    [SETTING_SETTLE] = {"protocol", "settle", "--settle", "", CHECK_WORDS, "reissue|uncertain", 0,
                        0, "I/O in flight at a failover"},
    [SETTING_ARBITER] = {"protocol", "arbiter", NULL, "file", CHECK_WORDS, "file|none", 0, 0,
                         "who decides which replica is active"},
    [SETTING_ROUND_TRIP_US] = {"link", "round-trip-us", NULL, "0", CHECK_NUMBER, NULL, 0, 10000000,
                               "delay of the channel, there and back; 0: no link in between"},
    [SETTING_WORKLOAD] = {"workload", "kind", NULL, "redis", CHECK_WORKLOAD, NULL, 0, 0,
                          "what the guest does; of several, one is drawn for each pair"},
    [SETTING_PARAMETERS] = {"workload", "parameters", NULL, "", CHECK_TEXT, NULL, 0, 0,
                            "of the workload, KEY=VALUE with commas"},
    [SETTING_FAULT] = {"fault", "fault", NULL, "none", CHECK_FAULT, NULL, 0, 0,
                       "what goes wrong; several lines, or with +: all of them in each round"},
    [SETTING_DRAW] = {"fault", "draw", NULL, "no", CHECK_WORDS, "yes|no", 0, 0,
                      "draw each round's fault by its seed"},
    [SETTING_WITHIN_MS] = {"fault", "within-ms", NULL, "500", CHECK_NUMBER, NULL, 0, 600000,
                           "a drawn fault begins within so long"},
    [SETTING_PER_PAIR] = {"rounds", "per-pair", NULL, "50", CHECK_NUMBER, NULL, 1, 1000,
                          "repetitions that one pair, or machine, goes through"},
    [SETTING_WARM_MS] = {"rounds", "warm-ms", NULL, "300", CHECK_NUMBER, NULL, 0, 600000,
                         "quiet work before the fault"},
    [SETTING_WATCH_MS] = {"rounds", "watch-ms", NULL, "500", CHECK_NUMBER, NULL, 0, 600000,
                          "from the beginning of the fault until it is healed"},
    [SETTING_RECOVER_MS] = {"rounds", "recover-ms", NULL, "20000", CHECK_NUMBER, NULL, 1, 600000,
                            "time to be protected again, after which a recovery is too slow"},
    [SETTING_WORK] = {"speed", "work", NULL, "cpu", CHECK_WORDS, "cpu|disk-write|disk-read|redis",
                      0, 0, "what is measured"},
    [SETTING_RUN_MS] = {"speed", "run-ms", NULL, "700", CHECK_NUMBER, NULL, 50, 600000,
                        "how long a measurement takes, about"},
};

void settings_init(struct settings *settings)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        snprintf(settings->value[i], SETTINGS_VALUE_SIZE, "%s", rows[i].standard);
}

const char *setting_name(enum setting setting)
{
    return rows[setting].name;
}

const char *setting_option(enum setting setting)
{
    return rows[setting].option;
}

bool setting_find(const char *section, const char *name, enum setting *setting)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        if ((!section || strcmp(rows[i].section, section) == 0) &&
            strcmp(rows[i].name, name) == 0) {
            *setting = (enum setting)i;
            return true;
        }
    }
    return false;
}

bool setting_is_section(const char *section)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcmp(rows[i].section, section) == 0)
            return true;
    return false;
}

static void add_word(char *text, size_t size, const char *word)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", word);
}

void setting_list(const char *section, char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < SETTING_COUNT; i++)
        if (!section || strcmp(rows[i].section, section) == 0)
            add_word(text, size, rows[i].name);
}

void setting_list_sections(char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < SETTING_COUNT; i++)
        if (i == 0 || strcmp(rows[i].section, rows[i - 1].section) != 0)
            add_word(text, size, rows[i].section);
}

/* ---- Checking ------------------------------------------------------------------------------ */

bool setting_read_number(const char *text, uint64_t least, uint64_t largest, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number >= least &&
           *number <= largest;
}

static bool check_number(const struct row *row, const char *value, char error[SETTINGS_ERROR_SIZE])
{
    uint64_t number;

    if (setting_read_number(value, row->least, row->largest, &number))
        return true;
    snprintf(error, SETTINGS_ERROR_SIZE, "'%.100s' is no number from %llu to %llu", value,
             (unsigned long long)row->least, (unsigned long long)row->largest);
    return false;
}

/* Is it one of "a|b|c"? */
static bool check_words(const struct row *row, const char *value, char error[SETTINGS_ERROR_SIZE])
{
    const char *word = row->words;
    size_t size = strlen(value);

    for (; word; word = strchr(word, '|') ? strchr(word, '|') + 1 : NULL)
        if (strncmp(word, value, size) == 0 && (word[size] == '|' || word[size] == '\0') &&
            size > 0)
            return true;
    snprintf(error, SETTINGS_ERROR_SIZE, "'%.100s' is none of %s", value, row->words);
    return false;
}

static bool check_faults(const char *value, char error[SETTINGS_ERROR_SIZE])
{
    char copy[SETTINGS_VALUE_SIZE], *rest;
    struct fault fault;

    snprintf(copy, sizeof(copy), "%s", value);
    for (char *text = strtok_r(copy, "+", &rest); text; text = strtok_r(NULL, "+", &rest))
        if (!fault_parse(&fault, text, error, SETTINGS_ERROR_SIZE))
            return false;
    return true;
}

static bool check_workloads(const char *value, char error[SETTINGS_ERROR_SIZE])
{
    const struct workload_kind *const *kinds = workload_kinds();
    char copy[SETTINGS_VALUE_SIZE], *rest;

    snprintf(copy, sizeof(copy), "%s", value);
    for (char *name = strtok_r(copy, " \t", &rest); name; name = strtok_r(NULL, " \t", &rest)) {
        if (workload_find(name))
            continue;
        snprintf(error, SETTINGS_ERROR_SIZE, "there is no workload '%.100s'; there are ", name);
        for (size_t used = strlen(error); *kinds; kinds++, used = strlen(error))
            snprintf(error + used, SETTINGS_ERROR_SIZE - used, "%s%s", (*kinds)->name,
                     kinds[1] ? ", " : "");
        return false;
    }
    return true;
}

bool setting_check(enum setting setting, const char *value, char error[SETTINGS_ERROR_SIZE])
{
    const struct row *row = &rows[setting];

    if (strlen(value) >= SETTINGS_VALUE_SIZE) {
        snprintf(error, SETTINGS_ERROR_SIZE, "longer than %u characters", SETTINGS_VALUE_SIZE - 1);
        return false;
    }
    if (value[0] == '\0') {
        if (row->standard[0] == '\0')
            return true;
        snprintf(error, SETTINGS_ERROR_SIZE, "there is no value");
        return false;
    }
    switch (row->check) {
    case CHECK_NUMBER: return check_number(row, value, error);
    case CHECK_WORDS: return check_words(row, value, error);
    case CHECK_FAULT: return check_faults(value, error);
    case CHECK_WORKLOAD: return check_workloads(value, error);
    case CHECK_TEXT: break;
    }
    return true;
}

uint64_t settings_number(const struct settings *settings, enum setting setting)
{
    return strtoull(settings->value[setting], NULL, 10);
}

bool settings_are(const struct settings *settings, enum setting setting, const char *value)
{
    return strcmp(settings->value[setting], value) == 0;
}

void settings_print(FILE *file)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct row *row = &rows[i];

        if (i == 0 || strcmp(row->section, rows[i - 1].section) != 0)
            fprintf(file, "  [%s]\n", row->section);
        fprintf(file, "    %-15s %s", row->name, row->what);
        if (row->words)
            fprintf(file, ": %s", row->words);
        if (row->standard[0])
            fprintf(file, " (%s)", row->standard);
        fputc('\n', file);
    }
}

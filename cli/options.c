#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_file.h"
#include "cli/option_table.h"
#include "cli/options_check.h"
#include "cli/value.h"

#define DEFAULT_MEMORY (UINT64_C(256) << 20)

struct option_text {
    struct option_text *next;
    char text[];
};

static const char *const command_names[COMMAND_COUNT] = {
    [COMMAND_RUN] = "run",       [COMMAND_PRIMARY] = "primary", [COMMAND_BACKUP] = "backup",
    [COMMAND_STATUS] = "status", [COMMAND_STOP] = "stop",       [COMMAND_PROMOTE] = "promote",
};

const char *command_name(enum command command)
{
    return command_names[command];
}

bool command_find(const char *name, enum command *command)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(command_names[i], name) == 0) {
            *command = (enum command)i;
            return true;
        }
    }
    return false;
}

bool command_runs_machine(enum command command)
{
    return command == COMMAND_RUN || command == COMMAND_PRIMARY || command == COMMAND_BACKUP;
}

/* What the library has a default for stays the library's. */
static void set_defaults(struct options *options, enum command command)
{
    struct ftvm_config config;

    ftvm_config_init(&config);
    *options = (struct options){
        .command = command,
        .name = command == COMMAND_BACKUP ? NULL : "ftvm", /* a backup takes its primary's */
        .memory = DEFAULT_MEMORY,
        .console = "stdio",
        .join_timeout_ms = config.join_timeout_ms,
        .protocol = (int)config.protocol,
        .lag = (int)config.lag_policy,
        .settle = (int)config.settle,
        .epoch = config.epoch_length,
        .epoch_min_us = config.epoch_min_us,
        .epoch_max_us = config.epoch_max_us,
        .heartbeat_ms = config.heartbeat_ms,
        .timeout_ms = config.timeout_ms,
        .lag_epochs = config.lag_epochs,
        .stuck_ms = config.stuck_ms,
    };
    hart_config_init(&options->cpu);
}

static void unknown_option(const char *name, const char *origin, char error[OPTIONS_ERROR_SIZE])
{
    const struct option *near = option_nearest(name);

    if (near)
        snprintf(error, OPTIONS_ERROR_SIZE, "%s: unknown option; did you mean %s?", origin,
                 near->name);
    else
        snprintf(error, OPTIONS_ERROR_SIZE, "%s: unknown option; 'ftvm --help' lists them", origin);
}

static bool check_applies(const struct option *option, enum command command, const char *origin,
                          char error[OPTIONS_ERROR_SIZE])
{
    char others[128] = "";

    if (option->commands & 1u << command)
        return true;
    if (command == COMMAND_BACKUP && option->from_primary) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "%s: not for 'ftvm backup', which is told it by the primary; leave it out",
                 origin);
        return false;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        size_t used = strlen(others);

        if (option->commands & 1u << i)
            snprintf(others + used, sizeof(others) - used, "%s%s", used ? ", " : "",
                     command_names[i]);
    }
    snprintf(error, OPTIONS_ERROR_SIZE, "%s: not for 'ftvm %s', only for %s", origin,
             command_names[command], others);
    return false;
}

static bool parse_choice(const char *words, const char *text, int *choice)
{
    size_t size = strlen(text);

    for (int index = 0;; index++) {
        size_t word = strcspn(words, "|");

        if (word == size && strncmp(words, text, word) == 0) {
            *choice = index;
            return true;
        }
        if (words[word] == '\0')
            return false;
        words += word + 1;
    }
}

static bool parse_flag(const char *text, bool *flag)
{
    static const char *const yes[] = {"", "yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (strcmp(text, yes[i]) == 0)
            return *flag = true;
    *flag = false;
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (strcmp(text, no[i]) == 0)
            return true;
    return false;
}

static bool add_item(struct option_list *list, const struct option *option, const char *value,
                     char expected[VALUE_EXPECTED_SIZE])
{
    if (list->count >= option->maximum) {
        snprintf(expected, VALUE_EXPECTED_SIZE, "at most %u of them", (unsigned)option->maximum);
        return false;
    }
    list->items[list->count++] = value;
    return true;
}

/* `value` must outlive the options. */
static bool set_value(struct options *options, const struct option *option, const char *value,
                      const char *origin, char error[OPTIONS_ERROR_SIZE])
{
    char expected[VALUE_EXPECTED_SIZE] = "";
    void *place = (char *)options + option->offset;
    bool good = false;

    if (option->kind != OPTION_FLAG && value[0] == '\0') {
        snprintf(error, OPTIONS_ERROR_SIZE, "%s needs a value: %s", origin, option->value);
        return false;
    }
    switch (option->kind) {
    case OPTION_FLAG:
        good = parse_flag(value, place);
        snprintf(expected, sizeof(expected), "yes or no");
        break;
    case OPTION_TEXT:
        *(const char **)place = value;
        good = true;
        break;
    case OPTION_LIST: good = add_item(place, option, value, expected); break;
    case OPTION_NUMBER:
        good = value_parse_number(value, option->minimum, option->maximum, place, expected);
        break;
    case OPTION_SIZE:
        good = value_parse_size(value, option->minimum, option->maximum, place, expected);
        break;
    case OPTION_CHOICE:
        good = parse_choice(option->value, value, place);
        snprintf(expected, sizeof(expected), "one of %s", option->value);
        break;
    }
    if (!good)
        snprintf(error, OPTIONS_ERROR_SIZE, "%s: '%s': expected %s", origin, value, expected);
    return good;
}

bool options_check_name(const char *name, const char *origin, char error[OPTIONS_ERROR_SIZE])
{
    if (option_find(name))
        return true;
    unknown_option(name, origin, error);
    return false;
}

bool options_set_from_file(struct options *options, const char *name, const char *value,
                           const char *origin, char error[OPTIONS_ERROR_SIZE])
{
    const struct option *option = option_find(name);
    struct option_text *copy;

    if (!option) {
        unknown_option(name, origin, error);
        return false;
    }
    if (!check_applies(option, options->command, origin, error))
        return false;
    if (option->on_command_line_only) {
        snprintf(error, OPTIONS_ERROR_SIZE, "%s: only on the command line", origin);
        return false;
    }
    uint8_t *source = &options->source[option_index(option)];
    if (option->kind != OPTION_LIST && *source == SOURCE_COMMAND_LINE)
        return true;
    if (option->kind != OPTION_LIST && *source == SOURCE_FILE) {
        snprintf(error, OPTIONS_ERROR_SIZE, "%s: given twice", origin);
        return false;
    }
    copy = malloc(sizeof(*copy) + strlen(value) + 1);
    if (!copy) {
        snprintf(error, OPTIONS_ERROR_SIZE, "out of memory");
        return false;
    }
    strcpy(copy->text, value);
    copy->next = options->texts;
    options->texts = copy;
    *source = SOURCE_FILE;
    return set_value(options, option, copy->text, origin, error);
}

/* One option of the command line: "--name", "--name value" or "--name=value". */
struct argument {
    const struct option *option;
    const char *value;
    char origin[64]; /* "--name" */
};

/* Reads the argument at *index and moves past it. */
static bool read_argument(const struct options *options, int count, char **arguments, int *index,
                          struct argument *argument, char error[OPTIONS_ERROR_SIZE])
{
    const char *text = arguments[(*index)++];
    char name[60];

    if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
        snprintf(error, OPTIONS_ERROR_SIZE, "'%s': unexpected; options start with two dashes",
                 text);
        return false;
    }
    size_t size = strcspn(text + 2, "=");
    snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name)),
             text + 2);
    snprintf(argument->origin, sizeof(argument->origin), "--%s", name);
    argument->option = option_find(name);
    if (!argument->option) {
        const struct option *near = option_nearest(name);

        if (near)
            snprintf(error, OPTIONS_ERROR_SIZE, "unknown option %s; did you mean --%s?",
                     argument->origin, near->name);
        else
            snprintf(error, OPTIONS_ERROR_SIZE, "unknown option %s; 'ftvm %s --help' lists them",
                     argument->origin, command_names[options->command]);
        return false;
    }
    if (!check_applies(argument->option, options->command, argument->origin, error))
        return false;
    argument->value = "";
    if (text[2 + size] == '=') {
        argument->value = text + 2 + size + 1;
    } else if (argument->option->kind != OPTION_FLAG) {
        /* A following option is a forgotten value; "--append=--x" says it if it is meant. */
        if (*index >= count || strncmp(arguments[*index], "--", 2) == 0) {
            snprintf(error, OPTIONS_ERROR_SIZE, "%s needs a value: %s", argument->origin,
                     argument->option->value);
            return false;
        }
        argument->value = arguments[(*index)++];
    }
    return true;
}

static bool read_command_line(struct options *options, int count, char **arguments,
                              char error[OPTIONS_ERROR_SIZE])
{
    struct argument argument;

    for (int i = 0; i < count;) {
        if (!read_argument(options, count, arguments, &i, &argument, error) ||
            !set_value(options, argument.option, argument.value, argument.origin, error))
            return false;
        options->source[option_index(argument.option)] = SOURCE_COMMAND_LINE;
    }
    return true;
}

static bool asks_for_help(int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
            return true;
    return false;
}

/* The file's items of a list stand before those of the command line. */
static void join_lists(struct options *options, const struct option_list *earlier, size_t offset)
{
    struct option_list *list = (struct option_list *)((char *)options + offset);

    for (unsigned i = 0; i < earlier->count && list->count < OPTIONS_MAX_REPEAT; i++)
        list->items[list->count++] = earlier->items[i];
}

static bool read_file(struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    struct option_list given[OPTIONS_MAX];

    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].kind != OPTION_LIST)
            continue;
        struct option_list *list = (struct option_list *)((char *)options + option_table[i].offset);
        given[i] = *list;
        list->count = 0;
    }
    if (!config_file_read(options, options->config, error))
        return false;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->kind != OPTION_LIST)
            continue;
        join_lists(options, &given[i], option->offset);
        if (((struct option_list *)((char *)options + option->offset))->count > option->maximum) {
            snprintf(error, OPTIONS_ERROR_SIZE, "--%s: at most %u of them, those in %s included",
                     option->name, (unsigned)option->maximum, options->config);
            return false;
        }
    }
    return true;
}

bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   char error[OPTIONS_ERROR_SIZE])
{
    set_defaults(options, command);
    if (asks_for_help(count, arguments))
        return options->help = true;
    return read_command_line(options, count, arguments, error) &&
           (!options->config || read_file(options, error)) && options_check(options, error);
}

void options_free(struct options *options)
{
    while (options->texts) {
        struct option_text *text = options->texts;

        options->texts = text->next;
        free(text);
    }
}

bool options_given(const struct options *options, const char *name)
{
    const struct option *option = option_find(name);

    return option && options->source[option_index(option)] != SOURCE_DEFAULT;
}

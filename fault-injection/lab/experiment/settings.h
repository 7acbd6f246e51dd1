/*
 * The settings of an experiment: what an INI file may say about the pair, its load and what befalls
 * it, each of which a [sweep] may vary. A table (settings.c) says of each where it stands, what it
 * may be and what it is if nobody says anything; this is all that reading, sweeping, the table of
 * results and the help know about them. Values stay text, as they go into command lines and tables;
 * those who count with one read it by settings_number().
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_SETTINGS_H
#define FAULT_INJECTION_LAB_EXPERIMENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SETTINGS_VALUE_SIZE 512u
#define SETTINGS_ERROR_SIZE 512u

enum setting {
    SETTING_MEMORY,
    SETTING_APPEND,
    SETTING_CPU,
    SETTING_PROTOCOL,
    SETTING_EPOCH,
    SETTING_EPOCH_MIN_US,
    SETTING_EPOCH_MAX_US,
    SETTING_HEARTBEAT_MS,
    SETTING_TIMEOUT_MS,
    SETTING_LAG,
    SETTING_LAG_EPOCHS,
    SETTING_SETTLE,
    SETTING_ARBITER,
    SETTING_ROUND_TRIP_US,
    SETTING_WORKLOAD,
    SETTING_PARAMETERS,
    SETTING_FAULT,
    SETTING_DRAW,
    SETTING_WITHIN_MS,
    SETTING_PER_PAIR,
    SETTING_WARM_MS,
    SETTING_WATCH_MS,
    SETTING_RECOVER_MS,
    SETTING_WORK,
    SETTING_RUN_MS,
    SETTING_COUNT
};

/* "" where neither the file nor the table says anything: ftvm's own default. */
struct settings {
    char value[SETTING_COUNT][SETTINGS_VALUE_SIZE];
};

void settings_init(struct settings *settings);

const char *setting_name(enum setting setting); /* "timeout-ms" */
/* The option of `ftvm primary` that it becomes, or NULL. */
const char *setting_option(enum setting setting);

/* `section` NULL: in any, as names are unique. */
bool setting_find(const char *section, const char *name, enum setting *setting);
bool setting_is_section(const char *section);
/* The names of a section, or all, or the sections, with commas: for messages. */
void setting_list(const char *section, char *text, size_t size);
void setting_list_sections(char *text, size_t size);

/* False, with a line that says what it may be. */
bool setting_check(enum setting setting, const char *value, char error[SETTINGS_ERROR_SIZE]);

/* Digits alone, within those bounds? */
bool setting_read_number(const char *text, uint64_t least, uint64_t largest, uint64_t *number);

uint64_t settings_number(const struct settings *settings, enum setting setting);
bool settings_are(const struct settings *settings, enum setting setting, const char *value);

/* A line for each, for --help. */
void settings_print(FILE *file);

#endif

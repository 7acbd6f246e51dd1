/* A command line written as one text, split at spaces, and parsed as `ftvm` would. */
#ifndef TESTS_CLI_COMMAND_LINE_H
#define TESTS_CLI_COMMAND_LINE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"

#define COMMAND_LINE_WORDS 64

struct command_line {
    char text[2048];
    char *words[COMMAND_LINE_WORDS];
    int count; /* without the command's name, which is words[0] */
    struct options options;
    char error[OPTIONS_ERROR_SIZE];
};

static inline bool command_line_parse(struct command_line *line, const char *text)
{
    enum command command;
    char *rest;

    memset(line, 0, sizeof(*line));
    snprintf(line->text, sizeof(line->text), "%s", text);
    for (char *word = strtok_r(line->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        line->words[line->count++] = word;
    line->count--;
    return command_find(line->words[0], &command) &&
           options_parse(&line->options, command, line->count, line->words + 1, line->error);
}

#endif

/*
 * What an event of the library looks like: a JSON object for --events, a line for people.
 */
#ifndef CLI_EVENT_FORMAT_H
#define CLI_EVENT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include <ftvm/ftvm.h>
#include <jansson.h>

enum event_weight {
    EVENT_DETAIL,  /* shown with --verbose */
    EVENT_NEWS,    /* shown unless --quiet */
    EVENT_PROBLEM, /* always shown */
};

/* "role", "failover", ... */
const char *event_kind_name(enum ftvm_event_kind kind);
/* "FTVM_E_FENCED"; "" for 0. */
const char *event_error_name(int error);

/* A new reference, or NULL if memory is short. */
json_t *event_to_json(const struct ftvm_event *event);
/* `alone`: the machine runs unprotected because it was asked to (`ftvm run`). */
enum event_weight event_to_line(const struct ftvm_event *event, bool alone, char *line,
                                size_t size);

#endif

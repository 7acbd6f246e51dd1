/*
 * What happens to a replica, told to people on stderr and to programs in the --events file.
 *
 * The library calls back on threads that must not block, and a terminal that is held with
 * Ctrl-S, a full pipe or a slow disk would do that. So a callback only puts a copy on a bounded
 * queue; a thread of this module writes. What exceeds the queue is dropped and counted.
 */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <ftvm/ftvm.h>

#define EVENTS_QUEUE 512u

struct events;

struct events_config {
    const char *path; /* of the JSON lines, or NULL */
    bool quiet, verbose;
    bool alone; /* `ftvm run` */
};

/* 0, or a negative errno: the file cannot be opened, or no thread. */
int events_create(struct events **events, const struct events_config *config);
/* Writes what is queued, then ends the thread. A reader that does not read is not waited for. */
void events_destroy(struct events *events);

/* For struct ftvm_config; `context` is the struct events. Any thread, never block. */
void events_on_event(void *context, const struct ftvm_event *event);
void events_on_log(void *context, enum ftvm_log_level level, const char *line);
/* A line of the command's own, for a thread that must not block. Shown unless --quiet; a warning
 * always. */
void events_say(struct events *events, const char *line);
void events_warn(struct events *events, const char *line);

/* Asks `take` for warnings every now and then, until it is replaced; NULL: nobody. After the call
 * returns, the one before is not called any more. */
typedef bool events_warning(void *context, char *line, size_t size);
void events_watch(struct events *events, events_warning *take, void *context);

/* Waits until what is queued is written, but no longer than a second. */
void events_drain(struct events *events);

#endif

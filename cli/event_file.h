/*
 * The file of --events: lines are appended, each written out at once. When the file cannot take
 * them (a full disk), they wait in memory up to a limit, the oldest first; what exceeds it is
 * dropped and counted. One thread.
 */
#ifndef CLI_EVENT_FILE_H
#define CLI_EVENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_FILE_BACKLOG (256u * 1024) /* bytes of lines that wait */

struct event_file;

/* Opens for appending. 0 or a negative errno. */
int event_file_open(struct event_file **file, const char *path);
void event_file_close(struct event_file *file);
/* `line` without its end. */
void event_file_append(struct event_file *file, const char *line);
/* Tries to write what waits. True if nothing waits any more. */
bool event_file_flush(struct event_file *file);
/* The errno of the last attempt, 0 if it went well. */
int event_file_error(const struct event_file *file);
/* Lines dropped since the last call. */
uint64_t event_file_take_dropped(struct event_file *file);

#endif

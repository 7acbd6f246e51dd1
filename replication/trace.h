/*
 * The engine's conversation in words: one line for a message, for an event that enters the engine,
 * and for an action that it asks for. For debug logs and for the tests that compare whole stories;
 * nothing parses these lines.
 *
 * Each function writes at most `size` bytes with the NUL, and returns the line. Pure, any thread.
 */
#ifndef REPLICATION_TRACE_H
#define REPLICATION_TRACE_H

#include "replication/engine.h"

#define TRACE_LINE_SIZE 640u /* enough for every line */

const char *trace_end_name(enum engine_end end);
const char *trace_outcome_name(enum engine_outcome outcome);

/* "BOUNDARY lsn 3, 1 input" */
const char *trace_message(const struct message *message, char *line, size_t size);
/* "claims term 2" */
const char *trace_action(const struct engine_action *action, char *line, size_t size);
/* "hears BOUNDARY lsn 3" */
const char *trace_event(const struct engine_event *event, char *line, size_t size);

#endif

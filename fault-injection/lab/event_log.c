#include "fault-injection/lab/event_log.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint64_t failover_ns(const struct failover_times *times)
{
    return times->detected_ns + times->claimed_ns + times->consumed_ns + times->live_ns;
}

void event_log_init(struct event_log *log, const char *path)
{
    *log = (struct event_log){.fd = -1};
    snprintf(log->path, sizeof(log->path), "%s", path);
}

void event_log_close(struct event_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    log->closed = true;
}

static uint64_t number(const json_t *event, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(event, key));
}

static const char *text(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));

    return value ? value : "";
}

static void note_role(struct event_log *log, const json_t *event)
{
    log->started = true;
    log->is_primary = strcmp(text(event, "role"), "primary") == 0;
    log->is_protected = json_is_true(json_object_get(event, "protected"));
    log->term = number(event, "term");
}

static void note_transfer(struct event_log *log, const json_t *event)
{
    uint64_t done = number(event, "done");

    if (done == 0 || done != number(event, "total"))
        return;
    log->state_bytes = done;
    log->pause_ns = number(event, "pause_ns");
}

static void note_failover(struct event_log *log, const json_t *event)
{
    log->failover = true;
    log->times = (struct failover_times){
        .detected_ns = number(event, "detected_ns"),
        .claimed_ns = number(event, "claimed_ns"),
        .consumed_ns = number(event, "consumed_ns"),
        .live_ns = number(event, "live_ns"),
    };
}

static void note(struct event_log *log, const json_t *event)
{
    const char *kind = text(event, "event");

    note_role(log, event);
    if (strcmp(kind, "transfer") == 0)
        note_transfer(log, event);
    else if (strcmp(kind, "failover") == 0)
        note_failover(log, event);
    else if (strcmp(kind, "fenced") == 0)
        log->fenced = true;
    else if (strcmp(kind, "diverged") == 0)
        log->diverged |= !log->is_primary; /* a primary says so of its backup */
    else if (strcmp(kind, "arbiter") == 0)
        log->arbiter = true;
    else if (strcmp(kind, "join") == 0)
        log->joined++;
    if (text(event, "text")[0])
        snprintf(log->last, sizeof(log->last), "%s", text(event, "text"));
}

/* A line that is no event (cut off by a full disk) is passed over. */
static void take_line(struct event_log *log)
{
    json_t *event;

    log->line[log->used] = '\0';
    log->used = 0;
    event = json_loads(log->line, 0, NULL);
    if (event)
        note(log, event);
    json_decref(event);
}

void event_log_read(struct event_log *log)
{
    char bytes[4096];
    ssize_t size;

    if (log->fd < 0 && !log->closed)
        log->fd = open(log->path, O_RDONLY | O_CLOEXEC);
    while (log->fd >= 0 && (size = read(log->fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < size; i++) {
            if (bytes[i] == '\n')
                take_line(log);
            else if (log->used < sizeof(log->line) - 1)
                log->line[log->used++] = bytes[i];
        }
    }
}

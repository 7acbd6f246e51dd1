#include "cli/events.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/event_file.h"
#include "cli/event_format.h"
#include "cli/say.h"

#define TICK_MS      500 /* between looks at the machine's warnings and retries of the file */
#define REPEAT_S     60
#define DRAIN_MS     1000
#define TEXT_SIZE    512u
#define LINE_SIZE    1024u
#define WARNING_SIZE 512u

struct item {
    bool is_event; /* else a line */
    enum event_weight weight;
    struct ftvm_event event; /* its strings point into this item */
    char peer[FTVM_MAX_NAME + 1];
    char text[TEXT_SIZE];
};

struct events {
    struct events_config config;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows, up to `queue`; held for moments only */
    pthread_cond_t changed;
    bool ending, ended;
    bool writing; /* the item taken last is being written */
    size_t first, count;
    uint64_t dropped;
    struct item queue[EVENTS_QUEUE];

    pthread_mutex_t watch_lock; /* held while the warning callback runs */
    events_warning *take_warning;
    void *warning_context;

    struct event_file *file; /* the writer's, as is what follows */
    bool file_failing;
    char shown[LINE_SIZE]; /* the last line, and when */
    time_t shown_at;
};

static struct timespec deadline_in(unsigned milliseconds)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += milliseconds / 1000;
    deadline.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

/* ---- Any thread ---------------------------------------------------------------------------- */

static void put(struct events *events, const struct item *item)
{
    pthread_mutex_lock(&events->lock);
    if (events->count == EVENTS_QUEUE) {
        events->dropped++;
    } else {
        events->queue[(events->first + events->count++) % EVENTS_QUEUE] = *item;
        pthread_cond_broadcast(&events->changed);
    }
    pthread_mutex_unlock(&events->lock);
}

void events_on_event(void *context, const struct ftvm_event *event)
{
    struct item item = {.is_event = true, .event = *event};

    snprintf(item.peer, sizeof(item.peer), "%s", event->peer ? event->peer : "");
    snprintf(item.text, sizeof(item.text), "%s", event->text ? event->text : "");
    put(context, &item);
}

static void put_line(struct events *events, enum event_weight weight, const char *line)
{
    struct item item = {.weight = weight};

    snprintf(item.text, sizeof(item.text), "%s", line);
    put(events, &item);
}

void events_on_log(void *context, enum ftvm_log_level level, const char *line)
{
    put_line(context, level >= FTVM_LOG_WARNING ? EVENT_PROBLEM : EVENT_DETAIL, line);
}

void events_say(struct events *events, const char *line)
{
    put_line(events, EVENT_NEWS, line);
}

void events_warn(struct events *events, const char *line)
{
    char warning[TEXT_SIZE];

    snprintf(warning, sizeof(warning), "warning: %s", line);
    put_line(events, EVENT_PROBLEM, warning);
}

void events_watch(struct events *events, events_warning *take, void *context)
{
    pthread_mutex_lock(&events->watch_lock);
    events->take_warning = take;
    events->warning_context = context;
    pthread_mutex_unlock(&events->watch_lock);
}

/* ---- The writer ---------------------------------------------------------------------------- */

/* A replica that is refused asks again and again: the same line is not shown twice in a while. */
static bool was_just_shown(struct events *events, const char *line)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (strcmp(line, events->shown) == 0 && now.tv_sec - events->shown_at < REPEAT_S)
        return true;
    snprintf(events->shown, sizeof(events->shown), "%s", line);
    events->shown_at = now.tv_sec;
    return false;
}

static void show(struct events *events, enum event_weight weight, const char *line)
{
    enum event_weight least = events->config.quiet     ? EVENT_PROBLEM
                              : events->config.verbose ? EVENT_DETAIL
                                                       : EVENT_NEWS;

    if (weight >= least && !was_just_shown(events, line))
        say("%s", line);
}

/* People are told when the file begins to fail and when it works again, not in between. */
static void flush_file(struct events *events)
{
    bool failing;

    if (!events->file)
        return;
    failing = !event_file_flush(events->file);
    if (failing && !events->file_failing)
        say("warning: cannot write events to %s: %s; the machine goes on, and so do attempts",
            events->config.path, strerror(event_file_error(events->file)));
    if (!failing && events->file_failing)
        say("events are written to %s again; %" PRIu64 " lines were dropped", events->config.path,
            event_file_take_dropped(events->file));
    events->file_failing = failing;
}

static void record(struct events *events, const struct ftvm_event *event)
{
    json_t *object = event_to_json(event);
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

    if (line)
        event_file_append(events->file, line);
    free(line);
    json_decref(object);
}

static void write_item(struct events *events, struct item *item)
{
    char line[LINE_SIZE];
    enum event_weight weight;

    if (!item->is_event) {
        show(events, item->weight, item->text);
        return;
    }
    item->event.peer = item->peer;
    item->event.text = item->text;
    if (events->file) {
        record(events, &item->event);
        flush_file(events);
    }
    weight = event_to_line(&item->event, events->config.alone, line, sizeof(line));
    show(events, weight, line);
}

static void look_for_warnings(struct events *events)
{
    char line[WARNING_SIZE];

    pthread_mutex_lock(&events->watch_lock);
    if (events->take_warning && events->take_warning(events->warning_context, line, sizeof(line)))
        say("warning: %s", line);
    pthread_mutex_unlock(&events->watch_lock);
}

/* Takes the next item; false if there is none before the tick. */
static bool take_item(struct events *events, struct item *item, bool *ending)
{
    struct timespec deadline = deadline_in(TICK_MS);
    bool taken = false;
    uint64_t dropped;
    int result = 0;

    pthread_mutex_lock(&events->lock);
    events->writing = false;
    pthread_cond_broadcast(&events->changed);
    while (events->count == 0 && !events->ending && result == 0)
        result = pthread_cond_timedwait(&events->changed, &events->lock, &deadline);
    if (events->count > 0) {
        *item = events->queue[events->first];
        events->first = (events->first + 1) % EVENTS_QUEUE;
        events->count--;
        events->writing = taken = true;
    }
    *ending = events->ending;
    dropped = events->dropped;
    events->dropped = 0;
    pthread_mutex_unlock(&events->lock);
    if (dropped > 0)
        say("warning: %" PRIu64 " events were dropped, as nobody read them", dropped);
    return taken;
}

static void *write_items(void *context)
{
    struct events *events = context;
    struct item item;
    bool ending = false;

    for (;;) {
        if (take_item(events, &item, &ending)) {
            write_item(events, &item);
            continue;
        }
        if (ending)
            break;
        look_for_warnings(events);
        flush_file(events);
    }
    pthread_mutex_lock(&events->lock);
    events->ended = true;
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->lock);
    return NULL;
}

/* ---- From beginning to end ----------------------------------------------------------------- */

static void initialize_locks(struct events *events)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&events->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&events->lock, NULL);
    pthread_mutex_init(&events->watch_lock, NULL);
}

static void free_events(struct events *events)
{
    event_file_close(events->file);
    pthread_cond_destroy(&events->changed);
    pthread_mutex_destroy(&events->lock);
    pthread_mutex_destroy(&events->watch_lock);
    free(events);
}

int events_create(struct events **events, const struct events_config *config)
{
    struct events *made = calloc(1, sizeof(*made));
    int result;

    *events = NULL;
    if (!made)
        return -ENOMEM;
    made->config = *config;
    initialize_locks(made);
    result = config->path ? event_file_open(&made->file, config->path) : 0;
    if (result == 0)
        result = -pthread_create(&made->thread, NULL, write_items, made);
    if (result < 0) {
        free_events(made);
        return result;
    }
    *events = made;
    return 0;
}

void events_drain(struct events *events)
{
    struct timespec deadline = deadline_in(DRAIN_MS);
    int result = 0;

    pthread_mutex_lock(&events->lock);
    while ((events->count > 0 || events->writing) && !events->ended && result == 0)
        result = pthread_cond_timedwait(&events->changed, &events->lock, &deadline);
    pthread_mutex_unlock(&events->lock);
}

void events_destroy(struct events *events)
{
    struct timespec deadline;
    bool ended;
    int result = 0;

    if (!events)
        return;
    events_drain(events);
    deadline = deadline_in(DRAIN_MS);
    pthread_mutex_lock(&events->lock);
    events->ending = true;
    pthread_cond_broadcast(&events->changed);
    while (!events->ended && result == 0)
        result = pthread_cond_timedwait(&events->changed, &events->lock, &deadline);
    ended = events->ended;
    pthread_mutex_unlock(&events->lock);
    if (!ended) {
        /* The writer is inside a write that may never return. The process is about to end, and
         * what the writer still uses must stay. */
        pthread_detach(events->thread);
        return;
    }
    pthread_join(events->thread, NULL);
    free_events(events);
}

#include "cli/event_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEBIBYTE 1048576.0

const char *event_kind_name(enum ftvm_event_kind kind)
{
    switch (kind) {
    case FTVM_EVENT_START: return "start";
    case FTVM_EVENT_ROLE: return "role";
    case FTVM_EVENT_JOIN: return "join";
    case FTVM_EVENT_REFUSE: return "refuse";
    case FTVM_EVENT_TRANSFER: return "transfer";
    case FTVM_EVENT_SUSPECT: return "suspect";
    case FTVM_EVENT_ARBITER: return "arbiter";
    case FTVM_EVENT_FAILOVER: return "failover";
    case FTVM_EVENT_FENCED: return "fenced";
    case FTVM_EVENT_DIVERGED: return "diverged";
    case FTVM_EVENT_STOP: return "stop";
    }
    return "unknown";
}

const char *event_error_name(int error)
{
    switch (error) {
    case 0: return "";
#define EVENT_ERROR_NAME(name, number, text)                                                       \
    case number: return #name;
        FTVM_ERRORS(EVENT_ERROR_NAME)
#undef EVENT_ERROR_NAME
    default: return "unknown";
    }
}

static void add_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

/* Text may come from the other replica: what is not UTF-8 is left out. */
static void add_text(json_t *object, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, key, json_string(text));
}

json_t *event_to_json(const struct ftvm_event *event)
{
    json_t *object = json_object();

    add_number(object, "time_ns", event->time_ns);
    json_object_set_new(object, "event", json_string(event_kind_name(event->kind)));
    json_object_set_new(object, "role",
                        json_string(event->role == FTVM_ROLE_PRIMARY ? "primary" : "backup"));
    json_object_set_new(object, "protected", json_boolean(event->is_protected));
    add_number(object, "term", event->term);
    add_number(object, "position", event->position);
    add_text(object, "peer", event->peer);
    switch (event->kind) {
    case FTVM_EVENT_TRANSFER:
        add_number(object, "done", event->done);
        add_number(object, "total", event->total);
        add_number(object, "pause_ns", event->pause_ns);
        break;
    case FTVM_EVENT_FAILOVER:
        add_number(object, "detected_ns", event->detected_ns);
        add_number(object, "claimed_ns", event->claimed_ns);
        add_number(object, "consumed_ns", event->consumed_ns);
        add_number(object, "live_ns", event->live_ns);
        break;
    case FTVM_EVENT_DIVERGED:
        add_number(object, "agreed", event->agreed);
        add_text(object, "report", event->report);
        break;
    case FTVM_EVENT_STOP:
        json_object_set_new(object, "error", json_string(event_error_name(event->error)));
        break;
    default: break;
    }
    add_text(object, "text", event->text);
    return object;
}

/* A primary has it from its backup, whose reason says where; its own report, of a line for each
 * part of the state, says what differs. */
static void diverged_line(const struct ftvm_event *event, char *line, size_t size)
{
    const char *report = event->report;
    int used = snprintf(line, size, "diverged: %s", event->text);

    while (report[0] && used >= 0 && (size_t)used < size) {
        int length = (int)strcspn(report, "\n");

        used += snprintf(line + used, size - (size_t)used, "; %.*s", length, report);
        report += length;
        report += report[0] != '\0';
    }
}

static const char *role_words(const struct ftvm_event *event)
{
    if (event->role == FTVM_ROLE_PRIMARY)
        return event->is_protected ? "primary, protected" : "primary, unprotected";
    return event->is_protected ? "backup, following" : "backup, joining";
}

static enum event_weight role_line(const struct ftvm_event *event, bool alone, char *line,
                                   size_t size)
{
    if (alone) {
        snprintf(line, size, "running, unprotected");
        return EVENT_DETAIL;
    }
    snprintf(line, size, "%s, term %" PRIu64, role_words(event), event->term);
    /* That a backup joins is news of another event. */
    return event->role == FTVM_ROLE_PRIMARY || event->is_protected ? EVENT_NEWS : EVENT_DETAIL;
}

static enum event_weight transfer_line(const struct ftvm_event *event, char *line, size_t size)
{
    if (event->total != 0 && event->done >= event->total && event->role == FTVM_ROLE_BACKUP) {
        snprintf(line, size, "state received: %.1f MiB", (double)event->done / MEBIBYTE);
        return EVENT_NEWS;
    }
    if (event->total != 0 && event->done >= event->total) {
        snprintf(line, size, "state transferred: %.1f MiB; the guest stood still for %.1f ms",
                 (double)event->done / MEBIBYTE, (double)event->pause_ns / 1e6);
        return EVENT_NEWS;
    }
    if (event->total != 0)
        snprintf(line, size, "state transfer: %.1f of %.1f MiB", (double)event->done / MEBIBYTE,
                 (double)event->total / MEBIBYTE);
    else
        snprintf(line, size, "state transfer: %.1f MiB", (double)event->done / MEBIBYTE);
    return EVENT_DETAIL;
}

static enum event_weight failover_line(const struct ftvm_event *event, char *line, size_t size)
{
    uint64_t all = event->detected_ns + event->claimed_ns + event->consumed_ns + event->live_ns;

    snprintf(line, size,
             "took over at position %" PRIu64
             " in %.1f ms (detection %.1f, claim %.1f, rest of the log %.1f, outputs %.1f)",
             event->position, (double)all / 1e6, (double)event->detected_ns / 1e6,
             (double)event->claimed_ns / 1e6, (double)event->consumed_ns / 1e6,
             (double)event->live_ns / 1e6);
    return EVENT_NEWS;
}

enum event_weight event_to_line(const struct ftvm_event *event, bool alone, char *line, size_t size)
{
    const char *peer = event->peer && event->peer[0] ? event->peer : "the other replica";
    const char *text = event->text ? event->text : "";
    const char *colon = text[0] ? ": " : "";

    switch (event->kind) {
    case FTVM_EVENT_START:
    case FTVM_EVENT_ROLE: return role_line(event, alone, line, size);
    case FTVM_EVENT_JOIN:
        snprintf(line, size, event->role == FTVM_ROLE_PRIMARY ? "%s joins" : "joining %s", peer);
        return EVENT_NEWS;
    case FTVM_EVENT_REFUSE:
        snprintf(line, size, "refused %s%s%s", peer, colon, text);
        return EVENT_PROBLEM;
    case FTVM_EVENT_TRANSFER: return transfer_line(event, line, size);
    case FTVM_EVENT_SUSPECT:
        if (text[0])
            snprintf(line, size, "%s", text);
        else
            snprintf(line, size, "%s is suspected lost", peer);
        return EVENT_PROBLEM;
    case FTVM_EVENT_ARBITER: snprintf(line, size, "arbiter%s%s", colon, text); return EVENT_PROBLEM;
    case FTVM_EVENT_FAILOVER: return failover_line(event, line, size);
    case FTVM_EVENT_FENCED:
        /* The command's last line says it; here for those who want every detail. */
        snprintf(line, size, "fenced in term %" PRIu64 "%s%s", event->term, colon, text);
        return EVENT_DETAIL;
    case FTVM_EVENT_DIVERGED:
        if (event->role == FTVM_ROLE_PRIMARY)
            diverged_line(event, line, size);
        else
            snprintf(line, size, "diverged: agreed at position %" PRIu64 ", not at %" PRIu64 "%s%s",
                     event->agreed, event->position, colon, text);
        return EVENT_PROBLEM;
    case FTVM_EVENT_STOP: snprintf(line, size, "stopping%s%s", colon, text); return EVENT_DETAIL;
    }
    snprintf(line, size, "%s", text);
    return EVENT_DETAIL;
}

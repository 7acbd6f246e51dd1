/* What the embedder is told: events, log lines, error codes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libftvm/clock.h"
#include "libftvm/node_state.h"
#include "libftvm/part_report.h"

#define FAILOVER_TEXT_SIZE 96u

int node_error_of_end(enum engine_end end)
{
    switch (end) {
    case ENGINE_RUNNING: return 0;
    case ENGINE_END_STOPPED: return FTVM_E_STOPPED;
    case ENGINE_END_HALTED: return FTVM_E_HALTED;
    case ENGINE_END_FENCED: return FTVM_E_FENCED;
    case ENGINE_END_DIVERGED: return FTVM_E_DIVERGED;
    case ENGINE_END_LOST: return FTVM_E_LOST;
    case ENGINE_END_STUCK: return FTVM_E_STUCK;
    case ENGINE_END_FAILED: return FTVM_E_MACHINE;
    case ENGINE_END_CORRUPT: return FTVM_E_CORRUPT;
    case ENGINE_END_MEMORY: return FTVM_E_MEMORY;
    }
    return FTVM_E_STATE;
}

void node_log(struct ftvm_node *node, enum ftvm_log_level level, const char *format, ...)
{
    if (node->config.on_log == NULL) {
        return;
    }
    char line[NODE_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    node->config.on_log(node->config.context, level, line);
}

/* Fields that every event has. */
static struct ftvm_event event_now(struct ftvm_node *node, enum ftvm_event_kind kind)
{
    struct ftvm_event event = {
        .kind = kind,
        .time_ns = clock_wall_ns(node->hooks),
        .role = node->config.role,
        .peer = "",
        .text = "",
        .report = "",
    };
    if (node->engine != NULL) {
        struct engine_status status;
        engine_get_status(node->engine, &status);
        event.role = status.role == ENGINE_PRIMARY ? FTVM_ROLE_PRIMARY : FTVM_ROLE_BACKUP;
        event.is_protected = status.is_protected;
        event.term = status.term;
        event.position = status.position;
        event.peer = status.peer != 0 ? status.peer_name : "";
    }
    return event;
}

static void tell(struct ftvm_node *node, const struct ftvm_event *event)
{
    if (node->config.on_event != NULL) {
        node->config.on_event(node->config.context, event);
    }
}

void node_tell_start(struct ftvm_node *node)
{
    struct ftvm_event event = event_now(node, FTVM_EVENT_START);
    tell(node, &event);
}

void node_add_parts(struct ftvm_node *node, struct message_bye *bye, struct part_list *list)
{
    pthread_mutex_lock(&node->parts_lock);
    part_history_find(node->parts, bye->position, NULL, 0, list);
    pthread_mutex_unlock(&node->parts_lock);
    bye->part_count = list->count;
    bye->parts = list->parts;
}

/* What differs, as the primary sees it; "" where the machine tells of no parts. */
static void report_parts(struct ftvm_node *node, const struct engine_notice *notice,
                         char text[PART_REPORT_SIZE])
{
    struct part_list ours;
    text[0] = '\0';
    if (notice->part_count == 0) {
        return;
    }
    pthread_mutex_lock(&node->parts_lock);
    bool known =
        part_history_find(node->parts, notice->position, notice->parts, notice->part_count, &ours);
    pthread_mutex_unlock(&node->parts_lock);
    if (!known) {
        snprintf(text, PART_REPORT_SIZE,
                 "the state was not compared at position %llu here, or too long ago",
                 (unsigned long long)notice->position);
        return;
    }
    part_report(text, "the primary", ours.parts, ours.count, "the backup", notice->parts,
                notice->part_count);
}

void node_tell_notice(struct ftvm_node *node, const struct engine_notice *notice)
{
    static const enum ftvm_event_kind kinds[] = {
        [ENGINE_NOTICE_ROLE] = FTVM_EVENT_ROLE,
        [ENGINE_NOTICE_JOIN] = FTVM_EVENT_JOIN,
        [ENGINE_NOTICE_REFUSE] = FTVM_EVENT_REFUSE,
        [ENGINE_NOTICE_TRANSFER] = FTVM_EVENT_TRANSFER,
        [ENGINE_NOTICE_SUSPECT] = FTVM_EVENT_SUSPECT,
        [ENGINE_NOTICE_ARBITER] = FTVM_EVENT_ARBITER,
        [ENGINE_NOTICE_FAILOVER] = FTVM_EVENT_FAILOVER,
        [ENGINE_NOTICE_FENCED] = FTVM_EVENT_FENCED,
        [ENGINE_NOTICE_DIVERGED] = FTVM_EVENT_DIVERGED,
    };
    struct ftvm_event event = event_now(node, kinds[notice->type]);
    char report[PART_REPORT_SIZE];
    event.text = notice->text;
    event.done = notice->done;
    event.total = notice->total;
    event.pause_ns = notice->pause_ns;
    event.detected_ns = notice->detected_ns;
    event.claimed_ns = notice->claimed_ns;
    event.consumed_ns = notice->consumed_ns;
    event.agreed = notice->agreed;
    if (notice->type == ENGINE_NOTICE_FAILOVER || notice->type == ENGINE_NOTICE_DIVERGED) {
        event.position = notice->position;
    }
    if (notice->type == ENGINE_NOTICE_REFUSE) {
        event.peer = notice->refused;
        if (!refusal_is_news(&node->refusal, event.peer, event.text, node_now_ns(node))) {
            node_log(node, FTVM_LOG_DEBUG, "refused again: %s", event.text);
            return;
        }
    }
    if (notice->type == ENGINE_NOTICE_DIVERGED) {
        report_parts(node, notice, report);
        event.report = report;
    }
    if (notice->type == ENGINE_NOTICE_FAILOVER) {
        /* Told when the kept outputs were offered, with the time that this took. */
        node->failover = event;
        node->failover_pending = true;
        return;
    }
    tell(node, &event);
}

void node_tell_failover(struct ftvm_node *node, uint64_t live_ns)
{
    struct ftvm_event event = node->failover;
    uint64_t whole_ns = event.detected_ns + event.claimed_ns + event.consumed_ns + live_ns;
    char text[FAILOVER_TEXT_SIZE];
    snprintf(text, sizeof text, "took over, %.1f ms after the primary's last sign of life",
             (double)whole_ns / 1e6);
    node->failover_pending = false;
    event.live_ns = live_ns;
    event.peer = "";
    event.text = text;
    tell(node, &event);
}

void node_tell_end(struct ftvm_node *node, int error, const char *text)
{
    struct ftvm_event event = event_now(node, FTVM_EVENT_STOP);
    event.error = error;
    event.text = text;
    tell(node, &event);
}

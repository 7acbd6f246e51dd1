#include "replication/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *trace_end_name(enum engine_end end)
{
    switch (end) {
    case ENGINE_RUNNING: return "running";
    case ENGINE_END_STOPPED: return "stopped";
    case ENGINE_END_HALTED: return "halted";
    case ENGINE_END_FENCED: return "fenced";
    case ENGINE_END_DIVERGED: return "diverged";
    case ENGINE_END_LOST: return "lost";
    case ENGINE_END_STUCK: return "stuck";
    case ENGINE_END_FAILED: return "failed";
    case ENGINE_END_CORRUPT: return "corrupt";
    case ENGINE_END_MEMORY: return "memory";
    }
    return "?";
}

const char *trace_outcome_name(enum engine_outcome outcome)
{
    switch (outcome) {
    case ENGINE_WON: return "won";
    case ENGINE_LOST: return "lost";
    case ENGINE_UNREACHABLE: return "unreachable";
    case ENGINE_RELEASED: return "released";
    }
    return "?";
}

static const char *refuse_name(uint32_t code)
{
    static const char *const names[] = {
        [REFUSE_VERSION] = "version", [REFUSE_NAME] = "name",     [REFUSE_DESCRIPTION] = "machine",
        [REFUSE_TERM] = "term",       [REFUSE_SECOND] = "second", [REFUSE_ROLE] = "role",
        [REFUSE_ARBITER] = "arbiter",
    };
    bool known = code < sizeof names / sizeof names[0] && names[code] != NULL;
    return known ? names[code] : "?";
}

static const char *bye_name(uint32_t code)
{
    static const char *const names[] = {
        [BYE_STOPPED] = "stopped",   [BYE_POWEROFF] = "powered off", [BYE_LEAVING] = "leaving",
        [BYE_DIVERGED] = "diverged", [BYE_FAILED] = "failed",
    };
    bool known = code < sizeof names / sizeof names[0] && names[code] != NULL;
    return known ? names[code] : "?";
}

/* Appends to the line; what does not fit is cut off. */
__attribute__((format(printf, 3, 4))) static void say(char *line, size_t size, const char *format,
                                                      ...)
{
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, size - used, format, arguments);
    va_end(arguments);
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

static void say_boundary(const struct message_boundary *boundary, char *line, size_t size)
{
    say(line, size, " lsn %" PRIu64, boundary->lsn);
    if (boundary->input_count > 0) {
        say(line, size, ", %zu input%s", boundary->input_count,
            boundary->input_count == 1 ? "" : "s");
    }
    if (boundary->released > 0) {
        say(line, size, ", released %" PRIu64, boundary->released);
    }
    say(line, size, "%s", boundary->final ? ", final" : "");
}

static void say_fields(const struct message *message, char *line, size_t size)
{
    switch (message->type) {
    case MESSAGE_HELLO: say(line, size, ", term %" PRIu64, message->hello.term); return;
    case MESSAGE_WELCOME: say(line, size, ", term %" PRIu64, message->welcome.term); return;
    case MESSAGE_REFUSE:
        say(line, size, " (%s): %s", refuse_name(message->refuse.code),
            text_or(message->refuse.reason, ""));
        return;
    case MESSAGE_STATE_BEGIN:
        say(line, size, " at lsn %" PRIu64 ", outputs %" PRIu64, message->state_begin.lsn,
            message->state_begin.outputs);
        return;
    case MESSAGE_STATE_CHUNK:
    case MESSAGE_STATE_END: return;
    case MESSAGE_VALUE: say(line, size, " lsn %" PRIu64, message->value.lsn); return;
    case MESSAGE_BOUNDARY: say_boundary(&message->boundary, line, size); return;
    case MESSAGE_ACK:
        say(line, size, " received %" PRIu64 ", consumed %" PRIu64, message->ack.received,
            message->ack.consumed);
        return;
    case MESSAGE_PROTECTED: say(line, size, " from lsn %" PRIu64, message->protected_.lsn); return;
    case MESSAGE_HEARTBEAT:
        say(line, size, ", released %" PRIu64, message->heartbeat.released);
        return;
    case MESSAGE_BYE:
        say(line, size, " (%s): %s", bye_name(message->bye.code), text_or(message->bye.reason, ""));
        return;
    case MESSAGE_TYPE_END: return;
    }
}

const char *trace_message(const struct message *message, char *line, size_t size)
{
    snprintf(line, size, "%s", message_type_name(message->type));
    say_fields(message, line, size);
    return line;
}

static void say_reply(const struct engine_reply *reply, char *line, size_t size)
{
    switch (reply->type) {
    case ENGINE_REPLY_EPOCH:
        say(line, size, "runs epoch %" PRIu64, reply->epoch.number);
        if (reply->input_count > 0) {
            say(line, size, ", %zu input%s", reply->input_count,
                reply->input_count == 1 ? "" : "s");
        }
        break;
    case ENGINE_REPLY_VALUE: say(line, size, "gets a value"); break;
    case ENGINE_REPLY_SAVE: say(line, size, "saves again"); break;
    case ENGINE_REPLY_GO: say(line, size, "goes on"); break;
    case ENGINE_REPLY_STATE: say(line, size, "gets a state"); break;
    case ENGINE_REPLY_STATE_CHUNK: say(line, size, "gets a piece of the state"); break;
    case ENGINE_REPLY_STATE_END: say(line, size, "has the whole state"); break;
    }
    say(line, size, "%s%s", reply->promoted ? ", promoted" : "",
        reply->save ? ", saves first" : "");
}

static void say_outputs(const struct engine_output *outputs, char *line, size_t size)
{
    uint64_t first = outputs != NULL ? outputs->number : 0;
    uint64_t last = first;
    for (; outputs != NULL; outputs = outputs->next) {
        last = outputs->number;
    }
    say(line, size, "emits %" PRIu64, first);
    if (last != first) {
        say(line, size, " to %" PRIu64, last);
    }
}

static const char *notice_name(enum engine_notice_type type)
{
    static const char *const names[] = {
        [ENGINE_NOTICE_ROLE] = "role",         [ENGINE_NOTICE_JOIN] = "join",
        [ENGINE_NOTICE_REFUSE] = "refuses",    [ENGINE_NOTICE_TRANSFER] = "transfer",
        [ENGINE_NOTICE_SUSPECT] = "suspects",  [ENGINE_NOTICE_ARBITER] = "notes",
        [ENGINE_NOTICE_FAILOVER] = "failover", [ENGINE_NOTICE_FENCED] = "fenced",
        [ENGINE_NOTICE_DIVERGED] = "diverged",
    };
    return names[type];
}

const char *trace_action(const struct engine_action *action, char *line, size_t size)
{
    char message[TRACE_LINE_SIZE];
    line[0] = '\0';
    switch (action->type) {
    case ENGINE_DO_SEND:
        say(line, size, "sends %s", trace_message(&action->message, message, sizeof message));
        break;
    case ENGINE_DO_AUTHORISE: say(line, size, "accepts the joiner"); break;
    case ENGINE_DO_CLOSE: say(line, size, "closes the connection"); break;
    case ENGINE_DO_EMIT: say_outputs(action->outputs, line, size); break;
    case ENGINE_DO_REPLY: say_reply(&action->reply, line, size); break;
    case ENGINE_DO_CLAIM: say(line, size, "claims term %" PRIu64, action->term + 1); break;
    case ENGINE_DO_RELEASE: say(line, size, "gives up term %" PRIu64, action->term); break;
    case ENGINE_DO_WELCOMED: say(line, size, "is welcome"); break;
    case ENGINE_DO_REFUSED:
        say(line, size, "is refused (%s): %s", refuse_name(action->message.refuse.code),
            text_or(action->message.refuse.reason, ""));
        break;
    case ENGINE_DO_NOTIFY:
        say(line, size, "%s: %s", notice_name(action->notice.type),
            text_or(action->notice.text, "in progress"));
        break;
    case ENGINE_DO_END:
        say(line, size, "ends, %s: %s", trace_end_name(action->end), text_or(action->reason, ""));
        break;
    }
    return line;
}

const char *trace_event(const struct engine_event *event, char *line, size_t size)
{
    char message[TRACE_LINE_SIZE];
    line[0] = '\0';
    switch (event->type) {
    case ENGINE_TICK: say(line, size, "time passes"); break;
    case ENGINE_CONNECTED:
        say(line, size, "%s", event->incoming ? "is connected to" : "connects");
        break;
    case ENGINE_PEER_LOST:
        say(line, size, "loses its connection: %s", text_or(event->reason, ""));
        break;
    case ENGINE_MESSAGE:
        say(line, size, "hears %s", trace_message(event->message, message, sizeof message));
        break;
    case ENGINE_HEARD: say(line, size, "does not listen"); break;
    case ENGINE_BEGIN: say(line, size, "begins at %" PRIu64, event->position); break;
    case ENGINE_BOUNDARY:
        say(line, size, "%s at %" PRIu64,
            event->halt   ? "halts"
            : event->idle ? "idles"
                          : "ends its epoch",
            event->position);
        break;
    case ENGINE_VALUE:
        say(line, size, "asks a %s at %" PRIu64, event->is_clock ? "clock value" : "value",
            event->position);
        break;
    case ENGINE_OUTPUT: say(line, size, "makes an output"); break;
    case ENGINE_INPUT: say(line, size, "takes an input"); break;
    case ENGINE_STATE_SIZE: say(line, size, "begins to save"); break;
    case ENGINE_STATE_CHUNK: say(line, size, "saves a piece"); break;
    case ENGINE_STATE_SAVED:
        say(line, size, "%s", event->ok ? "has saved" : "could not save");
        break;
    case ENGINE_STATE_LOADED:
        say(line, size, "%s", event->ok ? "has loaded" : "could not load");
        break;
    case ENGINE_CLAIM_ANSWER:
        say(line, size, "has its claim answered: %s", trace_outcome_name(event->outcome));
        break;
    case ENGINE_RELEASE_ANSWER:
        say(line, size, "has its release answered: %s", trace_outcome_name(event->outcome));
        break;
    case ENGINE_STOP: say(line, size, "is told to stop"); break;
    case ENGINE_NO_MEMORY: say(line, size, "lacks memory: %s", text_or(event->reason, "")); break;
    case ENGINE_FAIL: say(line, size, "is told to fail: %s", text_or(event->reason, "")); break;
    case ENGINE_PROMOTE: say(line, size, "is told to take over"); break;
    }
    return line;
}

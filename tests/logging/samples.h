/*
 * Messages for tests of the codec: for each type an empty one, an ordinary one and one at its
 * limits; and the comparison of two messages, field by field.
 */
#ifndef TESTS_LOGGING_SAMPLES_H
#define TESTS_LOGGING_SAMPLES_H

#include <string.h>

#include "logging/message.h"

enum sample_kind { SAMPLE_EMPTY, SAMPLE_ORDINARY, SAMPLE_AT_LIMIT, SAMPLE_KIND_END };

/* What samples point to; too big for the stack. */
struct samples {
    uint8_t data[LOG_MAX_INPUT];
    char name[LOG_MAX_NAME + 1];
    char reason[LOG_MAX_REASON + 1];
    struct log_input inputs[LOG_MAX_INPUTS];
    struct log_part parts[LOG_MAX_PARTS];
};

static inline void samples_init(struct samples *samples)
{
    for (size_t i = 0; i < sizeof(samples->data); i++) {
        samples->data[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    memset(samples->name, 'n', LOG_MAX_NAME);
    samples->name[LOG_MAX_NAME] = '\0';
    memset(samples->reason, 'r', LOG_MAX_REASON);
    samples->reason[LOG_MAX_REASON] = '\0';
    memset(samples->inputs, 0, sizeof(samples->inputs));
}

/* As many inputs as there may be, with as many bytes as there may be. */
static inline void samples_fill_inputs(struct samples *samples)
{
    size_t each = LOG_MAX_INPUT_BYTES / LOG_MAX_INPUTS;

    for (size_t i = 0; i < LOG_MAX_INPUTS; i++) {
        samples->inputs[i].device = UINT32_MAX - (uint32_t)i;
        samples->inputs[i].data = (struct log_bytes){samples->data + i, each};
    }
}

static inline struct message sample_empty(enum message_type type)
{
    struct message message;

    memset(&message, 0, sizeof(message));
    message.type = type;
    return message;
}

static inline struct message sample_ordinary(struct samples *samples, enum message_type type)
{
    struct message message = sample_empty(type);

    switch (type) {
    case MESSAGE_HELLO:
        message.hello = (struct message_hello){1, "web", "b", 7, {samples->data, 40}};
        break;
    case MESSAGE_WELCOME:
        message.welcome = (struct message_welcome){
            1, "web", "a", 8, {samples->data, 41}, 1, 20, 100, true, 4096, 100000, 1, 50, 2000};
        break;
    case MESSAGE_REFUSE:
        message.refuse = (struct message_refuse){REFUSE_TERM, "term 9 is later than 8"};
        break;
    case MESSAGE_STATE_BEGIN:
        message.state_begin = (struct message_state_begin){1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        break;
    case MESSAGE_STATE_CHUNK:
        message.state_chunk.data = (struct log_bytes){samples->data, 1000};
        break;
    case MESSAGE_STATE_END:
        message.state_end = (struct message_state_end){123456, UINT64_C(0x0123456789abcdef)};
        break;
    case MESSAGE_VALUE:
        message.value = (struct message_value){11, 2, 1u << 30, {samples->data, 8}};
        break;
    case MESSAGE_BOUNDARY:
        samples->inputs[0] = (struct log_input){1, {samples->data, 60}};
        samples->inputs[1] = (struct log_input){0, {NULL, 0}};
        samples->inputs[2] = (struct log_input){3, {samples->data + 9, 1514}};
        message.boundary =
            (struct message_boundary){1, 2, 3, 5, 6, 7, 8, 9, 10, true, 3, samples->inputs};
        break;
    case MESSAGE_ACK: message.ack = (struct message_ack){1, 2000, 3000000, 4000000000}; break;
    case MESSAGE_PROTECTED: message.protected_ = (struct message_protected){3, 99}; break;
    case MESSAGE_HEARTBEAT: message.heartbeat = (struct message_heartbeat){3, 5, 7}; break;
    case MESSAGE_BYE:
        samples->parts[0] = (struct log_part){"register", 3, 8, 0x1234, {samples->data, 8}};
        samples->parts[1] = (struct log_part){"page", 1000000, 4096, 1, {NULL, 0}};
        message.bye = (struct message_bye){3, BYE_DIVERGED, "it diverged", 4711, 2, samples->parts};
        break;
    case MESSAGE_TYPE_END: break;
    }
    return message;
}

static inline struct message sample_at_limit(struct samples *samples, enum message_type type)
{
    const uint64_t max = UINT64_MAX;
    struct message message = sample_empty(type);
    const struct log_bytes description = {samples->data, LOG_MAX_DESCRIPTION};

    switch (type) {
    case MESSAGE_HELLO:
        message.hello =
            (struct message_hello){UINT32_MAX, samples->name, samples->name, max, description};
        break;
    case MESSAGE_WELCOME:
        message.welcome = (struct message_welcome){
            UINT32_MAX, samples->name, samples->name, max, description, UINT32_MAX, UINT32_MAX,
            UINT32_MAX, true,          max,           max, UINT32_MAX,  UINT32_MAX, UINT32_MAX};
        break;
    case MESSAGE_REFUSE:
        message.refuse = (struct message_refuse){UINT32_MAX, samples->reason};
        break;
    case MESSAGE_STATE_BEGIN:
        message.state_begin =
            (struct message_state_begin){max, max, max, max, max, max, max, max, max, max};
        break;
    case MESSAGE_STATE_CHUNK:
        message.state_chunk.data = (struct log_bytes){samples->data, LOG_MAX_CHUNK};
        break;
    case MESSAGE_STATE_END: message.state_end = (struct message_state_end){max, max}; break;
    case MESSAGE_VALUE:
        message.value = (struct message_value){max, max, max, {samples->data, LOG_MAX_VALUE}};
        break;
    case MESSAGE_BOUNDARY:
        samples_fill_inputs(samples);
        message.boundary = (struct message_boundary){max,
                                                     max,
                                                     max,
                                                     max,
                                                     max,
                                                     max,
                                                     max,
                                                     max,
                                                     UINT32_MAX,
                                                     true,
                                                     LOG_MAX_INPUTS,
                                                     samples->inputs};
        break;
    case MESSAGE_ACK: message.ack = (struct message_ack){max, max, max, max}; break;
    case MESSAGE_PROTECTED: message.protected_ = (struct message_protected){max, max}; break;
    case MESSAGE_HEARTBEAT: message.heartbeat = (struct message_heartbeat){max, max, max}; break;
    case MESSAGE_BYE:
        for (size_t i = 0; i < LOG_MAX_PARTS; i++) {
            samples->parts[i] = (struct log_part){
                samples->name, max, max, max, {samples->data, LOG_MAX_PART_VALUE}};
        }
        message.bye = (struct message_bye){max, UINT32_MAX,    samples->reason,
                                           max, LOG_MAX_PARTS, samples->parts};
        break;
    case MESSAGE_TYPE_END: break;
    }
    return message;
}

static inline struct message sample_make(struct samples *samples, enum message_type type,
                                         enum sample_kind kind)
{
    switch (kind) {
    case SAMPLE_ORDINARY: return sample_ordinary(samples, type);
    case SAMPLE_AT_LIMIT: return sample_at_limit(samples, type);
    case SAMPLE_EMPTY:
    case SAMPLE_KIND_END: break;
    }
    return sample_empty(type);
}

static inline bool same_bytes(struct log_bytes a, struct log_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* NULL is the empty text. */
static inline bool same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static inline bool same_boundary(const struct message_boundary *a, const struct message_boundary *b)
{
    if (a->lsn != b->lsn || a->term != b->term || a->position != b->position ||
        a->digest != b->digest || a->clock_ns != b->clock_ns || a->rate_q32 != b->rate_q32 ||
        a->next_length != b->next_length || a->released != b->released || a->chain != b->chain ||
        a->final != b->final || a->input_count != b->input_count) {
        return false;
    }
    for (size_t i = 0; i < a->input_count; i++) {
        if (a->inputs[i].device != b->inputs[i].device ||
            !same_bytes(a->inputs[i].data, b->inputs[i].data)) {
            return false;
        }
    }
    return true;
}

static inline bool same_welcome(const struct message_welcome *a, const struct message_welcome *b)
{
    return a->version == b->version && same_text(a->name, b->name) &&
           same_text(a->replica, b->replica) && a->term == b->term &&
           same_bytes(a->description, b->description) && a->protocol == b->protocol &&
           a->heartbeat_ms == b->heartbeat_ms && a->timeout_ms == b->timeout_ms &&
           a->arbitrated == b->arbitrated && a->lag_epochs == b->lag_epochs &&
           a->epoch_length == b->epoch_length && a->lag_policy == b->lag_policy &&
           a->epoch_min_us == b->epoch_min_us && a->epoch_max_us == b->epoch_max_us;
}

static inline bool same_state_begin(const struct message_state_begin *a,
                                    const struct message_state_begin *b)
{
    return a->term == b->term && a->lsn == b->lsn && a->position == b->position &&
           a->epoch == b->epoch && a->length == b->length && a->clock_ns == b->clock_ns &&
           a->rate_q32 == b->rate_q32 && a->outputs == b->outputs && a->chain == b->chain &&
           a->estimate == b->estimate;
}

static inline bool same_bye(const struct message_bye *a, const struct message_bye *b)
{
    bool same = a->term == b->term && a->code == b->code && same_text(a->reason, b->reason) &&
                a->position == b->position && a->part_count == b->part_count;
    for (size_t i = 0; same && i < a->part_count; i++) {
        const struct log_part *left = &a->parts[i], *right = &b->parts[i];
        same = same_text(left->name, right->name) && left->index == right->index &&
               left->size == right->size && left->digest == right->digest &&
               same_bytes(left->value, right->value);
    }
    return same;
}

static inline bool same_message(const struct message *a, const struct message *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case MESSAGE_HELLO:
        return a->hello.version == b->hello.version && same_text(a->hello.name, b->hello.name) &&
               same_text(a->hello.replica, b->hello.replica) && a->hello.term == b->hello.term &&
               same_bytes(a->hello.description, b->hello.description);
    case MESSAGE_WELCOME: return same_welcome(&a->welcome, &b->welcome);
    case MESSAGE_REFUSE:
        return a->refuse.code == b->refuse.code && same_text(a->refuse.reason, b->refuse.reason);
    case MESSAGE_STATE_BEGIN: return same_state_begin(&a->state_begin, &b->state_begin);
    case MESSAGE_STATE_CHUNK: return same_bytes(a->state_chunk.data, b->state_chunk.data);
    case MESSAGE_STATE_END:
        return a->state_end.size == b->state_end.size && a->state_end.digest == b->state_end.digest;
    case MESSAGE_VALUE:
        return a->value.lsn == b->value.lsn && a->value.term == b->value.term &&
               a->value.position == b->value.position && same_bytes(a->value.data, b->value.data);
    case MESSAGE_BOUNDARY: return same_boundary(&a->boundary, &b->boundary);
    case MESSAGE_ACK:
        return a->ack.term == b->ack.term && a->ack.received == b->ack.received &&
               a->ack.consumed == b->ack.consumed && a->ack.position == b->ack.position;
    case MESSAGE_PROTECTED:
        return a->protected_.term == b->protected_.term && a->protected_.lsn == b->protected_.lsn;
    case MESSAGE_HEARTBEAT:
        return a->heartbeat.term == b->heartbeat.term &&
               a->heartbeat.position == b->heartbeat.position &&
               a->heartbeat.released == b->heartbeat.released;
    case MESSAGE_BYE: return same_bye(&a->bye, &b->bye);
    case MESSAGE_TYPE_END: break;
    }
    return false;
}

#endif

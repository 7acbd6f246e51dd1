/*
 * The messages of the log and of the channel, decoded.
 *
 * These structs are what the engine reads and writes; logging/codec.h turns them into frames and
 * back; logging/log.proto says what each field means. Pointers inside a message are borrowed: for a
 * message to be encoded they belong to whoever made it, for a decoded one they point into the same
 * allocation and live until message_free().
 *
 * Text holds no NUL, and names no control characters; otherwise it is bytes, and whoever shows a
 * peer's reason to people makes it fit to be shown. To an encoder NULL is the empty text; a decoder
 * never gives NULL. Empty data may be NULL. Codes are not checked: a later version may have more of
 * them.
 */
#ifndef LOGGING_MESSAGE_H
#define LOGGING_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_VERSION 3u

/* Limits. A message beyond one of them is refused by encoder and decoder alike. */
#define LOG_MAX_INPUT       (128u * 1024) /* bytes of one input */
#define LOG_MAX_INPUTS      1024u         /* inputs of one boundary */
#define LOG_MAX_INPUT_BYTES (768u * 1024) /* bytes of all inputs of one boundary */
#define LOG_MAX_VALUE       4096u         /* bytes of one value */
#define LOG_MAX_CHUNK       (128u * 1024) /* bytes of one chunk of state */
#define LOG_MAX_DESCRIPTION (64u * 1024)  /* bytes of a machine's description */
#define LOG_MAX_NAME        64u           /* bytes of a machine's or replica's name */
#define LOG_MAX_REASON      512u          /* bytes of a reason */
#define LOG_MAX_PARTS       128u          /* parts of a state in a BYE */
#define LOG_MAX_PART_VALUE  8u            /* bytes of a part that is told whole */
#define LOG_MAX_PAYLOAD     (1024u * 1024)

enum message_type {
    MESSAGE_HELLO = 1,
    MESSAGE_WELCOME,
    MESSAGE_REFUSE,
    MESSAGE_STATE_BEGIN,
    MESSAGE_STATE_CHUNK,
    MESSAGE_STATE_END,
    MESSAGE_VALUE,
    MESSAGE_BOUNDARY,
    MESSAGE_ACK,
    MESSAGE_PROTECTED,
    MESSAGE_HEARTBEAT,
    MESSAGE_BYE,
    MESSAGE_TYPE_END
};

enum refuse_code {
    REFUSE_VERSION = 1, /* another version of the protocol */
    REFUSE_NAME,        /* another machine's name */
    REFUSE_DESCRIPTION, /* another machine description */
    REFUSE_TERM,        /* the joiner knows a later term: this primary is stale */
    REFUSE_SECOND,      /* there is a backup already */
    REFUSE_ROLE,        /* not a primary (now) */
    REFUSE_ARBITER,     /* one of the two uses an arbiter and the other none */
};

enum bye_code {
    BYE_STOPPED = 1, /* the machine was stopped in good order: do not take over */
    BYE_POWEROFF,    /* the guest powered off: do not take over */
    BYE_LEAVING,     /* this backup leaves */
    BYE_DIVERGED,    /* this backup's digest disagrees */
    BYE_FAILED,      /* a failure of this replica; the reason says which */
};

struct log_bytes {
    const uint8_t *data;
    size_t size;
};

struct log_input {
    uint32_t device;
    struct log_bytes data;
};

struct message_hello {
    uint32_t version;
    const char *name;
    const char *replica;
    uint64_t term;
    struct log_bytes description;
};

struct message_welcome {
    uint32_t version;
    const char *name;
    const char *replica;
    uint64_t term;
    struct log_bytes description;
    uint32_t protocol;
    uint32_t heartbeat_ms;
    uint32_t timeout_ms;
    bool arbitrated;
    uint64_t lag_epochs;
    uint64_t epoch_length;
    uint32_t lag_policy;
    uint32_t epoch_min_us;
    uint32_t epoch_max_us;
};

struct message_refuse {
    uint32_t code;
    const char *reason;
};

struct message_state_begin {
    uint64_t term;
    uint64_t lsn;
    uint64_t position;
    uint64_t epoch;
    uint64_t length;
    uint64_t clock_ns;
    uint64_t rate_q32;
    uint64_t outputs;
    uint64_t chain;
    uint64_t estimate;
};

struct message_state_chunk {
    struct log_bytes data;
};

struct message_state_end {
    uint64_t size;
    uint64_t digest;
};

struct message_value {
    uint64_t lsn;
    uint64_t term;
    uint64_t position;
    struct log_bytes data;
};

struct message_boundary {
    uint64_t lsn;
    uint64_t term;
    uint64_t position;
    uint64_t digest;
    uint64_t clock_ns;
    uint64_t rate_q32;
    uint64_t next_length;
    uint64_t released;
    uint32_t chain;
    bool final;
    size_t input_count;
    const struct log_input *inputs;
};

struct message_ack {
    uint64_t term;
    uint64_t received;
    uint64_t consumed;
    uint64_t position;
};

struct message_protected {
    uint64_t term;
    uint64_t lsn;
};

struct message_heartbeat {
    uint64_t term;
    uint64_t position;
    uint64_t released;
};

/* A part of a machine's state: `value` is its data, if it has no more than LOG_MAX_PART_VALUE
 * bytes. The name is a name as those of machines are. */
struct log_part {
    const char *name;
    uint64_t index;
    uint64_t size;
    uint64_t digest;
    struct log_bytes value;
};

struct message_bye {
    uint64_t term;
    uint32_t code;
    const char *reason;
    uint64_t position; /* diverged: where, and the parts of the state there */
    size_t part_count;
    const struct log_part *parts;
};

struct message {
    enum message_type type;
    union {
        struct message_hello hello;
        struct message_welcome welcome;
        struct message_refuse refuse;
        struct message_state_begin state_begin;
        struct message_state_chunk state_chunk;
        struct message_state_end state_end;
        struct message_value value;
        struct message_boundary boundary;
        struct message_ack ack;
        struct message_protected protected_;
        struct message_heartbeat heartbeat;
        struct message_bye bye;
    };
};

/* Name of a type, for messages to people: "BOUNDARY". "?" for what is none. */
const char *message_type_name(enum message_type type);

#endif

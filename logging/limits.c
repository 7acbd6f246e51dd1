#include "logging/limits.h"

#include <assert.h>
#include <string.h>

/* Numbers take a tag and at most ten bytes each; no message has more than eleven of them. The
 * handshake has room for what later versions may add to it. */
#define NUMBERS_SIZE   128u
#define HANDSHAKE_ROOM 4096u
#define PART_SIZE      (LOG_MAX_NAME + LOG_MAX_PART_VALUE + 64u)
#define INPUT_OVERHEAD 16u /* two tags, two lengths of at most three bytes, a tag and a device */

static_assert(LOG_MAX_INPUT_BYTES + LOG_MAX_INPUTS * INPUT_OVERHEAD + NUMBERS_SIZE <=
                  LOG_MAX_PAYLOAD,
              "the largest boundary fits into a payload");

size_t limits_payload(uint32_t type)
{
    switch (type) {
    case MESSAGE_HELLO:
    case MESSAGE_WELCOME: return LOG_MAX_DESCRIPTION + HANDSHAKE_ROOM;
    case MESSAGE_REFUSE: return LOG_MAX_REASON + HANDSHAKE_ROOM;
    case MESSAGE_STATE_CHUNK: return LOG_MAX_CHUNK + NUMBERS_SIZE;
    case MESSAGE_VALUE: return LOG_MAX_VALUE + NUMBERS_SIZE;
    case MESSAGE_BOUNDARY: return LOG_MAX_PAYLOAD;
    case MESSAGE_BYE: return LOG_MAX_REASON + NUMBERS_SIZE + LOG_MAX_PARTS * PART_SIZE;
    case MESSAGE_STATE_BEGIN:
    case MESSAGE_STATE_END:
    case MESSAGE_ACK:
    case MESSAGE_PROTECTED:
    case MESSAGE_HEARTBEAT: return NUMBERS_SIZE;
    default: return 0;
    }
}

static bool reason_ok(const char *reason)
{
    return reason == NULL || strnlen(reason, LOG_MAX_REASON + 1) <= LOG_MAX_REASON;
}

/* Names go into records of lines and onto terminals, so they hold no control characters. */
static bool name_ok(const char *name)
{
    size_t size = 0;

    if (name == NULL) {
        return true;
    }
    for (; name[size] != '\0'; size++) {
        uint8_t byte = (uint8_t)name[size];

        if (size == LOG_MAX_NAME || byte < 0x20 || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool inputs_ok(const struct message_boundary *boundary)
{
    size_t total = 0;

    if (boundary->input_count > LOG_MAX_INPUTS) {
        return false;
    }
    for (size_t i = 0; i < boundary->input_count; i++) {
        if (boundary->inputs[i].data.size > LOG_MAX_INPUT) {
            return false;
        }
        total += boundary->inputs[i].data.size;
    }
    return total <= LOG_MAX_INPUT_BYTES;
}

static bool bye_ok(const struct message_bye *bye)
{
    if (!reason_ok(bye->reason) || bye->part_count > LOG_MAX_PARTS) {
        return false;
    }
    for (size_t i = 0; i < bye->part_count; i++) {
        if (!name_ok(bye->parts[i].name) || bye->parts[i].value.size > LOG_MAX_PART_VALUE) {
            return false;
        }
    }
    return true;
}

static bool fields_ok(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        return name_ok(message->hello.name) && name_ok(message->hello.replica) &&
               message->hello.description.size <= LOG_MAX_DESCRIPTION;
    case MESSAGE_WELCOME:
        return name_ok(message->welcome.name) && name_ok(message->welcome.replica) &&
               message->welcome.description.size <= LOG_MAX_DESCRIPTION;
    case MESSAGE_REFUSE: return reason_ok(message->refuse.reason);
    case MESSAGE_STATE_CHUNK: return message->state_chunk.data.size <= LOG_MAX_CHUNK;
    case MESSAGE_VALUE: return message->value.data.size <= LOG_MAX_VALUE;
    case MESSAGE_BOUNDARY: return inputs_ok(&message->boundary);
    case MESSAGE_BYE: return bye_ok(&message->bye);
    case MESSAGE_STATE_BEGIN:
    case MESSAGE_STATE_END:
    case MESSAGE_ACK:
    case MESSAGE_PROTECTED:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_TYPE_END: break;
    }
    return true;
}

enum codec_result limits_check(const struct message *message)
{
    if (limits_payload(message->type) == 0) {
        return CODEC_E_TYPE;
    }
    return fields_ok(message) ? CODEC_OK : CODEC_E_LIMIT;
}

#include "logging/message.h"

const char *message_type_name(enum message_type type)
{
    static const char *const names[MESSAGE_TYPE_END] = {
        [MESSAGE_HELLO] = "HELLO",
        [MESSAGE_WELCOME] = "WELCOME",
        [MESSAGE_REFUSE] = "REFUSE",
        [MESSAGE_STATE_BEGIN] = "STATE_BEGIN",
        [MESSAGE_STATE_CHUNK] = "STATE_CHUNK",
        [MESSAGE_STATE_END] = "STATE_END",
        [MESSAGE_VALUE] = "VALUE",
        [MESSAGE_BOUNDARY] = "BOUNDARY",
        [MESSAGE_ACK] = "ACK",
        [MESSAGE_PROTECTED] = "PROTECTED",
        [MESSAGE_HEARTBEAT] = "HEARTBEAT",
        [MESSAGE_BYE] = "BYE",
    };

    if ((unsigned)type >= MESSAGE_TYPE_END || names[type] == NULL) {
        return "?";
    }
    return names[type];
}

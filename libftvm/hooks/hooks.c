#include "libftvm/hooks.h"

#define SAME_ORDER(NAME)                                                                           \
    _Static_assert(HOOKS_SENT_##NAME - HOOKS_SENT_HELLO == MESSAGE_##NAME - MESSAGE_HELLO &&       \
                       HOOKS_RECEIVED_##NAME - HOOKS_RECEIVED_HELLO ==                             \
                           MESSAGE_##NAME - MESSAGE_HELLO,                                         \
                   "points are in the order of the messages");
SAME_ORDER(WELCOME)
SAME_ORDER(REFUSE)
SAME_ORDER(STATE_BEGIN)
SAME_ORDER(STATE_CHUNK)
SAME_ORDER(STATE_END)
SAME_ORDER(VALUE)
SAME_ORDER(BOUNDARY)
SAME_ORDER(ACK)
SAME_ORDER(PROTECTED)
SAME_ORDER(HEARTBEAT)
SAME_ORDER(BYE)
_Static_assert(HOOKS_RECEIVED_HELLO - HOOKS_SENT_HELLO == MESSAGE_TYPE_END - MESSAGE_HELLO,
               "every message has its points");

int hook_attach(struct hooks_page **hooks, char *error, size_t error_size)
{
    return hooks_page_attach_named(hooks, error, error_size);
}

void hook_detach(struct hooks_page *hooks)
{
    hooks_page_unmap(hooks);
}

void hook_pass(struct hooks_page *hooks, enum hooks_point point)
{
    if (hooks)
        hooks_page_pass(hooks, point);
}

void hook_sent(struct hooks_page *hooks, enum message_type type)
{
    hook_pass(hooks, (enum hooks_point)(HOOKS_SENT_HELLO + (type - MESSAGE_HELLO)));
}

void hook_received(struct hooks_page *hooks, enum message_type type)
{
    hook_pass(hooks, (enum hooks_point)(HOOKS_RECEIVED_HELLO + (type - MESSAGE_HELLO)));
}

uint64_t hook_monotonic_ns(const struct hooks_page *hooks)
{
    return hooks ? atomic_load(&hooks->monotonic_ns) : 0;
}

int64_t hook_wall_ns(const struct hooks_page *hooks)
{
    return hooks ? atomic_load(&hooks->wall_ns) : 0;
}

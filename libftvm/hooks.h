/*
 * The points at which the fault lab can reach into a node: where a message was sent, an output is
 * about to leave, a claim was answered. In the build with hooks (`make HOOKS=1`) a page of memory
 * that the environment names says what happens there, and how far this node's clocks are off
 * (fault-injection/hooks/page.h). In every other build these functions are nothing, and a node has
 * no page.
 */
#ifndef LIBFTVM_HOOKS_H
#define LIBFTVM_HOOKS_H

#include <stddef.h>

#include "fault-injection/hooks/page.h"
#include "logging/message.h"

#ifdef HOOKS

/* No page, and 0, if the environment names none; if the one that it names cannot be had, a negative
 * errno and a line that says so. */
int hook_attach(struct hooks_page **hooks, char *error, size_t error_size);
void hook_detach(struct hooks_page *hooks);

/* May not return: see enum hooks_action. No page is fine, for all of them. */
void hook_pass(struct hooks_page *hooks, enum hooks_point point);
void hook_sent(struct hooks_page *hooks, enum message_type type);
void hook_received(struct hooks_page *hooks, enum message_type type);

/* What to add to a reading of the host's clocks. */
uint64_t hook_monotonic_ns(const struct hooks_page *hooks);
int64_t hook_wall_ns(const struct hooks_page *hooks);

#else

static inline int hook_attach(struct hooks_page **hooks, char *error, size_t error_size)
{
    (void)error;
    (void)error_size;
    *hooks = NULL;
    return 0;
}

static inline void hook_detach(struct hooks_page *hooks)
{
    (void)hooks;
}

static inline void hook_pass(struct hooks_page *hooks, enum hooks_point point)
{
    (void)hooks;
    (void)point;
}

static inline void hook_sent(struct hooks_page *hooks, enum message_type type)
{
    (void)hooks;
    (void)type;
}

static inline void hook_received(struct hooks_page *hooks, enum message_type type)
{
    (void)hooks;
    (void)type;
}

static inline uint64_t hook_monotonic_ns(const struct hooks_page *hooks)
{
    (void)hooks;
    return 0;
}

static inline int64_t hook_wall_ns(const struct hooks_page *hooks)
{
    (void)hooks;
    return 0;
}

#endif

#endif

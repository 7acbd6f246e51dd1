/*
 * No arbiter: every claim wins. This is the fail-stop assumption of Bressoud and Schneider: a
 * replica whose messages stop has stopped. Where a network can part, it makes two primaries.
 */
#include "replication/arbiter_backend.h"

#include <errno.h>

/* As if the record always stood as the claimant expects it. */
static enum arbiter_outcome none_apply(struct arbiter *arbiter,
                                       const struct arbiter_request *request,
                                       struct arbiter_record *current,
                                       struct arbiter_reason *reason)
{
    struct arbiter_request first = {REQUEST_START, request->claim};
    enum arbiter_outcome outcome;

    (void)arbiter;
    if (request->kind == REQUEST_READ) {
        arbiter_because(reason, "there is no arbiter");
        return ARBITER_ABSENT;
    }
    outcome = arbiter_decide(&first, NULL, current, reason);
    if (request->kind == REQUEST_CLAIM) {
        current->term = request->claim.term + 1;
    } else if (request->kind == REQUEST_RELEASE) {
        current->term = request->claim.term;
        current->active = false;
    }
    return outcome;
}

static void none_close(struct arbiter *arbiter)
{
    memory_release(arbiter->memory, arbiter);
}

static const struct arbiter_ops none_ops = {.apply = none_apply, .close = none_close};

int arbiter_none_open(struct arbiter **arbiter, const struct memory *memory)
{
    struct arbiter *none = memory_allocate(memory, sizeof(*none));

    if (none == NULL) {
        return -ENOMEM;
    }
    none->ops = &none_ops;
    none->memory = memory;
    *arbiter = none;
    return 0;
}

#include "replication/arbiter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replication/arbiter_backend.h"
#include "replication/arbiter_file.h"

#define FILE_PREFIX "file:"

void arbiter_because(struct arbiter_reason *reason, const char *format, ...)
{
    va_list arguments;

    if (reason->size == 0) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(reason->text, reason->size, format, arguments);
    va_end(arguments);
}

static struct arbiter_reason reason_in(char *error, size_t error_size)
{
    struct arbiter_reason reason = {error, error == NULL ? 0 : error_size};

    if (reason.size > 0) {
        reason.text[0] = '\0';
    }
    return reason;
}

int arbiter_open(struct arbiter **arbiter, const struct memory *memory, const char *spec,
                 char *error, size_t error_size)
{
    struct arbiter_reason reason = reason_in(error, error_size);
    int result = -EINVAL;

    if (strcmp(spec, "none") == 0) {
        result = arbiter_none_open(arbiter, memory);
    } else if (strncmp(spec, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
        result =
            arbiter_file_open(arbiter, memory, spec + strlen(FILE_PREFIX), &arbiter_file_calls);
    }
    if (result == -EINVAL) {
        arbiter_because(&reason, "arbiter \"%s\" is neither \"file:PATH\" nor \"none\"", spec);
    } else if (result < 0) {
        arbiter_because(&reason, "out of memory");
    }
    return result;
}

void arbiter_close(struct arbiter *arbiter)
{
    if (arbiter != NULL) {
        arbiter->ops->close(arbiter);
    }
}

static enum arbiter_outcome apply(struct arbiter *arbiter, const struct arbiter_request *request,
                                  struct arbiter_record *current, struct arbiter_reason *reason)
{
    struct arbiter_record unwanted;
    enum arbiter_outcome outcome;

    if (current == NULL) {
        current = &unwanted;
    }
    memset(current, 0, sizeof(*current));
    outcome = arbiter->ops->apply(arbiter, request, current, reason);
    if (outcome == ARBITER_WON) {
        /* On the way to a win something may have been worth a reason: that there was no record. */
        arbiter_because(reason, "%s", "");
    }
    return outcome;
}

static enum arbiter_outcome ask(struct arbiter *arbiter, enum arbiter_request_kind kind,
                                const struct arbiter_claim *claim, struct arbiter_record *current,
                                char *error, size_t error_size)
{
    struct arbiter_request request = {kind, *claim};
    struct arbiter_reason reason = reason_in(error, error_size);

    if (!arbiter_name_valid(claim->name) || !arbiter_name_valid(claim->owner)) {
        if (current != NULL) {
            memset(current, 0, sizeof(*current));
        }
        arbiter_because(&reason,
                        "names of machines and replicas have 1 to %u bytes and no control "
                        "characters",
                        LOG_MAX_NAME);
        return ARBITER_UNREACHABLE;
    }
    return apply(arbiter, &request, current, &reason);
}

enum arbiter_outcome arbiter_start(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                   struct arbiter_record *current, char *error, size_t error_size)
{
    return ask(arbiter, REQUEST_START, claim, current, error, error_size);
}

enum arbiter_outcome arbiter_claim(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                   struct arbiter_record *current, char *error, size_t error_size)
{
    return ask(arbiter, REQUEST_CLAIM, claim, current, error, error_size);
}

enum arbiter_outcome arbiter_release(struct arbiter *arbiter, const struct arbiter_claim *claim,
                                     struct arbiter_record *current, char *error, size_t error_size)
{
    return ask(arbiter, REQUEST_RELEASE, claim, current, error, error_size);
}

enum arbiter_outcome arbiter_read(struct arbiter *arbiter, struct arbiter_record *current,
                                  char *error, size_t error_size)
{
    struct arbiter_request request = {.kind = REQUEST_READ};
    struct arbiter_reason reason = reason_in(error, error_size);

    return apply(arbiter, &request, current, &reason);
}

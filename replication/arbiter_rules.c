/* Who wins: a pure function of the request and of the record that stands. */
#include "replication/arbiter_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logging/mutant.h"

bool arbiter_name_valid(const char *name)
{
    size_t size = 0;

    if (name == NULL) {
        return false;
    }
    for (; name[size] != '\0'; size++) {
        unsigned char byte = (unsigned char)name[size];

        if (size == LOG_MAX_NAME || byte < 0x20 || byte == 0x7f) {
            return false;
        }
    }
    return size > 0;
}

static struct arbiter_record held_by(const struct arbiter_claim *claim, uint64_t term)
{
    struct arbiter_record record = {.term = term, .claim_id = claim->claim_id, .active = true};

    snprintf(record.name, sizeof(record.name), "%s", claim->name);
    snprintf(record.owner, sizeof(record.owner), "%s", claim->owner);
    record.since_ns = claim->now_ns;
    return record;
}

/* The answer to an earlier attempt of this very claim was lost: it is won already. */
static bool is_mine(const struct arbiter_claim *claim, const struct arbiter_record *record)
{
    return !MUTANT(ARBITER_FORGETS_WINNER) && record->active && claim->claim_id != 0 &&
           record->claim_id == claim->claim_id && strcmp(record->owner, claim->owner) == 0;
}

static enum arbiter_outcome held(const struct arbiter_record *record, struct arbiter_reason *reason)
{
    arbiter_because(reason, "term %" PRIu64 " of \"%s\" is %s \"%s\"", record->term, record->name,
                    record->active ? "held by" : "released by", record->owner);
    return ARBITER_LOST;
}

static enum arbiter_outcome next_term(const struct arbiter_claim *claim,
                                      const struct arbiter_record *record,
                                      struct arbiter_record *next, struct arbiter_reason *reason)
{
    if (record->term == UINT64_MAX) {
        arbiter_because(reason, "there is no term after %" PRIu64, record->term);
        return ARBITER_UNREACHABLE;
    }
    *next = held_by(claim, record->term + 1);
    return ARBITER_WON;
}

static enum arbiter_outcome decide_start(const struct arbiter_claim *claim,
                                         const struct arbiter_record *record,
                                         struct arbiter_record *next, struct arbiter_reason *reason)
{
    if (is_mine(claim, record)) {
        *next = *record;
        return ARBITER_WON;
    }
    if (record->active && !claim->take_over && !MUTANT(START_OVER_A_LIVING_ONE)) {
        return held(record, reason);
    }
    return next_term(claim, record, next, reason);
}

static enum arbiter_outcome decide_claim(const struct arbiter_claim *claim,
                                         const struct arbiter_record *record,
                                         struct arbiter_record *next, struct arbiter_reason *reason)
{
    if (record->term < claim->term && !MUTANT(ARBITER_BELIEVES_OLD_RECORD)) {
        arbiter_because(reason,
                        "the record has term %" PRIu64 ", which is older than term %" PRIu64
                        ": it was not written by this pair, or was restored from a copy",
                        record->term, claim->term);
        return ARBITER_UNREACHABLE;
    }
    if (record->term > claim->term && !MUTANT(ARBITER_IGNORES_TERM)) {
        if (record->term - claim->term == 1 && is_mine(claim, record)) {
            *next = *record;
            return ARBITER_WON;
        }
        return held(record, reason);
    }
    if (!record->active && !MUTANT(ARBITER_GRANTS_RELEASED)) {
        held(record, reason);
        return ARBITER_STOPPED;
    }
    return next_term(claim, record, next, reason);
}

static enum arbiter_outcome decide_release(const struct arbiter_claim *claim,
                                           const struct arbiter_record *record,
                                           struct arbiter_record *next,
                                           struct arbiter_reason *reason)
{
    bool is_owner = record->term == claim->term && strcmp(record->owner, claim->owner) == 0;

    if (!is_owner && !MUTANT(RELEASE_BY_ANOTHER)) {
        return held(record, reason);
    }
    *next = *record;
    if (record->active) {
        next->active = false;
        next->since_ns = claim->now_ns;
    }
    return ARBITER_WON;
}

enum arbiter_outcome arbiter_decide(const struct arbiter_request *request,
                                    const struct arbiter_record *record,
                                    struct arbiter_record *next, struct arbiter_reason *reason)
{
    const struct arbiter_claim *claim = &request->claim;

    if (record == NULL) {
        if (request->kind == REQUEST_START) {
            *next = held_by(claim, 1);
            return ARBITER_WON;
        }
        arbiter_because(reason, "there is no record; is the storage mounted?");
        return ARBITER_UNREACHABLE;
    }
    if (strcmp(record->name, claim->name) != 0) {
        arbiter_because(reason, "the record is that of machine \"%s\", not of \"%s\"", record->name,
                        claim->name);
        return ARBITER_UNREACHABLE;
    }
    switch (request->kind) {
    case REQUEST_START: return decide_start(claim, record, next, reason);
    case REQUEST_CLAIM: return decide_claim(claim, record, next, reason);
    case REQUEST_RELEASE: return decide_release(claim, record, next, reason);
    case REQUEST_READ: break;
    }
    return ARBITER_UNREACHABLE;
}

/*
 * The text of a record. Parsing is strict: what was read is written again and must give the same
 * bytes, so that there is one text for a record, and none that only looks like one.
 */
#include "replication/arbiter_backend.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logging/digest.h"

#define HEADING     "ftvm-arbiter "
#define VERSION     "1"
#define DIGEST_SEED 0

size_t arbiter_record_format(const struct arbiter_record *record, char text[ARBITER_TEXT_SIZE])
{
    int body = snprintf(text, ARBITER_TEXT_SIZE,
                        HEADING VERSION "\n"
                                        "name=%s\n"
                                        "term=%" PRIu64 "\n"
                                        "owner=%s\n"
                                        "claim_id=%016" PRIx64 "\n"
                                        "state=%s\n"
                                        "since_ns=%" PRIu64 "\n",
                        record->name, record->term, record->owner, record->claim_id,
                        record->active ? "active" : "released", record->since_ns);
    size_t size = (size_t)body;

    assert(body > 0 && size < ARBITER_TEXT_SIZE);
    size += (size_t)snprintf(text + size, ARBITER_TEXT_SIZE - size, "xxh3=%016" PRIx64 "\n",
                             digest_bytes(DIGEST_SEED, text, size));
    assert(size < ARBITER_TEXT_SIZE);
    return size;
}

/* The value of the line `key=value` at *at, which moves on to the next line. The line's end is made
 * a NUL. */
static char *value_of(char **at, const char *key)
{
    size_t key_size = strlen(key);
    char *line = *at;
    char *end = strchr(line, '\n');

    if (end == NULL || strncmp(line, key, key_size) != 0 || line[key_size] != '=') {
        return NULL;
    }
    *end = '\0';
    *at = end + 1;
    return line + key_size + 1;
}

static bool take_name(char **at, const char *key, char name[ARBITER_NAME_SIZE])
{
    const char *value = value_of(at, key);

    if (!arbiter_name_valid(value)) {
        return false;
    }
    memcpy(name, value, strlen(value) + 1);
    return true;
}

/* Too lenient by itself, but see arbiter_record_parse(): the number must be written the way it was
 * read. */
static bool take_number(char **at, const char *key, const char *format, uint64_t *number)
{
    const char *value = value_of(at, key);

    return value != NULL && sscanf(value, format, number) == 1;
}

static bool take_state(char **at, bool *active)
{
    const char *value = value_of(at, "state");

    *active = value != NULL && strcmp(value, "active") == 0;
    return value != NULL;
}

static bool take_all(char *text, struct arbiter_record *record)
{
    char *at = strchr(text, '\n') + 1;

    return take_name(&at, "name", record->name) &&
           take_number(&at, "term", "%" SCNu64, &record->term) &&
           take_name(&at, "owner", record->owner) &&
           take_number(&at, "claim_id", "%" SCNx64, &record->claim_id) &&
           take_state(&at, &record->active) &&
           take_number(&at, "since_ns", "%" SCNu64, &record->since_ns);
}

bool arbiter_record_parse(const char *text, size_t size, struct arbiter_record *record,
                          struct arbiter_reason *reason)
{
    char copy[ARBITER_TEXT_SIZE];
    char again[ARBITER_TEXT_SIZE];

    memset(record, 0, sizeof(*record));
    if (size >= sizeof(copy) || size < strlen(HEADING) ||
        memcmp(text, HEADING, strlen(HEADING)) != 0 || memchr(text, '\n', size) == NULL) {
        arbiter_because(reason, "this is no arbiter record");
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strncmp(copy + strlen(HEADING), VERSION "\n", strlen(VERSION "\n")) != 0) {
        arbiter_because(reason, "the record is of a version other than " VERSION);
        return false;
    }
    if (!take_all(copy, record) || arbiter_record_format(record, again) != size ||
        memcmp(again, text, size) != 0) {
        memset(record, 0, sizeof(*record));
        arbiter_because(reason, "the record is damaged");
        return false;
    }
    return true;
}

/* A place for a record in a directory of its own, and the arbiter's calls as one-liners. */
#ifndef TESTS_REPLICATION_ARBITER_FIXTURE_H
#define TESTS_REPLICATION_ARBITER_FIXTURE_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replication/arbiter.h"
#include "replication/arbiter_backend.h"
#include "replication/arbiter_file.h"

struct place {
    char directory[64];
    char path[96];
    char lock_path[128];
    char next_path[128];
    const struct arbiter_file_calls *calls; /* the system's, unless a test sets its own */
};

struct answer {
    enum arbiter_outcome outcome;
    struct arbiter_record record;
    char error[ARBITER_ERROR_SIZE];
};

static inline struct place place_new(void)
{
    struct place place = {.calls = &arbiter_file_calls};

    /* In memory: hundreds of records are made, and each is synced to what lies below. */
    snprintf(place.directory, sizeof(place.directory), "/dev/shm/ftvm-arbiter-XXXXXX");
    cr_assert_not_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/record", place.directory);
    snprintf(place.lock_path, sizeof(place.lock_path), "%s.lock", place.path);
    snprintf(place.next_path, sizeof(place.next_path), "%s.tmp", place.path);
    return place;
}

static inline void place_remove(const struct place *place)
{
    unlink(place->path);
    unlink(place->lock_path);
    unlink(place->next_path);
    cr_assert_eq(rmdir(place->directory), 0, "something else was left behind");
}

static inline void place_write_text(const struct place *place, const char *text, size_t size)
{
    FILE *file = fopen(place->path, "w");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

static inline size_t place_read_text(const struct place *place, char text[ARBITER_TEXT_SIZE])
{
    FILE *file = fopen(place->path, "r");
    size_t size;

    cr_assert_not_null(file);
    size = fread(text, 1, ARBITER_TEXT_SIZE, file);
    fclose(file);
    return size;
}

/* A record, with the lock's file beside it, as if a start had made it. */
static inline void place_write(const struct place *place, const struct arbiter_record *record)
{
    char text[ARBITER_TEXT_SIZE];
    FILE *lock = fopen(place->lock_path, "w");

    cr_assert_not_null(lock);
    fclose(lock);
    place_write_text(place, text, arbiter_record_format(record, text));
}

static inline struct arbiter_claim claim_by(const char *owner, uint64_t term, uint64_t claim_id)
{
    return (struct arbiter_claim){
        .name = "web", .owner = owner, .term = term, .claim_id = claim_id, .now_ns = 1000 + term};
}

/* By a handle of its own each, as if by another process. */
static inline struct answer answer_at(const struct place *place, enum arbiter_request_kind kind,
                                      struct arbiter_claim claim)
{
    struct answer answer = {.outcome = ARBITER_UNREACHABLE};
    struct arbiter *arbiter;
    char *error = answer.error;

    cr_assert_eq(arbiter_file_open(&arbiter, NULL, place->path, place->calls), 0);
    switch (kind) {
    case REQUEST_START:
        answer.outcome =
            arbiter_start(arbiter, &claim, &answer.record, error, sizeof(answer.error));
        break;
    case REQUEST_CLAIM:
        answer.outcome =
            arbiter_claim(arbiter, &claim, &answer.record, error, sizeof(answer.error));
        break;
    case REQUEST_RELEASE:
        answer.outcome =
            arbiter_release(arbiter, &claim, &answer.record, error, sizeof(answer.error));
        break;
    case REQUEST_READ:
        answer.outcome = arbiter_read(arbiter, &answer.record, error, sizeof(answer.error));
        break;
    }
    arbiter_close(arbiter);
    return answer;
}

static inline struct answer start_at(const struct place *place, struct arbiter_claim claim)
{
    return answer_at(place, REQUEST_START, claim);
}

static inline struct answer claim_at(const struct place *place, struct arbiter_claim claim)
{
    return answer_at(place, REQUEST_CLAIM, claim);
}

static inline struct answer release_at(const struct place *place, struct arbiter_claim claim)
{
    return answer_at(place, REQUEST_RELEASE, claim);
}

static inline struct answer read_at(const struct place *place)
{
    return answer_at(place, REQUEST_READ, (struct arbiter_claim){.name = NULL});
}

#endif

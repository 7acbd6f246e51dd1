/*
 * Inside the arbiter: what a backend is, and the rules that all of them follow. A backend brings a
 * record that can be read and replaced atomically; whether a request wins against that record is
 * for arbiter_decide() alone. For arbiter*.c and their tests.
 */
#ifndef REPLICATION_ARBITER_BACKEND_H
#define REPLICATION_ARBITER_BACKEND_H

#include <stdarg.h>

#include "replication/arbiter.h"

enum arbiter_request_kind { REQUEST_START, REQUEST_CLAIM, REQUEST_RELEASE, REQUEST_READ };

struct arbiter_request {
    enum arbiter_request_kind kind;
    struct arbiter_claim claim; /* unused for a read */
};

/* Where to say why, one line. */
struct arbiter_reason {
    char *text;
    size_t size;
};

struct arbiter_ops {
    /* `current` is zeroed before the call, and is filled if what stands afterwards is known. */
    enum arbiter_outcome (*apply)(struct arbiter *arbiter, const struct arbiter_request *request,
                                  struct arbiter_record *current, struct arbiter_reason *reason);
    void (*close)(struct arbiter *arbiter);
};

/* The start of every backend's own struct. */
struct arbiter {
    const struct arbiter_ops *ops;
    const struct memory *memory;
};

int arbiter_none_open(struct arbiter **arbiter, const struct memory *memory);

__attribute__((format(printf, 2, 3))) void arbiter_because(struct arbiter_reason *reason,
                                                           const char *format, ...);

/* ARBITER_WON: the request wins if `next` becomes the record, and only then. It is to be written
 * even if it equals what stands: an earlier attempt may have failed before it was on stable
 * storage. Everything else: final, nothing is to be written. `record` is NULL if there is none. Not
 * for reads. */
enum arbiter_outcome arbiter_decide(const struct arbiter_request *request,
                                    const struct arbiter_record *record,
                                    struct arbiter_record *next, struct arbiter_reason *reason);

bool arbiter_name_valid(const char *name);

/* The record as text: lines of key=value in a fixed order, closed by a digest over all before it.
 */
#define ARBITER_TEXT_SIZE 512

/* Returns its size, which is less than ARBITER_TEXT_SIZE. */
size_t arbiter_record_format(const struct arbiter_record *record, char text[ARBITER_TEXT_SIZE]);

/* False, with a reason, for anything that the format function would not have written. */
bool arbiter_record_parse(const char *text, size_t size, struct arbiter_record *record,
                          struct arbiter_reason *reason);

#endif

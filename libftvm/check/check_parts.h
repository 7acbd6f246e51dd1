/*
 * What ops.digest tells at one position: kept of a run that is recorded, compared in one that runs
 * again. Of each part its name, number, size and digest are kept, the bytes of short ones, and
 * those of long ones as far as the keeper's budget goes.
 */
#ifndef LIBFTVM_CHECK_PARTS_H
#define LIBFTVM_CHECK_PARTS_H

#include "libftvm/check/check_arena.h"
#include "libftvm/check/check_difference.h"
#include "libftvm/digest.h"

#define PART_VALUE_SIZE 8u         /* kept always */
#define KEPT_PARTS      (1u << 20) /* what a keeper has to begin with */

/* Names of parts, each once. They live as long as the check does, longer than any node. */
struct names {
    const char **list;
    size_t count, capacity;
    size_t last; /* found last: the next one mostly follows it */
    struct arena arena;
};

void names_release(struct names *names);

struct kept_part {
    const char *name; /* in struct names */
    uint64_t index;
    size_t size;
    uint64_t digest;
    const uint8_t *bytes; /* all of them; NULL: not kept */
};

struct kept_state {
    bool taken;
    bool whole;
    uint64_t value;
    uint64_t bytes; /* of all parts */
    size_t count;
    const struct kept_part *parts; /* NULL: not kept, but for the value */
};

/* How much a run may keep of its states. */
struct keeper {
    struct names *names;
    struct arena *arena;
    size_t parts_left; /* then only values are kept */
    size_t bytes_left; /* then no bytes of long parts are */
};

struct parts_source {
    const struct ftvm_machine_ops *ops;
    void *machine;
    uint64_t epoch; /* number of the one that ends; what is compared was kept at the same one */
};

/* Asks for the state and keeps it. 0 or FTVM_E_MEMORY. Without ops->digest nothing is taken. */
int parts_keep(const struct parts_source *source, bool whole, struct keeper *keeper,
               struct kept_state *state);

/* Asks for the state and compares it with one that was kept: 0, or 1 and the differences of state
 * are filled in, or FTVM_E_MEMORY. */
int parts_compare(const struct parts_source *source, const struct kept_state *kept,
                  struct names *names, struct difference *difference);

#endif

/*
 * What a run of a machine left behind: its log, and what the machine did at each entry of it. Made
 * by a run that is recorded, read by those that are compared with it.
 */
#ifndef LIBFTVM_CHECK_TRACK_H
#define LIBFTVM_CHECK_TRACK_H

#include "libftvm/check/check_parts.h"
#include "logging/message.h"

struct kept_output {
    uint32_t device;
    size_t size;
    uint64_t digest;
    const uint8_t *bytes; /* NULL: not kept */
};

/* An entry of the log: a call that the machine made, and what it got. */
struct step {
    struct call call;
    struct message *entry; /* VALUE, or BOUNDARY for all other calls */
    bool extra;       /* a boundary that is there to look at the machine: it delivers nothing */
    uint64_t ordinal; /* number of the steps before that are not extra */
    struct kept_state state; /* but at values */
    size_t output_count;     /* outputs since the step before */
    const struct kept_output *outputs;
};

struct track {
    ftvm_position start; /* told to ftvm_begin */
    uint64_t first_length;
    struct kept_state made; /* the new machine's, before its first step; not of guided runs */
    struct step *steps;
    size_t count, capacity;
    struct keeper keeper; /* its arena is the next one */
    struct arena arena;
    struct kept_output *pending; /* outputs since the last step */
    size_t pending_count, pending_capacity;
    uint64_t boundaries, inputs, values, outputs;
};

/* `bytes`: of long parts and outputs that may be kept. */
void track_open(struct track *track, struct names *names, size_t bytes);
void track_close(struct track *track);

/* 0 or FTVM_E_MEMORY. A step takes the outputs since the last one, a copy of `entry`, and what
 * `step` says else. */
int track_add_output(struct track *track, uint32_t device, const void *data, size_t size);
int track_add_step(struct track *track, const struct step *step, const struct message *entry);

/* Index of the step that is not extra and has this ordinal; track->count: there is none. */
size_t track_find(const struct track *track, uint64_t ordinal);
const struct step *track_last(const struct track *track); /* NULL: it is empty */
/* Whether there is a boundary between the two, at neither of them. */
bool track_looks_between(const struct track *track, ftvm_position after, ftvm_position before);

uint64_t output_digest(uint32_t device, const void *data, size_t size);

#endif

/* A machine's state in memory: saved by one run of it, loaded by another. */
#ifndef LIBFTVM_CHECK_STATE_H
#define LIBFTVM_CHECK_STATE_H

#include "libftvm/check/check_parts.h"
#include "libftvm/state_stream.h"

struct saved_state {
    bool saved;
    uint64_t ordinal;        /* of the step at which it was saved, in struct track */
    struct ftvm_epoch epoch; /* that begins there */
    uint64_t outputs;        /* made there, by deliver */
    uint8_t *data;
    size_t size, capacity;
    struct kept_state parts; /* right after it was saved */
    struct keeper keeper;
    struct arena arena;
};

void saved_state_open(struct saved_state *state, struct names *names);
void saved_state_close(struct saved_state *state);

/* What the machine's callback returned, or FTVM_E_MEMORY. */
int saved_state_write(struct saved_state *state, const struct ftvm_machine_ops *ops, void *machine);
/* The same; `unread` are bytes that load has left over. */
int saved_state_read(const struct saved_state *state, const struct ftvm_machine_ops *ops,
                     void *machine, size_t *unread);

#endif

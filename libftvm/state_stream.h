/*
 * What ops.save writes to and ops.load reads from. Where the bytes go to, and come from, is the
 * business of who calls the two: a replica's peer (node_state_transfer.c), memory
 * (check/check_state.c). Each puts its own struct around these.
 */
#ifndef LIBFTVM_STATE_STREAM_H
#define LIBFTVM_STATE_STREAM_H

#include <ftvm/ftvm.h>

struct ftvm_writer {
    int (*write)(struct ftvm_writer *writer, const void *data, size_t size);
    int error; /* negative: it has failed, and does not go on */
};

struct ftvm_reader {
    int (*read)(struct ftvm_reader *reader, void *data, size_t size);
    int error; /* the same */
};

#endif

/* A state that is written to memory, and read from there. */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libftvm/state_stream.h"

#define STREAM_SIZE     (1u << 20)
#define STREAM_NO_LIMIT SIZE_MAX

struct stream {
    struct ftvm_writer writer; /* first */
    struct ftvm_reader reader;
    size_t limit; /* bytes that are taken, or given; then `error` */
    int error;
    size_t used, read;
    uint8_t bytes[STREAM_SIZE];
};

static inline int stream_take(struct ftvm_writer *writer, const void *data, size_t size)
{
    struct stream *stream = (struct stream *)writer;
    if (size > stream->limit - stream->used) {
        return stream->error;
    }
    cr_assert_leq(size, STREAM_SIZE - stream->used);
    memcpy(stream->bytes + stream->used, data, size);
    stream->used += size;
    return 0;
}

static inline int stream_give(struct ftvm_reader *reader, void *data, size_t size)
{
    struct stream *stream = (struct stream *)((char *)reader - offsetof(struct stream, reader));
    size_t end = stream->used < stream->limit ? stream->used : stream->limit;
    if (size > end - stream->read) {
        return stream->error;
    }
    memcpy(data, stream->bytes + stream->read, size);
    stream->read += size;
    return 0;
}

static inline struct stream *make_stream(void)
{
    struct stream *stream = calloc(1, sizeof *stream);
    stream->writer.write = stream_take;
    stream->reader.read = stream_give;
    stream->limit = STREAM_NO_LIMIT;
    stream->error = FTVM_E_LOST;
    return stream;
}

#endif

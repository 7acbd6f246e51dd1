/*
 * Saving and loading a machine's guest-visible state as a flat sequence of fields.
 *
 * Each module of the machine (hart, device) has a pair of functions, X_save(const X *, writer) and
 * X_load(X *, reader), that handle the same fields in the same order. Integers are little endian.
 * A reader never trusts what it reads: after any failure (too short, wrong tag, a count over its
 * limit) it stays failed and yields zeros, so a caller may read a whole module and check once.
 * What was loaded must still be validated by the module before it is used as an index or a length.
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_writer {
    int (*write)(void *context, const void *data, size_t size); /* 0, or a negative error code */
    void *context;
    int error; /* first error of write(); later calls do nothing */
};

struct state_reader {
    int (*read)(void *context, void *data, size_t size); /* exactly size bytes, or an error */
    void *context;
    int error;
};

void state_put_u8(struct state_writer *writer, uint8_t value);
void state_put_u16(struct state_writer *writer, uint16_t value);
void state_put_u32(struct state_writer *writer, uint32_t value);
void state_put_u64(struct state_writer *writer, uint64_t value);
void state_put_bytes(struct state_writer *writer, const void *data, size_t size);
/* A four-character tag and a version in front of each module's fields. */
void state_put_tag(struct state_writer *writer, const char tag[4], uint32_t version);

uint8_t state_get_u8(struct state_reader *reader);
uint16_t state_get_u16(struct state_reader *reader);
uint32_t state_get_u32(struct state_reader *reader);
uint64_t state_get_u64(struct state_reader *reader);
void state_get_bytes(struct state_reader *reader, void *data, size_t size);
/* Fails the reader unless the tag and version are the ones given. */
void state_get_tag(struct state_reader *reader, const char tag[4], uint32_t version);
/* Marks the reader failed: a loaded value was out of its range. */
void state_reader_fail(struct state_reader *reader);

#endif

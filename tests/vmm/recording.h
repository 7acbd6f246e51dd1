/*
 * What a run under the fake node (fake_node.h) did, boundary by boundary: enough to run it again.
 */
#ifndef TESTS_VMM_RECORDING_H
#define TESTS_VMM_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ftvm/ftvm.h>

struct recorded_input {
    uint32_t device;
    size_t size;
    uint8_t *data;
};

enum recorded_kind { RECORDED_BOUNDARY, RECORDED_IDLE, RECORDED_HALT };

struct recorded_boundary {
    enum recorded_kind kind;
    uint64_t position;
    uint64_t digest;
    uint64_t outputs; /* digest of all outputs so far */
    size_t input_count;
    struct recorded_input *inputs;
    struct ftvm_epoch next;
};

/* Bytes that grow: a saved state. */
struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct recording {
    struct ftvm_epoch first;
    struct recorded_boundary *boundaries;
    size_t count;
    size_t capacity;
    uint64_t *clocks; /* results of ftvm_clock(), in order */
    size_t clock_count;
    size_t clock_capacity;
};

static inline void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 1024 : 2 * *capacity;
    array = realloc(array, *capacity * size);
    if (array == NULL) {
        abort();
    }
    return array;
}

static inline void bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    while (bytes->capacity - bytes->size < size) {
        bytes->data = grow(bytes->data, bytes->capacity, &bytes->capacity, 1);
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static inline struct recorded_boundary *recording_append(struct recording *recording)
{
    recording->boundaries = grow(recording->boundaries, recording->count, &recording->capacity,
                                 sizeof *recording->boundaries);
    struct recorded_boundary *boundary = &recording->boundaries[recording->count++];
    memset(boundary, 0, sizeof *boundary);
    return boundary;
}

static inline void recording_free(struct recording *recording)
{
    for (size_t i = 0; i < recording->count; i++) {
        for (size_t k = 0; k < recording->boundaries[i].input_count; k++) {
            free(recording->boundaries[i].inputs[k].data);
        }
        free(recording->boundaries[i].inputs);
    }
    free(recording->boundaries);
    free(recording->clocks);
    memset(recording, 0, sizeof *recording);
}

#endif

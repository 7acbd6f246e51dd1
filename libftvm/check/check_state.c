#include "libftvm/check/check_state.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES ((size_t)1 << 28)

struct memory_writer {
    struct ftvm_writer base; /* first: it is what the machine knows */
    struct saved_state *state;
    bool failed;
};

struct memory_reader {
    struct ftvm_reader base; /* first */
    const struct saved_state *state;
    size_t used;
};

void saved_state_open(struct saved_state *state, struct names *names)
{
    *state = (struct saved_state){0};
    state->keeper = (struct keeper){
        .names = names, .arena = &state->arena, .parts_left = KEPT_PARTS, .bytes_left = KEPT_BYTES};
}

void saved_state_close(struct saved_state *state)
{
    free(state->data);
    arena_release(&state->arena);
    *state = (struct saved_state){0};
}

static bool make_room(struct saved_state *state, size_t size)
{
    if (size <= state->capacity - state->size) {
        return true;
    }
    size_t wanted = state->capacity > 0 ? 2 * state->capacity : 64u * 1024;
    wanted = wanted - state->size < size ? state->size + size : wanted;
    uint8_t *grown = realloc(state->data, wanted);
    if (grown == NULL) {
        return false;
    }
    state->data = grown;
    state->capacity = wanted;
    return true;
}

static int write_memory(struct ftvm_writer *base, const void *data, size_t size)
{
    struct memory_writer *writer = (struct memory_writer *)base;
    if (writer->failed || !make_room(writer->state, size)) {
        writer->failed = true;
        return FTVM_E_MEMORY;
    }
    if (size > 0) {
        memcpy(writer->state->data + writer->state->size, data, size);
    }
    writer->state->size += size;
    return 0;
}

int saved_state_write(struct saved_state *state, const struct ftvm_machine_ops *ops, void *machine)
{
    struct memory_writer writer = {.base.write = write_memory, .state = state};
    int result = ops->save(machine, &writer.base);
    return writer.failed ? FTVM_E_MEMORY : result;
}

static int read_memory(struct ftvm_reader *base, void *data, size_t size)
{
    struct memory_reader *reader = (struct memory_reader *)base;
    if (size > reader->state->size - reader->used) {
        return FTVM_E_CORRUPT;
    }
    if (size > 0) {
        memcpy(data, reader->state->data + reader->used, size);
    }
    reader->used += size;
    return 0;
}

int saved_state_read(const struct saved_state *state, const struct ftvm_machine_ops *ops,
                     void *machine, size_t *unread)
{
    struct memory_reader reader = {.base.read = read_memory, .state = state};
    int result = ops->load(machine, &reader.base);
    *unread = state->size - reader.used;
    return result;
}

#include "fault-injection/simulator/engine_copy.h"

#include <stdlib.h>
#include <string.h>

#include "replication/engine_state.h"

static void *must(void *allocated)
{
    if (allocated == NULL) {
        abort();
    }
    return allocated;
}

static struct output_list copy_outputs(const struct memory *memory, const struct output_list *from)
{
    struct output_list list = {0};
    for (const struct engine_output *output = from->first; output != NULL; output = output->next) {
        struct log_bytes data = {output->data, output->size};
        struct engine_output *copy = must(output_list_add(memory, &list, output->device, data));
        copy->number = output->number;
        copy->lsn = output->lsn;
        copy->made_ns = output->made_ns;
    }
    return list;
}

static struct input_list copy_inputs(const struct memory *memory, const struct input_list *from)
{
    struct input_list list = {0};
    for (const struct input_item *item = from->first; item != NULL; item = item->next) {
        if (!input_list_add(memory, &list, item->device,
                            (struct log_bytes){item->data, item->size})) {
            abort();
        }
    }
    return list;
}

static struct entry_list copy_entries(const struct memory *memory, const struct entry_list *from)
{
    struct entry_list list = {0};
    for (const struct entry_item *item = from->first; item != NULL; item = item->next) {
        must(entry_list_add(memory, &list, &item->message));
    }
    return list;
}

static struct boundary_ring copy_ring(const struct memory *memory, const struct boundary_ring *from)
{
    struct boundary_ring ring = {0};
    for (size_t i = 0; i < from->count; i++) {
        const struct sent_boundary *sent = &from->items[(from->first + i) % from->capacity];
        if (!boundary_ring_add(memory, &ring, sent->lsn, sent->log_bytes)) {
            abort();
        }
    }
    return ring;
}

/* The inputs of a boundary that waits for its acknowledgement are described in `batch` and kept in
 * `batch_inputs`, last one first. */
static void copy_batch(struct engine *copy, const struct engine *from)
{
    const struct memory *memory = copy->config.memory;
    copy->batch = must(memory_allocate(memory, LOG_MAX_INPUTS * sizeof *copy->batch));
    copy->batch_inputs = copy_inputs(memory, &from->batch_inputs);
    const struct input_item *own = copy->batch_inputs.first;
    for (size_t i = from->batch_count; i > 0; i--, own = own->next) {
        copy->batch[i - 1] = (struct log_input){own->device, {own->data, own->size}};
    }
}

struct engine *engine_copy(const struct engine *engine, const char *replica)
{
    const struct memory *memory = engine->config.memory;
    struct engine *copy = must(memory_allocate(memory, sizeof *copy));
    *copy = *engine;
    copy->config.replica = replica;
    copy->outputs = copy_outputs(memory, &engine->outputs);
    copy->leaving = copy_outputs(memory, &engine->leaving);
    copy->inputs = copy_inputs(memory, &engine->inputs);
    copy->log = copy_entries(memory, &engine->log);
    copy->sent = copy_ring(memory, &engine->sent);
    copy_batch(copy, engine);
    copy->spent_outputs = (struct output_list){0};
    copy->spent_inputs = (struct input_list){0};
    copy->spent_entries = (struct entry_list){0};
    copy->update = NULL;
    return copy;
}

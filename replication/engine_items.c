#include "replication/engine_items.h"

#include <string.h>

#include "logging/mutant.h"
#include "replication/engine_state.h"

struct engine_output *output_list_add(const struct memory *memory, struct output_list *list,
                                      uint32_t device, struct log_bytes data)
{
    struct engine_output *output = memory_allocate(memory, sizeof *output + data.size);
    if (output == NULL) {
        return NULL;
    }
    *output = (struct engine_output){.device = device, .size = data.size};
    if (data.size > 0) {
        memcpy(output->data, data.data, data.size);
    }
    if (list->last != NULL) {
        list->last->next = output;
    } else {
        list->first = output;
    }
    list->last = output;
    list->count++;
    list->bytes += data.size;
    return output;
}

struct engine_output *output_list_move(struct output_list *list, struct output_list *to,
                                       uint64_t number)
{
    struct engine_output *first = NULL;
    while (list->first != NULL && list->first->number <= number) {
        struct engine_output *output = list->first;
        list->first = output->next;
        if (list->first == NULL) {
            list->last = NULL;
        }
        list->count--;
        list->bytes -= output->size;
        output->next = MUTANT(OUTPUTS_REVERSED) ? to->first : NULL;
        if (to->last != NULL && !MUTANT(OUTPUTS_REVERSED)) {
            to->last->next = output;
        } else {
            to->first = output;
        }
        to->last = output;
        to->count++;
        to->bytes += output->size;
        if (first == NULL || MUTANT(OUTPUTS_REVERSED)) {
            first = output;
        }
    }
    return first;
}

void output_list_prepend(struct output_list *list, struct output_list *from)
{
    if (from->first == NULL) {
        return;
    }
    from->last->next = list->first;
    list->first = from->first;
    if (list->last == NULL) {
        list->last = from->last;
    }
    list->count += from->count;
    list->bytes += from->bytes;
    *from = (struct output_list){0};
}

void output_list_clear(const struct memory *memory, struct output_list *list)
{
    while (list->first != NULL) {
        struct engine_output *next = list->first->next;
        memory_release(memory, list->first);
        list->first = next;
    }
    *list = (struct output_list){0};
}

bool input_list_add(const struct memory *memory, struct input_list *list, uint32_t device,
                    struct log_bytes data)
{
    struct input_item *item = memory_allocate(memory, sizeof *item + data.size);
    if (item == NULL) {
        return false;
    }
    *item = (struct input_item){.device = device, .size = data.size};
    if (data.size > 0) {
        memcpy(item->data, data.data, data.size);
    }
    if (list->last != NULL && !MUTANT(INPUTS_REVERSED)) {
        list->last->next = item;
    } else {
        item->next = list->first;
        list->first = item;
    }
    list->last = item;
    list->count++;
    list->bytes += data.size;
    return true;
}

size_t input_list_take(struct input_list *list, struct input_list *to, struct log_input *batch)
{
    size_t count = 0;
    size_t bytes = 0;
    while (list->first != NULL && count < LOG_MAX_INPUTS &&
           bytes + list->first->size <= LOG_MAX_INPUT_BYTES) {
        struct input_item *item = list->first;
        list->first = item->next;
        if (list->first == NULL) {
            list->last = NULL;
        }
        list->count--;
        list->bytes -= item->size;
        bytes += item->size;
        batch[count++] = (struct log_input){item->device, {item->data, item->size}};
        item->next = to->first;
        to->first = item;
        if (to->last == NULL) {
            to->last = item;
        }
        to->count++;
        to->bytes += item->size;
    }
    return count;
}

void input_list_clear(const struct memory *memory, struct input_list *list)
{
    while (list->first != NULL) {
        struct input_item *next = list->first->next;
        memory_release(memory, list->first);
        list->first = next;
    }
    *list = (struct input_list){0};
}

/* One allocation: the item, then the array of inputs, then all bytes. */
static struct entry_item *entry_copy(const struct memory *memory, const struct message *message)
{
    if (message->type == MESSAGE_VALUE) {
        const struct message_value *value = &message->value;
        struct entry_item *item = memory_allocate(memory, sizeof *item + value->data.size);
        if (item == NULL) {
            return NULL;
        }
        uint8_t *data = (uint8_t *)(item + 1);
        if (value->data.size > 0) {
            memcpy(data, value->data.data, value->data.size);
        }
        *item = (struct entry_item){.message = *message, .bytes = sizeof *item + value->data.size};
        item->message.value.data.data = data;
        return item;
    }
    const struct message_boundary *boundary = &message->boundary;
    size_t bytes = sizeof(struct entry_item) + boundary->input_count * sizeof(struct log_input);
    for (size_t i = 0; i < boundary->input_count; i++) {
        bytes += boundary->inputs[i].data.size;
    }
    struct entry_item *item = memory_allocate(memory, bytes);
    if (item == NULL) {
        return NULL;
    }
    *item = (struct entry_item){.message = *message, .bytes = bytes};
    struct log_input *inputs = (struct log_input *)(item + 1);
    uint8_t *data = (uint8_t *)(inputs + boundary->input_count);
    for (size_t i = 0; i < boundary->input_count; i++) {
        const struct log_input *from = &boundary->inputs[i];
        inputs[i] = (struct log_input){from->device, {data, from->data.size}};
        if (from->data.size > 0) {
            memcpy(data, from->data.data, from->data.size);
        }
        data += from->data.size;
    }
    item->message.boundary.inputs = inputs;
    return item;
}

static void entry_list_append(struct entry_list *list, struct entry_item *item)
{
    item->next = NULL;
    if (list->last != NULL) {
        list->last->next = item;
    } else {
        list->first = item;
    }
    list->last = item;
    list->count++;
    list->boundaries += item->message.type == MESSAGE_BOUNDARY;
    list->bytes += item->bytes;
}

struct entry_item *entry_list_add(const struct memory *memory, struct entry_list *list,
                                  const struct message *message)
{
    struct entry_item *item = entry_copy(memory, message);
    if (item != NULL) {
        entry_list_append(list, item);
    }
    return item;
}

struct entry_item *entry_list_move_first(struct entry_list *list, struct entry_list *to)
{
    struct entry_item *item = list->first;
    list->first = item->next;
    if (list->first == NULL) {
        list->last = NULL;
    }
    list->count--;
    list->boundaries -= item->message.type == MESSAGE_BOUNDARY;
    list->bytes -= item->bytes;
    entry_list_append(to, item);
    return item;
}

void entry_list_clear(const struct memory *memory, struct entry_list *list)
{
    while (list->first != NULL) {
        struct entry_item *next = list->first->next;
        memory_release(memory, list->first);
        list->first = next;
    }
    *list = (struct entry_list){0};
}

bool boundary_ring_add(const struct memory *memory, struct boundary_ring *ring, uint64_t lsn,
                       uint64_t log_bytes)
{
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity == 0 ? 64 : ring->capacity * 2;
        struct sent_boundary *items = memory_allocate_zeroed(memory, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        for (size_t i = 0; i < ring->count; i++) {
            items[i] = ring->items[(ring->first + i) % ring->capacity];
        }
        memory_release(memory, ring->items);
        ring->items = items;
        ring->capacity = capacity;
        ring->first = 0;
    }
    ring->items[(ring->first + ring->count) % ring->capacity] =
        (struct sent_boundary){lsn, log_bytes};
    ring->count++;
    return true;
}

uint64_t boundary_ring_drop(struct boundary_ring *ring, uint64_t lsn, uint64_t otherwise)
{
    while (ring->count > 0 && ring->items[ring->first].lsn <= lsn) {
        otherwise = ring->items[ring->first].log_bytes;
        ring->first = (ring->first + 1) % ring->capacity;
        ring->count--;
    }
    return otherwise;
}

void boundary_ring_clear(struct boundary_ring *ring)
{
    ring->first = 0;
    ring->count = 0;
}

void boundary_ring_destroy(const struct memory *memory, struct boundary_ring *ring)
{
    memory_release(memory, ring->items);
    *ring = (struct boundary_ring){0};
}

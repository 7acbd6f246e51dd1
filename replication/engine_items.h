/*
 * What the engine keeps in queues: outputs, inputs, entries of the log, boundaries under way.
 *
 * Each list is first-in first-out, knows its count and bytes, and owns its items, whose memory is
 * the engine's. Making an item copies the data; a NULL or false result means out of memory, with
 * nothing changed.
 */
#ifndef REPLICATION_ENGINE_ITEMS_H
#define REPLICATION_ENGINE_ITEMS_H

#include "replication/engine.h"

struct output_list {
    struct engine_output *first, *last;
    size_t count, bytes;
};

struct engine_output *output_list_add(const struct memory *memory, struct output_list *list,
                                      uint32_t device, struct log_bytes data);
/* Moves the leading outputs whose number is at most `number` to the end of `to`; returns the first
 * of them, or NULL if there is none. The chain from it ends with the last one moved. */
struct engine_output *output_list_move(struct output_list *list, struct output_list *to,
                                       uint64_t number);
/* Moves all of `from` before what is in `list`. */
void output_list_prepend(struct output_list *list, struct output_list *from);
void output_list_clear(const struct memory *memory, struct output_list *list);

struct input_item {
    struct input_item *next;
    uint32_t device;
    size_t size;
    uint8_t data[];
};

struct input_list {
    struct input_item *first, *last;
    size_t count, bytes;
};

bool input_list_add(const struct memory *memory, struct input_list *list, uint32_t device,
                    struct log_bytes data);
/* Moves as many leading inputs as one boundary may carry to `to` and describes them in `batch`
 * (LOG_MAX_INPUTS long). Returns their number. */
size_t input_list_take(struct input_list *list, struct input_list *to, struct log_input *batch);
void input_list_clear(const struct memory *memory, struct input_list *list);

/* A copy of a VALUE or BOUNDARY message. */
struct entry_item {
    struct entry_item *next;
    struct message message;
    size_t bytes;
};

struct entry_list {
    struct entry_item *first, *last;
    size_t count, bytes;
    size_t boundaries; /* of the count */
};

struct entry_item *entry_list_add(const struct memory *memory, struct entry_list *list,
                                  const struct message *message);
struct entry_item *entry_list_move_first(struct entry_list *list, struct entry_list *to);
void entry_list_clear(const struct memory *memory, struct entry_list *list);

struct sent_boundary;

/* Boundaries sent and not known to be executed; grows as needed. */
struct boundary_ring {
    struct sent_boundary *items;
    size_t capacity, first, count;
};

bool boundary_ring_add(const struct memory *memory, struct boundary_ring *ring, uint64_t lsn,
                       uint64_t log_bytes);
/* Drops those with an lsn up to `lsn`; returns the log_bytes of the last dropped, or `otherwise`.
 */
uint64_t boundary_ring_drop(struct boundary_ring *ring, uint64_t lsn, uint64_t otherwise);
void boundary_ring_clear(struct boundary_ring *ring);
void boundary_ring_destroy(const struct memory *memory, struct boundary_ring *ring);

#endif

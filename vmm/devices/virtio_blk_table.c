#include "vmm/devices/virtio_blk_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(VIRTIO_BLK_MAX_IN_FLIGHT < DISK_MAX_REQUESTS, "the disk takes what the table holds");

/* The guest's next step depends on the request being taken, so there is no going on without the
 * memory: this replica would part from the other one. The tables are bounded; no guest can cause
 * this on a host that has what the limits promise. */
static void *must(void *allocated)
{
    if (allocated == NULL) {
        abort();
    }
    return allocated;
}

bool virtio_blk_table_has_room(const struct virtio_blk_table *table)
{
    return table->count < VIRTIO_BLK_MAX_IN_FLIGHT && table->bytes < VIRTIO_BLK_MAX_BYTES;
}

static uint32_t data_bytes(const struct virtio_blk_request *request)
{
    bool has_data = request->operation == DISK_READ || request->operation == DISK_WRITE;
    return has_data ? request->size : 0;
}

static void append(struct virtio_blk_table *table, struct virtio_blk_request *request)
{
    assert(table->count < VIRTIO_BLK_MAX_IN_FLIGHT);
    table->requests[table->count++] = request;
    table->bytes += data_bytes(request);
}

static struct disk_request *disk_request_for(const struct virtio_blk_request *request)
{
    struct disk_request *disk_request = must(calloc(1, sizeof *disk_request));
    disk_request->id = request->id;
    disk_request->operation = request->operation;
    disk_request->offset = request->offset;
    disk_request->size = request->size;
    return disk_request;
}

struct disk_request *virtio_blk_table_add(struct virtio_blk_table *table,
                                          const struct virtio_blk_request *request)
{
    struct virtio_blk_request *copy = must(malloc(sizeof *copy));
    size_t segments_size = request->writable.count * sizeof *request->writable.segments;
    *copy = *request;
    copy->id = table->next_id++;
    copy->writable.segments = must(malloc(segments_size));
    memcpy(copy->writable.segments, request->writable.segments, segments_size);
    append(table, copy);
    struct disk_request *disk_request = disk_request_for(copy);
    if (data_bytes(copy) > 0) {
        disk_request->data = must(malloc(copy->size));
    }
    return disk_request;
}

struct virtio_blk_request *virtio_blk_table_take(struct virtio_blk_table *table, uint64_t id)
{
    for (unsigned i = 0; i < table->count; i++) {
        struct virtio_blk_request *request = table->requests[i];
        if (request->id == id) {
            table->count--;
            memmove(&table->requests[i], &table->requests[i + 1],
                    (table->count - i) * sizeof(struct virtio_blk_request *));
            table->bytes -= data_bytes(request);
            return request;
        }
    }
    return NULL;
}

void virtio_blk_request_free(struct virtio_blk_request *request)
{
    free(request->writable.segments);
    free(request);
}

static void forget(struct virtio_blk_request *request)
{
    free(request->writable.segments);
    request->writable = (struct virtio_buffer){0};
    request->forgotten = true;
}

void virtio_blk_table_forget(struct virtio_blk_table *table)
{
    for (unsigned i = 0; i < table->count; i++) {
        forget(table->requests[i]);
    }
}

void virtio_blk_table_clear(struct virtio_blk_table *table, struct disk *disk)
{
    for (unsigned i = 0; i < table->count; i++) {
        struct disk_request *finished = disk_take(disk, table->requests[i]->id);
        if (finished != NULL) {
            disk_request_free(finished);
        }
        virtio_blk_request_free(table->requests[i]);
    }
    table->count = 0;
    table->bytes = 0;
}

void virtio_blk_table_put_fields(const struct virtio_blk_table *table, struct state_writer *writer)
{
    state_put_u64(writer, table->next_id);
    state_put_u32(writer, table->count);
    for (unsigned i = 0; i < table->count; i++) {
        const struct virtio_blk_request *request = table->requests[i];
        state_put_u64(writer, request->id);
        state_put_u8(writer, (uint8_t)request->operation);
        state_put_u64(writer, request->offset);
        state_put_u32(writer, request->size);
        state_put_u16(writer, request->head);
        state_put_u8(writer, request->forgotten);
        state_put_u32(writer, request->writable.count);
        for (unsigned j = 0; j < request->writable.count; j++) {
            state_put_u64(writer, request->writable.segments[j].address);
            state_put_u32(writer, request->writable.segments[j].size);
        }
    }
}

/* Only a read that someone still waits for has data worth keeping. */
static bool keeps_data(const struct virtio_blk_request *request, int status)
{
    return request->operation == DISK_READ && !request->forgotten && status == 0;
}

void virtio_blk_table_put_results(const struct virtio_blk_table *table, struct disk *disk,
                                  struct state_writer *writer)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct virtio_blk_request *request = table->requests[i];
        const struct disk_request *finished = disk_peek(disk, request->id);
        assert(finished != NULL); /* what is in the table is in the disk */
        state_put_u32(writer, (uint32_t)finished->status);
        if (keeps_data(request, finished->status)) {
            state_put_bytes(writer, finished->data, request->size);
        }
    }
}

static void load_writable(struct virtio_blk_request *request, const struct guest_memory *memory,
                          struct state_reader *reader)
{
    uint32_t count = state_get_u32(reader);
    if (count > VIRTQUEUE_MAX_SEGMENTS || (count == 0) != request->forgotten) {
        state_reader_fail(reader);
        return;
    }
    request->writable.segments = must(calloc(count + 1, sizeof(struct virtio_segment)));
    for (unsigned i = 0; i < count; i++) {
        struct virtio_segment *segment = &request->writable.segments[i];
        segment->address = state_get_u64(reader);
        segment->size = state_get_u32(reader);
        segment->host = guest_memory_slice(memory, segment->address, segment->size);
        if (segment->host == NULL || segment->size == 0 ||
            segment->size > UINT32_MAX - request->writable.size) {
            state_reader_fail(reader);
            return;
        }
        request->writable.size += segment->size;
        request->writable.count++;
    }
}

static bool request_is_possible(const struct virtio_blk_table *table,
                                const struct virtio_blk_request *request, uint64_t disk_bytes)
{
    uint64_t limit = data_bytes(request) > 0
                         ? VIRTIO_BLK_REQUEST_BYTES
                         : (uint64_t)VIRTIO_BLK_DISCARD_SECTORS * DISK_SECTOR_SIZE;
    bool increasing = table->count == 0 || table->requests[table->count - 1]->id < request->id;
    bool has_place = request->forgotten || request->operation != DISK_READ ||
                     request->writable.size == request->size + 1;
    return increasing && has_place && request->id < table->next_id && request->size <= limit &&
           request->size % DISK_SECTOR_SIZE == 0 && request->offset % DISK_SECTOR_SIZE == 0 &&
           request->offset <= disk_bytes && request->size <= disk_bytes - request->offset &&
           virtio_blk_table_has_room(table);
}

static void load_request(struct virtio_blk_table *table, const struct guest_memory *memory,
                         uint64_t disk_bytes, struct state_reader *reader)
{
    struct virtio_blk_request *request = must(calloc(1, sizeof *request));
    request->id = state_get_u64(reader);
    uint8_t operation = state_get_u8(reader);
    request->operation = operation;
    request->offset = state_get_u64(reader);
    request->size = state_get_u32(reader);
    request->head = state_get_u16(reader);
    request->forgotten = state_get_u8(reader) != 0;
    load_writable(request, memory, reader);
    if (operation > DISK_WRITE_ZEROES || !request_is_possible(table, request, disk_bytes)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        virtio_blk_request_free(request);
        return;
    }
    append(table, request);
}

static void load_result(const struct virtio_blk_request *request, struct disk *disk,
                        struct state_reader *reader)
{
    struct disk_request *finished = disk_request_for(request);
    finished->status = (int)state_get_u32(reader);
    if (keeps_data(request, finished->status)) {
        finished->data = must(malloc(request->size));
        state_get_bytes(reader, finished->data, request->size);
    }
    disk_put_finished(disk, finished);
}

void virtio_blk_table_load(struct virtio_blk_table *table, struct disk *disk,
                           const struct guest_memory *memory, struct state_reader *reader)
{
    assert(table->count == 0);
    table->next_id = state_get_u64(reader);
    uint32_t count = state_get_u32(reader);
    if (count > VIRTIO_BLK_MAX_IN_FLIGHT) {
        state_reader_fail(reader);
    }
    for (uint32_t i = 0; i < count && reader->error == 0; i++) {
        load_request(table, memory, disk_size(disk), reader);
    }
    if (reader->error != 0) { /* nothing was given to the disk yet */
        for (unsigned i = 0; i < table->count; i++) {
            virtio_blk_request_free(table->requests[i]);
        }
        table->count = 0;
        table->bytes = 0;
        return;
    }
    for (unsigned i = 0; i < table->count; i++) {
        load_result(table->requests[i], disk, reader);
    }
    if (reader->error != 0) {
        virtio_blk_table_clear(table, disk);
    }
}

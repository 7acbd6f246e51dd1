/*
 * The requests of a virtio-blk device that are submitted to the disk and not completed, in order of
 * their ids. Each remembers where its result goes in guest memory. Used by virtio_blk.c only.
 */
#ifndef VMM_DEVICES_VIRTIO_BLK_TABLE_H
#define VMM_DEVICES_VIRTIO_BLK_TABLE_H

#include "vmm/backends/disk.h"
#include "vmm/devices/virtio_blk.h"
#include "vmm/devices/virtqueue.h"

#define VIRTIO_BLK_SEGMENT_BYTES   65536u
#define VIRTIO_BLK_SEGMENTS        126u
#define VIRTIO_BLK_REQUEST_BYTES   (VIRTIO_BLK_SEGMENTS * VIRTIO_BLK_SEGMENT_BYTES)
#define VIRTIO_BLK_DISCARD_SECTORS (UINT32_C(1) << 21) /* of one discard or write-zeroes */

/* A request as it was submitted. */
struct virtio_blk_request {
    uint64_t id;
    enum disk_operation operation;
    uint64_t offset; /* bytes */
    uint32_t size;   /* bytes */
    uint16_t head;   /* of the chain to be returned to the guest */
    /* The driver reset the device since: nothing is returned, but the disk is still asked. */
    bool forgotten;
    /* Data of a read, and for all operations the status, which is the last byte. Owned. */
    struct virtio_buffer writable;
};

struct virtio_blk_table {
    struct virtio_blk_request *requests[VIRTIO_BLK_MAX_IN_FLIGHT];
    unsigned count;
    uint64_t bytes;   /* of data, reads and writes; derived */
    uint64_t next_id; /* of the next request; never reused */
};

/* True if another request may be added. */
bool virtio_blk_table_has_room(const struct virtio_blk_table *table);
/* Adds a request under the next id; segments are copied. There must be room. Returns what is to be
 * submitted to the disk, with room for the data of a read or write in it. */
struct disk_request *virtio_blk_table_add(struct virtio_blk_table *table,
                                          const struct virtio_blk_request *request);
/* Takes a request out, to be freed with virtio_blk_request_free(). NULL: no such id. */
struct virtio_blk_request *virtio_blk_table_take(struct virtio_blk_table *table, uint64_t id);
void virtio_blk_request_free(struct virtio_blk_request *request);
/* The driver reset the device. */
void virtio_blk_table_forget(struct virtio_blk_table *table);
/* Takes every request back from the disk and forgets it. */
void virtio_blk_table_clear(struct virtio_blk_table *table, struct disk *disk);

/* The requests themselves: what the guest can tell. */
void virtio_blk_table_put_fields(const struct virtio_blk_table *table, struct state_writer *writer);
/* The disk's results for them, in the same order. The disk must be drained. */
void virtio_blk_table_put_results(const struct virtio_blk_table *table, struct disk *disk,
                                  struct state_writer *writer);
/* Loads both, into a cleared table. On failure of the reader the table and the disk hold nothing.
 */
void virtio_blk_table_load(struct virtio_blk_table *table, struct disk *disk,
                           const struct guest_memory *memory, struct state_reader *reader);

#endif

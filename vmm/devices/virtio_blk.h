/*
 * A disk: virtio-blk (virtio 1.2, 5.2) over MMIO, on a backend `struct disk`.
 *
 * The data of a write is copied when the guest submits it; the data of a read lands when the
 * request's completion is delivered as an input. In between, the request stands in a bounded table,
 * in order of its id. What breaks the rules of a request (a range beyond the disk, say) fails at
 * once and never reaches the backend.
 */
#ifndef VMM_DEVICES_VIRTIO_BLK_H
#define VMM_DEVICES_VIRTIO_BLK_H

#include "vmm/backends/disk.h"
#include "vmm/devices/device.h"

#define VIRTIO_BLK_QUEUE_SIZE      256u
#define VIRTIO_BLK_MAX_IN_FLIGHT   256u        /* requests; the queue waits beyond that */
#define VIRTIO_BLK_MAX_BYTES       (64u << 20) /* of data in flight; the queue waits beyond that */
#define VIRTIO_BLK_ID_SIZE         20u
#define VIRTIO_BLK_COMPLETION_SIZE 12u

struct virtio_blk;

/* The MMIO window is VIRTIO_MMIO_SIZE long. `serial` is what the guest reads as the disk's ID, cut
 * to VIRTIO_BLK_ID_SIZE bytes. Host is copied; memory and disk must outlive the device. NULL if out
 * of memory. */
struct virtio_blk *virtio_blk_create(const struct device_host *host, unsigned line,
                                     const struct guest_memory *memory, struct disk *disk,
                                     const char *serial);
/* Takes what is in flight back from the disk, waiting for it. */
void virtio_blk_destroy(struct virtio_blk *blk);

bool virtio_blk_read(struct virtio_blk *blk, uint64_t offset, unsigned size, uint64_t *value);
bool virtio_blk_write(struct virtio_blk *blk, uint64_t offset, unsigned size, uint64_t value);

/* The payload of a completion input: u64 id, i32 status, little endian. For disk_on_completed's
 * callback; any thread. */
void virtio_blk_encode_completion(uint8_t payload[VIRTIO_BLK_COMPLETION_SIZE], uint64_t id,
                                  int status);
/* An input: a request is finished. Waits until it is finished here too. A payload that is
 * malformed, or whose id is not in flight (announced twice around a promotion), is ignored.
 * Returns 0, or -EIO if the request failed on this replica's disk though the log says that it
 * succeeded: this replica can no longer follow the log and must stop. */
int virtio_blk_deliver(struct virtio_blk *blk, const void *payload, size_t size);
/* Requests submitted to the disk and not completed. */
unsigned virtio_blk_in_flight(const struct virtio_blk *blk);

/* Back to power-on. Requests in flight are forgotten by the guest, yet still executed and, at their
 * completion, taken from the disk. */
void virtio_blk_reset(struct virtio_blk *blk);
uint64_t virtio_blk_digest(const struct virtio_blk *blk);
/* Drains the disk, then saves the requests in flight too, with their results. */
void virtio_blk_save(const struct virtio_blk *blk, struct state_writer *writer);
/* What was in flight is taken from the disk and dropped. Saved requests are put into the disk as
 * finished; they wait there for their completion. On failure (reader->error) the device is as after
 * creation. */
void virtio_blk_load(struct virtio_blk *blk, struct state_reader *reader);

#endif

/*
 * A disk of the machine on a raw image file of this replica.
 *
 * Requests are executed strictly in the order of submission by one worker thread. A finished
 * request is announced by the completion callback and then waits, with its data, until the vCPU
 * thread takes it with disk_take(): so data lands in guest memory at a boundary, never while the
 * guest runs. Every replica executes every request on its own image; only the announcement
 * "request N is finished, with this status" is an input of the log.
 *
 * DISCARD and WRITE_ZEROES both leave zeros, on every file system, so that replicas' images stay
 * equal.
 *
 * disk_submit, disk_take, disk_drain, disk_put_finished: vCPU thread. completed(): worker thread;
 * it may block (the input queue is full), but must not call back into the disk.
 */
#ifndef VMM_BACKENDS_DISK_H
#define VMM_BACKENDS_DISK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR_SIZE 512u
/* At most this many requests are submitted and not yet taken; the device model has fewer. */
#define DISK_MAX_REQUESTS 1024u

/* After a discard, too, the range reads as zeros: replicas must read the same. */
enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

struct disk_request {
    uint64_t id; /* chosen by the submitter, increasing */
    enum disk_operation operation;
    uint64_t offset; /* bytes, a multiple of the sector size */
    uint32_t size;   /* bytes of the range; data is that long for READ and WRITE, else NULL */
    uint8_t *data;   /* malloc'ed; owned by the request */
    /* 0, or the negative errno of the host's failure; -EINVAL for a range that is not whole sectors
     * within the disk. A failed flush is not forgotten: every later one fails too. */
    int status;
    /* The disk's own. */
    bool announced;
    bool uncertain; /* in flight at a promotion that settles so */
    struct disk_request *next;
};

struct disk;

/* A request is finished. On the disk's worker thread, in order of execution. Other than 0: there is
 * no room for the announcement now. It is made again a little later, and meanwhile the worker goes
 * on, so that who waits for a request (disk_take(), disk_drain()) need not make room first. */
typedef int disk_completed(void *context, uint64_t id, int status);

/* Opens an image, or a block device, for reading and writing and locks it against a second user
 * (fcntl OFD lock: -EBUSY if it has one). Size must be a multiple of the sector size and not zero.
 * On error returns a negative errno and leaves one line in `error` that names the file and the
 * reason. */
int disk_open(struct disk **disk, const char *path, char *error, size_t error_size);
/* For a joining replica: creates the file, or empties it, and gives it exactly `size` bytes, all
 * zero; refuses, with the file untouched, a path that is not a regular file or is in use. */
int disk_open_for_copy(struct disk **disk, const char *path, uint64_t size, char *error,
                       size_t error_size);
void disk_close(struct disk *disk); /* finishes what was submitted, then closes */

uint64_t disk_size(const struct disk *disk);
/* Must be set before the first submit. */
void disk_on_completed(struct disk *disk, disk_completed *completed, void *context);
/* Takes ownership of the request. Never blocks; the caller stays within DISK_MAX_REQUESTS. */
void disk_submit(struct disk *disk, struct disk_request *request);
/* Waits until request `id` is finished and gives it back, with its data, to be freed with
 * disk_request_free(). NULL if no such request was submitted. */
struct disk_request *disk_take(struct disk *disk, uint64_t id);
/* The finished request that is still waiting to be taken, without taking it (waits for it). */
const struct disk_request *disk_peek(struct disk *disk, uint64_t id);
/* Waits until everything submitted is finished. */
void disk_drain(struct disk *disk);
/* Places a request that was finished elsewhere (a loaded state) so that disk_take() finds it. */
void disk_put_finished(struct disk *disk, struct disk_request *request);
/* Announces again, through completed() and in order of id, what is finished and not taken: after a
 * promotion, as announcements made by a backup were ignored. What is still being executed announces
 * itself when it is finished. A request that finishes during this call may be announced twice: the
 * second announcement finds nothing to take. completed() is called on the calling thread, and its
 * result ignored. With `uncertain`, all that is in flight at the call is announced with
 * DISK_UNCERTAIN, however it ended here. */
#define DISK_UNCERTAIN (-ECANCELED)
void disk_announce_finished(struct disk *disk, bool uncertain);

/* Copying the image (state transfer), with nothing in flight. `size` bytes at `offset`; all-zero
 * stretches may be skipped with disk_next_data(), which gives the next offset >= `offset` that may
 * hold data, or disk_size(). */
int disk_read_raw(struct disk *disk, uint64_t offset, void *data, size_t size);
int disk_write_raw(struct disk *disk, uint64_t offset, const void *data, size_t size);
uint64_t disk_next_data(struct disk *disk, uint64_t offset);

void disk_request_free(struct disk_request *request);

#endif

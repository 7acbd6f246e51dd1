#include "tests/devices/support/fake_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct disk *fake_disk_create(uint64_t size)
{
    struct disk *disk = calloc(1, sizeof *disk);
    disk->data = calloc(1, size);
    disk->size = size;
    return disk;
}

void fake_disk_destroy(struct disk *disk)
{
    assert(disk->finished_count == 0); /* the device takes back what it submitted */
    free(disk->data);
    free(disk);
}

uint64_t disk_size(const struct disk *disk)
{
    return disk->size;
}

static void execute(struct disk *disk, struct disk_request *request)
{
    assert(request->offset % DISK_SECTOR_SIZE == 0 && request->offset <= disk->size &&
           request->size <= disk->size - request->offset);
    uint8_t *at = disk->data + request->offset;
    switch (request->operation) {
    case DISK_READ: memcpy(request->data, at, request->size); break;
    case DISK_WRITE: memcpy(at, request->data, request->size); break;
    case DISK_FLUSH: break;
    case DISK_DISCARD:
    case DISK_WRITE_ZEROES: memset(at, 0, request->size); break;
    }
}

void disk_submit(struct disk *disk, struct disk_request *request)
{
    disk->submitted_count++;
    request->status = disk->next_status;
    if (request->status == 0) {
        execute(disk, request);
    }
    disk_put_finished(disk, request);
}

static unsigned find(const struct disk *disk, uint64_t id)
{
    unsigned i = 0;
    while (i < disk->finished_count && disk->finished[i]->id != id) {
        i++;
    }
    return i;
}

struct disk_request *disk_take(struct disk *disk, uint64_t id)
{
    unsigned i = find(disk, id);
    if (i == disk->finished_count) {
        return NULL;
    }
    struct disk_request *request = disk->finished[i];
    disk->finished_count--;
    memmove(&disk->finished[i], &disk->finished[i + 1],
            (disk->finished_count - i) * sizeof(struct disk_request *));
    return request;
}

const struct disk_request *disk_peek(struct disk *disk, uint64_t id)
{
    unsigned i = find(disk, id);
    return i < disk->finished_count ? disk->finished[i] : NULL;
}

void disk_drain(struct disk *disk)
{
    (void)disk; /* executed at submission */
}

void disk_put_finished(struct disk *disk, struct disk_request *request)
{
    assert(disk->finished_count < DISK_MAX_REQUESTS);
    disk->finished[disk->finished_count++] = request;
}

void disk_request_free(struct disk_request *request)
{
    free(request->data);
    free(request);
}

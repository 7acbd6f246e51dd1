/*
 * The file under a disk: one request at a time on a raw image, with every size checked. Knows
 * nothing of queues and threads.
 *
 * Equal requests leave equal images on every replica, whatever its file system can do: so DISCARD
 * reads as zeros afterwards everywhere, by a hole where holes are possible, by written zeros where
 * they are not.
 */
#ifndef VMM_BACKENDS_DISK_IMAGE_H
#define VMM_BACKENDS_DISK_IMAGE_H

#include <stdint.h>

#include "vmm/backends/disk.h"

struct disk_image {
    int fd;
    uint64_t size;
    struct disk_calls *calls;
    int flush_error; /* a failed flush is never forgotten: the host may have dropped the pages */
};

int disk_image_open(struct disk_image *image, const char *path, char *error, size_t error_size);
int disk_image_create(struct disk_image *image, const char *path, uint64_t size, char *error,
                      size_t error_size);
void disk_image_close(struct disk_image *image);

/* All return 0 or a negative errno. A read past the end of a file that shrank is -EIO. */
int disk_image_read(struct disk_image *image, uint64_t offset, void *data, size_t size);
int disk_image_write(struct disk_image *image, uint64_t offset, const void *data, size_t size);
int disk_image_execute(struct disk_image *image, const struct disk_request *request);

uint64_t disk_image_next_data(const struct disk_image *image, uint64_t offset);

#endif

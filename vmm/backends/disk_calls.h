/*
 * The system calls on an image that is open. There are two of each, and the Makefile chooses:
 * disk_calls/host.c makes the call; disk_calls/faulty.c, in the build with hooks, may fail it
 * instead, as the fault lab asks for. Only disk_image.c calls them.
 */
#ifndef VMM_BACKENDS_DISK_CALLS_H
#define VMM_BACKENDS_DISK_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct disk_calls; /* what is kept of an open image; NULL where nothing is */

/* `created`: the image was emptied by this opening. On error returns a negative errno and leaves a
 * line that names the file and the reason. */
int disk_calls_open(struct disk_calls **calls, const char *path, bool created, char *error,
                    size_t error_size);
void disk_calls_close(struct disk_calls *calls);

/* As pread(), pwrite(), fallocate() and fdatasync(). */
ssize_t disk_calls_read(struct disk_calls *calls, int fd, void *data, size_t size, off_t offset);
ssize_t disk_calls_write(struct disk_calls *calls, int fd, const void *data, size_t size,
                         off_t offset);
int disk_calls_allocate(struct disk_calls *calls, int fd, int mode, off_t offset, off_t size);
int disk_calls_sync(struct disk_calls *calls, int fd);

#endif

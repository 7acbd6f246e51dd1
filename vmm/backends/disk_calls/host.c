/* The host's own calls. */
#include "vmm/backends/disk_calls.h"

#include <fcntl.h>
#include <unistd.h>

int disk_calls_open(struct disk_calls **calls, const char *path, bool created, char *error,
                    size_t error_size)
{
    (void)path;
    (void)created;
    (void)error;
    (void)error_size;
    *calls = NULL;
    return 0;
}

void disk_calls_close(struct disk_calls *calls)
{
    (void)calls;
}

ssize_t disk_calls_read(struct disk_calls *calls, int fd, void *data, size_t size, off_t offset)
{
    (void)calls;
    return pread(fd, data, size, offset);
}

ssize_t disk_calls_write(struct disk_calls *calls, int fd, const void *data, size_t size,
                         off_t offset)
{
    (void)calls;
    return pwrite(fd, data, size, offset);
}

int disk_calls_allocate(struct disk_calls *calls, int fd, int mode, off_t offset, off_t size)
{
    (void)calls;
    return fallocate(fd, mode, offset, size);
}

int disk_calls_sync(struct disk_calls *calls, int fd)
{
    (void)calls;
    return fdatasync(fd);
}

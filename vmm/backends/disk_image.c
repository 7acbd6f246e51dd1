#include "vmm/backends/disk_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/falloc.h>

#include "vmm/backends/disk_calls.h"
#include "vmm/backends/fail.h"

#define ZERO_CHUNK 65536u

/* An open-file-description lock: it belongs to this descriptor, so two machines in one process
 * exclude each other too, and it ends with the process however that ends. */
static int lock_image(int fd, const char *path, char *error, size_t error_size)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return backend_fail(error, error_size, -EBUSY,
                            "disk '%s' is in use by another machine; every replica needs an image "
                            "of its own",
                            path);
    return backend_fail(error, error_size, -errno,
                        "disk '%s' cannot be locked: %s; put it on a file system with locks", path,
                        strerror(errno));
}

static int open_locked(const char *path, int flags, bool regular_only, struct stat *status,
                       char *error, size_t error_size)
{
    /* Not blocking: a path that turns out to be a FIFO must not hang the caller. */
    int fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    int code;

    if (fd < 0)
        return backend_fail(error, error_size, -errno,
                            "disk '%s' cannot be opened for reading and writing: %s", path,
                            strerror(errno));
    if (fstat(fd, status)) {
        code = backend_fail(error, error_size, -errno, "disk '%s' cannot be examined: %s", path,
                            strerror(errno));
    } else if (!S_ISREG(status->st_mode) && (regular_only || !S_ISBLK(status->st_mode))) {
        code =
            backend_fail(error, error_size, -EINVAL, "disk '%s' is not a %s; give a raw image file",
                         path, regular_only ? "regular file" : "regular file or block device");
    } else {
        code = lock_image(fd, path, error, error_size);
    }
    if (code == 0)
        return fd;
    close(fd);
    return code;
}

static int check_size(off_t size, const char *path, char *error, size_t error_size)
{
    if (size < 0)
        return backend_fail(error, error_size, -EFBIG, "disk '%s' is too large", path);
    if (size == 0)
        return backend_fail(error, error_size, -EINVAL,
                            "disk '%s' is empty; make it as large as the guest's disk shall be, "
                            "for example with: truncate -s 1G '%s'",
                            path, path);
    if (size % DISK_SECTOR_SIZE)
        return backend_fail(error, error_size, -EINVAL,
                            "disk '%s' has %lld bytes, which is not a multiple of %u; is it a raw "
                            "image?",
                            path, (long long)size, DISK_SECTOR_SIZE);
    return 0;
}

int disk_image_open(struct disk_image *image, const char *path, char *error, size_t error_size)
{
    struct disk_calls *calls;
    struct stat status;
    off_t size;
    int fd = open_locked(path, 0, false, &status, error, error_size);
    int code;

    if (fd < 0)
        return fd;
    size = lseek(fd, 0, SEEK_END); /* st_size is zero for a block device */
    code = size < 0 ? backend_fail(error, error_size, -errno, "disk '%s' has no size: %s", path,
                                   strerror(errno))
                    : check_size(size, path, error, error_size);
    if (code == 0)
        code = disk_calls_open(&calls, path, false, error, error_size);
    if (code) {
        close(fd);
        return code;
    }
    *image = (struct disk_image){.fd = fd, .size = (uint64_t)size, .calls = calls};
    return 0;
}

int disk_image_create(struct disk_image *image, const char *path, uint64_t size, char *error,
                      size_t error_size)
{
    struct disk_calls *calls;
    struct stat status;
    int fd, code;

    code = check_size(size > INT64_MAX ? -1 : (off_t)size, path, error, error_size);
    if (code)
        return code;
    fd = open_locked(path, O_CREAT, true, &status, error, error_size);
    if (fd < 0)
        return fd;
    /* Emptied first: what the copy skips must read as zeros, not as what was there before. */
    if (ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
        code = backend_fail(error, error_size, -errno, "disk '%s' cannot hold %llu bytes: %s", path,
                            (unsigned long long)size, strerror(errno));
    else
        code = disk_calls_open(&calls, path, true, error, error_size);
    if (code) {
        close(fd);
        return code;
    }
    *image = (struct disk_image){.fd = fd, .size = size, .calls = calls};
    return 0;
}

void disk_image_close(struct disk_image *image)
{
    disk_calls_close(image->calls);
    image->calls = NULL;
    close(image->fd);
    image->fd = -1;
}

static bool range_fits(const struct disk_image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

int disk_image_read(struct disk_image *image, uint64_t offset, void *data, size_t size)
{
    uint8_t *next = data;

    if (!range_fits(image, offset, size))
        return -EINVAL;
    while (size) {
        ssize_t got = disk_calls_read(image->calls, image->fd, next, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EIO;
        next += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return 0;
}

int disk_image_write(struct disk_image *image, uint64_t offset, const void *data, size_t size)
{
    const uint8_t *next = data;

    if (!range_fits(image, offset, size))
        return -EINVAL;
    while (size) {
        ssize_t put = disk_calls_write(image->calls, image->fd, next, size, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        if (put == 0)
            return -EIO;
        next += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return 0;
}

static int write_zeros(struct disk_image *image, uint64_t offset, uint64_t size)
{
    static const uint8_t zeros[ZERO_CHUNK];
    int code = 0;

    while (size && code == 0) {
        size_t chunk = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);

        code = disk_image_write(image, offset, zeros, chunk);
        offset += chunk;
        size -= chunk;
    }
    return code;
}

/* Zeros by the file system in the given mode, or written where it cannot. */
static int zero_range(struct disk_image *image, int mode, uint64_t offset, uint64_t size)
{
    int code;

    if (size == 0)
        return 0;
    do {
        code = disk_calls_allocate(image->calls, image->fd, mode | FALLOC_FL_KEEP_SIZE,
                                   (off_t)offset, (off_t)size);
    } while (code && errno == EINTR);
    if (code == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL
               ? write_zeros(image, offset, size)
               : -errno;
}

static int flush(struct disk_image *image)
{
    if (image->flush_error)
        return image->flush_error;
    if (disk_calls_sync(image->calls, image->fd))
        image->flush_error = -errno;
    return image->flush_error;
}

int disk_image_execute(struct disk_image *image, const struct disk_request *request)
{
    bool has_data = request->operation == DISK_READ || request->operation == DISK_WRITE;

    if (request->operation == DISK_FLUSH)
        return flush(image);
    if (request->offset % DISK_SECTOR_SIZE || request->size % DISK_SECTOR_SIZE ||
        !range_fits(image, request->offset, request->size))
        return -EINVAL;
    if (has_data && request->size && !request->data)
        return -EINVAL;
    switch (request->operation) {
    case DISK_READ: return disk_image_read(image, request->offset, request->data, request->size);
    case DISK_WRITE: return disk_image_write(image, request->offset, request->data, request->size);
    case DISK_DISCARD:
        return zero_range(image, FALLOC_FL_PUNCH_HOLE, request->offset, request->size);
    case DISK_WRITE_ZEROES:
        return zero_range(image, FALLOC_FL_ZERO_RANGE, request->offset, request->size);
    default: return -EINVAL;
    }
}

uint64_t disk_image_next_data(const struct disk_image *image, uint64_t offset)
{
    off_t data;

    if (offset >= image->size)
        return image->size;
    data = lseek(image->fd, (off_t)offset, SEEK_DATA);
    if (data < 0) /* nothing but a hole to the end; or no idea: then all of it may be data */
        return errno == ENXIO ? image->size : offset;
    return (uint64_t)data < image->size ? (uint64_t)data : image->size;
}

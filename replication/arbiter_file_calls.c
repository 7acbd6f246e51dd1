#include "replication/arbiter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int system_open(void *context, const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags, mode);

    (void)context;
    return fd < 0 ? -errno : fd;
}

static ssize_t system_read(void *context, int fd, void *buffer, size_t size)
{
    ssize_t count = read(fd, buffer, size);

    (void)context;
    return count < 0 ? -errno : count;
}

static ssize_t system_write(void *context, int fd, const void *buffer, size_t size)
{
    ssize_t count = write(fd, buffer, size);

    (void)context;
    return count < 0 ? -errno : count;
}

static int system_fsync(void *context, int fd)
{
    (void)context;
    return fsync(fd) < 0 ? -errno : 0;
}

static int system_close(void *context, int fd)
{
    (void)context;
    return close(fd) < 0 ? -errno : 0;
}

static int system_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to) < 0 ? -errno : 0;
}

/* A lock of the open file and not of the process: handles of one process exclude each other too,
 * and closing some other descriptor of the file does not drop it. */
static int system_lock(void *context, int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    (void)context;
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        return 0;
    }
    return errno == EACCES ? -EAGAIN : -errno;
}

static int system_links(void *context, int fd)
{
    struct stat status;

    (void)context;
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    return status.st_nlink > 0 ? 1 : 0;
}

static uint64_t system_now_ms(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void system_sleep_ms(void *context, unsigned milliseconds)
{
    struct timespec length = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};

    (void)context;
    nanosleep(&length, NULL);
}

const struct arbiter_file_calls arbiter_file_calls = {
    .open = system_open,
    .read = system_read,
    .write = system_write,
    .fsync = system_fsync,
    .close = system_close,
    .rename = system_rename,
    .lock = system_lock,
    .links = system_links,
    .now_ms = system_now_ms,
    .sleep_ms = system_sleep_ms,
};

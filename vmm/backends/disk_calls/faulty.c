/*
 * The calls of the build with hooks: a page that the fault lab shares says whether they fail, and
 * whether what a write replaces is kept for a host that loses its power. Without such a page they
 * are the host's.
 */
#include "vmm/backends/disk_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/falloc.h>

#include "fault-injection/hooks/page.h"
#include "fault-injection/hooks/undo.h"
#include "vmm/backends/fail.h"

struct disk_calls {
    struct hooks_page *page;
    struct undo *undo; /* NULL: not kept */
};

/* ---- Opening ------------------------------------------------------------------------------- */

static int open_undo(struct disk_calls *calls, const char *path, bool created, char *error,
                     size_t error_size)
{
    int code;

    if (!atomic_load(&calls->page->keep_undo))
        return 0;
    code = undo_open(&calls->undo, path, created);
    return code ? backend_fail(error, error_size, code, "disk '%s' has no undo log: %s", path,
                               strerror(-code))
                : 0;
}

int disk_calls_open(struct disk_calls **calls, const char *path, bool created, char *error,
                    size_t error_size)
{
    struct hooks_page *page;
    struct disk_calls *made;
    int code = hooks_page_attach_named(&page, error, error_size);

    *calls = NULL;
    if (code || !page)
        return code;
    made = calloc(1, sizeof(*made));
    if (!made) {
        hooks_page_unmap(page);
        return backend_fail(error, error_size, -ENOMEM, "disk '%s': out of memory", path);
    }
    made->page = page;
    code = open_undo(made, path, created, error, error_size);
    if (code) {
        disk_calls_close(made);
        return code;
    }
    *calls = made;
    return 0;
}

void disk_calls_close(struct disk_calls *calls)
{
    if (!calls)
        return;
    undo_close(calls->undo);
    hooks_page_unmap(calls->page);
    free(calls);
}

/* ---- Calls --------------------------------------------------------------------------------- */

static enum hooks_disk mode_of(const struct disk_calls *calls)
{
    return calls ? (enum hooks_disk)atomic_load(&calls->page->disk) : HOOKS_DISK_SOUND;
}

static int fail(struct disk_calls *calls, int error)
{
    atomic_fetch_add(&calls->page->disk_failures, 1);
    errno = error;
    return -1;
}

/* Before the image changes: who is killed in between finds noted what was not written, which does
 * no harm, but never the other way round. */
static int note(struct disk_calls *calls, int fd, off_t offset, size_t size)
{
    int code = calls && calls->undo ? undo_note(calls->undo, fd, (uint64_t)offset, size) : 0;

    errno = -code;
    return code ? -1 : 0;
}

ssize_t disk_calls_read(struct disk_calls *calls, int fd, void *data, size_t size, off_t offset)
{
    return mode_of(calls) == HOOKS_DISK_ERROR ? fail(calls, EIO) : pread(fd, data, size, offset);
}

static int tear(struct disk_calls *calls, int fd, const void *data, size_t size, off_t offset)
{
    size_t half = size / 2 / UNDO_SECTOR * UNDO_SECTOR;

    if (note(calls, fd, offset, half) || pwrite(fd, data, half, offset) < 0)
        return -1;
    return fail(calls, EIO);
}

ssize_t disk_calls_write(struct disk_calls *calls, int fd, const void *data, size_t size,
                         off_t offset)
{
    switch (mode_of(calls)) {
    case HOOKS_DISK_FULL: return fail(calls, ENOSPC);
    case HOOKS_DISK_ERROR: return fail(calls, EIO);
    case HOOKS_DISK_TORN: return tear(calls, fd, data, size, offset);
    case HOOKS_DISK_SOUND: break;
    }
    return note(calls, fd, offset, size) ? -1 : pwrite(fd, data, size, offset);
}

int disk_calls_allocate(struct disk_calls *calls, int fd, int mode, off_t offset, off_t size)
{
    switch (mode_of(calls)) {
    case HOOKS_DISK_FULL:
        if (!(mode & FALLOC_FL_PUNCH_HOLE)) /* which gives room back */
            return fail(calls, ENOSPC);
        break;
    case HOOKS_DISK_ERROR: return fail(calls, EIO);
    case HOOKS_DISK_TORN:
    case HOOKS_DISK_SOUND: break;
    }
    return note(calls, fd, offset, (size_t)size) ? -1 : fallocate(fd, mode, offset, size);
}

int disk_calls_sync(struct disk_calls *calls, int fd)
{
    int code;

    if (mode_of(calls) == HOOKS_DISK_ERROR)
        return fail(calls, EIO);
    if (fdatasync(fd))
        return -1;
    code = calls && calls->undo ? undo_forget(calls->undo) : 0;
    errno = -code;
    return code ? -1 : 0;
}

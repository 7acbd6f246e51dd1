#include "fault-injection/hooks/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct undo {
    int log; /* written at its end only */
    uint8_t before[UNDO_MAX_RECORD];
};

bool undo_path(char path[UNDO_PATH_SIZE], const char *image)
{
    return snprintf(path, UNDO_PATH_SIZE, "%s" UNDO_SUFFIX, image) < (int)UNDO_PATH_SIZE;
}

int undo_open(struct undo **undo, const char *image, bool fresh)
{
    char path[UNDO_PATH_SIZE];
    struct undo *made;
    int code;

    if (!undo_path(path, image))
        return -ENAMETOOLONG;
    made = malloc(sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0600);
    if (made->log < 0) {
        code = -errno;
        free(made);
        return code;
    }
    *undo = made;
    return 0;
}

void undo_close(struct undo *undo)
{
    if (!undo)
        return;
    close(undo->log);
    free(undo);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* One system call: a record is whole unless the writer dies in it. */
static int append(struct undo *undo, struct undo_record *record)
{
    struct iovec parts[] = {{record, sizeof(*record)}, {undo->before, record->stored}};
    ssize_t put = writev(undo->log, parts, 2);

    if (put < 0)
        return -errno;
    return (size_t)put == sizeof(*record) + record->stored ? 0 : -EIO;
}

static int note_piece(struct undo *undo, int image, uint64_t offset, uint64_t size)
{
    struct undo_record record = {.offset = offset, .size = size, .stored = size};
    ssize_t got = pread(image, undo->before, size, (off_t)offset);

    if (got < 0)
        return -errno;
    if ((uint64_t)got != size)
        return -EIO;
    if (all_zero(undo->before, size))
        record.stored = 0;
    return append(undo, &record);
}

int undo_note(struct undo *undo, int image, uint64_t offset, uint64_t size)
{
    uint64_t next = offset / UNDO_SECTOR * UNDO_SECTOR;
    uint64_t end = (offset + size + UNDO_SECTOR - 1) / UNDO_SECTOR * UNDO_SECTOR;
    int code = 0;

    while (next < end && code == 0) {
        uint64_t piece = end - next < UNDO_MAX_RECORD ? end - next : UNDO_MAX_RECORD;

        code = note_piece(undo, image, next, piece);
        next += piece;
    }
    return code;
}

int undo_forget(struct undo *undo)
{
    return ftruncate(undo->log, 0) ? -errno : 0;
}

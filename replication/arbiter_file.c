/*
 * One change of the record: lock, read, decide, write beside it, fsync, rename over it, fsync the
 * directory. A crash leaves the old record or the new one, whole; the lock goes with the process.
 * Whatever fails on the way is ARBITER_UNREACHABLE, even after the rename: the record may be new
 * then, but is not known to be stable, and the same claim asked again finds out.
 */
#include "replication/arbiter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logging/mutant.h"

struct arbiter_file {
    struct arbiter base;
    const struct arbiter_file_calls *calls;
    char path[PATH_MAX];
    char lock_path[PATH_MAX];
    char next_path[PATH_MAX];
    char directory[PATH_MAX];
};

/* What to do, to which file, and why it failed. */
static void because_of(struct arbiter_reason *reason, const char *what, const char *path, int error)
{
    char text[128];

    arbiter_because(reason, "%s %s: %s", what, path, strerror_r(-error, text, sizeof(text)));
}

static int call_open(const struct arbiter_file *file, const char *path, int flags)
{
    return file->calls->open(file->calls->context, path, flags | O_CLOEXEC, 0666);
}

static int call_close(const struct arbiter_file *file, int fd)
{
    return file->calls->close(file->calls->context, fd);
}

/* There is no record, but there is the directory: the storage answers. */
static bool is_absent(const struct arbiter_file *file, int error)
{
    int fd = error == -ENOENT ? call_open(file, file->directory, O_RDONLY | O_DIRECTORY) : -1;

    if (fd >= 0) {
        call_close(file, fd);
    }
    return fd >= 0;
}

/* Returns 0 or a negative errno; without a record 0, and *found is false. */
static int read_text(const struct arbiter_file *file, char text[ARBITER_TEXT_SIZE], size_t *size,
                     bool *found)
{
    int fd = call_open(file, file->path, O_RDONLY);
    ssize_t count = 1;

    *size = 0;
    *found = fd >= 0;
    if (fd < 0) {
        return is_absent(file, fd) ? 0 : fd;
    }
    while (*size < ARBITER_TEXT_SIZE && count > 0) {
        count =
            file->calls->read(file->calls->context, fd, text + *size, ARBITER_TEXT_SIZE - *size);
        *size += count > 0 ? (size_t)count : 0;
    }
    call_close(file, fd);
    return count < 0 ? (int)count : 0;
}

/* ARBITER_WON: here it is. */
static enum arbiter_outcome read_record(const struct arbiter_file *file,
                                        struct arbiter_record *record,
                                        struct arbiter_reason *reason)
{
    char text[ARBITER_TEXT_SIZE];
    char why[ARBITER_ERROR_SIZE] = "";
    struct arbiter_reason parse_reason = {why, sizeof(why)};
    size_t size;
    bool found;
    int error = read_text(file, text, &size, &found);

    if (error < 0) {
        because_of(reason, "read", file->path, error);
        return ARBITER_UNREACHABLE;
    }
    if (!found) {
        arbiter_because(reason, "there is no record %s", file->path);
        return ARBITER_ABSENT;
    }
    if (!arbiter_record_parse(text, size, record, &parse_reason)) {
        arbiter_because(reason, "%s: %s", file->path, why);
        return ARBITER_UNREACHABLE;
    }
    return ARBITER_WON;
}

static int write_all(const struct arbiter_file *file, int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t count = file->calls->write(file->calls->context, fd, text, size);

        if (count <= 0) {
            return count == 0 ? -EIO : (int)count;
        }
        text += count;
        size -= (size_t)count;
    }
    return MUTANT(RECORD_NOT_SYNCED) ? 0 : file->calls->fsync(file->calls->context, fd);
}

/* Network file systems tell of a failed write as late as at close, so that counts too. */
static int write_next(const struct arbiter_file *file, const struct arbiter_record *record)
{
    char text[ARBITER_TEXT_SIZE];
    size_t size = arbiter_record_format(record, text);
    int fd = call_open(file, file->next_path, O_WRONLY | O_CREAT | O_TRUNC);
    int written;
    int closed;

    if (fd < 0) {
        return fd;
    }
    written = write_all(file, fd, text, size);
    closed = call_close(file, fd);
    return written < 0 ? written : closed;
}

static int sync_directory(const struct arbiter_file *file)
{
    int fd = call_open(file, file->directory, O_RDONLY | O_DIRECTORY);
    int result;

    if (fd < 0) {
        return fd;
    }
    result = file->calls->fsync(file->calls->context, fd);
    call_close(file, fd);
    return result;
}

static enum arbiter_outcome replace(const struct arbiter_file *file,
                                    const struct arbiter_record *next, uint64_t locked_ms,
                                    struct arbiter_reason *reason)
{
    int result = write_next(file, next);

    if (result < 0) {
        because_of(reason, "write", file->next_path, result);
        return ARBITER_UNREACHABLE;
    }
    if (file->calls->now_ms(file->calls->context) - locked_ms > ARBITER_LOCK_TRUST_MS &&
        !MUTANT(LOCK_TRUSTED_FOR_EVER)) {
        arbiter_because(reason, "%s: more than %d ms passed with the lock held", file->path,
                        ARBITER_LOCK_TRUST_MS);
        return ARBITER_UNREACHABLE;
    }
    result = file->calls->rename(file->calls->context, file->next_path, file->path);
    if (result < 0) {
        because_of(reason, "rename to", file->path, result);
        return ARBITER_UNREACHABLE;
    }
    result = MUTANT(DIRECTORY_NOT_SYNCED) ? 0 : sync_directory(file);
    if (result < 0) {
        because_of(reason, "fsync", file->directory, result);
        return ARBITER_UNREACHABLE;
    }
    return ARBITER_WON;
}

static enum arbiter_outcome change(const struct arbiter_file *file,
                                   const struct arbiter_request *request, uint64_t locked_ms,
                                   struct arbiter_record *current, struct arbiter_reason *reason)
{
    struct arbiter_record record;
    struct arbiter_record next;
    enum arbiter_outcome outcome = read_record(file, &record, reason);

    if (outcome != ARBITER_WON && outcome != ARBITER_ABSENT) {
        return outcome;
    }
    if (outcome == ARBITER_WON) {
        *current = record;
    }
    outcome = arbiter_decide(request, outcome == ARBITER_WON ? &record : NULL, &next, reason);
    if (outcome != ARBITER_WON) {
        return outcome;
    }
    /* From here on which of the two stands is known only if all goes well. */
    memset(current, 0, sizeof(*current));
    outcome = replace(file, &next, locked_ms, reason);
    if (outcome == ARBITER_WON) {
        *current = next;
    }
    return outcome;
}

/* Waits for the lock, for a bounded time. Returns 0 or a negative errno. *locked_ms is a time
 * before it was granted: whoever is frozen right behind that has held it since then. */
static int wait_for_lock(const struct arbiter_file *file, int fd, uint64_t deadline_ms,
                         uint64_t *locked_ms)
{
    for (;;) {
        *locked_ms = file->calls->now_ms(file->calls->context);
        int result = MUTANT(LOCK_NOT_TAKEN) ? 0 : file->calls->lock(file->calls->context, fd);

        if (result != -EAGAIN || *locked_ms >= deadline_ms) {
            return result;
        }
        file->calls->sleep_ms(file->calls->context, ARBITER_LOCK_POLL_MS);
    }
}

/* Returns the descriptor that holds the lock, or a negative errno. Only a start makes the lock's
 * file: to anybody else its absence says that this is not the storage that the pair was started on.
 */
static int take_lock(const struct arbiter_file *file, enum arbiter_request_kind kind,
                     uint64_t *locked_ms)
{
    uint64_t deadline_ms = file->calls->now_ms(file->calls->context) + ARBITER_LOCK_WAIT_MS;

    for (;;) {
        int fd =
            call_open(file, file->lock_path, kind == REQUEST_START ? O_RDWR | O_CREAT : O_RDWR);
        int result;

        if (fd < 0) {
            return fd;
        }
        result = wait_for_lock(file, fd, deadline_ms, locked_ms);
        if (result == 0) {
            result = file->calls->links(file->calls->context, fd);
        }
        if (result > 0) {
            return fd;
        }
        call_close(file, fd);
        if (result < 0) {
            return result;
        }
        /* Removed while we waited: this lock excludes nobody who comes later. Take the new one. */
        if (file->calls->now_ms(file->calls->context) >= deadline_ms) {
            return -EAGAIN;
        }
    }
}

static enum arbiter_outcome file_apply(struct arbiter *arbiter,
                                       const struct arbiter_request *request,
                                       struct arbiter_record *current,
                                       struct arbiter_reason *reason)
{
    const struct arbiter_file *file = (const struct arbiter_file *)arbiter;
    enum arbiter_outcome outcome;
    uint64_t locked_ms;
    int lock;

    if (request->kind == REQUEST_READ) {
        return read_record(file, current, reason);
    }
    lock = take_lock(file, request->kind, &locked_ms);
    if (lock < 0) {
        because_of(reason, "lock", file->lock_path, lock);
        return ARBITER_UNREACHABLE;
    }
    if (MUTANT(LOCK_COUNTED_LATE)) {
        locked_ms = file->calls->now_ms(file->calls->context);
    }
    outcome = change(file, request, locked_ms, current, reason);
    call_close(file, lock);
    return outcome;
}

static void file_close(struct arbiter *arbiter)
{
    memory_release(arbiter->memory, arbiter);
}

static const struct arbiter_ops file_ops = {.apply = file_apply, .close = file_close};

static void set_paths(struct arbiter_file *file, const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory_size = slash == NULL ? 0 : (int)(slash - path);

    snprintf(file->path, sizeof(file->path), "%s", path);
    snprintf(file->lock_path, sizeof(file->lock_path), "%s.lock", path);
    snprintf(file->next_path, sizeof(file->next_path), "%s.tmp", path);
    if (slash == NULL) {
        snprintf(file->directory, sizeof(file->directory), ".");
    } else {
        snprintf(file->directory, sizeof(file->directory), "%.*s/", directory_size, path);
    }
}

int arbiter_file_open(struct arbiter **arbiter, const struct memory *memory, const char *path,
                      const struct arbiter_file_calls *calls)
{
    size_t size = strlen(path);
    struct arbiter_file *file;

    if (size == 0 || path[size - 1] == '/' || size + sizeof(".lock") > PATH_MAX) {
        return -EINVAL;
    }
    file = memory_allocate(memory, sizeof(*file));
    if (file == NULL) {
        return -ENOMEM;
    }
    file->base.ops = &file_ops;
    file->base.memory = memory;
    file->calls = calls;
    set_paths(file, path);
    *arbiter = &file->base;
    return 0;
}

/*
 * The arbiter in a file on storage that both replicas see. Beside PATH stand PATH.lock, which is
 * locked for each change and must not be removed while replicas run, and for moments PATH.tmp, the
 * next record.
 *
 * The storage must give: POSIX locks that hold between the two hosts, atomic rename, and fsync of
 * files and directories (NFS version 4, mounted `hard`, does). PATH is best put into a directory
 * that exists on that storage only, so that a missing mount is not taken for a fresh start.
 */
#ifndef REPLICATION_ARBITER_FILE_H
#define REPLICATION_ARBITER_FILE_H

#include <sys/types.h>

#include "replication/arbiter_backend.h"

#define ARBITER_LOCK_WAIT_MS 1000 /* for the lock; then UNREACHABLE */
#define ARBITER_LOCK_POLL_MS 10
/* A lock on a server is a lease. A replica that was frozen for longer than this since it took the
 * lock no longer trusts it, and gives up instead of replacing the record. */
#define ARBITER_LOCK_TRUST_MS 10000

/* What is asked of the system, so that tests can let each call fail, or be the last one. All return
 * a negative errno for an error. */
struct arbiter_file_calls {
    void *context;
    int (*open)(void *context, const char *path, int flags, mode_t mode);
    ssize_t (*read)(void *context, int fd, void *buffer, size_t size);
    ssize_t (*write)(void *context, int fd, const void *buffer, size_t size);
    int (*fsync)(void *context, int fd);
    int (*close)(void *context, int fd);
    int (*rename)(void *context, const char *from, const char *to);
    int (*lock)(void *context, int fd);  /* whole file, exclusive; -EAGAIN: held by another */
    int (*links)(void *context, int fd); /* names that the file has: 0, it was removed */
    uint64_t (*now_ms)(void *context);   /* goes on while the host is suspended */
    void (*sleep_ms)(void *context, unsigned milliseconds);
};

/* The system's own. */
extern const struct arbiter_file_calls arbiter_file_calls;

/* `memory`, `calls` and their contexts are borrowed for the arbiter's life. -EINVAL: not the path
 * of a file; -ENOMEM. */
int arbiter_file_open(struct arbiter **arbiter, const struct memory *memory, const char *path,
                      const struct arbiter_file_calls *calls);

#endif

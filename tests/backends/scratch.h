/* A directory of a test's own, and namespaces of its own where it needs devices or a full disk. */
#ifndef TESTS_BACKENDS_SCRATCH_H
#define TESTS_BACKENDS_SCRATCH_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char directory[64];
    char path[160];
};

static inline struct scratch *scratch_new(void)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    strcpy(scratch->directory, "/tmp/ftvm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch->directory));
    return scratch;
}

/* Valid until the next call. */
static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
    snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->directory, name);
    return scratch->path;
}

static inline const char *scratch_file(struct scratch *scratch, const char *name, off_t size)
{
    const char *path = scratch_path(scratch, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, size), 0);
    close(fd);
    return path;
}

static inline int scratch_remove(const char *path, const struct stat *status, int kind,
                                 struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void scratch_free(struct scratch *scratch)
{
    umount2(scratch->directory, MNT_DETACH);
    nftw(scratch->directory, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(scratch);
}

static inline void scratch_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    close(fd);
}

/* A user who is not root becomes root of a user namespace, which the kernel grants only to a
 * process of one thread: so before the runner starts its own. Where it is refused, the tests that
 * need it skip themselves and say so. */
static inline __attribute__((constructor)) void scratch_become_root(void)
{
    char map[32];
    unsigned uid = getuid(), gid = getgid();

    if (geteuid() == 0 || unshare(CLONE_NEWUSER))
        return;
    scratch_write("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", uid);
    scratch_write("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1", gid);
    scratch_write("/proc/self/gid_map", map);
}

/* Makes the directory a file system of `size` (as for tmpfs, "64k"); skips the test if it cannot.
 */
static inline void scratch_limit(struct scratch *scratch, const char *size)
{
    char options[32];

    snprintf(options, sizeof(options), "size=%s", size);
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", scratch->directory, "tmpfs", 0, options))
        cr_skip_test("the kernel refuses a small file system: %s", strerror(errno));
}

#endif

#include "fault-injection/lab/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fault-injection/lab/lab.h"

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return good;
}

/* Root inside is the caller outside. */
static bool map_to_root(struct lab *lab, unsigned uid, unsigned gid)
{
    char users[32], groups[32];

    snprintf(users, sizeof(users), "0 %u 1", uid);
    snprintf(groups, sizeof(groups), "0 %u 1", gid);
    write_file("/proc/self/setgroups", "deny"); /* without which the groups cannot be mapped */
    return (write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups)) ||
           lab_fail(lab, "the new user namespace cannot be set up: %s", strerror(errno));
}

/* Where `ip` is, for users who do not have it in their path. */
static void extend_path(void)
{
    const char *path = getenv("PATH");
    char longer[4096];

    snprintf(longer, sizeof(longer), "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    setenv("PATH", longer, 1);
}

static bool separate(struct lab *lab)
{
    unsigned uid = geteuid(), gid = getegid();

    if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0)
        return true;
    if (errno != EPERM)
        return lab_fail(lab, "this kernel has no network namespaces: %s", strerror(errno));
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS))
        return lab_fail(lab,
                        "this needs root or unprivileged user namespaces, which this host refuses "
                        "(%s); see sysctl user.max_user_namespaces and, where they exist, "
                        "kernel.unprivileged_userns_clone and "
                        "kernel.apparmor_restrict_unprivileged_userns",
                        strerror(errno));
    return map_to_root(lab, uid, gid);
}

bool sandbox_enter(struct lab *lab)
{
    int tun;

    extend_path();
    if (!separate(lab))
        return false;
    /* In a chroot the root is no mount, and there is nothing to make private. */
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL)
        return lab_fail(lab,
                        "the user namespace has no rights (%s); where it exists, sysctl "
                        "kernel.apparmor_restrict_unprivileged_userns=0 gives them, or run this "
                        "as root",
                        strerror(errno));
    tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0)
        return lab_fail(lab, "/dev/net/tun: %s; %s", strerror(errno),
                        errno == EACCES ? "make it usable (chmod 666, as most systems have it) or "
                                          "run this as root"
                                        : "load the module: modprobe tun");
    close(tun);
    return true;
}

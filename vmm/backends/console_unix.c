/* The console behind a listening socket, for one client at a time: another one is told so. */
#include "vmm/backends/console_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/backends/fail.h"

#define CLIENTS_WAITING 4

static void connectable(struct ev_loop *loop, ev_io *watcher, int events)
{
    static const char busy[] = "The console is in use by another client.\r\n";
    struct console *console = watcher->data;
    int client = accept4(console->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)loop;
    (void)events;
    if (client < 0)
        return;
    if (console->out >= 0 && console_flow_hung_up(console))
        console_flow_end_visit(console);
    if (console->out < 0) {
        console_flow_attach(console, client, client);
        return;
    }
    if (send(client, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        errno = 0; /* it will see the connection close */
    close(client);
}

/* A socket file on which nobody listens any more was left by a killed process. One on which
 * somebody does, or a file of another kind, is not ours to remove. */
static int remove_stale(const struct sockaddr_un *address, char *error, size_t error_size)
{
    const char *path = address->sun_path;
    struct stat status;
    int probe, code;

    if (lstat(path, &status))
        return 0; /* nothing there, or nothing to be seen: bind() will tell */
    if (!S_ISSOCK(status.st_mode))
        return backend_fail(error, error_size, -EEXIST,
                            "console: '%s' exists and is no socket; choose another path or remove "
                            "it",
                            path);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return backend_fail(error, error_size, -errno, "console: '%s': %s", path, strerror(errno));
    code = connect(probe, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
    close(probe);
    if (code != -ECONNREFUSED)
        return backend_fail(error, error_size, -EADDRINUSE,
                            "console: '%s' belongs to another process that listens on it", path);
    if (unlink(path))
        return backend_fail(error, error_size, -errno,
                            "console: the old socket '%s' cannot be removed: %s", path,
                            strerror(errno));
    return 0;
}

static int listen_on(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int code;

    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        listen(fd, CLIENTS_WAITING) == 0)
        return fd;
    code = -errno;
    close(fd);
    return code;
}

int console_unix_open(struct console *console, char *error, size_t error_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    int code;

    if (strlen(console->path) >= sizeof(address.sun_path))
        return backend_fail(error, error_size, -ENAMETOOLONG,
                            "console: '%s' is too long for a socket, whose path has at most %zu "
                            "characters",
                            console->path, sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, console->path);
    code = remove_stale(&address, error, error_size);
    if (code)
        return code;
    console->listener = listen_on(&address);
    if (console->listener < 0)
        return backend_fail(error, error_size, console->listener,
                            "console: cannot listen on '%s': %s", console->path,
                            strerror(-console->listener));
    if (stat(console->path, &status) == 0) {
        console->socket_device = status.st_dev;
        console->socket_inode = status.st_ino;
    }
    ev_io_init(&console->connectable, connectable, console->listener, EV_READ);
    console->connectable.data = console;
    ev_io_start(console->loop, &console->connectable);
    return 0;
}

void console_unix_close(struct console *console)
{
    struct stat status;

    ev_io_stop(console->loop, &console->connectable);
    close(console->listener);
    /* Another process may have put a socket of its own there meanwhile. */
    if (lstat(console->path, &status) == 0 && status.st_dev == console->socket_device &&
        status.st_ino == console->socket_inode)
        unlink(console->path);
}

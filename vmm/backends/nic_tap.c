/* A guest's network interface on a tap of the host: what the guest sends comes out of the tap, and
 * what the host routes or bridges into the tap reaches the guest. */
#include "vmm/backends/nic_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "vmm/backends/fail.h"

struct tap {
    struct nic *nic;
    int fd;
    ev_io readable;
    uint8_t buffer[NIC_MAX_FRAME + 1]; /* one more, so that a frame too long is seen to be so */
};

static int explain(const char *interface, int code, char *error, size_t error_size)
{
    switch (code) {
    case -EPERM:
        return backend_fail(error, error_size, code,
                            "tap:%s: no permission; make it yours with: ip tuntap add dev %s mode "
                            "tap user $USER",
                            interface, interface);
    case -EBUSY:
        return backend_fail(error, error_size, code,
                            "tap:%s: in use by another process; every replica needs a tap of its "
                            "own",
                            interface);
    case -EINVAL:
        return backend_fail(error, error_size, code,
                            "tap:%s: is an interface, but not a single-queue tap; to attach to a "
                            "real interface use pcap:%s",
                            interface, interface);
    default: return backend_fail(error, error_size, code, "tap:%s: %s", interface, strerror(-code));
    }
}

static int attach(const char *interface, char *error, size_t error_size)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd;

    /* Attaching to a name that does not exist would make an interface that is connected to nothing
     * and goes away with the process: surely not what was meant. */
    if (strlen(interface) >= IFNAMSIZ || if_nametoindex(interface) == 0)
        return backend_fail(error, error_size, -ENODEV,
                            "tap:%s: no such interface; create it with: ip tuntap add dev %s mode "
                            "tap user $USER",
                            interface, interface);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return backend_fail(error, error_size, -errno,
                            "tap:%s: /dev/net/tun cannot be opened: %s; load the module tun and "
                            "allow its use, or use the network 'user'",
                            interface, strerror(errno));
    strcpy(request.ifr_name, interface);
    if (ioctl(fd, TUNSETIFF, &request)) {
        int code = explain(interface, -errno, error, error_size);

        close(fd);
        return code;
    }
    /* An earlier user may have left offloads on: without a vnet header they would give us frames
     * with no checksum. */
    ioctl(fd, TUNSETOFFLOAD, 0);
    return fd;
}

static int bring_up(const char *interface, char *error, size_t error_size)
{
    struct ifreq request = {0};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int code = 0;

    if (sock < 0)
        return backend_fail(error, error_size, -errno, "tap:%s: %s", interface, strerror(errno));
    strcpy(request.ifr_name, interface);
    if (ioctl(sock, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP)) {
        request.ifr_flags |= IFF_UP;
        if (ioctl(sock, SIOCSIFFLAGS, &request))
            code = backend_fail(error, error_size, -errno,
                                "tap:%s: is down and cannot be brought up: %s; run: ip link set "
                                "dev %s up",
                                interface, strerror(errno), interface);
    }
    close(sock);
    return code;
}

static void readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct tap *tap = watcher->data;

    (void)events;
    for (unsigned i = 0; i < NIC_BATCH; i++) {
        ssize_t size = read(tap->fd, tap->buffer, sizeof(tap->buffer));

        if (size >= 0) {
            nic_deliver(tap->nic, tap->buffer, (size_t)size);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            /* The interface was deleted: it would be readable for ever. */
            nic_set_error(tap->nic, -errno);
            ev_io_stop(loop, watcher);
            return;
        }
    }
}

static int tap_open(struct nic *nic, const struct nic_config *config, char *error,
                    size_t error_size)
{
    struct tap *tap;
    int fd = attach(config->interface, error, error_size);
    int code;

    if (fd < 0)
        return fd;
    code = bring_up(config->interface, error, error_size);
    tap = code ? NULL : calloc(1, sizeof(*tap));
    if (!tap) {
        close(fd);
        return code ? code
                    : backend_fail(error, error_size, -ENOMEM, "tap:%s: no memory",
                                   config->interface);
    }
    tap->nic = nic;
    tap->fd = fd;
    ev_io_init(&tap->readable, readable, fd, EV_READ);
    tap->readable.data = tap;
    ev_io_start(nic->loop, &tap->readable);
    nic->kind_state = tap;
    return 0;
}

static void tap_close(struct nic *nic)
{
    struct tap *tap = nic->kind_state;

    ev_io_stop(nic->loop, &tap->readable);
    close(tap->fd);
    free(tap);
}

static int tap_send(struct nic *nic, const void *frame, size_t size)
{
    struct tap *tap = nic->kind_state;
    ssize_t sent;

    do {
        sent = write(tap->fd, frame, size);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

const struct nic_kind_ops nic_tap_ops = {tap_open, tap_close, tap_send, NULL};

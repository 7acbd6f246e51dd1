#include "fault-injection/lab/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPT_MS 2000 /* one SYN, and its first repetition */

bool client_wait(struct lab *lab, int fd, short events, uint64_t deadline_ns)
{
    struct pollfd poll_for = {.fd = fd, .events = events};

    while (poll(&poll_for, 1, 0) == 0)
        if (!lab_pause(lab, deadline_ns))
            return false;
    return true;
}

int client_begin(int fd, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int yes = 1;

    inet_pton(AF_INET, NETWORK_GUEST_ADDRESS, &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

int client_error(int fd)
{
    socklen_t size = sizeof(int);
    int error = 0;

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

/* 0, or an errno: why not. */
static int attempt(struct lab *lab, int fd, unsigned port, uint64_t deadline)
{
    int error = client_begin(fd, port);

    if (error != EINPROGRESS)
        return error;
    return client_wait(lab, fd, POLLOUT, deadline) ? client_error(fd) : ETIMEDOUT;
}

int client_connect(struct lab *lab, unsigned port, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    for (;;) {
        int fd = network_socket(&lab->network, PLACE_CLIENT, SOCK_STREAM), error;

        if (fd < 0) {
            lab_fail(lab, "no socket for the client: %s", strerror(errno));
            return -1;
        }
        error = attempt(lab, fd, port, lab_deadline(lab, ATTEMPT_MS));
        if (error == 0)
            return fd;
        close(fd);
        if (!lab_pause(lab, deadline)) {
            lab_fail(lab, "no connection to the guest at %s:%u after %u ms: %s",
                     NETWORK_GUEST_ADDRESS, port, timeout_ms, strerror(error));
            return -1;
        }
    }
}

unsigned client_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);

    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

unsigned client_retransmits(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? 0 : info.tcpi_total_retrans;
}

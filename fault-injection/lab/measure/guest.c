#include "fault-injection/lab/measure/guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPT_MS 1000
#define DONE       "guest-done "

static int milliseconds_until(uint64_t deadline_ns)
{
    uint64_t now = lab_now_ns();

    return now >= deadline_ns ? 0 : (int)((deadline_ns - now) / 1000000 + 1);
}

bool guest_wait(struct lab *lab, int fd, short events, uint64_t deadline_ns)
{
    struct pollfd poll_for[] = {{.fd = fd, .events = events},
                                {.fd = lab->signals, .events = POLLIN}};

    for (;;) {
        int count = poll(poll_for, 2, milliseconds_until(deadline_ns));

        if (count > 0 && poll_for[1].revents && !lab_pause(lab, UINT64_MAX))
            return lab_fail(lab, "interrupted");
        if (count > 0 && poll_for[0].revents)
            return true;
        if (count == 0)
            return lab_fail(lab, "the guest does not answer in time");
        if (count < 0 && errno != EINTR)
            return lab_fail(lab, "poll: %s", strerror(errno));
    }
}

/* 0, or an errno. */
static int attempt(struct lab *lab, int fd, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof(int);
    int yes = 1, error = 0;

    inet_pton(AF_INET, NETWORK_GUEST_ADDRESS, &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (!guest_wait(lab, fd, POLLOUT, lab_deadline(lab, ATTEMPT_MS)))
        return ETIMEDOUT;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

int guest_open(struct lab *lab, unsigned port, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    for (;;) {
        int fd = network_socket(&lab->network, PLACE_CLIENT, SOCK_STREAM), error;

        if (fd < 0) {
            lab_fail(lab, "no socket for the client: %s", strerror(errno));
            return -1;
        }
        error = attempt(lab, fd, port);
        if (error == 0)
            return fd;
        close(fd);
        if (!lab_pause(lab, deadline)) {
            lab_fail(lab, "no connection to port %u of the guest after %u ms: %s", port, timeout_ms,
                     strerror(error));
            return -1;
        }
    }
}

bool guest_send(struct lab *lab, int fd, const void *data, size_t size, uint64_t deadline_ns)
{
    const char *next = data;

    while (size > 0) {
        ssize_t sent = send(fd, next, size, 0);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lab_fail(lab, "the connection to the guest broke: %s", strerror(errno));
        if (sent < 0 && !guest_wait(lab, fd, POLLOUT, deadline_ns))
            return false;
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

bool guest_receive(struct lab *lab, int fd, void *data, size_t size, size_t *received,
                   uint64_t deadline_ns)
{
    for (;;) {
        ssize_t got = recv(fd, data, size, 0);

        if (got > 0) {
            *received = (size_t)got;
            return true;
        }
        if (got == 0)
            return lab_fail(lab, "the guest closed the connection");
        if (errno != EAGAIN && errno != EINTR)
            return lab_fail(lab, "the connection to the guest broke: %s", strerror(errno));
        if (!guest_wait(lab, fd, POLLIN, deadline_ns))
            return false;
    }
}

/* Until the line that says how the command ended. */
static bool read_output(struct lab *lab, int shell, char output[GUEST_OUTPUT_SIZE],
                        uint64_t deadline)
{
    const char *done;
    size_t used = 0, size;

    output[0] = '\0';
    while (!(done = strstr(output, DONE)) || !strchr(done, '.')) {
        if (used == GUEST_OUTPUT_SIZE - 1)
            return lab_fail(lab, "the guest says too much: %s", output);
        if (!guest_receive(lab, shell, output + used, GUEST_OUTPUT_SIZE - 1 - used, &size,
                           deadline))
            return false;
        used += size;
        output[used] = '\0';
    }
    return strncmp(done, DONE "0.", strlen(DONE) + 2) == 0 ||
           lab_fail(lab, "a command of the guest failed: %s", output);
}

bool guest_command(struct lab *lab, int shell, const char *command, unsigned timeout_ms,
                   char *output)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);
    char line[GUEST_LINE_SIZE], own[GUEST_OUTPUT_SIZE];

    snprintf(line, sizeof(line), "%s; echo " DONE "$?.\n", command);
    return guest_send(lab, shell, line, strlen(line), deadline) &&
           read_output(lab, shell, output ? output : own, deadline);
}

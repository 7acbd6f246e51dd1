#include "fault-injection/lab/measure/guest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DONE "guest-done "

static int milliseconds_until(uint64_t deadline_ns)
{
    uint64_t now = lab_now_ns();

    return now >= deadline_ns ? 0 : (int)((deadline_ns - now) / 1000000 + 1);
}

static bool wait_for(struct lab *lab, int fd, short events, uint64_t deadline_ns)
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

bool guest_send(struct lab *lab, int fd, const void *data, size_t size, uint64_t deadline_ns)
{
    const char *next = data;

    while (size > 0) {
        ssize_t sent = send(fd, next, size, 0);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lab_fail(lab, "the connection to the guest broke: %s", strerror(errno));
        if (sent < 0 && !wait_for(lab, fd, POLLOUT, deadline_ns))
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
        if (!wait_for(lab, fd, POLLIN, deadline_ns))
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

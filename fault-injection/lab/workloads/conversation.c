#include "fault-injection/lab/workloads/conversation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/workloads/form.h"

#define TICK_MS    20   /* how soon it is seen that the workload gives up */
#define ATTEMPT_MS 2000 /* one SYN, and its first repetition */
#define PAUSE_MS   20   /* between attempts */

static uint64_t deadline_after(unsigned timeout_ms)
{
    return lab_now_ns() + (uint64_t)timeout_ms * 1000000u;
}

static bool fail(struct conversation *connection, const char *what, const char *why)
{
    snprintf(connection->problem, sizeof(connection->problem), "%s: %s", what, why);
    return false;
}

static bool lose(struct conversation *connection, const char *what, const char *why)
{
    connection->broken = true;
    return fail(connection, what, why);
}

static bool wait_for(struct conversation *connection, short events, uint64_t deadline_ns,
                     const char *what)
{
    struct pollfd poll_for = {.fd = connection->fd, .events = events};

    while (poll(&poll_for, 1, TICK_MS) <= 0) {
        if (atomic_load(&connection->workload->abandoned))
            return fail(connection, what, "given up at the end of the run");
        if (lab_now_ns() >= deadline_ns)
            return fail(connection, what, "not in time");
    }
    return true;
}

/* ---- Opening ------------------------------------------------------------------------------- */

void conversation_init(struct conversation *connection, const struct workload *workload)
{
    *connection = (struct conversation){.workload = workload, .fd = -1};
}

void conversation_close(struct conversation *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

static bool attempt(struct conversation *connection, unsigned port)
{
    const struct network *network = &connection->workload->lab->network;
    int error;

    connection->fd = network_socket(network, PLACE_CLIENT, SOCK_STREAM);
    if (connection->fd < 0)
        return fail(connection, "no socket", strerror(errno));
    /* Before the window is agreed upon. */
    if (connection->receive_buffer > 0)
        setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &connection->receive_buffer,
                   sizeof(connection->receive_buffer));
    error = client_begin(connection->fd, port);
    if (error == EINPROGRESS) {
        if (!wait_for(connection, POLLOUT, deadline_after(ATTEMPT_MS), "no connection"))
            return false;
        error = client_error(connection->fd);
    }
    return error == 0 || fail(connection, "no connection", strerror(error));
}

bool conversation_open(struct conversation *connection, unsigned port, unsigned timeout_ms)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    uint64_t deadline = deadline_after(timeout_ms);

    conversation_close(connection);
    connection->first = connection->end = 0;
    connection->broken = false;
    while (!attempt(connection, port)) {
        conversation_close(connection);
        if (lab_now_ns() >= deadline || atomic_load(&connection->workload->abandoned))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* ---- Talking ------------------------------------------------------------------------------- */

bool conversation_send(struct conversation *connection, const void *data, size_t size,
                       unsigned timeout_ms)
{
    uint64_t deadline = deadline_after(timeout_ms);
    const char *next = data;

    while (size > 0) {
        ssize_t sent = send(connection->fd, next, size, 0);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lose(connection, "sending", strerror(errno));
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        } else if (!wait_for(connection, POLLOUT, deadline, "sending")) {
            return false;
        }
    }
    return true;
}

/* Waits for more bytes; there is room for them. */
static bool receive(struct conversation *connection, uint64_t deadline)
{
    if (connection->first == connection->end)
        connection->first = connection->end = 0;
    for (;;) {
        ssize_t size = recv(connection->fd, connection->bytes + connection->end,
                            sizeof(connection->bytes) - connection->end, 0);

        if (size > 0) {
            connection->end += (size_t)size;
            return true;
        }
        if (size == 0)
            return lose(connection, "no answer", "the guest closed the connection");
        if (errno != EAGAIN && errno != EINTR)
            return lose(connection, "no answer", strerror(errno));
        if (!wait_for(connection, POLLIN, deadline, "no answer"))
            return false;
    }
}

bool conversation_read(struct conversation *connection, void *data, size_t size,
                       unsigned timeout_ms)
{
    uint64_t deadline = deadline_after(timeout_ms);
    char *next = data;

    while (size > 0) {
        size_t part = connection->end - connection->first;

        if (part == 0 && !receive(connection, deadline))
            return false;
        part = connection->end - connection->first;
        if (part > size)
            part = size;
        memcpy(next, connection->bytes + connection->first, part);
        connection->first += part;
        next += part;
        size -= part;
    }
    return true;
}

bool conversation_read_line(struct conversation *connection, char line[CONVERSATION_LINE_SIZE],
                            unsigned timeout_ms)
{
    for (size_t used = 0; used < CONVERSATION_LINE_SIZE; used++) {
        if (!conversation_read(connection, &line[used], 1, timeout_ms))
            return false;
        if (line[used] == '\n') {
            line[used > 0 && line[used - 1] == '\r' ? used - 1 : used] = '\0';
            return true;
        }
    }
    return lose(connection, "no answer", "a line without end");
}

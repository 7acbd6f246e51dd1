#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void connection_set_deadline(struct connection *connection)
{
    struct ev_loop *loop = connection->channel->loop;

    /* The loop's idea of now may be old, when a name was resolved or the loop does not run yet. */
    ev_now_update(loop);
    ev_timer_stop(loop, &connection->deadline);
    ev_timer_set(&connection->deadline, CHANNEL_HELLO_MS / 1000.0, 0.);
    ev_timer_start(loop, &connection->deadline);
}

static void close_socket(struct connection *connection)
{
    struct ev_loop *loop = connection->channel->loop;

    ev_io_stop(loop, &connection->readable);
    ev_io_stop(loop, &connection->writable);
    ev_timer_stop(loop, &connection->deadline);
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

void connection_dispose(struct connection *connection, bool reset)
{
    struct channel *channel = connection->channel;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct connection **link = &channel->connections;

    assert(connection->state != CONNECTION_GONE);
    if (reset && connection->fd >= 0)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close_socket(connection);
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    connection->state = CONNECTION_GONE;
    connection->next = channel->gone;
    channel->gone = connection;
}

void connection_lose(struct connection *connection, const char *format, ...)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;
    char reason[CHANNEL_REASON];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    connection_dispose(connection, false);
    callbacks->lost(callbacks->context, connection->number, reason);
}

static void open_socket(struct connection *connection, const char *address)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;
    int on = 1;

    /* An acknowledgement must not wait for more to send: outputs wait for it. */
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->state = CONNECTION_OPEN;
    ev_io_start(connection->channel->loop, &connection->readable);
    callbacks->connected(callbacks->context, connection->number, connection->incoming, address);
}

static void watch_socket(struct connection *connection, int fd)
{
    connection->fd = fd;
    connection->watched = 0;
    ev_io_set(&connection->readable, fd, EV_READ);
    ev_io_set(&connection->writable, fd, EV_WRITE);
}

void connection_accept(struct connection *connection, int fd, const char *address)
{
    watch_socket(connection, fd);
    connection_set_deadline(connection);
    open_socket(connection, address);
}

int connection_connect(struct connection *connection)
{
    int error = EADDRNOTAVAIL;

    for (; connection->attempt < connection->addresses.count; connection->attempt++) {
        const struct channel_address *to = &connection->addresses.list[connection->attempt];
        int fd = socket(to->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0) {
            error = errno;
            continue;
        }
        if (connect(fd, (const struct sockaddr *)&to->socket, to->size) < 0 &&
            errno != EINPROGRESS) {
            error = errno;
            close(fd);
            continue;
        }
        watch_socket(connection, fd);
        ev_io_start(connection->channel->loop, &connection->writable);
        connection_set_deadline(connection);
        return 0;
    }
    return -error;
}

/* Whether the socket is connected to itself: TCP's simultaneous open does that when a free port of
 * this host is tried often enough, as the kernel may choose that port for our end. */
static bool is_own_mirror(int fd)
{
    struct channel_address here = {.size = sizeof(here.socket)};
    struct channel_address there = {.size = sizeof(there.socket)};

    return getsockname(fd, (struct sockaddr *)&here.socket, &here.size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there.socket, &there.size) == 0 &&
           channel_address_equal(&here, &there);
}

static void connect_failed(struct connection *connection, int error)
{
    char address[CHANNEL_ADDRESS_TEXT];

    channel_address_format(&connection->addresses.list[connection->attempt], address);
    close_socket(connection);
    connection->attempt++;
    if (connection_connect(connection) < 0)
        connection_lose(connection, "cannot connect to %s: %s", address, strerror(error));
}

static void finish_connecting(struct connection *connection)
{
    struct ev_loop *loop = connection->channel->loop;
    char address[CHANNEL_ADDRESS_TEXT];
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error == 0 && is_own_mirror(connection->fd))
        error = ECONNREFUSED;
    if (error != 0) {
        connect_failed(connection, error);
        return;
    }
    ev_io_stop(loop, &connection->writable);
    ev_timer_stop(loop, &connection->deadline);
    channel_address_format(&connection->addresses.list[connection->attempt], address);
    open_socket(connection, address);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *connection = watcher->data;
    struct channel *channel = connection->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    if (connection->state == CONNECTION_CLOSING)
        connection_closing_on_readable(connection);
    else
        connection_on_readable(connection);
    channel_leave(channel);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *connection = watcher->data;
    struct channel *channel = connection->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    if (connection->state == CONNECTION_CONNECTING)
        finish_connecting(connection);
    else if (connection->state == CONNECTION_CLOSING)
        connection_closing_on_writable(connection);
    else
        connection_on_writable(connection);
    channel_leave(channel);
}

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct connection *connection = watcher->data;
    struct channel *channel = connection->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    if (connection->state == CONNECTION_CONNECTING)
        connect_failed(connection, ETIMEDOUT);
    else if (connection->state == CONNECTION_CLOSING)
        connection_dispose(connection, true);
    else if (connection->heard)
        connection_lose(connection, "it was not accepted within %u ms", CHANNEL_HELLO_MS);
    else
        connection_lose(connection, "the other side sent no HELLO within %u ms", CHANNEL_HELLO_MS);
    channel_leave(channel);
}

struct connection *connection_create(struct channel *channel, bool incoming)
{
    const struct memory *memory = channel->memory;
    struct connection *connection = memory_allocate_zeroed(memory, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->channel = channel;
    connection->number = ++channel->last_number;
    connection->state = CONNECTION_CONNECTING;
    connection->incoming = incoming;
    connection->fd = -1;
    connection->in.memory = memory;
    connection->out.memory = memory;
    ev_init(&connection->readable, on_readable);
    ev_init(&connection->writable, on_writable);
    ev_init(&connection->deadline, on_deadline);
    connection->readable.data = connection;
    connection->writable.data = connection;
    connection->deadline.data = connection;
    connection->next = channel->connections;
    channel->connections = connection;
    return connection;
}

void connection_authorise(struct connection *connection)
{
    if (connection->authorised || connection->state != CONNECTION_OPEN)
        return;
    connection->authorised = true;
    ev_timer_stop(connection->channel->loop, &connection->deadline);
}

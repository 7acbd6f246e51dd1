#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logging/codec.h"

#define SEND_PARTS 16u /* chunks gathered into one write */

static_assert(CHANNEL_RECEIVE_LIMIT >= FRAME_MAX_SIZE, "a frame must fit the receive buffer");
static_assert(CHANNEL_SEND_LIMIT >= 2 * FRAME_MAX_SIZE, "frames must fit the send queue");

static struct connection *of_io(ev_io *watcher)
{
    return watcher->data;
}

static void set_deadline(struct connection *connection)
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

__attribute__((format(printf, 2, 3))) static void lose(struct connection *connection,
                                                       const char *format, ...)
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

/* ---- Sending ---- */

/* One write of what is queued. 0, or a negative errno that is final for the connection. */
static int write_queue(struct connection *connection)
{
    struct iovec parts[SEND_PARTS];
    struct msghdr header = {.msg_iov = parts};
    ssize_t size;

    header.msg_iovlen = channel_queue_gather(&connection->out, parts, SEND_PARTS);
    if (header.msg_iovlen == 0)
        return 0;
    size = sendmsg(connection->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
    channel_queue_consume(&connection->out, (size_t)size);
    connection->channel->sent_bytes += (uint64_t)size;
    return 0;
}

/* Writes once and waits for the loop if that was not all. A failure is remembered and left to the
 * reader, as the other side's last words (a BYE, say) may lie in the socket. */
static void flush(struct connection *connection)
{
    struct ev_loop *loop = connection->channel->loop;
    int result = write_queue(connection);

    if (result < 0) {
        connection->send_error = -result;
        channel_queue_release(&connection->out);
        ev_feed_event(loop, &connection->readable, EV_READ);
    }
    if (connection->out.bytes > 0)
        ev_io_start(loop, &connection->writable);
    else
        ev_io_stop(loop, &connection->writable);
}

int connection_send(struct connection *connection, const struct message *message)
{
    size_t size = codec_frame_size(message);
    bool idle = connection->out.bytes == 0;
    enum codec_result result;
    uint8_t *room;

    if (size == 0)
        return -EMSGSIZE;
    if (connection->send_error)
        return 0;
    if (size > CHANNEL_SEND_LIMIT - connection->out.bytes) {
        connection->wants_drained = true;
        return -ENOBUFS;
    }
    room = channel_queue_reserve(&connection->out, size);
    if (!room)
        return -ENOMEM;
    result = codec_encode(message, room, size, &size);
    if (result != CODEC_OK)
        return result == CODEC_E_MEMORY ? -ENOMEM : -EMSGSIZE;
    channel_queue_commit(&connection->out, size);
    if (idle)
        flush(connection);
    return 0;
}

size_t connection_send_space(struct connection *connection)
{
    connection->wants_drained = connection->out.bytes > 0;
    return CHANNEL_SEND_LIMIT - connection->out.bytes;
}

/* ---- Closing ---- */

/* All is written: ends our direction and waits for the other side's end. To close a socket that
 * holds unread bytes would reset the connection, and what we wrote last would be lost over there.
 */
static void finish_closing(struct connection *connection)
{
    if (connection->ended || shutdown(connection->fd, SHUT_WR) < 0)
        connection_dispose(connection, false);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CONNECTING || connection->send_error) {
        connection_dispose(connection, false);
        return;
    }
    connection->state = CONNECTION_CLOSING;
    set_deadline(connection);
    if (connection->out.bytes == 0)
        finish_closing(connection);
}

static void write_closing(struct connection *connection)
{
    if (write_queue(connection) < 0) {
        connection_dispose(connection, false);
    } else if (connection->out.bytes == 0) {
        ev_io_stop(connection->channel->loop, &connection->writable);
        finish_closing(connection);
    }
}

static void read_closing(struct connection *connection)
{
    ssize_t size;

    channel_buffer_release(&connection->in);
    size = recv(connection->fd, NULL, CHANNEL_RECEIVE_USUAL, MSG_TRUNC | MSG_DONTWAIT);
    if (size > 0) {
        connection->channel->received_bytes += (uint64_t)size;
    } else if (size == 0) {
        connection->ended = true;
        ev_io_stop(connection->channel->loop, &connection->readable);
        if (connection->out.bytes == 0)
            connection_dispose(connection, false);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        connection_dispose(connection, false);
    }
}

/* ---- Receiving ---- */

static bool is_stranger(const struct connection *connection)
{
    return connection->incoming && !connection->authorised;
}

static void deliver(struct connection *connection)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;
    struct channel_buffer *in = &connection->in;

    while (connection->state == CONNECTION_OPEN && channel_buffer_held(in) > 0) {
        struct message *message = NULL;
        size_t used = 0;
        enum codec_result result;

        if (is_stranger(connection) && connection->heard) {
            lose(connection, "it sent more than a HELLO before it was accepted");
            return;
        }
        result = codec_decode(in->data + in->start, channel_buffer_held(in), &message, &used);
        if (result == CODEC_MORE)
            return;
        if (result < 0) {
            lose(connection, "it sent what is not a message: %s", codec_strerror(result));
            return;
        }
        in->start += used;
        connection->heard = true;
        callbacks->received(callbacks->context, connection->number, message);
        message_free(message);
    }
}

static void read_open(struct connection *connection)
{
    bool stranger = is_stranger(connection);
    struct channel_buffer *in = &connection->in;
    long room =
        channel_buffer_reserve(in, stranger ? CHANNEL_RECEIVE_STRANGER : CHANNEL_RECEIVE_USUAL,
                               stranger ? CHANNEL_HELLO_MAX : CHANNEL_RECEIVE_LIMIT);
    ssize_t size;

    if (room < 0) {
        lose(connection, "no memory to receive");
        return;
    }
    if (room == 0) {
        /* Within the limit of a known peer each frame fits, so this is a stranger. */
        lose(connection, "it sent more than %u bytes before it was accepted", CHANNEL_HELLO_MAX);
        return;
    }
    /* One read, then back to the loop: a busy peer must not starve heartbeats and timers. */
    size = recv(connection->fd, in->data + in->end, (size_t)room, MSG_DONTWAIT);
    if (size > 0) {
        in->end += (size_t)size;
        connection->channel->received_bytes += (uint64_t)size;
        deliver(connection);
        if (connection->state == CONNECTION_OPEN && connection->send_error)
            ev_feed_event(connection->channel->loop, &connection->readable, EV_READ);
    } else if (size == 0 && channel_buffer_held(in) > 0) {
        lose(connection, "it closed the connection in the middle of a message");
    } else if (size == 0) {
        lose(connection, "it closed the connection");
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        lose(connection, "connection broken: %s", strerror(errno));
    } else if (errno != EINTR && connection->send_error) {
        lose(connection, "connection broken: %s", strerror(connection->send_error));
    }
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *connection = of_io(watcher);
    struct channel *channel = connection->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    if (connection->state == CONNECTION_CLOSING)
        read_closing(connection);
    else
        read_open(connection);
    channel_leave(channel);
}

/* ---- Connecting ---- */

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
    ev_io_set(&connection->readable, fd, EV_READ);
    ev_io_set(&connection->writable, fd, EV_WRITE);
}

void connection_accept(struct connection *connection, int fd, const char *address)
{
    watch_socket(connection, fd);
    set_deadline(connection);
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
        set_deadline(connection);
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
        lose(connection, "cannot connect to %s: %s", address, strerror(error));
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

static void write_open(struct connection *connection)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;

    flush(connection);
    if (!connection->send_error && connection->wants_drained &&
        connection->out.bytes <= CHANNEL_DRAINED) {
        connection->wants_drained = false;
        callbacks->drained(callbacks->context, connection->number);
    }
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *connection = of_io(watcher);
    struct channel *channel = connection->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    if (connection->state == CONNECTION_CONNECTING)
        finish_connecting(connection);
    else if (connection->state == CONNECTION_CLOSING)
        write_closing(connection);
    else
        write_open(connection);
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
        lose(connection, "it was not accepted within %u ms", CHANNEL_HELLO_MS);
    else
        lose(connection, "it sent no HELLO within %u ms", CHANNEL_HELLO_MS);
    channel_leave(channel);
}

/* ---- Life ---- */

struct connection *connection_create(struct channel *channel, bool incoming)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->channel = channel;
    connection->number = ++channel->last_number;
    connection->state = CONNECTION_CONNECTING;
    connection->incoming = incoming;
    connection->fd = -1;
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

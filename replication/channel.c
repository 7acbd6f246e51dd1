#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_BACKLOG  16
#define LISTEN_ATTEMPTS 8u /* to find one port that is free on all addresses of a name */
#define ACCEPT_BATCH    CHANNEL_MAX_PEERS

/* ---- Memory ---- */

static void free_gone(struct channel *channel)
{
    while (channel->gone) {
        struct connection *next = channel->gone->next;

        channel_buffer_release(&channel->gone->in);
        channel_queue_release(&channel->gone->out);
        free(channel->gone);
        channel->gone = next;
    }
}

void channel_enter(struct channel *channel)
{
    channel->depth++;
}

void channel_leave(struct channel *channel)
{
    assert(channel->depth > 0);
    if (--channel->depth > 0)
        return;
    free_gone(channel);
    if (channel->destroyed)
        free(channel);
}

static struct connection *find(const struct channel *channel, channel_peer peer)
{
    for (struct connection *i = channel->connections; i; i = i->next) {
        if (i->number == peer && i->state != CONNECTION_CLOSING)
            return i;
    }
    return NULL;
}

/* ---- Accepting ---- */

static size_t count_strangers(const struct channel *channel)
{
    size_t count = 0;

    for (const struct connection *i = channel->connections; i; i = i->next)
        count += i->incoming && !i->authorised;
    return count;
}

static void pause_accepting(struct channel *channel)
{
    for (size_t i = 0; i < channel->listener_count; i++)
        ev_io_stop(channel->loop, &channel->listeners[i].acceptable);
    ev_timer_set(&channel->accept_pause, CHANNEL_ACCEPT_PAUSE_MS / 1000.0, 0.);
    ev_timer_start(channel->loop, &channel->accept_pause);
}

static void on_accept_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct channel *channel = watcher->data;

    (void)events;
    for (size_t i = 0; i < channel->listener_count; i++)
        ev_io_start(loop, &channel->listeners[i].acceptable);
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* False when there is none to accept now. */
static bool accept_one(struct channel_listener *listener)
{
    struct channel *channel = listener->channel;
    struct channel_address from = {.size = sizeof(from.socket)};
    int fd = accept4(listener->fd, (struct sockaddr *)&from.socket, &from.size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *connection;
    char address[CHANNEL_ADDRESS_TEXT];

    if (fd < 0) {
        /* The connection stays in the backlog, so the listener stays readable: without a pause the
         * loop would spin. */
        if (is_shortage(errno))
            pause_accepting(channel);
        /* Other errors are those of the connection that would have been accepted. */
        return errno != EAGAIN && errno != EWOULDBLOCK && !is_shortage(errno);
    }
    connection =
        count_strangers(channel) < CHANNEL_MAX_PEERS ? connection_create(channel, true) : NULL;
    if (!connection) {
        close(fd);
        return true;
    }
    channel_address_format(&from, address);
    connection_accept(connection, fd, address);
    return true;
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct channel_listener *listener = watcher->data;
    struct channel *channel = listener->channel;

    (void)loop;
    (void)events;
    channel_enter(channel);
    for (unsigned i = 0; i < ACCEPT_BATCH && !channel->destroyed; i++) {
        if (!accept_one(listener))
            break;
    }
    channel_leave(channel);
}

/* ---- Listening ---- */

static int listen_on(const struct channel_address *address)
{
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    int error;

    if (fd < 0)
        return -errno;
    /* A replica that starts again must not wait for its old connections' TIME_WAIT. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (const struct sockaddr *)&address->socket, address->size) == 0 &&
        listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static void stop_listening(struct channel *channel)
{
    for (size_t i = 0; i < channel->listener_count; i++) {
        ev_io_stop(channel->loop, &channel->listeners[i].acceptable);
        close(channel->listeners[i].fd);
    }
    channel->listener_count = 0;
    ev_timer_stop(channel->loop, &channel->accept_pause);
}

static void add_listener(struct channel *channel, int fd)
{
    struct channel_listener *listener = &channel->listeners[channel->listener_count++];

    listener->channel = channel;
    listener->fd = fd;
    ev_io_init(&listener->acceptable, on_acceptable, fd, EV_READ);
    listener->acceptable.data = listener;
    ev_io_start(channel->loop, &listener->acceptable);
}

/* Listens on each address that this host has, all on one port. On failure `failed` says which. */
static int listen_on_all(struct channel *channel, const struct channel_addresses *addresses,
                         struct channel_address *failed)
{
    int result = -EADDRNOTAVAIL;

    *failed = addresses->list[0];
    for (size_t i = 0; i < addresses->count; i++) {
        struct channel_address address = addresses->list[i];
        int fd;

        if (channel->listener_count > 0)
            channel_address_set_port(&address, channel_port(channel));
        fd = listen_on(&address);
        if (fd >= 0) {
            add_listener(channel, fd);
            continue;
        }
        *failed = address;
        result = fd;
        /* localhost often resolves to ::1 on hosts without IPv6. */
        if (fd != -EADDRNOTAVAIL && fd != -EAFNOSUPPORT) {
            stop_listening(channel);
            return fd;
        }
    }
    return channel->listener_count > 0 ? 0 : result;
}

int channel_listen(struct channel *channel, const char *address, bool insecure, char *error,
                   size_t error_size)
{
    struct channel_addresses addresses;
    struct channel_address failed;
    char text[CHANNEL_ADDRESS_TEXT];
    bool any_port;
    int result;

    if (channel->listener_count > 0) {
        snprintf(error, error_size, "already listening on port %u", channel_port(channel));
        return -EALREADY;
    }
    result = channel_address_resolve(address, &addresses, error, error_size);
    if (result == 0)
        result = channel_address_permit(address, &addresses, insecure, error, error_size);
    if (result < 0)
        return result;
    any_port = channel_address_port(&addresses.list[0]) == 0;
    /* The port that was free on the first address may be taken on the second. */
    for (unsigned i = 0; i < LISTEN_ATTEMPTS; i++) {
        result = listen_on_all(channel, &addresses, &failed);
        if (result != -EADDRINUSE || !any_port)
            break;
    }
    if (result < 0) {
        channel_address_format(&failed, text);
        snprintf(error, error_size, "cannot listen on %s: %s", text,
                 result == -EADDRINUSE ? "the port is in use by another process"
                                       : strerror(-result));
    }
    return result;
}

uint16_t channel_port(const struct channel *channel)
{
    struct channel_address here = {.size = sizeof(here.socket)};

    if (channel->listener_count == 0 ||
        getsockname(channel->listeners[0].fd, (struct sockaddr *)&here.socket, &here.size) < 0)
        return 0;
    return channel_address_port(&here);
}

/* ---- Connecting ---- */

/* Resolves a name once: a replica that tries again runs heartbeats meanwhile and must not block. */
static int resolve_once(struct channel *channel, const char *address, char *error,
                        size_t error_size)
{
    struct channel_addresses addresses;
    char *text;
    int result;

    if (channel->resolved_text && strcmp(channel->resolved_text, address) == 0)
        return 0;
    result = channel_address_resolve(address, &addresses, error, error_size);
    if (result < 0)
        return result;
    text = strdup(address);
    if (!text) {
        snprintf(error, error_size, "no memory to connect to %.200s", address);
        return -ENOMEM;
    }
    free(channel->resolved_text);
    channel->resolved_text = text;
    channel->resolved = addresses;
    return 0;
}

int channel_connect(struct channel *channel, const char *address, bool insecure, channel_peer *peer,
                    char *error, size_t error_size)
{
    struct connection *connection;
    int result = resolve_once(channel, address, error, error_size);

    if (result == 0)
        result = channel_address_permit(address, &channel->resolved, insecure, error, error_size);
    if (result < 0)
        return result;
    if (channel_address_port(&channel->resolved.list[0]) == 0) {
        snprintf(error, error_size, "cannot connect to %.200s: port 0 is none", address);
        return -EINVAL;
    }
    connection = connection_create(channel, false);
    if (!connection) {
        snprintf(error, error_size, "no memory to connect to %.200s", address);
        return -ENOMEM;
    }
    connection->addresses = channel->resolved;
    result = connection_connect(connection);
    if (result < 0) {
        snprintf(error, error_size, "cannot connect to %.200s: %s", address, strerror(-result));
        channel_enter(channel);
        connection_dispose(connection, false);
        channel_leave(channel);
        return result;
    }
    *peer = connection->number;
    return 0;
}

/* ---- One peer ---- */

void channel_authorise(struct channel *channel, channel_peer peer)
{
    struct connection *connection = find(channel, peer);

    if (connection)
        connection_authorise(connection);
}

int channel_send(struct channel *channel, channel_peer peer, const struct message *message)
{
    struct connection *connection = find(channel, peer);

    if (!connection || connection->state != CONNECTION_OPEN)
        return -ENOTCONN;
    return connection_send(connection, message);
}

size_t channel_send_space(struct channel *channel, channel_peer peer)
{
    struct connection *connection = find(channel, peer);

    if (!connection || connection->state != CONNECTION_OPEN)
        return 0;
    return connection_send_space(connection);
}

void channel_close(struct channel *channel, channel_peer peer)
{
    struct connection *connection = find(channel, peer);

    if (!connection)
        return;
    channel_enter(channel);
    connection_close(connection);
    channel_leave(channel);
}

void channel_abort(struct channel *channel, channel_peer peer)
{
    struct connection *connection = find(channel, peer);

    if (!connection)
        return;
    channel_enter(channel);
    connection_dispose(connection, true);
    channel_leave(channel);
}

size_t channel_closing(const struct channel *channel)
{
    size_t count = 0;

    for (const struct connection *i = channel->connections; i; i = i->next)
        count += i->state == CONNECTION_CLOSING;
    return count;
}

/* ---- Life ---- */

int channel_create(struct channel **channel, struct ev_loop *loop,
                   const struct channel_callbacks *callbacks)
{
    struct channel *created = calloc(1, sizeof(*created));

    if (!created)
        return -ENOMEM;
    created->loop = loop;
    created->callbacks = *callbacks;
    ev_init(&created->accept_pause, on_accept_pause_over);
    created->accept_pause.data = created;
    *channel = created;
    return 0;
}

void channel_destroy(struct channel *channel)
{
    if (!channel)
        return;
    channel_enter(channel);
    stop_listening(channel);
    while (channel->connections)
        connection_dispose(channel->connections, false);
    free(channel->resolved_text);
    channel->resolved_text = NULL;
    channel->destroyed = true;
    channel_leave(channel);
}

uint64_t channel_sent_bytes(const struct channel *channel)
{
    return channel->sent_bytes;
}

uint64_t channel_received_bytes(const struct channel *channel)
{
    return channel->received_bytes;
}

#include "replication/channel_connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_BACKLOG  16
#define LISTEN_ATTEMPTS 8u /* to find one port that is free on all addresses of a name */
#define ACCEPT_BATCH    CHANNEL_MAX_PEERS
#define ACCEPT_PAUSE_MS 100u /* when accepting fails */

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
    ev_timer_set(&channel->accept_pause, ACCEPT_PAUSE_MS / 1000.0, 0.);
    ev_timer_start(channel->loop, &channel->accept_pause);
}

static void on_accept_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct channel *channel = watcher->data;

    (void)events;
    for (size_t i = 0; i < channel->listener_count; i++)
        ev_io_start(loop, &channel->listeners[i].acceptable);
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
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return false;
        if (errno == EINTR || errno == ECONNABORTED)
            return true;
        /* Mostly a shortage of descriptors or memory. The connection stays in the backlog and the
         * listener readable: without a pause the loop would spin. */
        pause_accepting(channel);
        return false;
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

void channel_prepare_listening(struct channel *channel)
{
    ev_init(&channel->accept_pause, on_accept_pause_over);
    channel->accept_pause.data = channel;
}

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

void channel_stop_listening(struct channel *channel)
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
            channel_stop_listening(channel);
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

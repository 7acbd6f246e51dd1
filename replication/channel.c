#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void free_gone(struct channel *channel)
{
    while (channel->gone) {
        struct connection *next = channel->gone->next;

        channel_buffer_release(&channel->gone->in);
        channel_queue_release(&channel->gone->out);
        memory_release(channel->memory, channel->gone);
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
        memory_release(channel->memory, channel);
}

static struct connection *find(const struct channel *channel, channel_peer peer)
{
    for (struct connection *i = channel->connections; i; i = i->next) {
        if (i->number == peer && i->state != CONNECTION_CLOSING)
            return i;
    }
    return NULL;
}

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
    text = memory_duplicate_text(channel->memory, address);
    if (!text) {
        snprintf(error, error_size, "no memory to connect to %.200s", address);
        return -ENOMEM;
    }
    memory_release(channel->memory, channel->resolved_text);
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

void channel_set_reading(struct channel *channel, channel_peer peer, bool reading)
{
    struct connection *connection = find(channel, peer);

    if (connection && connection->state == CONNECTION_OPEN)
        connection_set_reading(connection, reading);
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

int channel_create(struct channel **channel, const struct memory *memory, struct ev_loop *loop,
                   const struct channel_callbacks *callbacks)
{
    struct channel *created = memory_allocate_zeroed(memory, sizeof(*created));

    if (!created)
        return -ENOMEM;
    created->memory = memory;
    created->loop = loop;
    created->callbacks = *callbacks;
    channel_prepare_listening(created);
    *channel = created;
    return 0;
}

void channel_destroy(struct channel *channel)
{
    if (!channel)
        return;
    channel_enter(channel);
    channel_stop_listening(channel);
    while (channel->connections)
        connection_dispose(channel->connections, false);
    memory_release(channel->memory, channel->resolved_text);
    channel->resolved_text = NULL;
    channel->destroyed = true;
    channel_leave(channel);
}

bool channel_take_touched(struct channel *channel)
{
    bool touched = channel->touched;

    channel->touched = false;
    return touched;
}

uint64_t channel_sent_bytes(const struct channel *channel)
{
    return channel->sent_bytes;
}

uint64_t channel_received_bytes(const struct channel *channel)
{
    return channel->received_bytes;
}

#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "logging/codec.h"

#define NO_MEMORY "no memory to receive"

static_assert(CHANNEL_RECEIVE_LIMIT >= FRAME_MAX_SIZE, "a frame must fit the receive buffer");

static bool is_stranger(const struct connection *connection)
{
    return connection->incoming && !connection->authorised;
}

static void deliver(struct connection *connection)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;
    const struct memory *memory = connection->channel->memory;
    struct channel_buffer *in = &connection->in;

    while (connection->state == CONNECTION_OPEN && channel_buffer_held(in) > 0) {
        struct message *message = NULL;
        size_t used = 0;
        enum codec_result result;

        if (is_stranger(connection) && connection->heard) {
            connection_lose(connection,
                            "the other side sent more than a HELLO before it was accepted");
            return;
        }
        result =
            codec_decode(memory, in->data + in->start, channel_buffer_held(in), &message, &used);
        if (result == CODEC_MORE)
            return;
        if (result == CODEC_E_MEMORY) {
            connection_lose(connection, NO_MEMORY);
            return;
        }
        if (result < 0) {
            connection_lose(connection, "the other side sent what is not a message: %s",
                            codec_strerror(result));
            return;
        }
        in->start += used;
        connection->heard = true;
        callbacks->received(callbacks->context, connection->number, message);
        message_free(memory, message);
    }
}

void connection_on_readable(struct connection *connection)
{
    bool stranger = is_stranger(connection);
    struct channel_buffer *in = &connection->in;
    long room =
        channel_buffer_reserve(in, stranger ? CHANNEL_RECEIVE_STRANGER : CHANNEL_RECEIVE_USUAL,
                               stranger ? CHANNEL_HELLO_MAX : CHANNEL_RECEIVE_LIMIT);
    ssize_t size;

    if (room < 0) {
        connection_lose(connection, NO_MEMORY);
        return;
    }
    if (room == 0) {
        /* Within the limit of a known peer each frame fits, so this is a stranger. */
        connection_lose(connection, "the other side sent more than %u bytes before it was accepted",
                        CHANNEL_HELLO_MAX);
        return;
    }
    /* One read, then back to the loop: a busy peer must not starve heartbeats and timers. */
    size = recv(connection->fd, in->data + in->end, (size_t)room, MSG_DONTWAIT);
    if (size > 0) {
        in->end += (size_t)size;
        connection->channel->received_bytes += (uint64_t)size;
        deliver(connection);
        if (connection->state == CONNECTION_OPEN && connection->send_error && !connection->paused)
            ev_feed_event(connection->channel->loop, &connection->readable, EV_READ);
    } else if (size == 0 && channel_buffer_held(in) > 0) {
        connection_lose(connection,
                        "the other side closed the connection in the middle of a message");
    } else if (size == 0) {
        connection_lose(connection, "the other side closed the connection");
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        connection_lose(connection, "connection broken: %s", strerror(errno));
    } else if (errno != EINTR && connection->send_error) {
        connection_lose(connection, "connection broken: %s", strerror(connection->send_error));
    }
}

void connection_set_reading(struct connection *connection, bool reading)
{
    struct ev_loop *loop = connection->channel->loop;

    connection->paused = !reading;
    if (!reading) {
        ev_io_stop(loop, &connection->readable);
        return;
    }
    ev_io_start(loop, &connection->readable);
    /* Stopping took back the event by which a failed write is reported. */
    if (connection->send_error)
        ev_feed_event(loop, &connection->readable, EV_READ);
}

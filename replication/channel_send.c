#include "replication/channel_connection.h"

#include <assert.h>
#include <errno.h>

#include "logging/codec.h"

#define SEND_PARTS 16u /* chunks gathered into one write */

static_assert(CHANNEL_SEND_LIMIT >= 2 * FRAME_MAX_SIZE, "frames must fit the send queue");

int connection_write(struct connection *connection)
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
    int result = connection_write(connection);

    if (result < 0) {
        connection->send_error = -result;
        channel_queue_release(&connection->out);
        connection->channel->touched = true;
        if (!connection->paused)
            ev_feed_event(loop, &connection->readable, EV_READ);
    }
    if (connection->out.bytes > 0) {
        connection->channel->touched = true;
        ev_io_start(loop, &connection->writable);
    } else
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

void connection_on_writable(struct connection *connection)
{
    const struct channel_callbacks *callbacks = &connection->channel->callbacks;

    flush(connection);
    if (!connection->send_error && connection->wants_drained &&
        connection->out.bytes <= CHANNEL_DRAINED) {
        connection->wants_drained = false;
        callbacks->drained(callbacks->context, connection->number);
    }
}

#include "replication/channel_connection.h"

#include <errno.h>

/* All is written: ends our direction and waits for the other side's end. Closing a socket that
 * holds unread bytes would reset the connection, and what was written last would be lost over
 * there. */
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
    connection_set_deadline(connection);
    /* Even if the owner had stopped reading: what arrives now is dropped. */
    ev_io_start(connection->channel->loop, &connection->readable);
    if (connection->out.bytes == 0)
        finish_closing(connection);
}

void connection_closing_on_writable(struct connection *connection)
{
    if (connection_write(connection) < 0) {
        connection_dispose(connection, false);
    } else if (connection->out.bytes == 0) {
        ev_io_stop(connection->channel->loop, &connection->writable);
        finish_closing(connection);
    }
}

void connection_closing_on_readable(struct connection *connection)
{
    uint8_t unwanted[16 * 1024];
    ssize_t size;

    channel_buffer_release(&connection->in);
    size = recv(connection->fd, unwanted, sizeof unwanted, MSG_DONTWAIT);
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

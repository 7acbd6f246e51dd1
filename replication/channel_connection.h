/*
 * One connection of a channel: its socket from connecting to closed, frames in and out, its limits
 * and deadlines. Called by channel.c, which owns the list of connections, and by the loop.
 *
 * Callbacks may close anything, even the channel, so nothing is freed while one of them runs: what
 * was disposed of waits until the outermost event has been handled (channel_enter, channel_leave).
 */
#ifndef REPLICATION_CHANNEL_CONNECTION_H
#define REPLICATION_CHANNEL_CONNECTION_H

#include <ev.h>

#include "replication/channel.h"
#include "replication/channel_address.h"
#include "replication/channel_buffer.h"
#include "replication/channel_queue.h"

#define CHANNEL_RECEIVE_USUAL    (512u * 1024)            /* bytes asked for in one read */
#define CHANNEL_RECEIVE_STRANGER (8u * 1024)              /* the same, before authorisation */
#define CHANNEL_RECEIVE_LIMIT    (2u * 1024 * 1024)       /* must hold the largest frame */
#define CHANNEL_DRAINED          (CHANNEL_SEND_LIMIT / 2) /* queued bytes at which drained() comes */
#define CHANNEL_REASON           256u

enum connection_state {
    CONNECTION_CONNECTING,
    CONNECTION_OPEN,
    CONNECTION_CLOSING, /* sends what is queued, ignores what arrives, calls nobody */
    CONNECTION_GONE,    /* not in the list any more; to be freed */
};

struct connection {
    struct connection *next;
    struct channel *channel;
    channel_peer number;
    enum connection_state state;
    int fd;
    bool incoming;
    bool authorised;
    bool heard;         /* a message was received */
    bool paused;        /* the owner does not want to read now */
    bool ended;         /* closing: the other side has ended its direction */
    bool wants_drained; /* the owner found the space short */
    int send_error;     /* errno of a failed write; what was received before is still delivered */
    ev_io readable;
    ev_io writable;
    uint32_t watched;  /* events of `fd` that the owner's epoll descriptor has (channel_watch.c) */
    ev_timer deadline; /* of connecting, of a stranger's stay, of closing */
    struct channel_buffer in;
    struct channel_queue out;
    struct channel_addresses addresses; /* to be tried in turn */
    size_t attempt;
};

struct channel_listener {
    struct channel *channel;
    int fd;
    ev_io acceptable;
    uint32_t watched; /* as a connection's */
};

struct channel {
    const struct memory *memory;
    struct ev_loop *loop;
    struct channel_callbacks callbacks;
    struct connection *connections;
    struct connection *gone;
    unsigned depth; /* of event handlers running */
    bool destroyed; /* to be freed by the outermost of them */
    channel_peer last_number;
    bool touched;
    uint64_t sent_bytes;
    uint64_t received_bytes;
    struct channel_listener listeners[CHANNEL_MAX_ADDRESSES];
    size_t listener_count;
    ev_timer accept_pause;
    char *resolved_text; /* the name resolved last, so that trying again does not block */
    struct channel_addresses resolved;
};

/* Around every handler that may call the owner. After channel_leave() the channel may be gone. */
void channel_enter(struct channel *channel);
void channel_leave(struct channel *channel);

/* channel_listen.c */
void channel_prepare_listening(struct channel *channel);
void channel_stop_listening(struct channel *channel);

/* channel_connection.c: from nothing to open, and to gone */

/* A new connection in the list, without a socket; NULL without memory. */
struct connection *connection_create(struct channel *channel, bool incoming);
/* Takes the socket of an accepted connection and tells the owner. */
void connection_accept(struct connection *connection, int fd, const char *address);
/* Starts to connect to connection->addresses. 0, or the negative errno of the last of them. */
int connection_connect(struct connection *connection);
void connection_authorise(struct connection *connection);
void connection_set_deadline(struct connection *connection);
/* Out of the list and closed at once, without a callback; with `reset` what the kernel still holds
 * is not sent either. */
void connection_dispose(struct connection *connection, bool reset);
/* Disposes of it and calls lost(). */
__attribute__((format(printf, 2, 3))) void connection_lose(struct connection *connection,
                                                           const char *format, ...);

/* channel_send.c: an open connection's way out */

int connection_send(struct connection *connection, const struct message *message);
size_t connection_send_space(struct connection *connection);
/* One write of what is queued. 0, or a negative errno that is final for the connection. */
int connection_write(struct connection *connection);
void connection_on_writable(struct connection *connection);

/* channel_receive.c: an open connection's way in */

void connection_on_readable(struct connection *connection);
void connection_set_reading(struct connection *connection, bool reading);

/* channel_close.c: an open connection's end in good order */

void connection_close(struct connection *connection);
void connection_closing_on_writable(struct connection *connection);
void connection_closing_on_readable(struct connection *connection);

#endif

/*
 * For tests of the channel: owners that record what their channel tells them, several of them in
 * one loop, and raw sockets for those who do not keep to the protocol.
 */
#ifndef TESTS_REPLICATION_CHANNEL_HARNESS_H
#define TESTS_REPLICATION_CHANNEL_HARNESS_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "logging/codec.h"
#include "replication/channel.h"

#define PATIENCE_S 60 /* a test that waits longer has failed; no test depends on it otherwise */

struct owner;
typedef void (*owner_hook)(struct owner *owner, channel_peer peer);

/* Counters are what has happened so far. */
struct owner {
    struct ev_loop *loop;
    struct channel *channel;
    bool calling;   /* inside a call to the channel, where no callback may come */
    bool authorise; /* whoever is accepted, with the first message */
    unsigned connected;
    unsigned received;
    unsigned lost;
    unsigned drained;
    unsigned disordered; /* ACKs whose `received` did not follow the last one's */
    uint64_t last;
    uint64_t bytes; /* of chunks */
    bool incoming;
    channel_peer peer; /* connected last */
    channel_peer gone; /* lost last */
    enum message_type type;
    char address[128];
    char reason[256];
    owner_hook on_connected;
    owner_hook on_received;
    owner_hook on_lost;
    owner_hook on_drained;
    void *data;
};

static inline void owner_connected(void *context, channel_peer peer, bool incoming,
                                   const char *address)
{
    struct owner *owner = context;

    cr_assert(!owner->calling, "connected() from within a call");
    cr_assert_neq(peer, 0);
    owner->connected++;
    owner->peer = peer;
    owner->incoming = incoming;
    snprintf(owner->address, sizeof(owner->address), "%s", address);
    if (owner->on_connected)
        owner->on_connected(owner, peer);
}

static inline void owner_received(void *context, channel_peer peer, const struct message *message)
{
    struct owner *owner = context;

    cr_assert(!owner->calling, "received() from within a call");
    owner->received++;
    owner->type = message->type;
    if (message->type == MESSAGE_ACK) {
        owner->disordered += message->ack.received != owner->last + 1;
        owner->last = message->ack.received;
    }
    if (message->type == MESSAGE_STATE_CHUNK)
        owner->bytes += message->state_chunk.data.size;
    if (owner->authorise)
        channel_authorise(owner->channel, peer);
    if (owner->on_received)
        owner->on_received(owner, peer);
}

static inline void owner_lost(void *context, channel_peer peer, const char *reason)
{
    struct owner *owner = context;

    cr_assert(!owner->calling, "lost() from within a call");
    cr_assert_null(strchr(reason, '\n'));
    owner->lost++;
    owner->gone = peer;
    snprintf(owner->reason, sizeof(owner->reason), "%s", reason);
    if (owner->on_lost)
        owner->on_lost(owner, peer);
}

static inline void owner_drained(void *context, channel_peer peer)
{
    struct owner *owner = context;

    cr_assert(!owner->calling, "drained() from within a call");
    owner->drained++;
    if (owner->on_drained)
        owner->on_drained(owner, peer);
}

static inline void owner_init(struct owner *owner, struct ev_loop *loop)
{
    struct channel_callbacks callbacks = {owner, owner_connected, owner_received, owner_lost,
                                          owner_drained};

    memset(owner, 0, sizeof(*owner));
    owner->loop = loop;
    owner->authorise = true;
    cr_assert_eq(channel_create(&owner->channel, NULL, loop, &callbacks), 0);
}

static inline void owner_listen(struct owner *owner, const char *address)
{
    char error[256] = "";

    cr_assert_eq(channel_listen(owner->channel, address, false, error, sizeof(error)), 0, "%s",
                 error);
}

static inline channel_peer owner_connect_port(struct owner *owner, const char *host, uint16_t port)
{
    char address[128];
    char error[256] = "";
    channel_peer peer = 0;

    snprintf(address, sizeof(address), "%s:%u", host, port);
    owner->calling = true;
    cr_assert_eq(channel_connect(owner->channel, address, false, &peer, error, sizeof(error)), 0,
                 "%s", error);
    owner->calling = false;
    return peer;
}

static inline int owner_send(struct owner *owner, const struct message *message)
{
    bool outer = owner->calling;
    int result;

    owner->calling = true;
    result = channel_send(owner->channel, owner->peer, message);
    owner->calling = outer;
    return result;
}

static inline struct message make_hello(void)
{
    return (struct message){.type = MESSAGE_HELLO,
                            .hello = {LOG_VERSION, "web", "b", 7, {(const uint8_t *)"abc", 3}}};
}

static inline struct message make_ack(uint64_t received)
{
    return (struct message){.type = MESSAGE_ACK, .ack = {1, received, received, 0}};
}

static inline struct message make_chunk(const uint8_t *data, size_t size)
{
    return (struct message){.type = MESSAGE_STATE_CHUNK, .state_chunk = {{data, size}}};
}

static inline struct message make_bye(void)
{
    return (struct message){.type = MESSAGE_BYE, .bye = {1, BYE_POWEROFF, "the guest is off"}};
}

static inline int owner_send_ack(struct owner *owner, uint64_t received)
{
    struct message message = make_ack(received);

    return owner_send(owner, &message);
}

/* ---- The loop ---- */

static inline void on_patience(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    ++*(unsigned *)watcher->data;
}

/* Runs the loop until the counter says at least `count`. */
static inline void run_until(struct ev_loop *loop, const unsigned *counter, unsigned count)
{
    unsigned seconds = 0;
    ev_timer patience;

    ev_now_update(loop);
    ev_timer_init(&patience, on_patience, 1., 1.);
    patience.data = &seconds;
    ev_timer_start(loop, &patience);
    while (*counter < count && seconds < PATIENCE_S)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &patience);
    cr_assert_geq(*counter, count, "waited for %u, had %u after %u s", count, *counter, seconds);
}

/* Runs the loop for what is ready now, a few times as one event makes another ready. */
static inline void run_some(struct ev_loop *loop)
{
    for (unsigned i = 0; i < 20; i++)
        ev_run(loop, EVRUN_NOWAIT);
}

static inline void run_until_closed(struct owner *owner)
{
    unsigned seconds = 0;
    ev_timer patience;

    ev_timer_init(&patience, on_patience, 1., 1.);
    patience.data = &seconds;
    ev_timer_start(owner->loop, &patience);
    while (channel_closing(owner->channel) > 0 && seconds < PATIENCE_S)
        ev_run(owner->loop, EVRUN_ONCE);
    ev_timer_stop(owner->loop, &patience);
    cr_assert_eq(channel_closing(owner->channel), 0);
}

/* ---- Two owners ---- */

struct pair {
    struct ev_loop *loop;
    struct owner primary; /* listens */
    struct owner backup;  /* connects */
};

/* Connected, and the backup's HELLO received and accepted. */
static inline void pair_open(struct pair *pair)
{
    struct message hello = make_hello();

    pair->loop = ev_loop_new(EVFLAG_AUTO);
    owner_init(&pair->primary, pair->loop);
    owner_init(&pair->backup, pair->loop);
    owner_listen(&pair->primary, "127.0.0.1:0");
    owner_connect_port(&pair->backup, "127.0.0.1", channel_port(pair->primary.channel));
    run_until(pair->loop, &pair->backup.connected, 1);
    cr_assert_eq(owner_send(&pair->backup, &hello), 0);
    run_until(pair->loop, &pair->primary.received, 1);
    pair->primary.received = 0;
}

static inline void pair_close(struct pair *pair)
{
    channel_destroy(pair->primary.channel);
    channel_destroy(pair->backup.channel);
    ev_loop_destroy(pair->loop);
}

/* ---- Raw sockets ---- */

static inline struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0, "%s", strerror(errno));
    return fd;
}

static inline int raw_listen(uint16_t *port)
{
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(fd, 4), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* May end early when the other side has closed. */
static inline void raw_send(int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

static inline size_t encode(const struct message *message, uint8_t *frame, size_t capacity)
{
    size_t size = 0;

    cr_assert_eq(codec_encode(message, frame, capacity, &size), CODEC_OK);
    return size;
}

static inline void raw_send_message(int fd, const struct message *message)
{
    uint8_t frame[4096];

    raw_send(fd, frame, encode(message, frame, sizeof(frame)));
}

/* Runs the loop until the other side has closed the connection. */
static inline void raw_expect_end(struct ev_loop *loop, int fd)
{
    unsigned seconds = 0;
    uint8_t bytes[4096];
    ev_timer patience;
    bool ended = false;

    ev_timer_init(&patience, on_patience, 0.05, 0.05);
    patience.data = &seconds;
    ev_timer_start(loop, &patience);
    while (!ended && seconds < PATIENCE_S * 20) {
        ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        ended = size == 0 || (size < 0 && errno != EAGAIN);
        if (size < 0 && !ended)
            ev_run(loop, EVRUN_ONCE);
    }
    ev_timer_stop(loop, &patience);
    cr_assert(ended);
}

#endif

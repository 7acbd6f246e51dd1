/*
 * The channel between replicas: framed messages (logging/codec.h) over TCP, non-blocking, driven by
 * the owner's libev loop.
 *
 * A channel listens for joiners and may hold one outgoing connection; each connection is a
 * peer with a number that is never used again. It knows bytes and frames and nothing of the
 * protocol: what a message means, and whether a peer is welcome, is the engine's business.
 *
 * Bounded: a connection that was accepted and has not been authorised (channel_authorise) may send
 * one frame of at most CHANNEL_HELLO_MAX bytes and must do so within CHANNEL_HELLO_MS, and there
 * are at most CHANNEL_MAX_PEERS of them. Queued output is limited to CHANNEL_SEND_LIMIT per peer:
 * beyond that channel_send() refuses, and the owner drops the peer or waits (channel_send_space).
 *
 * Not encrypted. Addresses other than loopback are refused unless `insecure` is given.
 *
 * Resolving a host's name may block, which only channel_check_address(), channel_listen() and the
 * first channel_connect() to a name do; a numeric address never blocks.
 *
 * One call at a time, on any thread: the owner sees to it. Callbacks come from the loop alone,
 * never from within a call; they may make any call, channel_destroy() too, but must not run the
 * loop. A call on another thread than the loop's may leave the loop something to do, of which it
 * must be told (channel_take_touched()).
 */
#ifndef REPLICATION_CHANNEL_H
#define REPLICATION_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logging/memory.h"
#include "logging/message.h"

#define CHANNEL_MAX_PEERS  8u
#define CHANNEL_HELLO_MAX  (80u * 1024)
#define CHANNEL_HELLO_MS   5000u
#define CHANNEL_SEND_LIMIT (64u << 20)

struct ev_loop;
struct channel;

typedef uint64_t channel_peer; /* 0 is no peer */

struct channel_callbacks {
    void *context;
    /* An outgoing connection stands (`incoming` false) or one was accepted. */
    void (*connected)(void *context, channel_peer peer, bool incoming, const char *address);
    /* A message arrived; it belongs to the callee for the duration of the call. The callee may send
     * and close, also this peer. */
    void (*received)(void *context, channel_peer peer, const struct message *message);
    /* The peer is gone: closed by it, broken, damaged bytes, connection refused. Reason is one
     * line. What it sent before was received. Not called for channel_close() and channel_abort().
     */
    void (*lost)(void *context, channel_peer peer, const char *reason);
    /* Once after channel_send_space() told less than CHANNEL_SEND_LIMIT or channel_send() refused:
     * bytes were written, and half of the limit or more is free. */
    void (*drained)(void *context, channel_peer peer);
};

/* Splits "HOST:PORT" ("[v6]:PORT" too); checks that it resolves, to loopback unless `insecure`.
 * Negative errno and a line in `error` otherwise. */
int channel_check_address(const char *address, bool insecure, char *error, size_t error_size);

/* -ENOMEM, or 0. Memory and loop are borrowed for the channel's life. */
int channel_create(struct channel **channel, const struct memory *memory, struct ev_loop *loop,
                   const struct channel_callbacks *callbacks);
void channel_destroy(struct channel *channel); /* closes everything without callbacks */

/* Starts to listen; port 0 takes a free one, told by channel_port(). */
int channel_listen(struct channel *channel, const char *address, bool insecure, char *error,
                   size_t error_size);
uint16_t channel_port(const struct channel *channel);

/* Starts a connection; its result comes as connected() or lost(), each address that the name
 * stands for being given CHANNEL_HELLO_MS. 0, or a negative errno and a line in `error`. */
int channel_connect(struct channel *channel, const char *address, bool insecure, channel_peer *peer,
                    char *error, size_t error_size);

/* Lifts the limits of a stranger: the peer's HELLO was accepted. */
void channel_authorise(struct channel *channel, channel_peer peer);

/* Queues a message and tries to write it at once. -ENOBUFS over the limit, -EMSGSIZE for a message
 * beyond its limits, -ENOTCONN for no such peer or one not connected yet, -ENOMEM: nothing
 * was taken. A broken connection is reported by lost() later. */
int channel_send(struct channel *channel, channel_peer peer, const struct message *message);
/* Bytes that may be queued before the limit. */
size_t channel_send_space(struct channel *channel, channel_peer peer);
/* Stops and resumes taking bytes from a peer: the owner has no room for what it would say. What is
 * not taken fills the kernel's buffers and then holds up the sender. Frames that were already read
 * still arrive. That the connection broke shows when reading resumes, behind what came before. */
void channel_set_reading(struct channel *channel, channel_peer peer, bool reading);
/* Closes after what is queued was written, but within CHANNEL_HELLO_MS; no more callbacks. */
void channel_close(struct channel *channel, channel_peer peer);
/* Closes at once and resets the connection: what was not sent yet is not sent. */
void channel_abort(struct channel *channel, channel_peer peer);

/* Connections that channel_close() has not closed yet. Who wants a last message to arrive runs the
 * loop until there are none, then destroys. */
size_t channel_closing(const struct channel *channel);

/* Whether channel_send() has left the rest of a message, or a failure, to the loop since this was
 * last asked. Any other call that changes a connection does so. */
bool channel_take_touched(struct channel *channel);

/* Brings an epoll descriptor up to what the loop waits for now, for who polls that instead of
 * running the loop: always the same one, after each time through the loop. 0, or a negative errno.
 */
int channel_watch(struct channel *channel, int epoll_fd);

uint64_t channel_sent_bytes(const struct channel *channel);
uint64_t channel_received_bytes(const struct channel *channel);

#endif

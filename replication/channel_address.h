/*
 * Addresses of the channel: "HOST:PORT" to socket addresses, and the rule that an unencrypted
 * channel stays on this host. Called by channel.c.
 *
 * Resolving a name may block for as long as the resolver does; a numeric host never blocks.
 */
#ifndef REPLICATION_CHANNEL_ADDRESS_H
#define REPLICATION_CHANNEL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CHANNEL_MAX_ADDRESSES 8u   /* of one name; the others are not tried */
#define CHANNEL_MAX_HOST      255u /* bytes of a host's name */
#define CHANNEL_ADDRESS_TEXT  80u  /* enough for "[v6%zone]:port" and its end */

struct channel_address {
    struct sockaddr_storage socket;
    socklen_t size;
};

struct channel_addresses {
    size_t count;
    struct channel_address list[CHANNEL_MAX_ADDRESSES];
};

/* All addresses that `text` stands for, without duplicates, in the resolver's order. 0, or -EINVAL
 * (not "HOST:PORT") or -EADDRNOTAVAIL (does not resolve) with a line in `error`. */
int channel_address_resolve(const char *text, struct channel_addresses *addresses, char *error,
                            size_t error_size);

/* 0 if each of them is a loopback address or `insecure`; else -EACCES and a line in `error`.
 * `text` is what they were resolved from. */
int channel_address_permit(const char *text, const struct channel_addresses *addresses,
                           bool insecure, char *error, size_t error_size);

uint16_t channel_address_port(const struct channel_address *address);
void channel_address_set_port(struct channel_address *address, uint16_t port);
bool channel_address_equal(const struct channel_address *a, const struct channel_address *b);

/* "192.0.2.1:7000", "[::1]:7000". */
void channel_address_format(const struct channel_address *address, char text[CHANNEL_ADDRESS_TEXT]);

#endif

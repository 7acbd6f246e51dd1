#include "replication/channel_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "replication/channel.h"

struct host_and_port {
    char host[CHANNEL_MAX_HOST + 1];
    char port[6];
};

static bool parse_port(const char *text, char port[6])
{
    size_t digits = strspn(text, "0123456789");
    unsigned value = 0;

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    if (value > UINT16_MAX)
        return false;
    memcpy(port, text, digits + 1);
    return true;
}

static int split(const char *text, struct host_and_port *parts, char *error, size_t error_size)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t size;

    if (!colon) {
        snprintf(error, error_size, "address '%.200s' has no port: write HOST:PORT", text);
        return -EINVAL;
    }
    if (!parse_port(colon + 1, parts->port)) {
        snprintf(error, error_size,
                 "address '%.200s' has no port from 0 to 65535 after its last :", text);
        return -EINVAL;
    }
    size = (size_t)(colon - text);
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    } else if (memchr(host, ':', size)) {
        snprintf(error, error_size,
                 "address '%.200s' is ambiguous: write an IPv6 address as [ADDRESS]:PORT", text);
        return -EINVAL;
    }
    if (size == 0 || size > CHANNEL_MAX_HOST) {
        snprintf(error, error_size, "address '%.200s' has no host of 1 to %u bytes before its port",
                 text, CHANNEL_MAX_HOST);
        return -EINVAL;
    }
    memcpy(parts->host, host, size);
    parts->host[size] = '\0';
    return 0;
}

static void add(struct channel_addresses *addresses, const struct addrinfo *info)
{
    struct channel_address *address = &addresses->list[addresses->count];

    if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
        return;
    memset(address, 0, sizeof(*address));
    memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    address->size = info->ai_addrlen;
    for (size_t i = 0; i < addresses->count; i++) {
        if (channel_address_equal(&addresses->list[i], address))
            return;
    }
    addresses->count++;
}

int channel_address_resolve(const char *text, struct channel_addresses *addresses, char *error,
                            size_t error_size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct host_and_port parts;
    int result = split(text, &parts, error, error_size);

    if (result < 0)
        return result;
    result = getaddrinfo(parts.host, parts.port, &hints, &found);
    if (result != 0) {
        snprintf(error, error_size, "cannot resolve host '%.200s': %s", parts.host,
                 result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
        return -EADDRNOTAVAIL;
    }
    addresses->count = 0;
    for (const struct addrinfo *i = found; i && addresses->count < CHANNEL_MAX_ADDRESSES;
         i = i->ai_next)
        add(addresses, i);
    freeaddrinfo(found);
    if (addresses->count == 0) {
        snprintf(error, error_size, "host '%.200s' has neither an IPv4 nor an IPv6 address",
                 parts.host);
        return -EADDRNOTAVAIL;
    }
    return 0;
}

static bool is_loopback(const struct channel_address *address)
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&address->socket)->sin6_addr;
    const struct in_addr *v4 = &((const struct sockaddr_in *)&address->socket)->sin_addr;

    if (address->socket.ss_family == AF_INET)
        return ntohl(v4->s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

int channel_address_permit(const char *text, const struct channel_addresses *addresses,
                           bool insecure, char *error, size_t error_size)
{
    char numeric[CHANNEL_ADDRESS_TEXT];

    if (insecure)
        return 0;
    for (size_t i = 0; i < addresses->count; i++) {
        if (is_loopback(&addresses->list[i]))
            continue;
        channel_address_format(&addresses->list[i], numeric);
        snprintf(error, error_size,
                 "%.200s (%s) is not on this host's loopback, and the channel is not encrypted: "
                 "refused unless insecure_channel is set",
                 text, numeric);
        return -EACCES;
    }
    return 0;
}

uint16_t channel_address_port(const struct channel_address *address)
{
    if (address->socket.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->socket)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)&address->socket)->sin6_port);
}

void channel_address_set_port(struct channel_address *address, uint16_t port)
{
    if (address->socket.ss_family == AF_INET)
        ((struct sockaddr_in *)&address->socket)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&address->socket)->sin6_port = htons(port);
}

bool channel_address_equal(const struct channel_address *a, const struct channel_address *b)
{
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->socket;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->socket;

    if (a->socket.ss_family != b->socket.ss_family ||
        channel_address_port(a) != channel_address_port(b))
        return false;
    if (a->socket.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->socket)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)&b->socket)->sin_addr.s_addr;
    return a6->sin6_scope_id == b6->sin6_scope_id &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

void channel_address_format(const struct channel_address *address, char text[CHANNEL_ADDRESS_TEXT])
{
    bool v6 = address->socket.ss_family == AF_INET6;
    char host[CHANNEL_ADDRESS_TEXT - 9];

    if (getnameinfo((const struct sockaddr *)&address->socket, address->size, host, sizeof(host),
                    NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(host, sizeof(host), "?");
    snprintf(text, CHANNEL_ADDRESS_TEXT, v6 ? "[%s]:%u" : "%s:%u", host,
             channel_address_port(address));
}

int channel_check_address(const char *address, bool insecure, char *error, size_t error_size)
{
    struct channel_addresses addresses;
    int result = channel_address_resolve(address, &addresses, error, error_size);

    return result < 0 ? result
                      : channel_address_permit(address, &addresses, insecure, error, error_size);
}

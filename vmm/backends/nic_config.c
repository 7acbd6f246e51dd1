/* The text of --net, split at commas: what the network is, then options in any order. */
#include "vmm/backends/nic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backends/fail.h"

#define NETWORKS "tap:INTERFACE, pcap:INTERFACE, user or none"
#define OPTIONS  "mac=xx:xx:xx:xx:xx:xx, capture=FILE, hostfwd=tcp:HOST:PORT-:GUESTPORT"
#define FORWARD  "hostfwd=tcp:[HOST]:PORT-:GUESTPORT, for example hostfwd=tcp::2222-:22"

struct report {
    char *error;
    size_t error_size;
};

/* If `text` begins with `prefix`, what follows it; else NULL. */
static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);

    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

static int parse_interface(struct nic_config *config, enum nic_kind kind, const char *name,
                           const struct report *report)
{
    const char *network = kind == NIC_TAP ? "tap" : "pcap";

    if (!*name)
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: %s: lacks the interface; write %s:INTERFACE, for example %s:%s",
                            network, network, network, kind == NIC_TAP ? "tap0" : "eth0");
    if (strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t\n"))
        return backend_fail(
            report->error, report->error_size, -EINVAL,
            "net: '%s' is no name of an interface; it has at most %d characters, no "
            "space and no '/'",
            name, IFNAMSIZ - 1);
    strcpy(config->interface, name);
    config->kind = kind;
    return 0;
}

static int parse_network(struct nic_config *config, const char *text, const struct report *report)
{
    const char *interface;

    if ((interface = after(text, "tap:")))
        return parse_interface(config, NIC_TAP, interface, report);
    if ((interface = after(text, "pcap:")))
        return parse_interface(config, NIC_PCAP, interface, report);
    if (strcmp(text, "tap") == 0)
        return parse_interface(config, NIC_TAP, "", report);
    if (strcmp(text, "pcap") == 0)
        return parse_interface(config, NIC_PCAP, "", report);
    if (strcmp(text, "user") == 0) {
        config->kind = NIC_USER;
        return 0;
    }
    if (strcmp(text, "none") == 0) {
        config->kind = NIC_NONE;
        return 0;
    }
    return backend_fail(report->error, report->error_size, -EINVAL,
                        "net: '%s' is no network; expected " NETWORKS, text);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool read_mac(const char *text, uint8_t mac[6])
{
    if (strlen(text) != 17)
        return false;
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = hex_digit(text[0]);
        int low = hex_digit(text[1]);

        if (high < 0 || low < 0 || (i < 5 && text[2] != ':'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int parse_mac(struct nic_config *config, const char *text, const struct report *report)
{
    static const uint8_t zero[6];

    if (config->has_mac)
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: mac= is given twice; a network interface has one");
    if (!read_mac(text, config->mac))
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: '%s' is no MAC address; expected mac=xx:xx:xx:xx:xx:xx, for "
                            "example mac=52:54:00:12:34:56",
                            text);
    if (config->mac[0] & 1 || memcmp(config->mac, zero, sizeof(zero)) == 0)
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: mac=%s is not the address of one interface; the first byte must "
                            "be even, and not all may be zero",
                            text);
    config->has_mac = true;
    return 0;
}

static int parse_capture(struct nic_config *config, const char *path, const struct report *report)
{
    if (config->capture[0])
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: capture= is given twice; a network interface has one");
    if (!*path || strlen(path) >= sizeof(config->capture))
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: capture= takes the path of a file, of at most %zu characters",
                            sizeof(config->capture) - 1);
    strcpy(config->capture, path);
    return 0;
}

static bool read_port(const char *text, uint16_t *port)
{
    unsigned value = 0;

    if (!*text || strlen(text) > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* tcp:[HOST]:PORT-:GUESTPORT, with `text` to be cut into pieces. */
static bool read_forward(char *text, struct nic_forward *forward)
{
    char *host, *host_port, *guest;
    struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};

    host = strchr(text, ':');
    if (!host)
        return false;
    *host++ = '\0';
    if (strcmp(text, "tcp") && strcmp(text, "udp"))
        return false;
    forward->udp = text[0] == 'u';
    host_port = strchr(host, ':');
    if (!host_port)
        return false;
    *host_port++ = '\0';
    guest = strstr(host_port, "-:");
    if (!guest)
        return false;
    *guest = '\0';
    if (*host && inet_pton(AF_INET, host, &address) != 1)
        return false;
    forward->host_address = address.s_addr;
    return read_port(host_port, &forward->host_port) && read_port(guest + 2, &forward->guest_port);
}

static int parse_forward(struct nic_config *config, const char *text, const struct report *report)
{
    struct nic_forward forward = {0};
    char pieces[64];

    if (config->kind != NIC_USER)
        return backend_fail(
            report->error, report->error_size, -EINVAL,
            "net: hostfwd= is for the network 'user'; on a tap or pcap the guest has "
            "an address of its own");
    if (config->forward_count == NIC_MAX_FORWARDS)
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: more than %u hostfwd=", NIC_MAX_FORWARDS);
    snprintf(pieces, sizeof(pieces), "%s", text);
    if (strlen(text) >= sizeof(pieces) || !read_forward(pieces, &forward))
        return backend_fail(report->error, report->error_size, -EINVAL,
                            "net: hostfwd=%s is no forward; expected " FORWARD, text);
    for (unsigned i = 0; i < config->forward_count; i++) {
        const struct nic_forward *other = &config->forwards[i];

        if (other->udp == forward.udp && other->host_port == forward.host_port &&
            other->host_address == forward.host_address)
            return backend_fail(report->error, report->error_size, -EINVAL,
                                "net: hostfwd=%s forwards a port of the host that is forwarded "
                                "already",
                                text);
    }
    config->forwards[config->forward_count++] = forward;
    return 0;
}

static int parse_option(struct nic_config *config, const char *text, const struct report *report)
{
    const char *value;

    if ((value = after(text, "mac=")))
        return parse_mac(config, value, report);
    if ((value = after(text, "capture=")))
        return parse_capture(config, value, report);
    if ((value = after(text, "hostfwd=")))
        return parse_forward(config, value, report);
    return backend_fail(report->error, report->error_size, -EINVAL,
                        "net: '%s' is no option; expected " OPTIONS, text);
}

int nic_config_parse(struct nic_config *config, const char *text, char *error, size_t error_size)
{
    struct report report = {error, error_size};
    char *copy = strdup(text);
    char *rest = copy, *piece;
    int code;

    *config = (struct nic_config){0};
    if (!copy)
        return backend_fail(error, error_size, -ENOMEM, "net: no memory");
    code = parse_network(config, strsep(&rest, ","), &report);
    while (code == 0 && (piece = strsep(&rest, ",")))
        code = parse_option(config, piece, &report);
    free(copy);
    return code;
}

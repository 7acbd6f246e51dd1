/*
 * The network of the lab:
 *
 *     client ---- lan ----+---- host A ---- channel ----+
 *                         +---- host B ---- channel ----+
 *
 * On the lan, which a bridge br0 joins with tap0 on each host: client 10.99.0.9, host A 10.99.0.1,
 * host B 10.99.0.2, and the guest, 10.99.0.50, behind the tap of the host that is active. On the
 * channel: host A 10.99.1.1, host B 10.99.1.2.
 *
 * Client and hosts are network namespaces without names, held by open files; the two switches (lan,
 * channel) are bridges in the namespace that the sandbox made. Every cable can be pulled.
 */
#ifndef FAULT_INJECTION_LAB_NETWORK_H
#define FAULT_INJECTION_LAB_NETWORK_H

#include <stdbool.h>

#define NETWORK_GUEST_ADDRESS "10.99.0.50"
#define NETWORK_LAN_PORT_A    "lan-a" /* the ends of the hosts' cables at the switch */
#define NETWORK_LAN_PORT_B    "lan-b"

struct lab;

enum place { PLACE_CLIENT, PLACE_HOST_A, PLACE_HOST_B, PLACE_COUNT };

struct network {
    int home; /* the namespace of this process, where the switches are */
    int places[PLACE_COUNT];
    int control; /* of the switches' ports (switch_port.h) */
};

void network_init(struct network *network);
bool network_create(struct network *network, struct lab *lab);
void network_destroy(struct network *network);

/* "client", "host A", "host B". */
const char *network_name(enum place place);
/* Of a host, on the channel. */
const char *network_channel_address(enum place host);
/* A socket that lives in that place, close-on-exec and not blocking; or -1 with errno. */
int network_socket(const struct network *network, enum place place, int type);

/* Pulls or plugs the cable of the channel between the hosts; or of one place into the lan. */
bool network_plug_channel(struct network *network, bool plugged);
bool network_plug_lan(struct network *network, enum place place, bool plugged);

#endif

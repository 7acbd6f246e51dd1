/*
 * Where a guest's network interface meets the world: `tap:IF`, `pcap:IF`, `user` (libslirp),
 * `none`.
 *
 * A NIC backend reads frames on the reactor thread and hands them to the input sink, and sends the
 * frames that the machine released. `capture=FILE.pcap` records, through libpcap, what really
 * entered and left: incoming frames when they are read, outgoing ones when they are sent.
 */
#ifndef VMM_BACKENDS_NIC_H
#define VMM_BACKENDS_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/backends/reactor.h"

#define NIC_MAX_FRAME 65550u /* bytes: the largest frame that virtio-net passes without offloads   \
                              */
#define NIC_MAX_FORWARDS 16u
#define NIC_NAME_SIZE    256u

enum nic_kind { NIC_NONE, NIC_TAP, NIC_PCAP, NIC_USER };

struct nic_forward { /* hostfwd=tcp:HOST:PORT-:GUESTPORT */
    bool udp;
    uint32_t host_address; /* IPv4, network order; 127.0.0.1 when the text leaves it out */
    uint16_t host_port;
    uint16_t guest_port;
};

struct nic_config {
    enum nic_kind kind;
    char interface[NIC_NAME_SIZE];
    struct nic_forward forwards[NIC_MAX_FORWARDS];
    unsigned forward_count;
    bool has_mac;
    uint8_t mac[6];
    char capture[NIC_NAME_SIZE]; /* path, empty for none */
};

/* Parses the text of --net: `tap:IF|pcap:IF|user[,hostfwd=tcp:H:P-:GP]|none[,mac=..][,capture=F]`.
 * On error a negative errno, and one line in `error` that says what is wrong and what is expected.
 */
int nic_config_parse(struct nic_config *config, const char *text, char *error, size_t error_size);

struct nic;

/* `device` is the number under which its frames are given to the sink. `mac` is the guest's address
 * (to tell its own frames from others' on a shared interface, and to announce it). Fails at once,
 * with a line that says what is missing, if the interface does not exist or permission lacks. */
int nic_create(struct nic **nic, const struct nic_config *config, struct reactor *reactor,
               uint32_t device, const uint8_t mac[6], char *error, size_t error_size);
void nic_destroy(struct nic *nic);

/* Sends a frame to the world. Any one thread at a time; never blocks. */
void nic_emit(struct nic *nic, const void *frame, size_t size);
/* After a promotion: gratuitous ARP for the IPv4 address (network order) if one was seen in the
 * guest's frames, else a RARP announcement of the MAC, so that switches learn where it is now. */
void nic_announce(struct nic *nic, uint32_t ipv4_address);
/* A backup's backends are asleep: `user` listens on its forwarded ports, and `tap`/`pcap` read,
 * only when active (what arrives before is discarded). Any thread. */
void nic_set_active(struct nic *nic, bool active);

#endif

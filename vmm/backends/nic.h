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

#define NIC_MAX_FRAME                                                                              \
    65550u /* bytes: the largest frame that virtio-net passes without offloads                     \
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

/* Sends a frame to the world. Any thread; never blocks: a frame that the host does not take at
 * once, or beyond a queue's limit, is dropped and counted, as on any network. */
void nic_emit(struct nic *nic, const void *frame, size_t size);
/* After a promotion: gratuitous ARP for the IPv4 address (network order) if one was seen in the
 * guest's frames, else (0) a RARP announcement of the MAC, so that switches learn where it is now.
 * Sent by the reactor thread, and repeated a few times within a second while active. Any thread. */
void nic_announce(struct nic *nic, uint32_t ipv4_address);
/* A backup's backends are asleep, and so is a new one: `user` exists for the guest and listens on
 * its forwarded ports, and `tap`/`pcap` read, only when active (what arrives before is discarded).
 * What is emitted is sent by `tap` and `pcap` also when not active. Any thread; may be called
 * before reactor_start(). */
void nic_set_active(struct nic *nic, bool active);

struct nic_statistics {
    uint64_t received, sent; /* frames */
    /* Frames dropped: the sink was full, or the host did not take them. What arrives while not
     * active is not counted. */
    uint64_t received_dropped, sent_dropped;
    /* 0, or a negative errno while the backend is in trouble: the interface went away; a forwarded
     * port is taken by another process (tried again until it is free). */
    int error;
    int capture_error; /* 0, or the negative errno (disk full) that ended the capture */
};

/* Any thread. */
void nic_statistics(const struct nic *nic, struct nic_statistics *statistics);

#endif

#include "tests/end-to-end/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/redis.h"

#define WINDOW  (UINT64_C(1) << 20) /* bytes of the stream that are remembered */
#define TICK_MS 50
#define CABLES  2

struct wire {
    int cables[CABLES]; /* packet sockets at the switch's ports of host A and host B */
    unsigned port;
    pthread_t thread;
    atomic_bool ending;

    pthread_mutex_t lock;
    bool started;
    uint32_t first; /* sequence number of stream offset 0 */
    uint64_t next;  /* highest offset seen */
    uint64_t segments[CABLES];
    char contradiction[160];

    uint8_t bytes[WINDOW];
    uint64_t offsets[WINDOW]; /* of the byte that stands here, + 1; 0: none */
};

/* ---- The stream ---------------------------------------------------------------------------- */

static void compare_byte(struct wire *wire, int cable, uint64_t offset, uint8_t byte)
{
    size_t slot = (size_t)(offset % WINDOW);

    if (wire->offsets[slot] == offset + 1) {
        if (wire->bytes[slot] != byte && !wire->contradiction[0])
            snprintf(wire->contradiction, sizeof(wire->contradiction),
                     "host %c sends byte 0x%02x at offset %" PRIu64
                     " of the guest's stream, where 0x%02x was sent before",
                     'A' + cable, byte, offset, wire->bytes[slot]);
        return;
    }
    if (wire->offsets[slot] > offset + 1)
        return; /* older than what is remembered */
    wire->offsets[slot] = offset + 1;
    wire->bytes[slot] = byte;
}

static void take_segment(struct wire *wire, int cable, uint32_t sequence, const uint8_t *data,
                         size_t size)
{
    int64_t offset;

    if (!wire->started) {
        wire->first = sequence;
        wire->started = true;
    }
    /* The sequence number's distance from the highest one seen is small in either direction. */
    offset = (int64_t)wire->next + (int32_t)(sequence - (wire->first + (uint32_t)wire->next));
    for (size_t i = 0; i < size && offset + (int64_t)i >= 0; i++)
        compare_byte(wire, cable, (uint64_t)offset + i, data[i]);
    if (offset + (int64_t)size > (int64_t)wire->next)
        wire->next = (uint64_t)offset + size;
    wire->segments[cable]++;
}

/* ---- Frames -------------------------------------------------------------------------------- */

static void take_frame(struct wire *wire, int cable, const uint8_t *frame, size_t size)
{
    struct iphdr ip;
    struct tcphdr tcp;
    size_t ip_size, total, head;

    if (size < sizeof(ip))
        return;
    memcpy(&ip, frame, sizeof(ip));
    ip_size = ip.ihl * 4u;
    total = ntohs(ip.tot_len);
    if (ip.version != 4 || ip.protocol != IPPROTO_TCP || total > size ||
        total < ip_size + sizeof(tcp))
        return;
    memcpy(&tcp, frame + ip_size, sizeof(tcp));
    head = ip_size + tcp.doff * 4u;
    if (ntohs(tcp.source) != REDIS_PORT || ntohs(tcp.dest) != wire->port || head >= total)
        return;
    pthread_mutex_lock(&wire->lock);
    take_segment(wire, cable, ntohl(tcp.seq), frame + head, total - head);
    pthread_mutex_unlock(&wire->lock);
}

static void receive(struct wire *wire, int cable)
{
    uint8_t frame[ETH_DATA_LEN + 64];
    struct sockaddr_ll from;
    socklen_t from_size = sizeof(from);
    ssize_t size;

    while ((size = recvfrom(wire->cables[cable], frame, sizeof(frame), 0, (struct sockaddr *)&from,
                            &from_size)) > 0)
        if (from.sll_pkttype != PACKET_OUTGOING && from.sll_protocol == htons(ETH_P_IP))
            take_frame(wire, cable, frame, (size_t)size);
}

static void *run(void *context)
{
    struct wire *wire = context;

    while (!atomic_load(&wire->ending)) {
        struct pollfd poll_for[CABLES] = {{.fd = wire->cables[0], .events = POLLIN},
                                          {.fd = wire->cables[1], .events = POLLIN}};

        poll(poll_for, CABLES, TICK_MS);
        for (int i = 0; i < CABLES; i++)
            receive(wire, i);
    }
    return NULL;
}

/* ---- The owner ----------------------------------------------------------------------------- */

/* For all protocols: a bridge takes frames off its ports before a listener for one is asked. */
static int open_cable(const char *interface)
{
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    return fd;
}

bool wire_start(struct wire **wire, struct lab *lab, unsigned port)
{
    struct wire *made = calloc(1, sizeof(*made));
    int error;

    *wire = NULL;
    if (!made)
        return lab_fail(lab, "out of memory");
    made->port = port;
    made->cables[0] = open_cable(NETWORK_LAN_PORT_A);
    made->cables[1] = open_cable(NETWORK_LAN_PORT_B);
    pthread_mutex_init(&made->lock, NULL);
    error = made->cables[0] < 0 || made->cables[1] < 0
                ? errno
                : pthread_create(&made->thread, NULL, run, made);
    if (error) {
        free(made);
        return lab_fail(lab, "the cables cannot be listened to: %s", strerror(error));
    }
    *wire = made;
    return true;
}

void wire_end(struct wire *wire)
{
    if (!wire)
        return;
    atomic_store(&wire->ending, true);
    pthread_join(wire->thread, NULL);
    for (int i = 0; i < CABLES; i++)
        close(wire->cables[i]);
    pthread_mutex_destroy(&wire->lock);
    free(wire);
}

bool wire_check(struct wire *wire, struct lab *lab)
{
    bool good;

    pthread_mutex_lock(&wire->lock);
    if (wire->contradiction[0])
        good = lab_fail(lab, "%s", wire->contradiction);
    else
        good = wire->segments[0] + wire->segments[1] > 0 ||
               lab_fail(lab, "nothing of the guest's stream was seen on the cables");
    pthread_mutex_unlock(&wire->lock);
    return good;
}

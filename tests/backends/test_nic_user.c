/* The network inside the process: the guest's side of it is played by the test, and the world's
 * side by sockets of this host. */
#include <criterion/criterion.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/backends/nic.h"

#include "frames.h"

#define ICMP_TEXT  "are you there?"
#define SILENCE_MS 300

struct echo_frame {
    struct ether_header ethernet;
    struct iphdr ip;
    struct icmphdr icmp;
    char text[sizeof(ICMP_TEXT) + 1];
} __attribute__((packed));

struct tcp_frame {
    struct ether_header ethernet;
    struct iphdr ip;
    struct tcphdr tcp;
} __attribute__((packed));

struct udp_frame {
    struct ether_header ethernet;
    struct iphdr ip;
    struct udphdr udp;
    char text[6];
} __attribute__((packed));

struct user {
    struct inputs *inputs;
    struct reactor *reactor;
    struct nic *nic;
};

static struct user start(const char *text, bool active)
{
    struct user user = {.inputs = inputs_new()};
    struct nic_config config;
    char error[256] = "";

    cr_assert_eq(nic_config_parse(&config, text, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(reactor_create(&user.reactor, inputs_sink, user.inputs), 0);
    cr_assert_eq(nic_create(&user.nic, &config, user.reactor, 3, guest_mac, error, sizeof(error)),
                 0, "%s", error);
    nic_set_active(user.nic, active);
    cr_assert_eq(reactor_start(user.reactor), 0);
    return user;
}

static void stop(struct user *user)
{
    reactor_stop(user->reactor);
    nic_destroy(user->nic);
    reactor_destroy(user->reactor);
    inputs_free(user->inputs);
}

static uint16_t checksum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0));
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* A port of 127.0.0.1 that was free a moment ago; with `keep`, the socket that holds it. */
static uint16_t free_port(int *keep)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (keep)
        *keep = fd;
    else
        close(fd);
    return ntohs(address.sin_port);
}

/* A connected socket, or the negative errno. */
static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int code;

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    code = -errno;
    close(fd);
    return code;
}

/* Tries until connecting gives `code` (0 for a connection), as activity changes on another thread.
 */
static int connect_until(uint16_t port, int code)
{
    int fd = -1;

    for (unsigned waited = 0; waited < INPUTS_WAIT_MS / 10; waited++) {
        fd = connect_to(port);
        if ((fd >= 0 && code == 0) || fd == code)
            return fd;
        if (fd >= 0)
            close(fd);
        usleep(10000);
    }
    return fd;
}

static bool is_arp_of_host(const struct input *input, const void *operation)
{
    static const uint8_t host[4] = {10, 0, 2, 2};
    const struct arp_frame *arp = as_arp(input, *(const uint16_t *)operation);

    return arp && memcmp(arp->sender_address, host, 4) == 0;
}

/* The guest asks who the host is, as it does before its first packet; gives the answer's MAC. */
static const uint8_t *meet_host(struct user *user)
{
    const uint16_t reply = ARPOP_REPLY;
    struct arp_frame ask = arp_frame(ARPOP_REQUEST, broadcast_mac, "10.0.2.15", "10.0.2.2");
    const struct input *answer;

    nic_emit(user->nic, &ask, sizeof(ask));
    answer = inputs_wait(user->inputs, is_arp_of_host, &reply, INPUTS_WAIT_MS);
    cr_assert_not_null(answer, "no answer to ARP");
    cr_assert_eq(answer->device, 3);
    return as_arp(answer, ARPOP_REPLY)->sender_mac;
}

static struct iphdr ip_header(uint8_t protocol, const char *to, size_t size)
{
    struct iphdr ip = {
        .version = 4, .ihl = 5, .ttl = 64, .protocol = protocol, .tot_len = htons((uint16_t)size)};

    inet_pton(AF_INET, "10.0.2.15", &ip.saddr);
    inet_pton(AF_INET, to, &ip.daddr);
    ip.check = checksum(&ip, sizeof(ip));
    return ip;
}

static bool is_echo_reply(const struct input *input, const void *unused)
{
    const struct echo_frame *frame = (const void *)input->bytes;

    (void)unused;
    return input->size >= sizeof(*frame) && frame->ethernet.ether_type == htons(ETHERTYPE_IP) &&
           frame->ip.protocol == IPPROTO_ICMP && frame->icmp.type == ICMP_ECHOREPLY &&
           memcmp(frame->text, ICMP_TEXT, sizeof(ICMP_TEXT)) == 0;
}

static bool is_syn(const struct input *input, const void *guest_port)
{
    const struct tcp_frame *frame = (const void *)input->bytes;

    return input->size >= sizeof(*frame) && frame->ethernet.ether_type == htons(ETHERTYPE_IP) &&
           frame->ip.protocol == IPPROTO_TCP && frame->tcp.syn && !frame->tcp.ack &&
           frame->tcp.dest == htons(*(const uint16_t *)guest_port);
}

Test(nic_user, the_host_answers_arp_and_ping)
{
    struct user user = start("user", true);
    struct echo_frame ping = {
        .ethernet.ether_type = htons(ETHERTYPE_IP), .icmp = {.type = ICMP_ECHO}, .text = ICMP_TEXT};

    memcpy(ping.ethernet.ether_dhost, meet_host(&user), 6);
    memcpy(ping.ethernet.ether_shost, guest_mac, 6);
    ping.ip = ip_header(IPPROTO_ICMP, "10.0.2.2", sizeof(ping) - offsetof(struct echo_frame, ip));
    ping.icmp.checksum = checksum(&ping.icmp, sizeof(ping) - offsetof(struct echo_frame, icmp));
    nic_emit(user.nic, &ping, sizeof(ping));
    cr_expect_not_null(inputs_wait(user.inputs, is_echo_reply, NULL, INPUTS_WAIT_MS));
    stop(&user);
}

Test(nic_user, a_forwarded_port_reaches_the_guest)
{
    const uint16_t guest_port = 22, host_port = free_port(NULL), request = ARPOP_REQUEST;
    struct arp_frame answer;
    struct user user;
    char text[64];
    int fd;

    snprintf(text, sizeof(text), "user,hostfwd=tcp::%u-:%u", host_port, guest_port);
    user = start(text, true);
    fd = connect_until(host_port, 0);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    /* The network looks for the guest before it knows its MAC. */
    cr_assert_not_null(inputs_wait(user.inputs, is_arp_of_host, &request, INPUTS_WAIT_MS));
    answer = arp_frame(ARPOP_REPLY, other_mac, "10.0.2.15", "10.0.2.2");
    nic_emit(user.nic, &answer, sizeof(answer));
    cr_expect_not_null(inputs_wait(user.inputs, is_syn, &guest_port, INPUTS_WAIT_MS));
    close(fd);
    stop(&user);
}

Test(nic_user, the_guest_reaches_a_socket_of_the_host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = INPUTS_WAIT_MS / 1000};
    socklen_t size = sizeof(address);
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    struct user user = start("user", true);
    struct udp_frame frame = {.ethernet.ether_type = htons(ETHERTYPE_IP), .text = "hello"};
    char text[16] = "";

    cr_assert_eq(bind(server, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(server, (struct sockaddr *)&address, &size), 0);
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    memcpy(frame.ethernet.ether_dhost, meet_host(&user), 6);
    memcpy(frame.ethernet.ether_shost, guest_mac, 6);
    frame.ip = ip_header(IPPROTO_UDP, "10.0.2.2", sizeof(frame) - offsetof(struct udp_frame, ip));
    frame.udp = (struct udphdr){.source = htons(1234),
                                .dest = address.sin_port,
                                .len = htons(sizeof(frame) - offsetof(struct udp_frame, udp))};
    nic_emit(user.nic, &frame, sizeof(frame));
    cr_expect_eq(recv(server, text, sizeof(text), 0), (ssize_t)sizeof(frame.text));
    cr_expect_str_eq(text, "hello");
    close(server);
    stop(&user);
}

Test(nic_user, a_sleeping_backup_does_not_listen_and_answers_nothing)
{
    const uint16_t host_port = free_port(NULL), reply = ARPOP_REPLY;
    struct arp_frame ask = arp_frame(ARPOP_REQUEST, broadcast_mac, "10.0.2.15", "10.0.2.2");
    struct user user;
    char text[64];
    int fd;

    snprintf(text, sizeof(text), "user,hostfwd=tcp::%u-:22", host_port);
    user = start(text, false);
    nic_emit(user.nic, &ask, sizeof(ask));
    cr_expect_null(inputs_wait(user.inputs, is_arp_of_host, &reply, SILENCE_MS));
    cr_expect_eq(connect_to(host_port), -ECONNREFUSED);

    nic_set_active(user.nic, true);
    fd = connect_until(host_port, 0);
    cr_expect_geq(fd, 0, "promoted, it listens");
    meet_host(&user);

    nic_set_active(user.nic, false);
    cr_expect_eq(connect_until(host_port, -ECONNREFUSED), -ECONNREFUSED);
    cr_expect_eq(read(fd, text, 1) > 0, 0, "what was connected is not any more");
    close(fd);
    stop(&user);
}

Test(nic_user, a_port_still_held_is_an_error_until_it_is_free)
{
    struct nic_statistics statistics = {0};
    struct user user;
    int holder, fd;
    const uint16_t host_port = free_port(&holder);
    char text[64];

    cr_assert_eq(listen(holder, 1), 0);
    snprintf(text, sizeof(text), "user,hostfwd=tcp::%u-:22", host_port);
    user = start(text, true);
    for (unsigned waited = 0; waited < INPUTS_WAIT_MS && !statistics.error; waited++) {
        usleep(1000);
        nic_statistics(user.nic, &statistics);
    }
    cr_expect_eq(statistics.error, -EADDRINUSE);
    close(holder);
    fd = connect_until(host_port, 0);
    cr_expect_geq(fd, 0, "%s", strerror(-fd));
    close(fd);
    for (unsigned waited = 0; waited < INPUTS_WAIT_MS && statistics.error; waited++) {
        usleep(1000);
        nic_statistics(user.nic, &statistics);
    }
    cr_expect_eq(statistics.error, 0);
    stop(&user);
}

Test(nic_user, frames_beyond_the_queue_are_dropped_and_counted)
{
    struct inputs *inputs = inputs_new();
    struct arp_frame ask = arp_frame(ARPOP_REQUEST, broadcast_mac, "10.0.2.15", "10.0.2.2");
    struct nic_config config = {.kind = NIC_USER};
    struct nic_statistics statistics;
    struct reactor *reactor;
    struct nic *nic;

    cr_assert_eq(reactor_create(&reactor, inputs_sink, inputs), 0);
    cr_assert_eq(nic_create(&nic, &config, reactor, 3, guest_mac, NULL, 0), 0);
    for (unsigned i = 0; i < 3000; i++) /* and nobody takes them: the reactor is not started */
        nic_emit(nic, &ask, sizeof(ask));
    nic_statistics(nic, &statistics);
    cr_expect_eq(statistics.sent, 0);
    cr_expect_eq(statistics.sent_dropped, 3000 - 1024);
    nic_destroy(nic);
    reactor_destroy(reactor);
    inputs_free(inputs);
}

Test(nic_user, hostile_frames_harm_nobody)
{
    struct user user = start("user", true);
    uint8_t *frame = malloc(NIC_MAX_FRAME + 1);
    uint32_t random = 12345;

    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned j = 0; j < 200; j++)
            frame[j] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
        frame[12] = 8;
        frame[13] = i % 3 == 0 ? 6 : 0;
        frame[14] = 0x45;
        nic_emit(user.nic, frame, i % 200);
    }
    memset(frame, 0, NIC_MAX_FRAME + 1);
    nic_emit(user.nic, frame, NIC_MAX_FRAME);
    nic_emit(user.nic, frame, NIC_MAX_FRAME + 1);
    usleep(100000);
    meet_host(&user);
    free(frame);
    stop(&user);
}

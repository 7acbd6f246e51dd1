/* Networks on interfaces of the host, `tap` and `pcap`, in a network namespace of the test's own.
 * The test holds the other end: a packet socket on the tap's interface, or the tap itself under the
 * interface on which pcap sits. */
#include <criterion/criterion.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "vmm/backends/nic.h"

#include "frames.h"
#include "scratch.h"

#define INTERFACE  "ftvm-test0"
#define SILENCE_MS 300

struct host_nic {
    struct inputs *inputs;
    struct reactor *reactor;
    struct nic *nic;
};

/* Makes the interface, and gives its tap end; persistent, so that the end may be closed. */
static int make_tap(void)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = INTERFACE};
    int fd;

    if (unshare(CLONE_NEWNET))
        cr_skip_test("the kernel refuses a network namespace: %s", strerror(errno));
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETPERSIST, 1))
        cr_skip_test("the kernel refuses a tap: %s", strerror(errno));
    return fd;
}

static bool is_up(void)
{
    struct ifreq request = {.ifr_name = INTERFACE};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(ioctl(fd, SIOCGIFFLAGS, &request), 0);
    close(fd);
    return request.ifr_flags & IFF_UP;
}

static void set_up(void)
{
    struct ifreq request = {.ifr_name = INTERFACE, .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static int packet_socket(void)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(INTERFACE)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));

    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static struct host_nic start(const char *text, bool active)
{
    struct host_nic host = {.inputs = inputs_new()};
    struct nic_config config;
    char error[256] = "";

    cr_assert_eq(nic_config_parse(&config, text, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(reactor_create(&host.reactor, inputs_sink, host.inputs), 0);
    cr_assert_eq(nic_create(&host.nic, &config, host.reactor, 5, guest_mac, error, sizeof(error)),
                 0, "%s", error);
    nic_set_active(host.nic, active);
    cr_assert_eq(reactor_start(host.reactor), 0);
    return host;
}

static void stop(struct host_nic *host)
{
    reactor_stop(host->reactor);
    nic_destroy(host->nic);
    reactor_destroy(host->reactor);
    inputs_free(host->inputs);
}

static void expect_refused(const char *text, int code, const char *reason)
{
    struct nic_config config;
    struct reactor *reactor;
    struct nic *nic = NULL;
    char error[256] = "";

    cr_assert_eq(nic_config_parse(&config, text, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(reactor_create(&reactor, inputs_sink, NULL), 0);
    cr_expect_eq(nic_create(&nic, &config, reactor, 1, guest_mac, error, sizeof(error)), code,
                 "%s: %s", text, error);
    cr_expect_null(nic);
    cr_expect_not_null(strstr(error, reason), "%s", error);
    reactor_destroy(reactor);
}

static void send_frame(int fd, const uint8_t to[6], const uint8_t from[6], const char *text)
{
    struct test_frame frame = test_frame(to, from, text);

    cr_assert_eq(write(fd, &frame, sizeof(frame)), (ssize_t)sizeof(frame), "%s", strerror(errno));
}

static void emit_frame(struct host_nic *host, const char *text)
{
    struct test_frame frame = test_frame(other_mac, guest_mac, text);

    nic_emit(host->nic, &frame, sizeof(frame));
}

/* Reads from the other end until a frame with `text` comes. */
static bool receives_frame(int fd, const char *text)
{
    uint8_t bytes[2048];
    struct input input = {.bytes = bytes};
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    while (poll(&readable, 1, INPUTS_WAIT_MS) == 1) {
        ssize_t size = read(fd, bytes, sizeof(bytes));

        input.size = size > 0 ? (size_t)size : 0;
        if (is_test_frame(&input, text))
            return true;
    }
    return false;
}

static unsigned receives_announcements(int fd, unsigned wanted)
{
    uint8_t bytes[2048];
    struct input input = {.bytes = bytes};
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    unsigned seen = 0;

    while (seen < wanted && poll(&readable, 1, INPUTS_WAIT_MS) == 1) {
        ssize_t size = read(fd, bytes, sizeof(bytes));
        const struct arp_frame *arp;

        input.size = size > 0 ? (size_t)size : 0;
        arp = as_arp(&input, ARPOP_REQUEST);
        seen += arp && memcmp(arp->ethernet.ether_shost, guest_mac, 6) == 0;
    }
    return seen;
}

static bool comes_in(struct host_nic *host, const char *text, unsigned ms)
{
    const struct input *input = inputs_wait(host->inputs, is_test_frame, text, ms);

    return input && input->device == 5;
}

Test(nic_tap, frames_pass_both_ways)
{
    struct host_nic host;
    int wire;

    close(make_tap());
    host = start("tap:" INTERFACE, true);
    cr_assert(is_up(), "the backend brings its interface up");
    wire = packet_socket();
    send_frame(wire, guest_mac, other_mac, "to the guest");
    cr_expect(comes_in(&host, "to the guest", INPUTS_WAIT_MS));
    emit_frame(&host, "from the guest");
    cr_expect(receives_frame(wire, "from the guest"));
    close(wire);
    stop(&host);
}

Test(nic_tap, a_sleeping_backup_reads_nothing_and_keeps_nothing)
{
    struct host_nic host;
    int wire;

    close(make_tap());
    host = start("tap:" INTERFACE, false);
    wire = packet_socket();
    send_frame(wire, guest_mac, other_mac, "asleep");
    cr_expect_not(comes_in(&host, "asleep", SILENCE_MS));
    nic_set_active(host.nic, true);
    send_frame(wire, guest_mac, other_mac, "awake");
    cr_expect(comes_in(&host, "awake", INPUTS_WAIT_MS));
    cr_expect_not(comes_in(&host, "asleep", 0));
    nic_set_active(host.nic, false);
    send_frame(wire, guest_mac, other_mac, "asleep again");
    cr_expect_not(comes_in(&host, "asleep again", SILENCE_MS));
    close(wire);
    stop(&host);
}

Test(nic_tap, a_burst_larger_than_a_batch_arrives_in_order)
{
    struct host_nic host;
    unsigned next = 0;
    int wire;

    close(make_tap());
    host = start("tap:" INTERFACE, true);
    wire = packet_socket();
    for (unsigned i = 0; i < 300; i++) {
        char text[16];

        snprintf(text, sizeof(text), "frame %u", i);
        send_frame(wire, guest_mac, other_mac, text);
    }
    cr_expect(comes_in(&host, "frame 299", INPUTS_WAIT_MS));
    for (unsigned i = 0; i < inputs_count(host.inputs); i++) {
        char text[16];

        snprintf(text, sizeof(text), "frame %u", next);
        next += is_test_frame(&host.inputs->list[i], text);
    }
    cr_expect_eq(next, 300);
    close(wire);
    stop(&host);
}

Test(nic_tap, a_full_sink_drops_and_counts)
{
    struct nic_statistics statistics;
    struct host_nic host;
    int wire;

    close(make_tap());
    host = start("tap:" INTERFACE, true);
    wire = packet_socket();
    inputs_set_full(host.inputs, true);
    send_frame(wire, guest_mac, other_mac, "refused");
    cr_assert(inputs_wait_refused(host.inputs));
    inputs_set_full(host.inputs, false);
    send_frame(wire, guest_mac, other_mac, "taken");
    cr_expect(comes_in(&host, "taken", INPUTS_WAIT_MS));
    nic_statistics(host.nic, &statistics);
    cr_expect_geq(statistics.received_dropped, 1);
    close(wire);
    stop(&host);
}

Test(nic_tap, a_promotion_is_announced_more_than_once)
{
    struct host_nic host;
    int wire;

    close(make_tap());
    host = start("tap:" INTERFACE, true);
    wire = packet_socket();
    nic_announce(host.nic, inet_addr("10.9.8.7"));
    cr_expect_eq(receives_announcements(wire, 3), 3);
    close(wire);
    stop(&host);
}

Test(nic_tap, an_interface_that_goes_away_is_an_error_and_no_busy_loop)
{
    struct nic_statistics statistics = {0};
    struct host_nic host;

    close(make_tap());
    host = start("tap:" INTERFACE, true);
    cr_assert_eq(system("ip link delete " INTERFACE), 0);
    for (unsigned waited = 0; waited < INPUTS_WAIT_MS && !statistics.error; waited++) {
        usleep(1000);
        nic_statistics(host.nic, &statistics);
    }
    cr_expect_lt(statistics.error, 0);
    emit_frame(&host, "into the void");
    nic_statistics(host.nic, &statistics);
    cr_expect_eq(statistics.sent_dropped, 1);
    stop(&host);
}

Test(nic_tap, what_is_missing_is_said)
{
    int held = make_tap();

    expect_refused("tap:nowhere0", -ENODEV, "ip tuntap add dev nowhere0");
    expect_refused("tap:lo", -EINVAL, "pcap:lo");
    expect_refused("tap:" INTERFACE, -EBUSY, "in use");
    close(held);
}

Test(nic_tap, a_user_without_permission_is_told_the_remedy)
{
    close(make_tap());
    if (setresuid(65534, 65534, 65534))
        cr_skip_test("the kernel refuses to drop privileges: %s", strerror(errno));
    if (access("/dev/net/tun", R_OK | W_OK))
        expect_refused("tap:" INTERFACE, -EACCES, "/dev/net/tun");
    else
        expect_refused("tap:" INTERFACE, -EPERM, "user $USER");
    expect_refused("pcap:" INTERFACE, -EPERM, "CAP_NET_RAW");
}

Test(nic_pcap, frames_for_the_guest_and_for_all_are_read_and_no_others)
{
    static const uint8_t multicast[6] = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03};
    struct host_nic host;
    int wire = make_tap();

    set_up();
    host = start("pcap:" INTERFACE, true);
    send_frame(wire, other_mac, other_mac, "to another");
    send_frame(wire, guest_mac, guest_mac, "sent by ourselves");
    send_frame(wire, multicast, other_mac, "to a group");
    send_frame(wire, broadcast_mac, other_mac, "to all");
    send_frame(wire, guest_mac, other_mac, "to the guest");
    cr_expect(comes_in(&host, "to the guest", INPUTS_WAIT_MS));
    cr_expect(comes_in(&host, "to all", INPUTS_WAIT_MS));
    cr_expect(comes_in(&host, "to a group", INPUTS_WAIT_MS));
    cr_expect_not(comes_in(&host, "to another", 0));
    cr_expect_not(comes_in(&host, "sent by ourselves", 0));
    stop(&host);
    close(wire);
}

Test(nic_pcap, what_the_guest_sends_goes_out_and_does_not_come_back)
{
    struct nic_statistics statistics = {0};
    struct host_nic host;
    int wire = make_tap();

    set_up();
    host = start("pcap:" INTERFACE, true);
    emit_frame(&host, "from the guest");
    cr_expect(receives_frame(wire, "from the guest"));
    cr_expect_not(comes_in(&host, "from the guest", SILENCE_MS));
    nic_statistics(host.nic, &statistics);
    cr_expect_eq(statistics.sent, 1);
    cr_expect_eq(statistics.sent_dropped, 0);
    stop(&host);
    close(wire);
}

Test(nic_pcap, a_sleeping_backup_reads_nothing_and_keeps_nothing)
{
    struct host_nic host;
    int wire = make_tap();

    set_up();
    host = start("pcap:" INTERFACE, false);
    send_frame(wire, guest_mac, other_mac, "asleep");
    cr_expect_not(comes_in(&host, "asleep", SILENCE_MS));
    nic_set_active(host.nic, true);
    send_frame(wire, guest_mac, other_mac, "awake");
    cr_expect(comes_in(&host, "awake", INPUTS_WAIT_MS));
    cr_expect_not(comes_in(&host, "asleep", 0));
    stop(&host);
    close(wire);
}

Test(nic_pcap, what_is_missing_is_said)
{
    close(make_tap());
    expect_refused("pcap:nowhere0", -ENODEV, "no such interface");
    expect_refused("pcap:" INTERFACE, -ENETDOWN, "ip link set dev " INTERFACE " up");
}

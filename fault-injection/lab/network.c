#include "fault-injection/lab/network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/lab.h"
#include "fault-injection/lab/process.h"
#include "fault-injection/lab/switch_port.h"

#define COMMANDS_SIZE  2048u
#define IP_TIMEOUT_MS  10000
#define CHANNEL_PORT_A "channel-a"

static const char *const lan_ports[PLACE_COUNT] = {"lan-client", NETWORK_LAN_PORT_A,
                                                   NETWORK_LAN_PORT_B};

void network_init(struct network *network)
{
    *network = (struct network){.home = -1, .places = {-1, -1, -1}, .control = -1};
}

void network_destroy(struct network *network)
{
    for (int i = 0; i < PLACE_COUNT; i++)
        if (network->places[i] >= 0)
            close(network->places[i]);
    if (network->home >= 0)
        close(network->home);
    if (network->control >= 0)
        close(network->control);
    network_init(network);
}

const char *network_name(enum place place)
{
    static const char *const names[PLACE_COUNT] = {"client", "host A", "host B"};

    return names[place];
}

const char *network_channel_address(enum place host)
{
    return host == PLACE_HOST_A ? "10.99.1.1" : "10.99.1.2";
}

/* ---- Building ------------------------------------------------------------------------------ */

/* IPv6 would bring address checks and router searches into a network that has no use for them. */
static void silence_ipv6(void)
{
    int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "1", 1) != 1)
        errno = 0; /* then there is some noise on the lan */
    close(fd);
}

static bool make_places(struct network *network, struct lab *lab)
{
    network->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (network->home < 0)
        return lab_fail(lab, "/proc/self/ns/net: %s", strerror(errno));
    silence_ipv6();
    for (int i = 0; i < PLACE_COUNT; i++) {
        if (unshare(CLONE_NEWNET))
            return lab_fail(lab, "no further network namespace: %s", strerror(errno));
        network->places[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        silence_ipv6();
        if (setns(network->home, CLONE_NEWNET) || network->places[i] < 0)
            return lab_fail(lab, "network namespaces do not work: %s", strerror(errno));
    }
    network->control = switch_port_control();
    return network->control >= 0 || lab_fail(lab, "no socket: %s", strerror(errno));
}

/* Runs the lines as commands of `ip`, in the namespace `where`. */
static bool ip_batch(struct lab *lab, int where, const char *lines)
{
    const char *arguments[] = {"ip", "-batch", NULL, NULL};
    char batch[LAB_PATH_SIZE], log[LAB_PATH_SIZE];
    struct process process;
    int code = 0, fd;

    lab_path(lab, "ip.batch", batch);
    lab_path(lab, "ip.log", log);
    fd = open(batch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, lines, strlen(lines)) != (ssize_t)strlen(lines))
        return lab_fail(lab, "%s: %s", batch, strerror(errno));
    close(fd);
    arguments[2] = batch;
    if (!process_start(&process, lab, where, log, arguments) ||
        !process_wait(&process, lab, IP_TIMEOUT_MS, &code))
        return false;
    if (code == PROCESS_NOT_FOUND)
        return lab_fail(lab, "there is no command 'ip'; it comes with the package iproute2");
    return code == 0 || lab_fail_log(lab, log, "the network cannot be set up");
}

static bool make_switches(struct network *network, struct lab *lab)
{
    char lines[COMMANDS_SIZE];
    int pid = getpid();

    snprintf(lines, sizeof(lines),
             "link add name lan type bridge\n"
             "link add name channel type bridge\n"
             "link add name lan-client type veth peer name lan netns /proc/%d/fd/%d\n"
             "link add name lan-a type veth peer name lan netns /proc/%d/fd/%d\n"
             "link add name lan-b type veth peer name lan netns /proc/%d/fd/%d\n"
             "link add name channel-a type veth peer name channel netns /proc/%d/fd/%d\n"
             "link add name channel-b type veth peer name channel netns /proc/%d/fd/%d\n"
             "link set lan-client master lan up\n"
             "link set lan-a master lan up\n"
             "link set lan-b master lan up\n"
             "link set channel-a master channel up\n"
             "link set channel-b master channel up\n"
             "link set lan up\n"
             "link set channel up\n",
             pid, network->places[PLACE_CLIENT], pid, network->places[PLACE_HOST_A], pid,
             network->places[PLACE_HOST_B], pid, network->places[PLACE_HOST_A], pid,
             network->places[PLACE_HOST_B]);
    return ip_batch(lab, network->home, lines);
}

static bool make_client(struct network *network, struct lab *lab)
{
    return ip_batch(lab, network->places[PLACE_CLIENT],
                    "link set lo up\n"
                    "link set lan up\n"
                    "addr add 10.99.0.9/24 dev lan\n");
}

static bool make_host(struct network *network, struct lab *lab, enum place host)
{
    char lines[COMMANDS_SIZE];

    snprintf(lines, sizeof(lines),
             "link set lo up\n"
             "link add name br0 type bridge\n"
             "tuntap add dev tap0 mode tap\n"
             "link set tap0 master br0 up\n"
             "link set lan master br0 up\n"
             "link set br0 up\n"
             "addr add 10.99.0.%d/24 dev br0\n"
             "link set channel up\n"
             "addr add %s/24 dev channel\n",
             host == PLACE_HOST_A ? 1 : 2, network_channel_address(host));
    return ip_batch(lab, network->places[host], lines);
}

bool network_create(struct network *network, struct lab *lab)
{
    return make_places(network, lab) && make_switches(network, lab) && make_client(network, lab) &&
           make_host(network, lab, PLACE_HOST_A) && make_host(network, lab, PLACE_HOST_B);
}

/* ---- Using --------------------------------------------------------------------------------- */

int network_socket(const struct network *network, enum place place, int type)
{
    int fd, error;

    /* A socket stays in the namespace where it was made, wherever its user goes. */
    if (setns(network->places[place], CLONE_NEWNET))
        return -1;
    fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    error = errno;
    if (setns(network->home, CLONE_NEWNET) && fd >= 0) {
        error = errno;
        close(fd);
        fd = -1;
    }
    errno = error;
    return fd;
}

bool network_plug_channel(struct network *network, bool plugged)
{
    return switch_port_set(network->control, CHANNEL_PORT_A, plugged);
}

bool network_plug_lan(struct network *network, enum place place, bool plugged)
{
    return switch_port_set(network->control, lan_ports[place], plugged);
}

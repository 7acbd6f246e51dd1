#include "fault-injection/lab/switch_port.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/socket.h>

/* What `bridge link set dev INTERFACE state N` sends: rtnetlink(7), linux/if_bridge.h. */
struct request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr port, state;
    uint8_t value, padding[3];
};

struct answer {
    struct nlmsghdr header;
    struct nlmsgerr error;
    uint8_t rest[256]; /* the request again, and what the kernel adds */
};

/* 0 or an errno. */
static int ask(int fd, const struct request *request)
{
    struct answer answer = {0};
    ssize_t size;

    if (send(fd, request, sizeof(*request), 0) != sizeof(*request))
        return errno;
    size = recv(fd, &answer, sizeof(answer), 0);
    if (size < 0)
        return errno;
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
        answer.header.nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    return -answer.error.error;
}

int switch_port_control(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

bool switch_port_set(int control, const char *interface, bool open)
{
    struct request request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = RTM_SETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_family = AF_BRIDGE, .ifi_index = (int)if_nametoindex(interface)},
        .port = {.rta_len = 2 * RTA_LENGTH(0) + 4, .rta_type = IFLA_PROTINFO | NLA_F_NESTED},
        .state = {.rta_len = RTA_LENGTH(1), .rta_type = IFLA_BRPORT_STATE},
        .value = open ? BR_STATE_FORWARDING : BR_STATE_DISABLED,
    };
    int error;

    if (request.link.ifi_index == 0)
        return false;
    error = ask(control, &request);
    errno = error;
    return error == 0;
}

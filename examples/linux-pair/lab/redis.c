#include "examples/linux-pair/lab/redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPT_MS  2000 /* one SYN, and its first repetition */
#define ANSWER_SIZE 128u

static bool wait_for(struct lab *lab, int fd, short events, uint64_t deadline)
{
    struct pollfd poll_for = {.fd = fd, .events = events};

    while (poll(&poll_for, 1, 0) == 0)
        if (!lab_pause(lab, deadline))
            return false;
    return true;
}

/* 0, or an errno: why not. */
static int attempt(struct lab *lab, int fd, uint64_t deadline)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(REDIS_PORT)};
    socklen_t size = sizeof(int);
    int yes = 1, error = 0;

    inet_pton(AF_INET, NETWORK_GUEST_ADDRESS, &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (!wait_for(lab, fd, POLLOUT, deadline))
        return ETIMEDOUT;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

int redis_connect(struct lab *lab, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    for (;;) {
        int fd = network_socket(&lab->network, PLACE_CLIENT, SOCK_STREAM), error;

        if (fd < 0) {
            lab_fail(lab, "no socket for the client: %s", strerror(errno));
            return -1;
        }
        error = attempt(lab, fd, lab_deadline(lab, ATTEMPT_MS));
        if (error == 0)
            return fd;
        close(fd);
        if (!lab_pause(lab, deadline)) {
            lab_fail(lab, "no connection to the guest's Redis at %s:%d after %u ms: %s",
                     NETWORK_GUEST_ADDRESS, REDIS_PORT, timeout_ms, strerror(error));
            return -1;
        }
    }
}

unsigned redis_local_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);

    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

unsigned redis_retransmits(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? 0 : info.tcpi_total_retrans;
}

/* Is the answer complete? Then what it says. */
static bool parse(const char *text, int64_t *answer)
{
    const char *end = strstr(text, "\r\n");

    if (!end)
        return false;
    if (text[0] == ':') {
        *answer = strtoll(text + 1, NULL, 10);
        return true;
    }
    if (strncmp(text, "$-1", 3) == 0) {
        *answer = 0;
        return true;
    }
    if (text[0] != '$' || !strstr(end + 2, "\r\n"))
        return false;
    *answer = strtoll(end + 2, NULL, 10);
    return true;
}

bool redis_ask(struct lab *lab, int fd, const char *command, unsigned timeout_ms, int64_t *answer)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);
    char text[ANSWER_SIZE] = "";
    size_t used = 0;

    snprintf(text, sizeof(text), "%s\r\n", command);
    if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        return lab_fail(lab, "'%s' cannot be sent: %s", command, strerror(errno));
    text[0] = '\0';
    while (!parse(text, answer)) {
        ssize_t size;

        if (!wait_for(lab, fd, POLLIN, deadline))
            return lab_fail(lab, "'%s' is not answered after %u ms", command, timeout_ms);
        size = recv(fd, text + used, sizeof(text) - 1 - used, 0);
        if (size <= 0)
            return lab_fail(lab, "'%s' is not answered: %s", command,
                            size < 0 ? strerror(errno) : "the connection was closed");
        used += (size_t)size;
        text[used] = '\0';
        if (text[0] == '-' || used == sizeof(text) - 1)
            return lab_fail(lab, "'%s' is answered by: %s", command, text);
    }
    return true;
}

bool redis_ask_anew(struct lab *lab, const char *command, unsigned timeout_ms, int64_t *answer)
{
    int fd = redis_connect(lab, timeout_ms);
    bool good = fd >= 0 && redis_ask(lab, fd, command, timeout_ms, answer);

    if (fd >= 0)
        close(fd);
    return good;
}

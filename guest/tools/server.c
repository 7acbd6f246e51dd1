/* What the servers among the tools share: a port, and a process for each that connects. */
#define _GNU_SOURCE
#include "tools.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(uint16_t port)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 64) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int serve_port(const char *name, uint16_t port)
{
    int listener = listen_on(port);

    if (listener < 0) {
        fprintf(stderr, "%s: port %" PRIu16 ": %s\n", name, port, strerror(errno));
        return -1;
    }
    signal(SIGCHLD, SIG_IGN); /* the kernel buries the children */
    signal(SIGPIPE, SIG_IGN); /* a client that leaves is an error of write */
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            fprintf(stderr, "%s: accept: %s\n", name, strerror(errno));
            close(listener);
            return -1;
        }
        pid_t child = fork();
        if (child == 0) {
            const int on = 1;
            close(listener);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return fd;
        }
        if (child < 0)
            fprintf(stderr, "%s: fork: %s\n", name, strerror(errno));
        close(fd);
    }
}

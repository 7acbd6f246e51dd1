/*
 * What the channel's loop waits for, shown to another loop: libev does not tell its own epoll
 * descriptor.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "replication/channel_connection.h"

static int watch(int epoll_fd, int fd, uint32_t *watched, uint32_t wanted)
{
    struct epoll_event event = {.events = wanted};
    int operation = *watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (wanted == *watched) {
        return 0;
    }
    if (wanted == 0) {
        operation = EPOLL_CTL_DEL;
    }
    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) {
        return -errno;
    }
    *watched = wanted;
    return 0;
}

int channel_watch(struct channel *channel, int epoll_fd)
{
    int result = 0;
    for (size_t i = 0; i < channel->listener_count && result == 0; i++) {
        struct channel_listener *listener = &channel->listeners[i];
        uint32_t wanted = ev_is_active(&listener->acceptable) ? EPOLLIN : 0;
        result = watch(epoll_fd, listener->fd, &listener->watched, wanted);
    }
    for (struct connection *i = channel->connections; i != NULL && result == 0; i = i->next) {
        if (i->fd >= 0) {
            uint32_t wanted = (ev_is_active(&i->readable) ? EPOLLIN : 0) |
                              (ev_is_active(&i->writable) ? EPOLLOUT : 0);
            result = watch(epoll_fd, i->fd, &i->watched, wanted);
        }
    }
    return result;
}

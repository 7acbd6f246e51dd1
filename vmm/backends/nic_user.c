/* A guest's network interface on a network inside this process, for which nobody needs a
 * permission: libslirp turns the guest's connections into sockets of ours. The guest is 10.0.2.15
 * (by DHCP), the host 10.0.2.2, the name server 10.0.2.3.
 *
 * The network lives while the NIC is active: a backup has none, and a promoted replica begins with
 * a new one, in which connections of the old one are reset. */
#include "vmm/backends/nic_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/backends/fail.h"
#include "vmm/backends/frame_queue.h"
#include "vmm/backends/slirp_poll.h"

/* A forwarded port may be held by the primary that has just been lost: it is tried again. */
#define FORWARD_RETRY_S 0.2

struct user_nic {
    struct nic *nic;
    Slirp *slirp; /* NULL while not active */
    struct slirp_poll poll;
    struct nic_forward forwards[NIC_MAX_FORWARDS];
    bool forwarded[NIC_MAX_FORWARDS];
    unsigned forward_count;
    ev_timer forward_again;
    struct frame_queue queue;
    ev_async queued;
};

struct user_timer {
    ev_timer timer;
    SlirpTimerCb callback;
    void *callback_opaque;
};

static struct in_addr address(const char *text)
{
    struct in_addr result = {0};

    inet_pton(AF_INET, text, &result);
    return result;
}

static ssize_t send_packet(const void *frame, size_t size, void *opaque)
{
    struct user_nic *self = opaque;

    nic_deliver(self->nic, frame, size);
    return (ssize_t)size; /* a dropped frame is a lost frame: the sender repeats it */
}

static void guest_error(const char *message, void *opaque)
{
    (void)message;
    (void)opaque;
}

static int64_t clock_get_ns(void *opaque)
{
    struct timespec now;

    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void timer_expired(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct user_timer *timer = watcher->data;

    (void)loop;
    (void)events;
    timer->callback(timer->callback_opaque);
}

static void *timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
    struct user_timer *timer = calloc(1, sizeof(*timer));

    (void)opaque;
    if (!timer)
        return NULL;
    timer->callback = callback;
    timer->callback_opaque = callback_opaque;
    ev_timer_init(&timer->timer, timer_expired, 0., 0.);
    timer->timer.data = timer;
    return timer;
}

static void timer_free(void *pointer, void *opaque)
{
    struct user_nic *self = opaque;
    struct user_timer *timer = pointer;

    if (!timer)
        return;
    ev_timer_stop(self->nic->loop, &timer->timer);
    free(timer);
}

static void timer_mod(void *pointer, int64_t expires_ms, void *opaque)
{
    struct user_nic *self = opaque;
    struct user_timer *timer = pointer;
    int64_t in_ms = expires_ms - clock_get_ns(NULL) / 1000000;

    if (!timer)
        return;
    ev_timer_stop(self->nic->loop, &timer->timer);
    ev_timer_set(&timer->timer, in_ms > 0 ? (double)in_ms / 1000. : 0., 0.);
    ev_timer_start(self->nic->loop, &timer->timer);
}

/* Sockets are asked for before every sleep, on the thread that would have to be woken. */
static void poll_fd_changed(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void notify(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd_changed,
    .unregister_poll_fd = poll_fd_changed,
    .notify = notify,
};

static Slirp *new_network(struct user_nic *self)
{
    const SlirpConfig config = {
        .version = 4,
        .in_enabled = true,
        .vnetwork = address("10.0.2.0"),
        .vnetmask = address("255.255.255.0"),
        .vhost = address("10.0.2.2"),
        .vhostname = "ftvm",
        .vdhcp_start = address("10.0.2.15"),
        .vnameserver = address("10.0.2.3"),
    };

    return slirp_new(&config, &callbacks, self);
}

static void forward(struct user_nic *self)
{
    int code = 0;

    for (unsigned i = 0; i < self->forward_count; i++) {
        const struct nic_forward *f = &self->forwards[i];
        struct in_addr host = {.s_addr = f->host_address};

        if (self->forwarded[i])
            continue;
        if (slirp_add_hostfwd(self->slirp, f->udp, host, f->host_port, address("10.0.2.15"),
                              f->guest_port) == 0)
            self->forwarded[i] = true;
        else
            code = errno ? -errno : -EADDRINUSE;
    }
    nic_set_error(self->nic, code);
    if (code)
        ev_timer_again(self->nic->loop, &self->forward_again);
    else
        ev_timer_stop(self->nic->loop, &self->forward_again);
}

static void forward_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    forward(watcher->data);
}

static void leave_network(struct user_nic *self)
{
    if (!self->slirp)
        return;
    ev_timer_stop(self->nic->loop, &self->forward_again);
    slirp_poll_stop(&self->poll);
    for (unsigned i = 0; i < self->forward_count; i++) {
        struct in_addr host = {.s_addr = self->forwards[i].host_address};

        if (self->forwarded[i])
            slirp_remove_hostfwd(self->slirp, self->forwards[i].udp, host,
                                 self->forwards[i].host_port);
        self->forwarded[i] = false;
    }
    slirp_cleanup(self->slirp);
    self->slirp = NULL;
    nic_set_error(self->nic, 0);
}

static void user_activity_changed(struct nic *nic)
{
    struct user_nic *self = nic->kind_state;

    if (!nic->active) {
        leave_network(self);
    } else if (!self->slirp) {
        self->slirp = new_network(self);
        if (!self->slirp) {
            nic_set_error(nic, -ENOMEM);
            return;
        }
        slirp_poll_start(&self->poll, nic->loop, self->slirp);
        forward(self);
    }
}

static void send_queued(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct user_nic *self = watcher->data;
    struct queued_frame *frame;

    (void)loop;
    (void)events;
    /* Activity first: a frame emitted after nic_set_active(true) finds its network. */
    user_activity_changed(self->nic);
    frame = frame_queue_take_all(&self->queue);
    while (frame) {
        struct queued_frame *next = frame->next;

        if (self->slirp) {
            nic_sent(self->nic, frame->bytes, frame->size); /* before the answer, in a capture */
            slirp_input(self->slirp, frame->bytes, (int)frame->size);
        } else {
            nic_lost(self->nic);
        }
        free(frame);
        frame = next;
    }
}

static int user_open(struct nic *nic, const struct nic_config *config, char *error,
                     size_t error_size)
{
    struct user_nic *self = calloc(1, sizeof(*self));

    if (!self)
        return backend_fail(error, error_size, -ENOMEM, "no memory for the network 'user'");
    self->nic = nic;
    self->forward_count = config->forward_count;
    for (unsigned i = 0; i < config->forward_count; i++)
        self->forwards[i] = config->forwards[i];
    frame_queue_init(&self->queue);
    ev_async_init(&self->queued, send_queued);
    self->queued.data = self;
    ev_async_start(nic->loop, &self->queued);
    ev_timer_init(&self->forward_again, forward_again, 0., FORWARD_RETRY_S);
    self->forward_again.data = self;
    nic->kind_state = self;
    return 0;
}

static void user_close(struct nic *nic)
{
    struct user_nic *self = nic->kind_state;

    leave_network(self);
    ev_async_stop(nic->loop, &self->queued);
    frame_queue_destroy(&self->queue);
    free(self);
}

static int user_send(struct nic *nic, const void *frame, size_t size)
{
    struct user_nic *self = nic->kind_state;
    int code = frame_queue_put(&self->queue, frame, size);

    if (code)
        return code;
    ev_async_send(nic->loop, &self->queued);
    return NIC_QUEUED;
}

const struct nic_kind_ops nic_user_ops = {user_open, user_close, user_send, user_activity_changed};

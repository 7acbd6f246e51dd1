#include "vmm/backends/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backends/fail.h"
#include "vmm/backends/nic_announce.h"
#include "vmm/backends/nic_capture.h"
#include "vmm/backends/nic_internal.h"

/* Announcements are broadcasts and may get lost, so each is made a few times, the gap doubling. */
#define ANNOUNCEMENTS        4u
#define ANNOUNCE_FIRST_GAP_S 0.1

static const struct nic_kind_ops *ops_of(enum nic_kind kind)
{
    switch (kind) {
    case NIC_TAP: return &nic_tap_ops;
    case NIC_PCAP: return &nic_pcap_ops;
    case NIC_USER: return &nic_user_ops;
    case NIC_NONE: break;
    }
    return &nic_none_ops;
}

static int none_open(struct nic *nic, const struct nic_config *config, char *error,
                     size_t error_size)
{
    (void)nic;
    (void)config;
    (void)error;
    (void)error_size;
    return 0;
}

static void none_close(struct nic *nic)
{
    (void)nic;
}

static int none_send(struct nic *nic, const void *frame, size_t size)
{
    (void)nic;
    (void)frame;
    (void)size;
    return 0;
}

const struct nic_kind_ops nic_none_ops = {none_open, none_close, none_send, NULL};

static void activity_changed(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct nic *nic = watcher->data;

    (void)loop;
    (void)events;
    if (nic->ops->activity_changed)
        nic->ops->activity_changed(nic);
}

static void announce_now(struct nic *nic)
{
    uint8_t frame[NIC_ANNOUNCE_SIZE];

    nic_announce_frame(frame, nic->mac, nic->announce_address);
    nic_emit(nic, frame, sizeof(frame));
    nic->announcements_left--;
}

static void announce_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct nic *nic = watcher->data;

    (void)events;
    if (nic->active && nic->announcements_left)
        announce_now(nic);
    if (!nic->active || !nic->announcements_left) {
        ev_timer_stop(loop, watcher);
        return;
    }
    watcher->repeat *= 2;
    ev_timer_again(loop, watcher);
}

static void announce_first(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct nic *nic = watcher->data;

    (void)events;
    nic->announcements_left = ANNOUNCEMENTS;
    announce_now(nic);
    nic->announce_again.repeat = ANNOUNCE_FIRST_GAP_S;
    ev_timer_again(loop, &nic->announce_again);
}

static void watch(struct nic *nic)
{
    ev_async_init(&nic->activity, activity_changed);
    nic->activity.data = nic;
    ev_async_start(nic->loop, &nic->activity);
    ev_async_init(&nic->announce, announce_first);
    nic->announce.data = nic;
    ev_async_start(nic->loop, &nic->announce);
    ev_timer_init(&nic->announce_again, announce_again, 0., ANNOUNCE_FIRST_GAP_S);
    nic->announce_again.data = nic;
}

int nic_create(struct nic **nic, const struct nic_config *config, struct reactor *reactor,
               uint32_t device, const uint8_t mac[6], char *error, size_t error_size)
{
    struct nic *created = calloc(1, sizeof(*created));
    int code = 0;

    if (!created)
        return backend_fail(error, error_size, -ENOMEM, "no memory for a network interface");
    created->ops = ops_of(config->kind);
    created->reactor = reactor;
    created->loop = reactor_loop(reactor);
    created->device = device;
    memcpy(created->mac, mac, sizeof(created->mac));
    if (config->capture[0])
        code = nic_capture_open(&created->capture, config->capture, error, error_size);
    if (code == 0)
        code = created->ops->open(created, config, error, error_size);
    if (code) {
        nic_capture_close(created->capture);
        free(created);
        return code;
    }
    watch(created);
    *nic = created;
    return 0;
}

void nic_destroy(struct nic *nic)
{
    if (!nic)
        return;
    nic->active = false;
    ev_async_stop(nic->loop, &nic->activity);
    ev_async_stop(nic->loop, &nic->announce);
    ev_timer_stop(nic->loop, &nic->announce_again);
    nic->ops->close(nic);
    nic_capture_close(nic->capture);
    free(nic);
}

void nic_deliver(struct nic *nic, const void *frame, size_t size)
{
    if (!nic->active)
        return;
    if (size < NIC_MIN_FRAME || size > NIC_MAX_FRAME ||
        reactor_input(nic->reactor, nic->device, frame, size)) {
        nic->received_dropped++;
        return;
    }
    nic->received++;
    if (nic->capture)
        nic_capture_write(nic->capture, frame, size);
}

void nic_sent(struct nic *nic, const void *frame, size_t size)
{
    nic->sent++;
    if (nic->capture)
        nic_capture_write(nic->capture, frame, size);
}

void nic_lost(struct nic *nic)
{
    nic->sent_dropped++;
}

void nic_emit(struct nic *nic, const void *frame, size_t size)
{
    int code = -EINVAL;

    if (size >= NIC_MIN_FRAME && size <= NIC_MAX_FRAME)
        code = nic->ops->send(nic, frame, size);
    if (code == 0)
        nic_sent(nic, frame, size);
    else if (code < 0)
        nic_lost(nic);
}

void nic_announce(struct nic *nic, uint32_t ipv4_address)
{
    nic->announce_address = ipv4_address;
    ev_async_send(nic->loop, &nic->announce);
}

void nic_set_active(struct nic *nic, bool active)
{
    nic->active = active;
    ev_async_send(nic->loop, &nic->activity);
}

void nic_set_error(struct nic *nic, int code)
{
    nic->error = code;
}

void nic_statistics(const struct nic *nic, struct nic_statistics *statistics)
{
    *statistics = (struct nic_statistics){
        .received = nic->received,
        .received_dropped = nic->received_dropped,
        .sent = nic->sent,
        .sent_dropped = nic->sent_dropped,
        .error = nic->error,
        .capture_error = nic->capture ? nic_capture_error(nic->capture) : 0,
    };
}

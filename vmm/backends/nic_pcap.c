/* A guest's network interface on a real interface of the host, through libpcap: the guest appears
 * on that network with a MAC of its own, beside the host. The host itself is not reached this way
 * unless the network reflects frames, as what is injected goes out to the wire. */
#include "vmm/backends/nic_internal.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backends/fail.h"
#include "vmm/backends/frame_queue.h"

struct pcap_nic {
    struct nic *nic;
    pcap_t *pcap; /* used by the reactor thread alone: the handle has one error buffer */
    ev_io readable;
    struct frame_queue queue;
    ev_async queued;
};

static int explain(const char *interface, pcap_t *pcap, int code, char *error, size_t error_size)
{
    switch (code) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return backend_fail(error, error_size, -ENODEV,
                            "pcap:%s: no such interface; `ip link` lists those that exist",
                            interface);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return backend_fail(error, error_size, -EPERM,
                            "pcap:%s: no permission; it takes root or the capability CAP_NET_RAW",
                            interface);
    case PCAP_ERROR_IFACE_NOT_UP:
        return backend_fail(error, error_size, -ENETDOWN,
                            "pcap:%s: the interface is down; run: ip link set dev %s up", interface,
                            interface);
    default:
        return backend_fail(error, error_size, -EIO, "pcap:%s: %s", interface, pcap_geterr(pcap));
    }
}

/* Frames for the guest and for all; and what the guest sent is not for the guest. */
static int set_filter(pcap_t *pcap, const uint8_t mac[6])
{
    struct bpf_program program;
    char address[18], text[160];
    int code;

    snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
             mac[3], mac[4], mac[5]);
    snprintf(text, sizeof(text),
             "(ether dst %s or ether broadcast or ether multicast) and not ether src %s", address,
             address);
    code = pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN);
    if (code == 0) {
        code = pcap_setfilter(pcap, &program);
        pcap_freecode(&program);
    }
    return code;
}

static int activate(pcap_t *pcap, const char *interface, const uint8_t mac[6], char *error,
                    size_t error_size)
{
    char text[PCAP_ERRBUF_SIZE];
    int code;

    pcap_set_snaplen(pcap, (int)NIC_MAX_FRAME);
    pcap_set_promisc(pcap, 1);
    pcap_set_immediate_mode(pcap, 1); /* a frame is an input when it is here, not when many are */
    code = pcap_activate(pcap);       /* above zero are warnings */
    if (code < 0)
        return explain(interface, pcap, code, error, error_size);
    if (pcap_datalink(pcap) != DLT_EN10MB)
        return backend_fail(error, error_size, -EPROTONOSUPPORT,
                            "pcap:%s: carries %s, not Ethernet; choose an Ethernet interface",
                            interface, pcap_datalink_val_to_name(pcap_datalink(pcap)));
    if (set_filter(pcap, mac))
        return explain(interface, pcap, PCAP_ERROR, error, error_size);
    if (pcap_setnonblock(pcap, 1, text) < 0 || pcap_get_selectable_fd(pcap) < 0)
        return backend_fail(error, error_size, -EIO, "pcap:%s: cannot be polled", interface);
    return 0;
}

static void arrived(u_char *user, const struct pcap_pkthdr *header, const u_char *frame)
{
    struct pcap_nic *self = (struct pcap_nic *)user;

    /* One longer than the snapshot length is refused as too long, rather than passed on cut. */
    nic_deliver(self->nic, frame, header->len == header->caplen ? header->len : 0);
}

static void readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct pcap_nic *self = watcher->data;

    (void)events;
    if (pcap_dispatch(self->pcap, NIC_BATCH, arrived, (u_char *)self) < 0) {
        /* The interface went away or down: it would be readable for ever. */
        nic_set_error(self->nic, -ENETDOWN);
        ev_io_stop(loop, watcher);
    }
}

static void send_queued(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct pcap_nic *self = watcher->data;
    struct queued_frame *frame = frame_queue_take_all(&self->queue);

    (void)loop;
    (void)events;
    while (frame) {
        struct queued_frame *next = frame->next;

        if (pcap_inject(self->pcap, frame->bytes, frame->size) < 0)
            nic_lost(self->nic);
        else
            nic_sent(self->nic, frame->bytes, frame->size);
        free(frame);
        frame = next;
    }
}

static int pcap_nic_open(struct nic *nic, const struct nic_config *config, char *error,
                         size_t error_size)
{
    struct pcap_nic *self = calloc(1, sizeof(*self));
    char text[PCAP_ERRBUF_SIZE] = "no memory";
    int code;

    if (self)
        self->pcap = pcap_create(config->interface, text);
    if (!self || !self->pcap) {
        free(self);
        return backend_fail(error, error_size, -ENOMEM, "pcap:%s: %s", config->interface, text);
    }
    code = activate(self->pcap, config->interface, nic->mac, error, error_size);
    if (code) {
        pcap_close(self->pcap);
        free(self);
        return code;
    }
    self->nic = nic;
    frame_queue_init(&self->queue);
    ev_io_init(&self->readable, readable, pcap_get_selectable_fd(self->pcap), EV_READ);
    self->readable.data = self;
    ev_io_start(nic->loop, &self->readable);
    ev_async_init(&self->queued, send_queued);
    self->queued.data = self;
    ev_async_start(nic->loop, &self->queued);
    nic->kind_state = self;
    return 0;
}

static void pcap_nic_close(struct nic *nic)
{
    struct pcap_nic *self = nic->kind_state;

    ev_io_stop(nic->loop, &self->readable);
    ev_async_stop(nic->loop, &self->queued);
    frame_queue_destroy(&self->queue);
    pcap_close(self->pcap);
    free(self);
}

static int pcap_nic_send(struct nic *nic, const void *frame, size_t size)
{
    struct pcap_nic *self = nic->kind_state;
    int code = frame_queue_put(&self->queue, frame, size);

    if (code)
        return code;
    ev_async_send(nic->loop, &self->queued);
    return NIC_QUEUED;
}

const struct nic_kind_ops nic_pcap_ops = {pcap_nic_open, pcap_nic_close, pcap_nic_send, NULL};

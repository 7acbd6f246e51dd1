/*
 * A network card: virtio-net (virtio 1.2, 5.1) over MMIO, one queue pair, no offloads.
 *
 * A frame that the guest sends goes to host.output as a plain Ethernet frame, inside the notify. A
 * frame delivered goes into the guest's next buffer; while the guest has given none it waits in a
 * bounded backlog, which is state, until the guest notifies; beyond the bound it is dropped.
 */
#ifndef VMM_DEVICES_VIRTIO_NET_H
#define VMM_DEVICES_VIRTIO_NET_H

#include "vmm/devices/device.h"

#define VIRTIO_NET_QUEUE_SIZE    512u
#define VIRTIO_NET_MAX_FRAME     65550u /* bytes; a longer one is dropped, in either direction */
#define VIRTIO_NET_BACKLOG_BYTES (256u << 10)

struct virtio_net;

/* The MMIO window is VIRTIO_MMIO_SIZE long. Host is copied, memory must outlive the device. NULL if
 * out of memory. */
struct virtio_net *virtio_net_create(const struct device_host *host, uint32_t device, unsigned line,
                                     const struct guest_memory *memory, const uint8_t mac[6]);
void virtio_net_destroy(struct virtio_net *net);

bool virtio_net_read(struct virtio_net *net, uint64_t offset, unsigned size, uint64_t *value);
bool virtio_net_write(struct virtio_net *net, uint64_t offset, unsigned size, uint64_t value);

/* An input: one Ethernet frame from the network. */
void virtio_net_deliver(struct virtio_net *net, const void *frame, size_t size);

/* The guest's IPv4 address as last seen as the sender of its own ARP and IPv4 frames, network
 * order; 0 if none was seen. For the announcement after a promotion. */
uint32_t virtio_net_ipv4(const struct virtio_net *net);
/* Frames dropped on the way in since creation; for reports, not part of the state. */
uint64_t virtio_net_dropped(const struct virtio_net *net);

void virtio_net_reset(struct virtio_net *net);
uint64_t virtio_net_digest(const struct virtio_net *net);
void virtio_net_save(const struct virtio_net *net, struct state_writer *writer);
/* On failure (reader->error) the device is as after a reset. */
void virtio_net_load(struct virtio_net *net, struct state_reader *reader);

#endif

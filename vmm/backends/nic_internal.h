/*
 * What the kinds of network backends share. A kind opens its side of the world, sends frames into
 * it, and gives what it reads to nic_deliver(), which does everything else: the sleep of a backup,
 * the sink, the capture, the counts.
 */
#ifndef VMM_BACKENDS_NIC_INTERNAL_H
#define VMM_BACKENDS_NIC_INTERNAL_H

#include <ev.h>
#include <stdatomic.h>

#include "vmm/backends/nic.h"

#define NIC_MIN_FRAME 14u /* bytes: an Ethernet header */
/* Frames read in one turn of the loop, so that a flood on one interface starves no other watcher.
 */
#define NIC_BATCH 64u

/* Result of send(): not sent yet, and not lost. */
#define NIC_QUEUED 1

struct nic_capture;

struct nic_kind_ops {
    /* Fills nic->kind_state. On error it leaves nothing behind, and a line in `error`. */
    int (*open)(struct nic *nic, const struct nic_config *config, char *error, size_t error_size);
    /* The reactor has stopped. */
    void (*close)(struct nic *nic);
    /* Any thread. 0 if the frame is on its way, else the negative errno for which it was dropped.
     */
    int (*send)(struct nic *nic, const void *frame, size_t size);
    /* nic->active changed. Reactor thread; NULL if the kind need not know. */
    void (*activity_changed)(struct nic *nic);
};

struct nic {
    const struct nic_kind_ops *ops;
    void *kind_state;
    struct reactor *reactor;
    struct ev_loop *loop;
    uint32_t device;
    uint8_t mac[6];
    struct nic_capture *capture; /* NULL without */

    atomic_bool active;
    ev_async activity;
    atomic_uint announce_address; /* IPv4, network order, or 0 */
    ev_async announce;
    ev_timer announce_again;
    unsigned announcements_left;

    atomic_ullong received, received_dropped, sent, sent_dropped;
    atomic_int error;
};

extern const struct nic_kind_ops nic_none_ops, nic_tap_ops, nic_pcap_ops, nic_user_ops;

/* A frame came in from the world. Reactor thread. */
void nic_deliver(struct nic *nic, const void *frame, size_t size);
/* What became of a frame that was queued. */
void nic_sent(struct nic *nic, const void *frame, size_t size);
void nic_lost(struct nic *nic);
/* The backend is in trouble (a negative errno), or well again (0). */
void nic_set_error(struct nic *nic, int code);

#endif

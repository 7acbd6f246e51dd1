/* Frames that tests send and recognise. */
#ifndef TESTS_BACKENDS_FRAMES_H
#define TESTS_BACKENDS_FRAMES_H

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "inputs.h"

#define FRAME_TYPE 0x88b5 /* IEEE 802, for local experiments: nothing else on a host sends it */

static const uint8_t guest_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const uint8_t other_mac[6] = {0x52, 0x54, 0x00, 0x65, 0x43, 0x21};
static const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct arp_frame {
    struct ether_header ethernet;
    struct arphdr arp;
    uint8_t sender_mac[6], sender_address[4], target_mac[6], target_address[4];
} __attribute__((packed));

struct test_frame {
    struct ether_header ethernet;
    char text[50];
} __attribute__((packed));

static inline struct test_frame test_frame(const uint8_t to[6], const uint8_t from[6],
                                           const char *text)
{
    struct test_frame frame = {.ethernet.ether_type = htons(FRAME_TYPE)};

    memcpy(frame.ethernet.ether_dhost, to, 6);
    memcpy(frame.ethernet.ether_shost, from, 6);
    strncpy(frame.text, text, sizeof(frame.text) - 1);
    return frame;
}

static inline bool is_test_frame(const struct input *input, const void *text)
{
    const struct test_frame *frame = (const void *)input->bytes;

    return input->size >= sizeof(*frame) && frame->ethernet.ether_type == htons(FRAME_TYPE) &&
           strcmp(frame->text, text) == 0;
}

static inline struct arp_frame arp_frame(uint16_t operation, const uint8_t to[6],
                                         const char *sender_address, const char *target_address)
{
    struct arp_frame frame = {
        .ethernet.ether_type = htons(ETHERTYPE_ARP),
        .arp = {.ar_hrd = htons(ARPHRD_ETHER),
                .ar_pro = htons(ETHERTYPE_IP),
                .ar_hln = 6,
                .ar_pln = 4,
                .ar_op = htons(operation)},
    };

    memcpy(frame.ethernet.ether_dhost, to, 6);
    memcpy(frame.ethernet.ether_shost, guest_mac, 6);
    memcpy(frame.sender_mac, guest_mac, 6);
    inet_pton(AF_INET, sender_address, frame.sender_address);
    inet_pton(AF_INET, target_address, frame.target_address);
    if (memcmp(to, broadcast_mac, 6))
        memcpy(frame.target_mac, to, 6);
    return frame;
}

static inline const struct arp_frame *as_arp(const struct input *input, uint16_t operation)
{
    const struct arp_frame *frame = (const void *)input->bytes;

    if (input->size < sizeof(*frame) || frame->ethernet.ether_type != htons(ETHERTYPE_ARP) ||
        frame->arp.ar_op != htons(operation))
        return NULL;
    return frame;
}

#endif

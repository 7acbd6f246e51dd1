#include "vmm/backends/nic_announce.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <string.h>

#define ARP_OP_RARP_REQUEST 3

struct announcement {
    struct ether_header ethernet;
    struct arphdr arp;
    uint8_t sender_mac[6];
    uint8_t sender_address[4];
    uint8_t target_mac[6];
    uint8_t target_address[4];
} __attribute__((packed));

void nic_announce_frame(uint8_t frame[NIC_ANNOUNCE_SIZE], const uint8_t mac[6],
                        uint32_t ipv4_address)
{
    struct announcement announcement = {
        .ethernet.ether_type = htons(ipv4_address ? ETHERTYPE_ARP : ETHERTYPE_REVARP),
        .arp = {.ar_hrd = htons(ARPHRD_ETHER),
                .ar_pro = htons(ETHERTYPE_IP),
                .ar_hln = 6,
                .ar_pln = 4,
                .ar_op = htons(ipv4_address ? ARPOP_REQUEST : ARP_OP_RARP_REQUEST)},
    };

    static_assert(sizeof(announcement) <= NIC_ANNOUNCE_SIZE, "the frame is padded, never cut");
    memset(announcement.ethernet.ether_dhost, 0xff, 6);
    memcpy(announcement.ethernet.ether_shost, mac, 6);
    memcpy(announcement.sender_mac, mac, 6);
    memcpy(announcement.sender_address, &ipv4_address, 4);
    memcpy(announcement.target_address, &ipv4_address, 4);
    if (ipv4_address == 0)
        memcpy(announcement.target_mac, mac, 6); /* "which address has this MAC?" */
    memset(frame, 0, NIC_ANNOUNCE_SIZE);
    memcpy(frame, &announcement, sizeof(announcement));
}

#include "vmm/devices/ethernet.h"

#include <string.h>

#define SOURCE     6u /* offset of the source address */
#define ETHER_TYPE 12u
#define PAYLOAD    ETHERNET_HEADER_SIZE

#define IPV4_HEADER_SIZE 20u
#define IPV4_SOURCE      (PAYLOAD + 12u) /* RFC 791, 3.1 */

#define ARP_SIZE   28u
#define ARP_SENDER (PAYLOAD + 14u) /* RFC 826: sender protocol address */

uint32_t ethernet_sender_ipv4(const uint8_t *frame, size_t size, const uint8_t mac[6])
{
    static const uint8_t ipv4_type[2] = {0x08, 0x00};
    static const uint8_t arp_type[2] = {0x08, 0x06};
    /* Ethernet, IPv4, and the lengths of their addresses. */
    static const uint8_t arp_start[6] = {0x00, 0x01, 0x08, 0x00, 6, 4};
    uint32_t address = 0;
    if (size < ETHERNET_HEADER_SIZE || memcmp(frame + SOURCE, mac, 6) != 0) {
        return 0;
    }
    if (memcmp(frame + ETHER_TYPE, ipv4_type, 2) == 0) {
        if (size >= PAYLOAD + IPV4_HEADER_SIZE && frame[PAYLOAD] >> 4 == 4) {
            memcpy(&address, frame + IPV4_SOURCE, sizeof address);
        }
    } else if (memcmp(frame + ETHER_TYPE, arp_type, 2) == 0) {
        if (size >= PAYLOAD + ARP_SIZE && memcmp(frame + PAYLOAD, arp_start, 6) == 0) {
            memcpy(&address, frame + ARP_SENDER, sizeof address);
        }
    }
    return address;
}

/*
 * The frame that tells a network where a machine is now: a broadcast from the machine's MAC, so
 * that every switch on the way learns the new port, and, if the IPv4 address is known, an ARP
 * announcement (RFC 5227, 3), so that neighbours refresh what they remember.
 */
#ifndef VMM_BACKENDS_NIC_ANNOUNCE_H
#define VMM_BACKENDS_NIC_ANNOUNCE_H

#include <stdint.h>

#define NIC_ANNOUNCE_SIZE 60u /* bytes: the shortest frame on a real Ethernet, without checksum */

/* `ipv4_address` in network order; 0 if unknown, which makes it a RARP request (RFC 903). */
void nic_announce_frame(uint8_t frame[NIC_ANNOUNCE_SIZE], const uint8_t mac[6],
                        uint32_t ipv4_address);

#endif

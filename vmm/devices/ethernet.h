/*
 * The little that a network card needs to know of the frames that pass through it.
 */
#ifndef VMM_DEVICES_ETHERNET_H
#define VMM_DEVICES_ETHERNET_H

#include <stddef.h>
#include <stdint.h>

#define ETHERNET_HEADER_SIZE 14u

/* The IPv4 address (network order) that `mac` claims as its own by sending this frame: sender of an
 * IPv4 packet or of an ARP message. 0 if the frame does not tell, or was only forwarded. */
uint32_t ethernet_sender_ipv4(const uint8_t *frame, size_t size, const uint8_t mac[6]);

#endif

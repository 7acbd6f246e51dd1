/*
 * A capture file of what really entered and left a network interface, in libpcap's format with
 * nanosecond timestamps. Every record is handed to the host's kernel at once, so the file of a
 * killed process ends on a whole record. When it cannot be written any more (disk full), it is cut
 * back to its last whole record and capturing ends; the machine goes on.
 */
#ifndef VMM_BACKENDS_NIC_CAPTURE_H
#define VMM_BACKENDS_NIC_CAPTURE_H

#include <stddef.h>

struct nic_capture;

int nic_capture_open(struct nic_capture **capture, const char *path, char *error,
                     size_t error_size);
void nic_capture_close(struct nic_capture *capture);
/* Any thread. */
void nic_capture_write(struct nic_capture *capture, const void *frame, size_t size);
/* 0, or the negative errno that ended the capture. Any thread. */
int nic_capture_error(struct nic_capture *capture);

#endif

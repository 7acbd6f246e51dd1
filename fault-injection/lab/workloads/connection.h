/*
 * A TCP connection of a workload's thread to the guest. Unlike client.h, which is the lab's main
 * thread's, it waits without the lab: until an answer is there, the time is over, or the workload
 * gives up.
 *
 * Functions that return bool leave a line in `problem` before they return false.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_CONNECTION_H
#define FAULT_INJECTION_LAB_WORKLOADS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#define CONNECTION_BUFFER       4096u
#define CONNECTION_PROBLEM_SIZE 128u
#define CONNECTION_LINE_SIZE    128u

struct workload;

struct connection {
    const struct workload *workload;
    int receive_buffer; /* bytes that the kernel may hold for us; 0: as many as it likes */
    int fd;             /* -1: none */
    char bytes[CONNECTION_BUFFER]; /* received, and not taken yet: from `first` to `end` */
    size_t first, end;
    bool broken; /* the other end is gone; else what failed was only late */
    char problem[CONNECTION_PROBLEM_SIZE];
};

void connection_init(struct connection *connection, const struct workload *workload);
/* Tries until somebody answers at the port. */
bool connection_open(struct connection *connection, unsigned port, unsigned timeout_ms);
void connection_close(struct connection *connection);

bool connection_send(struct connection *connection, const void *data, size_t size,
                     unsigned timeout_ms);
/* Exactly so much. */
bool connection_read(struct connection *connection, void *data, size_t size, unsigned timeout_ms);
/* Without its end, "\n" or "\r\n". A longer one is a failure. */
bool connection_read_line(struct connection *connection, char line[CONNECTION_LINE_SIZE],
                          unsigned timeout_ms);

#endif

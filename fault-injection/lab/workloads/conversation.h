/*
 * A TCP connection of a workload's thread to the guest. Unlike client.h, which is the lab's main
 * thread's, it waits without the lab: until an answer is there, the time is over, or the workload
 * gives up.
 *
 * Functions that return bool leave a line in `problem` before they return false.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_CONVERSATION_H
#define FAULT_INJECTION_LAB_WORKLOADS_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>

#define CONVERSATION_BUFFER       4096u
#define CONVERSATION_PROBLEM_SIZE 128u
#define CONVERSATION_LINE_SIZE    128u

struct workload;

struct conversation {
    const struct workload *workload;
    int receive_buffer; /* bytes that the kernel may hold for us; 0: as many as it likes */
    int fd;             /* -1: none */
    char bytes[CONVERSATION_BUFFER]; /* received, and not taken yet: from `first` to `end` */
    size_t first, end;
    bool broken; /* the other end is gone; else what failed was only late */
    char problem[CONVERSATION_PROBLEM_SIZE];
};

void conversation_init(struct conversation *connection, const struct workload *workload);
/* Tries until somebody answers at the port. */
bool conversation_open(struct conversation *connection, unsigned port, unsigned timeout_ms);
void conversation_close(struct conversation *connection);

bool conversation_send(struct conversation *connection, const void *data, size_t size,
                       unsigned timeout_ms);
/* Exactly so much. */
bool conversation_read(struct conversation *connection, void *data, size_t size,
                       unsigned timeout_ms);
/* Without its end, "\n" or "\r\n". A longer one is a failure. */
bool conversation_read_line(struct conversation *connection, char line[CONVERSATION_LINE_SIZE],
                            unsigned timeout_ms);

#endif

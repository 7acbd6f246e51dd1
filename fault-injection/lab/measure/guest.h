/*
 * What is said on a TCP connection to the guest (client.h), for measurements: waits end when bytes
 * come, not at the next tick.
 *
 * Functions that return bool leave a line in lab->error before they return false.
 */
#ifndef FAULT_INJECTION_LAB_MEASURE_GUEST_H
#define FAULT_INJECTION_LAB_MEASURE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define GUEST_SHELL_PORT  7002 /* a shell of the guest listens there */
#define GUEST_STREAM_PORT 7000 /* and its streamserver here */
#define GUEST_LINE_SIZE   256u
#define GUEST_OUTPUT_SIZE 4096u

bool guest_send(struct lab *lab, int fd, const void *data, size_t size, uint64_t deadline_ns);
/* At least one byte. */
bool guest_receive(struct lab *lab, int fd, void *data, size_t size, size_t *received,
                   uint64_t deadline_ns);

/* Runs a command in the guest's shell until it is finished, with success. `output`, of
 * GUEST_OUTPUT_SIZE, may be NULL. */
bool guest_command(struct lab *lab, int shell, const char *command, unsigned timeout_ms,
                   char *output);

#endif

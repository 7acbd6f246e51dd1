/* Small workloads for the guest, in one static program: the name that it is called by chooses the
 * tool. They check what they do, so that a machine which goes wrong under them is noticed here and
 * not by a user. */
#ifndef FTVM_GUEST_TOOLS_H
#define FTVM_GUEST_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

int cpuloop(int argc, char **argv);
int diskload(int argc, char **argv);
int recordserver(int argc, char **argv);
int streamserver(int argc, char **argv);

/* Reads a decimal number in [minimum, maximum]; false if the text is none. */
bool parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *number);

/* Listens at a port, for ever, and makes a process for each client, in which this returns the
 * connection. -1 if it cannot go on; said on stderr. */
int serve_port(const char *name, uint16_t port);

/* The guest's monotonic clock. */
uint64_t now_ns(void);

#endif

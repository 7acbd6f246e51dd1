/* Small workloads for the guest, in one static program: the name that it is called by chooses the
 * tool. They check what they do, so that a machine which goes wrong under them is noticed here and
 * not by a user. */
#ifndef FTVM_GUEST_TOOLS_H
#define FTVM_GUEST_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

int cpuloop(int argc, char **argv);
int diskload(int argc, char **argv);
int streamserver(int argc, char **argv);

/* Reads a decimal number in [minimum, maximum]; false if the text is none. */
bool parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *number);

/* The guest's monotonic clock. */
uint64_t now_ns(void);

#endif

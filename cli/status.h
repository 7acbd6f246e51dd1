/*
 * A replica's status as JSON (what the control socket and `ftvm status --json` give) and as a table
 * for people.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <stdint.h>

#include <ftvm/ftvm.h>
#include <jansson.h>

#include "vmm/riscv/hart.h"

/* A new reference: all of struct ftvm_status, by the names of its members, with the library's
 * version and this process's id and age; under "cpu" all of struct hart_counters, unless NULL:
 * there is no machine yet. NULL if memory is short. */
json_t *status_to_json(const struct ftvm_status *status, uint64_t uptime_ns,
                       const struct hart_counters *counters);

/* Prints on stdout. What the other side did not send is shown as 0. */
void status_print(const json_t *status);

#endif

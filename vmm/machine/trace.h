/*
 * A trace of what the hart executes, for the one who hunts a divergence: a line per position in a
 * range. Lines depend on the guest alone, so those of two replicas, of two engines, or of a run and
 * its repetition can be compared with diff(1). The guest cannot tell that it is traced: inside the
 * range it is run position by position, outside at full speed.
 *
 * All calls on the vCPU thread but trace_error(). Writing blocks the guest: a pipe that nobody
 * reads stops it.
 */
#ifndef VMM_MACHINE_TRACE_H
#define VMM_MACHINE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/riscv/hart.h"

#define TRACE_PATH_SIZE 1024u

struct trace_config {
    char path[TRACE_PATH_SIZE]; /* "": no trace; "-": standard output */
    uint64_t from, to;          /* positions; `to` is the first one not traced any more */
};

struct trace;

/* An existing file is emptied. On error a negative errno and one line. */
int trace_create(struct trace **trace, const struct trace_config *config, char *error,
                 size_t error_size);
/* NULL is good. */
void trace_destroy(struct trace *trace);

/* hart_run(), and the same for the guest. When it returns all lines are written. */
enum hart_stop trace_run(struct trace *trace, struct hart *hart, uint64_t end);

/* 0, or the negative errno that has ended the trace: its lines so far are whole, and the guest goes
 * on without. Any thread. */
int trace_error(const struct trace *trace);

#endif

#include "vmm/machine/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/backends/fail.h"
#include "vmm/machine/trace_line.h"

#define BUFFER_SIZE 65536u

struct trace {
    int fd;
    uint64_t from, to;
    atomic_int error;
    size_t used;
    char buffer[BUFFER_SIZE]; /* whole lines */
};

/* ---- The file ---- */

static void append(struct trace *trace, const char *text, size_t size)
{
    memcpy(trace->buffer + trace->used, text, size);
    trace->used += size;
}

/* A line that was written in part would look like one that the other replica has not. */
static void cut_to_whole_lines(const struct trace *trace, size_t written)
{
    const char *end = memrchr(trace->buffer, '\n', written);
    off_t extra = (off_t)(written - (end != NULL ? (size_t)(end + 1 - trace->buffer) : 0));
    off_t at = lseek(trace->fd, 0, SEEK_CUR);

    if (at < extra || ftruncate(trace->fd, at - extra) != 0) {
        return; /* a device or a pipe: nothing to mend */
    }
}

static void flush(struct trace *trace)
{
    size_t written = 0;

    while (written < trace->used && trace_error(trace) == 0) {
        ssize_t size = write(trace->fd, trace->buffer + written, trace->used - written);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            atomic_store(&trace->error, size < 0 ? -errno : -EIO);
            cut_to_whole_lines(trace, written);
        } else {
            written += (size_t)size;
        }
    }
    trace->used = 0;
}

static int open_file(const char *path)
{
    int fd = strcmp(path, "-") == 0
                 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

int trace_create(struct trace **created, const struct trace_config *config, char *error,
                 size_t error_size)
{
    struct trace *trace = calloc(1, sizeof *trace);

    *created = NULL;
    if (trace == NULL) {
        return backend_fail(error, error_size, -ENOMEM, "out of memory");
    }
    trace->from = config->from;
    trace->to = config->to;
    trace->fd = open_file(config->path);
    if (trace->fd < 0) {
        int result = trace->fd;
        free(trace);
        return backend_fail(error, error_size, result, "trace: '%s' cannot be written: %s",
                            config->path, strerror(-result));
    }
    append(trace, TRACE_LINE_HEADING, sizeof TRACE_LINE_HEADING - 1);
    flush(trace);
    *created = trace;
    return 0;
}

void trace_destroy(struct trace *trace)
{
    if (trace != NULL) {
        close(trace->fd);
        free(trace);
    }
}

int trace_error(const struct trace *trace)
{
    return atomic_load(&trace->error);
}

/* ---- The run ---- */

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static enum hart_stop run_part(struct trace *trace, struct hart *hart, uint64_t end)
{
    uint64_t position = hart_position(hart);
    struct hart_step step;
    enum hart_stop stop;

    if (position >= trace->to || trace_error(trace) != 0) {
        return hart_run(hart, end);
    }
    if (position < trace->from) {
        return hart_run(hart, least(end, trace->from));
    }
    stop = hart_step(hart, &step);
    if (step.moved) {
        if (sizeof trace->buffer - trace->used < TRACE_LINE_SIZE) {
            flush(trace);
        }
        trace->used += trace_line(hart, &step, trace->buffer + trace->used);
    }
    return stop;
}

enum hart_stop trace_run(struct trace *trace, struct hart *hart, uint64_t end)
{
    enum hart_stop stop;

    do {
        stop = run_part(trace, hart, end);
    } while (stop == HART_STOP_POSITION && hart_position(hart) < end);
    flush(trace);
    return stop;
}

#include "vmm/backends/nic_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/backends/fail.h"
#include "vmm/backends/nic.h"

struct nic_capture {
    pthread_mutex_t mutex; /* for what follows: frames come and go on different threads */
    pcap_t *format;
    pcap_dumper_t *dumper; /* NULL once the capture has ended */
    int fd;                /* outlives the dumper, to cut off what was written in part */
    off_t whole;           /* bytes of the file that are whole records */
    int error;
};

/* Hands what is buffered to the kernel. 0 or a negative errno. Mutex held. */
static int flush(struct nic_capture *capture)
{
    errno = 0;
    if (pcap_dump_flush(capture->dumper) == 0)
        return 0;
    return errno ? -errno : -EIO;
}

/* Mutex held. */
static void end(struct nic_capture *capture, int code)
{
    capture->error = code;
    /* Closing tries once more to write the rest, so the cut comes after it. */
    pcap_dump_close(capture->dumper);
    capture->dumper = NULL;
    if (ftruncate(capture->fd, capture->whole))
        return; /* a device or pipe: nothing to mend */
}

static int open_dumper(struct nic_capture *capture)
{
    int second = fcntl(capture->fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = second < 0 ? NULL : fdopen(second, "w");

    if (!file) {
        int code = -errno;

        if (second >= 0)
            close(second);
        return code;
    }
    capture->format =
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, NIC_MAX_FRAME, PCAP_TSTAMP_PRECISION_NANO);
    capture->dumper = capture->format ? pcap_dump_fopen(capture->format, file) : NULL;
    if (!capture->dumper) {
        fclose(file);
        return -ENOMEM;
    }
    return flush(capture);
}

int nic_capture_open(struct nic_capture **result, const char *path, char *error, size_t error_size)
{
    struct nic_capture *capture = calloc(1, sizeof(*capture));
    int code;

    if (!capture)
        return backend_fail(error, error_size, -ENOMEM, "no memory to capture into '%s'", path);
    pthread_mutex_init(&capture->mutex, NULL);
    capture->fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
    code = capture->fd < 0 ? -errno : open_dumper(capture);
    if (code) {
        nic_capture_close(capture);
        return backend_fail(error, error_size, code, "capture file '%s' cannot be written: %s",
                            path, strerror(-code));
    }
    capture->whole = pcap_dump_ftell64(capture->dumper);
    *result = capture;
    return 0;
}

void nic_capture_close(struct nic_capture *capture)
{
    if (!capture)
        return;
    if (capture->dumper)
        pcap_dump_close(capture->dumper);
    if (capture->format)
        pcap_close(capture->format);
    if (capture->fd >= 0)
        close(capture->fd);
    pthread_mutex_destroy(&capture->mutex);
    free(capture);
}

void nic_capture_write(struct nic_capture *capture, const void *frame, size_t size)
{
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)size, .len = (bpf_u_int32)size};
    struct timespec now;
    int code;

    pthread_mutex_lock(&capture->mutex);
    if (capture->dumper) {
        clock_gettime(CLOCK_REALTIME, &now); /* under the mutex: records stay in order of time */
        header.ts.tv_sec = now.tv_sec;
        header.ts.tv_usec = now.tv_nsec; /* so libpcap spells nanoseconds */
        pcap_dump((u_char *)capture->dumper, &header, frame);
        code = flush(capture);
        if (code)
            end(capture, code);
        else
            capture->whole = pcap_dump_ftell64(capture->dumper);
    }
    pthread_mutex_unlock(&capture->mutex);
}

int nic_capture_error(struct nic_capture *capture)
{
    int code;

    pthread_mutex_lock(&capture->mutex);
    code = capture->error;
    pthread_mutex_unlock(&capture->mutex);
    return code;
}

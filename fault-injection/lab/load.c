#include "fault-injection/lab/load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/redis.h"

#define REQUEST      "INCR " REDIS_COUNTER "\r\n"
#define REQUEST_SIZE (sizeof(REQUEST) - 1)
#define TICK_MS      10 /* how soon the thread sees that it should pause, go on, or end */

struct load {
    int fd;
    unsigned pipeline;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows, up to `line` */
    bool ending, paused;
    struct load_report report;
    uint64_t last_ns; /* of the last reply, or of the mark or the resumption after it */

    char line[64]; /* the beginning of a reply; the thread's own, as is the rest */
    size_t used;
    size_t unsent; /* bytes of requests that are counted as sent and wait for room in the socket */
};

/* ---- The thread: with the lock held ---------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void complain(struct load *load, const char *format,
                                                           ...)
{
    va_list arguments;

    if (load->report.problem[0])
        return;
    va_start(arguments, format);
    vsnprintf(load->report.problem, sizeof(load->report.problem), format, arguments);
    va_end(arguments);
}

static void note_gap(struct load *load, uint64_t now)
{
    if (now - load->last_ns > load->report.gap_ns) {
        load->report.gap_ns = now - load->last_ns;
        load->report.gap_end_ns = now;
    }
    load->last_ns = now;
}

static void take_reply(struct load *load, uint64_t now)
{
    struct load_report *report = &load->report;
    int64_t expected = report->last + 1, value;
    char *end;

    load->line[load->used] = '\0';
    load->used = 0;
    value = strtoll(load->line + 1, &end, 10);
    if (load->line[0] != ':' || *end != '\0' || report->replies == report->sent) {
        complain(load, "unexpected reply \"%s\" after %" PRId64, load->line, report->last);
        report->broken = true;
        return;
    }
    if (value != expected) {
        complain(load, "the counter went from %" PRId64 " to %" PRId64, report->last, value);
        if (value < expected)
            report->lost += (uint64_t)(expected - value);
        else
            report->doubled += (uint64_t)(value - expected);
    }
    report->last = value;
    report->replies++;
    note_gap(load, now);
}

static void take_bytes(struct load *load, const char *bytes, ssize_t size)
{
    uint64_t now = lab_now_ns();

    for (ssize_t i = 0; i < size && !load->report.broken; i++) {
        if (bytes[i] == '\n')
            take_reply(load, now);
        else if (bytes[i] != '\r' && load->used < sizeof(load->line) - 1)
            load->line[load->used++] = bytes[i];
    }
}

static void lose_connection(struct load *load, const char *why)
{
    complain(load, "the connection broke after reply %" PRId64 ": %s", load->report.last, why);
    load->report.broken = true;
}

/* ---- The thread: without ----------------------------------------------------------------------
 */

static void receive(struct load *load)
{
    char bytes[4096];
    ssize_t size = recv(load->fd, bytes, sizeof(bytes), 0);
    int error = errno;

    pthread_mutex_lock(&load->lock);
    if (size > 0)
        take_bytes(load, bytes, size);
    else if (size == 0)
        lose_connection(load, "the guest closed it");
    else if (error != EAGAIN && error != EINTR)
        lose_connection(load, strerror(error));
    pthread_mutex_unlock(&load->lock);
}

/* Requests are counted when they are decided upon, and sent as the socket takes them. */
static void transmit(struct load *load)
{
    char requests[REQUEST_SIZE * LOAD_MAX_PIPELINE];
    ssize_t size;

    for (unsigned i = 0; i < LOAD_MAX_PIPELINE; i++)
        memcpy(requests + i * REQUEST_SIZE, REQUEST, REQUEST_SIZE);
    pthread_mutex_lock(&load->lock);
    if (!load->paused) {
        uint64_t wanted = load->pipeline - (load->report.sent - load->report.replies);

        load->report.sent += wanted;
        load->unsent += wanted * REQUEST_SIZE;
    }
    pthread_mutex_unlock(&load->lock);
    if (load->unsent == 0)
        return;
    /* What is unsent are the last bytes of a row of requests. */
    size = send(load->fd, requests + sizeof(requests) - load->unsent, load->unsent, 0);
    if (size > 0)
        load->unsent -= (size_t)size;
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        int error = errno;

        pthread_mutex_lock(&load->lock);
        lose_connection(load, strerror(error));
        pthread_mutex_unlock(&load->lock);
    }
}

static bool goes_on(struct load *load)
{
    bool result;

    pthread_mutex_lock(&load->lock);
    result = !load->ending && !load->report.broken;
    pthread_mutex_unlock(&load->lock);
    return result;
}

static void *run(void *context)
{
    struct load *load = context;

    while (goes_on(load)) {
        struct pollfd poll_for = {.fd = load->fd, .events = POLLIN};

        transmit(load);
        if (load->unsent > 0)
            poll_for.events |= POLLOUT;
        if (poll(&poll_for, 1, TICK_MS) > 0)
            receive(load);
    }
    return NULL;
}

/* ---- The owner ------------------------------------------------------------------------------- */

bool load_start(struct load **load, struct lab *lab, int fd, unsigned pipeline, int64_t counter)
{
    struct load *made = calloc(1, sizeof(*made));
    int error;

    *load = NULL;
    if (!made)
        return lab_fail(lab, "out of memory");
    made->fd = fd;
    made->pipeline = pipeline > LOAD_MAX_PIPELINE ? LOAD_MAX_PIPELINE : pipeline;
    made->report.last = counter;
    made->last_ns = lab_now_ns();
    pthread_mutex_init(&made->lock, NULL);
    error = pthread_create(&made->thread, NULL, run, made);
    if (error) {
        free(made);
        return lab_fail(lab, "no thread: %s", strerror(error));
    }
    *load = made;
    return true;
}

void load_end(struct load *load)
{
    if (!load)
        return;
    pthread_mutex_lock(&load->lock);
    load->ending = true;
    pthread_mutex_unlock(&load->lock);
    pthread_join(load->thread, NULL);
    pthread_mutex_destroy(&load->lock);
    close(load->fd);
    free(load);
}

void load_report(struct load *load, struct load_report *report)
{
    uint64_t now = lab_now_ns();

    pthread_mutex_lock(&load->lock);
    *report = load->report;
    if (report->sent > report->replies && now > load->last_ns &&
        now - load->last_ns > report->gap_ns) {
        report->gap_ns = now - load->last_ns;
        report->gap_end_ns = 0;
    }
    pthread_mutex_unlock(&load->lock);
}

void load_mark(struct load *load)
{
    pthread_mutex_lock(&load->lock);
    load->report.gap_ns = load->report.gap_end_ns = 0;
    pthread_mutex_unlock(&load->lock);
}

bool load_pause(struct load *load, struct lab *lab, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);
    struct load_report report;

    pthread_mutex_lock(&load->lock);
    load->paused = true;
    pthread_mutex_unlock(&load->lock);
    for (;;) {
        load_report(load, &report);
        if (report.broken)
            return lab_fail(lab, "%s", report.problem);
        if (report.replies == report.sent)
            return true;
        if (!lab_pause(lab, deadline))
            return lab_fail(lab, "%" PRIu64 " requests are not answered after %u ms",
                            report.sent - report.replies, timeout_ms);
    }
}

void load_resume(struct load *load)
{
    pthread_mutex_lock(&load->lock);
    load->paused = false;
    load->last_ns = lab_now_ns();
    pthread_mutex_unlock(&load->lock);
}

bool load_wait(struct load *load, struct lab *lab, uint64_t replies, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms), first;
    struct load_report report;

    load_report(load, &report);
    for (first = report.replies; report.replies < first + replies; load_report(load, &report)) {
        if (report.broken)
            return lab_fail(lab, "%s", report.problem);
        if (!lab_pause(lab, deadline))
            return lab_fail(lab, "the client got %" PRIu64 " replies in %u ms, not %" PRIu64,
                            report.replies - first, timeout_ms, replies);
    }
    return true;
}

bool load_check(struct load *load, struct lab *lab)
{
    struct load_report report;

    load_report(load, &report);
    return report.problem[0] == '\0' || lab_fail(lab, "%s", report.problem);
}

int load_socket(const struct load *load)
{
    return load->fd;
}

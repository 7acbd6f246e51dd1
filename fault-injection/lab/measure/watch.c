#include "fault-injection/lab/measure/watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/measure/guest.h"

#define REQUEST    "count 1\n"
#define CONNECT_MS 10000
#define TICK_MS    20 /* how soon the thread sees that it should end */

struct watch {
    int fd;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows, up to `number` */
    bool ending;
    uint64_t last_ns, gap_ns;
    uint64_t lines; /* received whole */
    char problem[128];

    uint64_t number; /* of the line that is being received; the thread's own */
};

static void complain(struct watch *watch, const char *problem)
{
    if (!watch->problem[0])
        snprintf(watch->problem, sizeof(watch->problem), "the stream of the guest %s", problem);
}

static void take(struct watch *watch, const char *bytes, ssize_t size)
{
    uint64_t now = lab_now_ns();

    if (now - watch->last_ns > watch->gap_ns)
        watch->gap_ns = now - watch->last_ns;
    watch->last_ns = now;
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            watch->number = watch->number * 10 + (uint64_t)(bytes[i] - '0');
            continue;
        }
        if (watch->number != watch->lines + 1)
            complain(watch, "has lost a line, or sent it twice");
        watch->lines++;
        watch->number = 0;
    }
}

static void *run(void *context)
{
    struct watch *watch = context;
    struct pollfd poll_for = {.fd = watch->fd, .events = POLLIN};
    bool goes_on = true;

    while (goes_on) {
        char bytes[4096];
        ssize_t size =
            poll(&poll_for, 1, TICK_MS) > 0 ? recv(watch->fd, bytes, sizeof(bytes), 0) : -1;

        pthread_mutex_lock(&watch->lock);
        if (size > 0)
            take(watch, bytes, size);
        if (size == 0)
            complain(watch, "has ended");
        goes_on = !watch->ending && size != 0;
        pthread_mutex_unlock(&watch->lock);
    }
    return NULL;
}

bool watch_start(struct watch **watch, struct lab *lab)
{
    struct watch *made = calloc(1, sizeof(*made));
    int error;

    *watch = NULL;
    if (!made)
        return lab_fail(lab, "out of memory");
    made->fd = client_connect(lab, GUEST_STREAM_PORT, CONNECT_MS);
    if (made->fd < 0 ||
        !guest_send(lab, made->fd, REQUEST, strlen(REQUEST), lab_deadline(lab, CONNECT_MS))) {
        if (made->fd >= 0)
            close(made->fd);
        free(made);
        return false;
    }
    made->last_ns = lab_now_ns();
    pthread_mutex_init(&made->lock, NULL);
    error = pthread_create(&made->thread, NULL, run, made);
    if (error) {
        close(made->fd);
        free(made);
        return lab_fail(lab, "no thread: %s", strerror(error));
    }
    *watch = made;
    return true;
}

void watch_end(struct watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->ending = true;
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
    close(watch->fd);
    free(watch);
}

void watch_mark(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->gap_ns = 0;
    pthread_mutex_unlock(&watch->lock);
}

bool watch_gap(struct watch *watch, struct lab *lab, uint64_t *gap_ns)
{
    uint64_t now = lab_now_ns();
    char problem[sizeof(watch->problem)];

    pthread_mutex_lock(&watch->lock);
    *gap_ns = now - watch->last_ns > watch->gap_ns ? now - watch->last_ns : watch->gap_ns;
    memcpy(problem, watch->problem, sizeof(problem));
    pthread_mutex_unlock(&watch->lock);
    return problem[0] == '\0' || lab_fail(lab, "%s", problem);
}

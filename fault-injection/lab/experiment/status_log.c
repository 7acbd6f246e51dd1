#include "fault-injection/lab/experiment/status_log.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_SIZE 8192u
#define PATIENCE_US 30000
#define REQUEST     "{\"request\":\"status\"}\n"

struct status_log {
    char directory[64];
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t ended;
    bool ending;
    struct status_sample samples[STATUS_LOG_MAX];
    uint64_t count; /* ever; the newest is at (count - 1) % STATUS_LOG_MAX */
};

/* ---- Asking -------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct timeval patience = {.tv_usec = PATIENCE_US};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static json_t *ask(const char *path)
{
    char answer[ANSWER_SIZE];
    json_t *object = NULL;
    size_t used = 0;
    ssize_t size;
    int fd = connect_to(path);

    if (fd < 0)
        return NULL;
    if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) == (ssize_t)strlen(REQUEST)) {
        while (used < sizeof(answer) - 1 && !memchr(answer, '\n', used) &&
               (size = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0)
            used += (size_t)size;
        object = json_loadb(answer, used, JSON_DISABLE_EOF_CHECK, NULL);
    }
    close(fd);
    return object;
}

static uint64_t number(const json_t *status, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(status, key));
}

/* False for backups, which know nothing that their primary does not. */
static bool read_status(const json_t *status, struct status_sample *sample)
{
    const char *role = json_string_value(json_object_get(status, "role"));
    uint64_t lsn = number(status, "lsn"), consumed = number(status, "lsn_consumed");

    if (!role || strcmp(role, "primary") != 0)
        return false;
    *sample = (struct status_sample){
        .at_ns = lab_now_ns(),
        .pid = number(status, "pid"),
        .is_protected = json_is_true(json_object_get(status, "protected")),
        .log_bytes = number(status, "log_bytes"),
        .outputs_held = number(status, "outputs_held"),
    };
    if (sample->is_protected && lsn > consumed)
        sample->lag_entries = lsn - consumed;
    return true;
}

static void keep(struct status_log *log, const struct status_sample *sample)
{
    pthread_mutex_lock(&log->lock);
    log->samples[log->count++ % STATUS_LOG_MAX] = *sample;
    pthread_mutex_unlock(&log->lock);
}

static void ask_all(struct status_log *log)
{
    DIR *directory = opendir(log->directory);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        size_t size = strlen(entry->d_name);
        struct status_sample sample;
        char path[512];
        json_t *answer;

        if (size < 5 || strcmp(entry->d_name + size - 5, ".sock") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", log->directory, entry->d_name);
        answer = ask(path);
        if (read_status(json_object_get(answer, "status"), &sample))
            keep(log, &sample);
        json_decref(answer);
    }
    if (directory)
        closedir(directory);
}

static void *run(void *context)
{
    struct status_log *log = context;

    for (;;) {
        struct timespec until;
        bool ending;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += STATUS_LOG_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        ask_all(log);
        pthread_mutex_lock(&log->lock);
        while (!log->ending && pthread_cond_timedwait(&log->ended, &log->lock, &until) == 0)
            ;
        ending = log->ending;
        pthread_mutex_unlock(&log->lock);
        if (ending)
            return NULL;
    }
}

/* ---- For its owner ------------------------------------------------------------------------- */

bool status_log_start(struct status_log **log, struct lab *lab)
{
    struct status_log *made = *log = calloc(1, sizeof(*made));
    pthread_condattr_t attributes;
    int error;

    if (!made)
        return lab_fail(lab, "out of memory");
    snprintf(made->directory, sizeof(made->directory), "%s", lab->directory);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    error = pthread_create(&made->thread, NULL, run, made);
    made->started = error == 0;
    return made->started || lab_fail(lab, "no thread: %s", strerror(error));
}

void status_log_stop(struct status_log *log)
{
    if (!log)
        return;
    if (log->started) {
        pthread_mutex_lock(&log->lock);
        log->ending = true;
        pthread_cond_signal(&log->ended);
        pthread_mutex_unlock(&log->lock);
        pthread_join(log->thread, NULL);
    }
    pthread_cond_destroy(&log->ended);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

size_t status_log_samples(struct status_log *log, uint64_t from_ns, struct status_sample *samples,
                          size_t capacity)
{
    size_t copied = 0;
    uint64_t first;

    pthread_mutex_lock(&log->lock);
    first = log->count > STATUS_LOG_MAX ? log->count - STATUS_LOG_MAX : 0;
    for (uint64_t i = first; i < log->count && copied < capacity; i++)
        if (log->samples[i % STATUS_LOG_MAX].at_ns >= from_ns)
            samples[copied++] = log->samples[i % STATUS_LOG_MAX];
    pthread_mutex_unlock(&log->lock);
    return copied;
}

#include "vmm/backends/disk.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/backends/disk_image.h"
#include "vmm/backends/fail.h"
#include "vmm/backends/signals.h"

/* How long an announcement waits that found no room. */
#define ANNOUNCE_AGAIN_NS 200000

struct disk {
    struct disk_image image;
    disk_completed *completed;
    void *completed_context;
    pthread_t worker;

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t submitted;
    pthread_cond_t progressed; /* a request moved to `finished` */
    struct disk_request *waiting;
    struct disk_request **waiting_end;
    struct disk_request *executing;
    struct disk_request *finished; /* in order of id */
    unsigned outstanding;          /* submitted and not taken */
    bool closing;
};

void disk_request_free(struct disk_request *request)
{
    if (!request)
        return;
    free(request->data);
    free(request);
}

static void free_list(struct disk_request *request)
{
    while (request) {
        struct disk_request *next = request->next;

        disk_request_free(request);
        request = next;
    }
}

static void insert_finished(struct disk *disk, struct disk_request *request)
{
    struct disk_request **place = &disk->finished;

    while (*place && (*place)->id < request->id)
        place = &(*place)->next;
    request->next = *place;
    *place = request;
}

/* Executes the first request that waits. Mutex held, but for the execution. */
static void execute(struct disk *disk)
{
    struct disk_request *request = disk->waiting;
    int status;

    disk->waiting = request->next;
    if (!disk->waiting)
        disk->waiting_end = &disk->waiting;
    request->next = NULL;
    disk->executing = request;
    pthread_mutex_unlock(&disk->mutex);
    status = disk_image_execute(&disk->image, request);
    pthread_mutex_lock(&disk->mutex);
    request->status = status;
    disk->executing = NULL;
    /* From here the request belongs to whoever takes it. */
    insert_finished(disk, request);
    pthread_cond_broadcast(&disk->progressed);
}

static struct disk_request **find(struct disk_request **list, uint64_t id)
{
    while (*list && (*list)->id != id)
        list = &(*list)->next;
    return list;
}

static int announced_status(const struct disk_request *request)
{
    return request->uncertain ? DISK_UNCERTAIN : request->status;
}

/* Announces what is finished and was not announced; true if nothing of that is left. Mutex held,
 * but for the callbacks. */
static bool announce(struct disk *disk)
{
    for (;;) {
        struct disk_request *request = disk->finished;
        uint64_t id;
        int status;
        int result;

        while (request && request->announced)
            request = request->next;
        if (!request)
            return true;
        id = request->id;
        status = announced_status(request);
        request->announced = true;
        pthread_mutex_unlock(&disk->mutex);
        result = disk->completed ? disk->completed(disk->completed_context, id, status) : 0;
        pthread_mutex_lock(&disk->mutex);
        if (result != 0) {
            request = *find(&disk->finished, id);
            if (request)
                request->announced = false;
            return false;
        }
    }
}

/* Waits for a request, or for a moment. Mutex held. */
static void rest(struct disk *disk, bool for_a_moment)
{
    struct timespec until;

    if (!for_a_moment) {
        pthread_cond_wait(&disk->submitted, &disk->mutex);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ANNOUNCE_AGAIN_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&disk->submitted, &disk->mutex, &until);
}

static void *work(void *context)
{
    struct disk *disk = context;

    pthread_mutex_lock(&disk->mutex);
    while (disk->waiting || !disk->closing) {
        bool all_announced;

        if (disk->waiting)
            execute(disk);
        all_announced = announce(disk);
        if (!disk->waiting && !disk->closing)
            rest(disk, !all_announced);
    }
    pthread_mutex_unlock(&disk->mutex);
    return NULL;
}

static int start(struct disk **result, const struct disk_image *image, const char *path,
                 char *error, size_t error_size)
{
    struct disk_image opened = *image;
    struct disk *disk = calloc(1, sizeof(*disk));
    pthread_condattr_t attributes;
    int code = -ENOMEM;

    if (disk) {
        disk->image = opened;
        disk->waiting_end = &disk->waiting;
        pthread_mutex_init(&disk->mutex, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&disk->submitted, &attributes);
        pthread_condattr_destroy(&attributes);
        pthread_cond_init(&disk->progressed, NULL);
        code = signals_start_thread(&disk->worker, work, disk);
        if (code == 0) {
            *result = disk;
            return 0;
        }
        free(disk);
    }
    disk_image_close(&opened);
    return backend_fail(error, error_size, code, "disk '%s' has no worker thread: out of memory",
                        path);
}

int disk_open(struct disk **disk, const char *path, char *error, size_t error_size)
{
    struct disk_image image;
    int code = disk_image_open(&image, path, error, error_size);

    return code ? code : start(disk, &image, path, error, error_size);
}

int disk_open_for_copy(struct disk **disk, const char *path, uint64_t size, char *error,
                       size_t error_size)
{
    struct disk_image image;
    int code = disk_image_create(&image, path, size, error, error_size);

    return code ? code : start(disk, &image, path, error, error_size);
}

void disk_close(struct disk *disk)
{
    if (!disk)
        return;
    pthread_mutex_lock(&disk->mutex);
    disk->closing = true;
    pthread_cond_signal(&disk->submitted);
    pthread_mutex_unlock(&disk->mutex);
    pthread_join(disk->worker, NULL);
    free_list(disk->finished);
    disk_image_close(&disk->image);
    pthread_cond_destroy(&disk->progressed);
    pthread_cond_destroy(&disk->submitted);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

uint64_t disk_size(const struct disk *disk)
{
    return disk->image.size;
}

void disk_on_completed(struct disk *disk, disk_completed *completed, void *context)
{
    /* Under the mutex, as the worker is running: it looks after it has seen a submit. */
    pthread_mutex_lock(&disk->mutex);
    disk->completed = completed;
    disk->completed_context = context;
    pthread_mutex_unlock(&disk->mutex);
}

void disk_submit(struct disk *disk, struct disk_request *request)
{
    request->next = NULL;
    request->status = 0;
    request->announced = false;
    request->uncertain = false;
    pthread_mutex_lock(&disk->mutex);
    assert(disk->outstanding < DISK_MAX_REQUESTS);
    disk->outstanding++;
    *disk->waiting_end = request;
    disk->waiting_end = &request->next;
    pthread_cond_signal(&disk->submitted);
    pthread_mutex_unlock(&disk->mutex);
}

/* The link that leads to finished request `id`, waiting for it; NULL if there is no such request.
 * Mutex held. */
static struct disk_request **wait_for(struct disk *disk, uint64_t id)
{
    for (;;) {
        struct disk_request **link = find(&disk->finished, id);
        bool coming;

        if (*link)
            return link;
        coming = (disk->executing && disk->executing->id == id) || *find(&disk->waiting, id);
        if (!coming)
            return NULL;
        pthread_cond_wait(&disk->progressed, &disk->mutex);
    }
}

struct disk_request *disk_take(struct disk *disk, uint64_t id)
{
    struct disk_request **link;
    struct disk_request *request = NULL;

    pthread_mutex_lock(&disk->mutex);
    link = wait_for(disk, id);
    if (link) {
        request = *link;
        *link = request->next;
        request->next = NULL;
        disk->outstanding--;
    }
    pthread_mutex_unlock(&disk->mutex);
    return request;
}

const struct disk_request *disk_peek(struct disk *disk, uint64_t id)
{
    struct disk_request **link;
    const struct disk_request *request;

    pthread_mutex_lock(&disk->mutex);
    link = wait_for(disk, id);
    request = link ? *link : NULL;
    pthread_mutex_unlock(&disk->mutex);
    return request;
}

void disk_drain(struct disk *disk)
{
    pthread_mutex_lock(&disk->mutex);
    while (disk->waiting || disk->executing)
        pthread_cond_wait(&disk->progressed, &disk->mutex);
    pthread_mutex_unlock(&disk->mutex);
}

void disk_put_finished(struct disk *disk, struct disk_request *request)
{
    pthread_mutex_lock(&disk->mutex);
    assert(disk->outstanding < DISK_MAX_REQUESTS);
    disk->outstanding++;
    request->announced = true; /* by whom it was finished */
    insert_finished(disk, request);
    pthread_mutex_unlock(&disk->mutex);
}

void disk_announce_finished(struct disk *disk, bool uncertain)
{
    uint64_t ids[DISK_MAX_REQUESTS];
    int statuses[DISK_MAX_REQUESTS];
    unsigned count = 0;

    pthread_mutex_lock(&disk->mutex);
    if (disk->executing)
        disk->executing->uncertain |= uncertain;
    for (struct disk_request *r = disk->waiting; r; r = r->next)
        r->uncertain |= uncertain;
    for (struct disk_request *r = disk->finished; r; r = r->next) {
        r->uncertain |= uncertain;
        ids[count] = r->id;
        statuses[count++] = announced_status(r);
    }
    pthread_mutex_unlock(&disk->mutex);
    for (unsigned i = 0; i < count && disk->completed; i++)
        disk->completed(disk->completed_context, ids[i], statuses[i]);
}

int disk_read_raw(struct disk *disk, uint64_t offset, void *data, size_t size)
{
    return disk_image_read(&disk->image, offset, data, size);
}

int disk_write_raw(struct disk *disk, uint64_t offset, const void *data, size_t size)
{
    return disk_image_write(&disk->image, offset, data, size);
}

uint64_t disk_next_data(struct disk *disk, uint64_t offset)
{
    return disk_image_next_data(&disk->image, offset);
}

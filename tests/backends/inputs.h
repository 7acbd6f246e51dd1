/* A sink that keeps what a reactor gives it, for a test to wait for and look at. */
#ifndef TESTS_BACKENDS_INPUTS_H
#define TESTS_BACKENDS_INPUTS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/backends/reactor.h"

#define INPUTS_MAX     4096
#define INPUTS_WAIT_MS 5000

struct input {
    uint32_t device;
    size_t size;
    uint8_t *bytes;
};

struct inputs {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    bool full; /* refuse everything */
    unsigned refused;
    unsigned count;
    struct input list[INPUTS_MAX];
};

/* Does this input end the wait? */
typedef bool input_matches(const struct input *input, const void *wanted);

static inline struct inputs *inputs_new(void)
{
    struct inputs *inputs = calloc(1, sizeof(*inputs));

    pthread_mutex_init(&inputs->mutex, NULL);
    pthread_cond_init(&inputs->arrived, NULL);
    return inputs;
}

static inline void inputs_free(struct inputs *inputs)
{
    for (unsigned i = 0; i < inputs->count; i++)
        free(inputs->list[i].bytes);
    free(inputs);
}

static inline int inputs_sink(void *context, uint32_t device, const void *data, size_t size)
{
    struct inputs *inputs = context;
    int code = -ENOBUFS;

    pthread_mutex_lock(&inputs->mutex);
    if (inputs->full || inputs->count == INPUTS_MAX) {
        inputs->refused++;
    } else {
        struct input *input = &inputs->list[inputs->count++];

        input->device = device;
        input->size = size;
        input->bytes = malloc(size ? size : 1);
        memcpy(input->bytes, data, size);
        code = 0;
    }
    pthread_cond_broadcast(&inputs->arrived);
    pthread_mutex_unlock(&inputs->mutex);
    return code;
}

static inline void inputs_set_full(struct inputs *inputs, bool full)
{
    pthread_mutex_lock(&inputs->mutex);
    inputs->full = full;
    pthread_mutex_unlock(&inputs->mutex);
}

static inline struct timespec inputs_deadline(unsigned ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += ms / 1000;
    deadline.tv_nsec += (long)(ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

/* The first input that matches, waiting for it; NULL if none came in time. */
static inline const struct input *inputs_wait(struct inputs *inputs, input_matches *matches,
                                              const void *wanted, unsigned ms)
{
    struct timespec deadline = inputs_deadline(ms);
    const struct input *found = NULL;
    unsigned seen = 0;
    int code = 0;

    pthread_mutex_lock(&inputs->mutex);
    while (!found) {
        for (; seen < inputs->count && !found; seen++) {
            if (matches(&inputs->list[seen], wanted))
                found = &inputs->list[seen];
        }
        if (!found && code)
            break;
        if (!found)
            code = pthread_cond_timedwait(&inputs->arrived, &inputs->mutex, &deadline);
    }
    pthread_mutex_unlock(&inputs->mutex);
    return found;
}

static inline bool inputs_wait_refused(struct inputs *inputs)
{
    struct timespec deadline = inputs_deadline(INPUTS_WAIT_MS);
    int code = 0;
    bool refused;

    pthread_mutex_lock(&inputs->mutex);
    while (!inputs->refused && code == 0)
        code = pthread_cond_timedwait(&inputs->arrived, &inputs->mutex, &deadline);
    refused = inputs->refused > 0;
    pthread_mutex_unlock(&inputs->mutex);
    return refused;
}

/* All bytes so far, as one text, once it holds `wanted`; NULL if that does not come about. To be
 * freed. */
static inline char *inputs_wait_text(struct inputs *inputs, const char *wanted)
{
    struct timespec deadline = inputs_deadline(INPUTS_WAIT_MS);
    char *text = NULL;
    int code = 0;

    pthread_mutex_lock(&inputs->mutex);
    for (;;) {
        size_t size = 0;

        for (unsigned i = 0; i < inputs->count; i++)
            size += inputs->list[i].size;
        free(text);
        text = malloc(size + 1);
        size = 0;
        for (unsigned i = 0; i < inputs->count; i++) {
            memcpy(text + size, inputs->list[i].bytes, inputs->list[i].size);
            size += inputs->list[i].size;
        }
        text[size] = '\0';
        if (strstr(text, wanted))
            break;
        if (code) {
            free(text);
            text = NULL;
            break;
        }
        code = pthread_cond_timedwait(&inputs->arrived, &inputs->mutex, &deadline);
    }
    pthread_mutex_unlock(&inputs->mutex);
    return text;
}

static inline unsigned inputs_count(struct inputs *inputs)
{
    unsigned count;

    pthread_mutex_lock(&inputs->mutex);
    count = inputs->count;
    pthread_mutex_unlock(&inputs->mutex);
    return count;
}

#endif

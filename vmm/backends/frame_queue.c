#include "vmm/backends/frame_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void frame_queue_init(struct frame_queue *queue)
{
    *queue = (struct frame_queue){0};
    queue->end = &queue->first;
    pthread_mutex_init(&queue->mutex, NULL);
}

void frame_queue_destroy(struct frame_queue *queue)
{
    struct queued_frame *frame = frame_queue_take_all(queue);

    while (frame) {
        struct queued_frame *next = frame->next;

        free(frame);
        frame = next;
    }
    pthread_mutex_destroy(&queue->mutex);
}

int frame_queue_put(struct frame_queue *queue, const void *data, size_t size)
{
    struct queued_frame *frame = malloc(sizeof(*frame) + size);
    int code = 0;

    if (!frame)
        return -ENOMEM;
    frame->next = NULL;
    frame->size = size;
    memcpy(frame->bytes, data, size);

    pthread_mutex_lock(&queue->mutex);
    if (queue->frames >= FRAME_QUEUE_FRAMES || size > FRAME_QUEUE_BYTES - queue->bytes) {
        code = -ENOBUFS;
    } else {
        *queue->end = frame;
        queue->end = &frame->next;
        queue->frames++;
        queue->bytes += size;
    }
    pthread_mutex_unlock(&queue->mutex);
    if (code)
        free(frame);
    return code;
}

struct queued_frame *frame_queue_take_all(struct frame_queue *queue)
{
    struct queued_frame *first;

    pthread_mutex_lock(&queue->mutex);
    first = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    queue->frames = 0;
    queue->bytes = 0;
    pthread_mutex_unlock(&queue->mutex);
    return first;
}

/*
 * A bounded queue of frames from any thread to the reactor thread, for kinds of networks whose
 * library is used by one thread alone.
 */
#ifndef VMM_BACKENDS_FRAME_QUEUE_H
#define VMM_BACKENDS_FRAME_QUEUE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_QUEUE_FRAMES 1024u
#define FRAME_QUEUE_BYTES  (4u << 20)

struct queued_frame {
    struct queued_frame *next;
    size_t size;
    uint8_t bytes[];
};

struct frame_queue {
    pthread_mutex_t mutex;
    struct queued_frame *first;
    struct queued_frame **end;
    size_t frames, bytes;
};

void frame_queue_init(struct frame_queue *queue);
void frame_queue_destroy(struct frame_queue *queue);
/* -ENOBUFS if the queue is full, -ENOMEM. */
int frame_queue_put(struct frame_queue *queue, const void *frame, size_t size);
/* Everything queued, in order, for the caller to free one by one; NULL if nothing is. */
struct queued_frame *frame_queue_take_all(struct frame_queue *queue);

#endif

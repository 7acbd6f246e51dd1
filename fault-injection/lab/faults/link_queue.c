#include "fault-injection/lab/faults/link_queue.h"

#include <sys/mman.h>

/* Taken from the system and given back as they are needed: most queues stay small. */
static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

bool link_queue_init(struct link_queue *queue)
{
    *queue = (struct link_queue){.bytes = map(LINK_QUEUE_BYTES),
                                 .pieces = map(LINK_QUEUE_PIECES * sizeof(struct link_piece))};
    if (queue->bytes && queue->pieces)
        return true;
    link_queue_destroy(queue);
    return false;
}

void link_queue_destroy(struct link_queue *queue)
{
    if (queue->bytes)
        munmap(queue->bytes, LINK_QUEUE_BYTES);
    if (queue->pieces)
        munmap(queue->pieces, LINK_QUEUE_PIECES * sizeof(struct link_piece));
    *queue = (struct link_queue){0};
}

static struct link_piece *piece(const struct link_queue *queue, uint64_t number)
{
    return &queue->pieces[number % LINK_QUEUE_PIECES];
}

static uint64_t wire_ns(const struct link_way *way, size_t size)
{
    return (uint64_t)size * 8u * 1000000u / way->kbit;
}

/* ---- In ---------------------------------------------------------------------------------- */

size_t link_queue_space(const struct link_queue *queue, const struct link_way *way, uint64_t now_ns,
                        uint8_t **bytes, uint64_t *again_ns)
{
    size_t used = (size_t)(queue->tail - queue->head), at = queue->tail % LINK_QUEUE_BYTES;
    size_t room = LINK_QUEUE_BYTES - used, pieces;

    *again_ns = LINK_NEVER;
    *bytes = queue->bytes + at;
    if (room > LINK_QUEUE_BYTES - at)
        room = LINK_QUEUE_BYTES - at;
    pieces = (size_t)(LINK_QUEUE_PIECES - (queue->pieces_end - queue->first_piece));
    if (way->kbit == 0)
        return pieces > 0 ? room : 0;
    if (queue->free_ns >= now_ns + LINK_BOOKED_NS) {
        *again_ns = queue->free_ns - LINK_BOOKED_NS + 1;
        return 0;
    }
    /* Piece by piece, so that the wire is not booked far beyond its limit. */
    if (pieces == 0)
        return 0;
    return room < LINK_PIECE_BYTES ? room : LINK_PIECE_BYTES;
}

static uint64_t arrival(struct link_queue *queue, const struct link_way *way, uint64_t sent_ns,
                        uint64_t random)
{
    uint64_t due = sent_ns + (uint64_t)way->delay_us * 1000u;

    if (way->jitter_us > 0)
        due += random % ((uint64_t)way->jitter_us * 1000u + 1);
    if (due < queue->last_due_ns)
        due = queue->last_due_ns;
    queue->last_due_ns = due;
    return due;
}

void link_queue_add(struct link_queue *queue, const struct link_way *way, size_t size,
                    uint64_t now_ns, uint64_t random)
{
    uint64_t sent_ns = now_ns;

    if (way->kbit > 0) {
        if (queue->free_ns < now_ns)
            queue->free_ns = now_ns;
        queue->free_ns += wire_ns(way, size);
        sent_ns = queue->free_ns;
    }
    queue->tail += size;
    *piece(queue, queue->pieces_end++) =
        (struct link_piece){queue->tail, arrival(queue, way, sent_ns, random)};
}

void link_queue_end(struct link_queue *queue, const struct link_way *way, enum link_end end,
                    uint64_t now_ns)
{
    if (queue->end != LINK_OPEN && end != LINK_RESETS)
        return;
    queue->end = end;
    queue->end_due_ns = arrival(queue, way, now_ns, 0);
}

/* ---- Out --------------------------------------------------------------------------------- */

size_t link_queue_due(const struct link_queue *queue, uint64_t now_ns, const uint8_t **bytes)
{
    size_t at = queue->head % LINK_QUEUE_BYTES, size;
    uint64_t end = queue->head;

    for (uint64_t i = queue->first_piece; i < queue->pieces_end; i++) {
        if (piece(queue, i)->due_ns > now_ns)
            break;
        end = piece(queue, i)->end;
    }
    size = (size_t)(end - queue->head);
    *bytes = queue->bytes + at;
    return size < LINK_QUEUE_BYTES - at ? size : LINK_QUEUE_BYTES - at;
}

void link_queue_take(struct link_queue *queue, size_t size)
{
    queue->head += size;
    while (queue->first_piece < queue->pieces_end &&
           piece(queue, queue->first_piece)->end <= queue->head)
        queue->first_piece++;
}

enum link_end link_queue_ended(const struct link_queue *queue, uint64_t now_ns)
{
    return queue->head == queue->tail && queue->end_due_ns <= now_ns ? queue->end : LINK_OPEN;
}

uint64_t link_queue_next(const struct link_queue *queue)
{
    if (queue->first_piece < queue->pieces_end)
        return piece(queue, queue->first_piece)->due_ns;
    return queue->end != LINK_OPEN ? queue->end_due_ns : LINK_NEVER;
}

void link_queue_drop(struct link_queue *queue)
{
    queue->head = queue->tail;
    queue->first_piece = queue->pieces_end;
}

void link_queue_change(struct link_queue *queue, const struct link_way *way, uint64_t now_ns)
{
    uint64_t wire = way->kbit > 0 ? wire_ns(way, (size_t)(queue->tail - queue->head)) : 0;
    uint64_t latest = now_ns + wire + ((uint64_t)way->delay_us + way->jitter_us) * 1000u;

    for (uint64_t i = queue->first_piece; i < queue->pieces_end; i++)
        if (piece(queue, i)->due_ns > latest)
            piece(queue, i)->due_ns = latest;
    if (queue->end_due_ns > latest)
        queue->end_due_ns = latest;
    if (queue->last_due_ns > latest)
        queue->last_due_ns = latest;
    if (queue->free_ns > now_ns + wire)
        queue->free_ns = now_ns + wire;
}

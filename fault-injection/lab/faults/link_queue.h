/*
 * What is on its way through the link, in one direction of one connection: bytes, each of them with
 * the time at which it arrives, and what comes after the last one. A pure thing: time and chance
 * are arguments, sockets are its user's (link_relay.c).
 *
 * Bytes keep their order whatever the jitter. A wire of limited speed is booked for LINK_BOOKED_NS
 * at most; what does not fit stays with the sender.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_LINK_QUEUE_H
#define FAULT_INJECTION_LAB_FAULTS_LINK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault-injection/lab/faults/link.h"

#define LINK_QUEUE_BYTES  ((size_t)4 << 20) /* about what TCP itself keeps of a connection */
#define LINK_QUEUE_PIECES 16384u            /* that arrive at different times */
#define LINK_PIECE_BYTES  1448u             /* of a limited wire: what an Ethernet frame carries */
#define LINK_BOOKED_NS    UINT64_C(100000000)
#define LINK_NEVER        UINT64_MAX

enum link_end { LINK_OPEN, LINK_CLOSES, LINK_RESETS };

struct link_piece {
    uint64_t end; /* position behind its last byte */
    uint64_t due_ns;
};

struct link_queue {
    uint8_t *bytes;
    struct link_piece *pieces;
    uint64_t head, tail;              /* positions in the stream: next to leave, next to come */
    uint64_t first_piece, pieces_end; /* numbers, too, from 0 on for ever */
    uint64_t free_ns;                 /* when a limited wire has taken what is booked */
    uint64_t last_due_ns;             /* of what came last: nothing overtakes it */
    enum link_end end;                /* what follows the last byte */
    uint64_t end_due_ns;
};

/* False: out of memory. */
bool link_queue_init(struct link_queue *queue);
void link_queue_destroy(struct link_queue *queue);

/* Where the next bytes go, and how many at most. 0: none now; they may come at `*again_ns`, or
 * (LINK_NEVER) once something has left. */
size_t link_queue_space(const struct link_queue *queue, const struct link_way *way, uint64_t now_ns,
                        uint8_t **bytes, uint64_t *again_ns);
/* So many bytes have been put there. `random` is drawn anew for each call. */
void link_queue_add(struct link_queue *queue, const struct link_way *way, size_t size,
                    uint64_t now_ns, uint64_t random);
/* Nothing comes any more. A reset replaces a close that has not arrived yet. */
void link_queue_end(struct link_queue *queue, const struct link_way *way, enum link_end end,
                    uint64_t now_ns);

/* What has arrived, in one piece of memory; 0: nothing yet. */
size_t link_queue_due(const struct link_queue *queue, uint64_t now_ns, const uint8_t **bytes);
void link_queue_take(struct link_queue *queue, size_t size);
/* The end, once it has arrived behind all bytes; else LINK_OPEN. */
enum link_end link_queue_ended(const struct link_queue *queue, uint64_t now_ns);
/* When something arrives next: LINK_NEVER if there is nothing. */
uint64_t link_queue_next(const struct link_queue *queue);

/* All bytes are lost. */
void link_queue_drop(struct link_queue *queue);
/* The way is another from now on: what would arrive later than over the new one, arrives then. */
void link_queue_change(struct link_queue *queue, const struct link_way *way, uint64_t now_ns);

#endif

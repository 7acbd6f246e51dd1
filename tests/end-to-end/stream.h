/*
 * A long transfer between the client and the streamserver in the guest, in either direction: bytes
 * of a known pattern on one TCP connection.
 */
#ifndef TESTS_END_TO_END_STREAM_H
#define TESTS_END_TO_END_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define STREAM_PORT 7000

struct stream {
    struct lab *lab;
    int fd;
    bool to_guest;
    uint64_t total, done;
};

/* stream_close() is due in either case. */
bool stream_open(struct stream *stream, struct lab *lab, bool to_guest, uint64_t total);
void stream_close(struct stream *stream);
/* Goes on until `done` bytes have passed; what arrives is checked. */
bool stream_move(struct stream *stream, uint64_t done, unsigned timeout_ms);
/* All has passed: the guest says that what it received was right, or closes after its last byte. */
bool stream_finish(struct stream *stream, unsigned timeout_ms);

#endif

#include "tests/end-to-end/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"

#define CONNECT_MS 20000
#define PERIOD     251 /* of the pattern, as guest/tools/streamserver.c has it */
#define CHUNK      16384

bool stream_open(struct stream *stream, struct lab *lab, bool to_guest, uint64_t total)
{
    char line[64];
    int size =
        snprintf(line, sizeof(line), "%s %" PRIu64 "\n", to_guest ? "receive" : "send", total);

    *stream = (struct stream){.lab = lab, .to_guest = to_guest, .total = total};
    stream->fd = client_connect(lab, STREAM_PORT, CONNECT_MS);
    if (stream->fd < 0)
        return false;
    return send(stream->fd, line, (size_t)size, 0) == size ||
           lab_fail(lab, "the stream cannot be asked for: %s", strerror(errno));
}

void stream_close(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static bool check_chunk(struct stream *stream, const uint8_t *chunk, ssize_t size)
{
    for (ssize_t i = 0; i < size; i++)
        if (chunk[i] != (uint8_t)((stream->done + (uint64_t)i) % PERIOD))
            return lab_fail(stream->lab, "byte %" PRIu64 " of the stream is wrong",
                            stream->done + (uint64_t)i);
    return true;
}

/* Moves what the socket allows. */
static bool move_some(struct stream *stream, size_t size)
{
    uint8_t chunk[CHUNK];
    ssize_t moved;

    if (stream->to_guest) {
        for (size_t i = 0; i < size; i++)
            chunk[i] = (uint8_t)((stream->done + i) % PERIOD);
        moved = send(stream->fd, chunk, size, 0);
    } else {
        moved = recv(stream->fd, chunk, size, 0);
    }
    if (moved < 0 && errno == EAGAIN)
        return true;
    if (moved <= 0)
        return lab_fail(stream->lab, "the stream broke after %" PRIu64 " bytes: %s", stream->done,
                        moved < 0 ? strerror(errno) : "the guest closed it");
    if (!stream->to_guest && !check_chunk(stream, chunk, moved))
        return false;
    stream->done += (uint64_t)moved;
    return true;
}

bool stream_move(struct stream *stream, uint64_t done, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(stream->lab, timeout_ms);

    while (stream->done < done) {
        uint64_t left = done - stream->done;

        if (!client_wait(stream->lab, stream->fd, stream->to_guest ? POLLOUT : POLLIN, deadline))
            return lab_fail(stream->lab, "the stream stands at byte %" PRIu64 " after %u ms",
                            stream->done, timeout_ms);
        if (!move_some(stream, left < CHUNK ? (size_t)left : CHUNK))
            return false;
    }
    return true;
}

bool stream_finish(struct stream *stream, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(stream->lab, timeout_ms);
    char expected[64] = "", answer[64] = "";
    ssize_t size;

    if (stream->to_guest)
        snprintf(expected, sizeof(expected), "ok %" PRIu64 "\n", stream->total);
    if (!stream_move(stream, stream->total, timeout_ms))
        return false;
    if (!client_wait(stream->lab, stream->fd, POLLIN, deadline))
        return lab_fail(stream->lab, "the guest does not end the stream");
    size = recv(stream->fd, answer, sizeof(answer) - 1, 0);
    return (size >= 0 && strcmp(answer, expected) == 0) ||
           lab_fail(stream->lab, "the guest ends the stream with \"%s\" instead of \"%s\"", answer,
                    expected);
}

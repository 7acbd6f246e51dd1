/* streamserver PORT: a TCP server for tests of streams. A client sends one line, and the server
 * does what it says:
 *
 *   send N      sends N bytes, of which the i-th is i % 251, and closes
 *   receive N   receives N such bytes, checks each, and answers "ok N" or "wrong at I"
 *   sink        receives such bytes until the client closes its side, checks each, and answers at
 *               every read how many have come, on a line each; or "wrong at I"
 *   echo        sends back whatever comes, until the client closes its side
 *   count MS    sends "1", "2", "3", ... on a line each, one every MS milliseconds, until the
 * client leaves
 *
 * The pattern's period is a prime, so that bytes lost, repeated or moved by any power of two show.
 * One process per connection; what each did is printed. */
#define _GNU_SOURCE
#include "tools.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 64,
    PATTERN_PERIOD = 251,
    CHUNK_BYTES = 16384,
};

static bool send_all(int fd, const void *data, size_t size)
{
    const char *next = data;

    while (size > 0) {
        ssize_t sent = write(fd, next, size);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        next += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool read_line(int fd, char line[static LINE_MAX_BYTES])
{
    /* Byte by byte: what follows the line belongs to the stream. */
    for (size_t length = 0; length < LINE_MAX_BYTES - 1; length++) {
        if (read(fd, &line[length], 1) != 1)
            return false;
        if (line[length] == '\n') {
            line[length] = '\0';
            if (length > 0 && line[length - 1] == '\r')
                line[length - 1] = '\0';
            return true;
        }
    }
    return false;
}

static uint64_t send_pattern(int fd, uint64_t total)
{
    unsigned char chunk[CHUNK_BYTES];

    for (uint64_t done = 0; done < total;) {
        uint64_t size = total - done < sizeof chunk ? total - done : sizeof chunk;
        for (uint64_t i = 0; i < size; i++)
            chunk[i] = (unsigned char)((done + i) % PATTERN_PERIOD);
        if (!send_all(fd, chunk, size))
            return done;
        done += size;
    }
    return total;
}

static uint64_t receive_pattern(int fd, uint64_t total)
{
    unsigned char chunk[CHUNK_BYTES];
    char answer[LINE_MAX_BYTES];
    uint64_t done = 0;

    while (done < total) {
        uint64_t wanted = total - done < sizeof chunk ? total - done : sizeof chunk;
        ssize_t size = read(fd, chunk, wanted);
        if (size <= 0)
            return done;
        for (ssize_t i = 0; i < size; i++, done++) {
            if (chunk[i] != (unsigned char)(done % PATTERN_PERIOD)) {
                int length = snprintf(answer, sizeof answer, "wrong at %" PRIu64 "\n", done);
                send_all(fd, answer, (size_t)length);
                return done;
            }
        }
    }
    int length = snprintf(answer, sizeof answer, "ok %" PRIu64 "\n", total);
    send_all(fd, answer, (size_t)length);
    return total;
}

static uint64_t sink(int fd)
{
    unsigned char chunk[CHUNK_BYTES];
    char answer[LINE_MAX_BYTES];
    uint64_t done = 0;
    ssize_t size;

    while ((size = read(fd, chunk, sizeof chunk)) > 0) {
        ssize_t good = 0;
        while (good < size && chunk[good] == (unsigned char)(done % PATTERN_PERIOD)) {
            good++;
            done++;
        }
        int length = snprintf(answer, sizeof answer,
                              good < size ? "wrong at %" PRIu64 "\n" : "%" PRIu64 "\n", done);
        if (!send_all(fd, answer, (size_t)length) || good < size)
            return done;
    }
    return done;
}

static uint64_t echo(int fd)
{
    char chunk[CHUNK_BYTES];
    uint64_t done = 0;
    ssize_t size;

    while ((size = read(fd, chunk, sizeof chunk)) > 0 && send_all(fd, chunk, (size_t)size))
        done += (uint64_t)size;
    return done;
}

static uint64_t count(int fd, uint64_t period_ms)
{
    const struct timespec period = {(time_t)(period_ms / 1000), (long)(period_ms % 1000) * 1000000};
    char line[LINE_MAX_BYTES];
    uint64_t number = 1;

    for (;; number++) {
        int length = snprintf(line, sizeof line, "%" PRIu64 "\n", number);
        if (!send_all(fd, line, (size_t)length))
            return number - 1;
        nanosleep(&period, NULL);
    }
}

static void serve(int fd)
{
    char line[LINE_MAX_BYTES];
    uint64_t number;
    uint64_t done;

    if (!read_line(fd, line))
        return;
    if (strncmp(line, "send ", 5) == 0 && parse_number(line + 5, 0, UINT64_MAX, &number))
        done = send_pattern(fd, number);
    else if (strncmp(line, "receive ", 8) == 0 && parse_number(line + 8, 0, UINT64_MAX, &number))
        done = receive_pattern(fd, number);
    else if (strcmp(line, "sink") == 0)
        done = sink(fd);
    else if (strcmp(line, "echo") == 0)
        done = echo(fd);
    else if (strncmp(line, "count ", 6) == 0 && parse_number(line + 6, 0, 3600000, &number))
        done = count(fd, number);
    else {
        static const char help[] = "send N | receive N | sink | echo | count MS\n";
        send_all(fd, help, sizeof help - 1);
        return;
    }
    printf("streamserver: %s: %" PRIu64 " done\n", line, done);
    fflush(stdout);
}

int streamserver(int argc, char **argv)
{
    uint64_t port;
    int fd;

    if (argc != 2 || !parse_number(argv[1], 1, 65535, &port)) {
        fprintf(stderr, "usage: streamserver PORT\n");
        return 2;
    }
    fd = serve_port("streamserver", (uint16_t)port);
    if (fd < 0)
        return 1;
    serve(fd);
    close(fd);
    return 0;
}

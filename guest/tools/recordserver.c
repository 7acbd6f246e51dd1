/* recordserver PORT [DEVICE]: keeps records on a disk for clients that remember what was promised
 * to them. A client asks line by line:
 *
 *   write RUN BLOCK NUMBER   writes the record of these numbers into that block, and answers
 *                            "done BLOCK NUMBER" when the disk has said that it is durable (fsync)
 *   read RUN BLOCK           reads the block from the disk, past all caches, and answers
 *                            "has BLOCK NUMBER", or "wrong BLOCK" if the record is damaged, or
 *                            "none BLOCK" if there is no record of that run
 *   blocks                   answers "blocks N": how many there are
 *
 * A request that fails is answered by "error" and the reason.
 *
 * A block is 4096 bytes; its record fills it with 512 words of 64 bits, little-endian: "ftvm-rec",
 * RUN, BLOCK, NUMBER, 507 words that follow from these, and a checksum of all words before it.
 * fault-injection/lab/workloads/record.c has it as well, to look into the image from outside.
 *
 * DEVICE is /dev/vda by default. WHAT WAS ON IT IS OVERWRITTEN. One process per connection. */
#define _GNU_SOURCE
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 96,
    BLOCK_BYTES = 4096,
    WORDS = BLOCK_BYTES / 8,
};

static const uint64_t magic = 0x6365722d6d767466; /* "ftvm-rec" in memory */

struct keeper {
    FILE *requests, *answers; /* the client's */
    int cached;               /* as programs write: into the page cache, and fsync */
    int direct;               /* past it */
    uint64_t blocks;
    uint64_t *buffer; /* one block, aligned as O_DIRECT wants it */
};

/* ---- Records --------------------------------------------------------------------------------- */

static uint64_t filler(const uint64_t *record, uint64_t word)
{
    uint64_t mixed = record[1] * 3 + record[2] * 5 + record[3] * 7 + word;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

static uint64_t checksum(const uint64_t *record)
{
    uint64_t sum = 0xcbf29ce484222325;

    for (int i = 0; i < WORDS - 1; i++)
        sum = (sum ^ record[i]) * 0x100000001b3;
    return sum;
}

static void fill(uint64_t *record, uint64_t run, uint64_t block, uint64_t number)
{
    record[0] = magic;
    record[1] = run;
    record[2] = block;
    record[3] = number;
    for (uint64_t i = 4; i < WORDS - 1; i++)
        record[i] = filler(record, i);
    record[WORDS - 1] = checksum(record);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void fail(const struct keeper *keeper, const char *what)
{
    fprintf(keeper->answers, "error %s: %s\n", what, strerror(errno));
}

static void write_record(const struct keeper *keeper, uint64_t run, uint64_t block, uint64_t number)
{
    fill(keeper->buffer, run, block, number);
    errno = 0;
    if (pwrite(keeper->cached, keeper->buffer, BLOCK_BYTES, (off_t)(block * BLOCK_BYTES)) !=
        BLOCK_BYTES)
        fail(keeper, "write");
    else if (fsync(keeper->cached) != 0)
        fail(keeper, "fsync");
    else
        fprintf(keeper->answers, "done %" PRIu64 " %" PRIu64 "\n", block, number);
}

static void read_record(const struct keeper *keeper, uint64_t run, uint64_t block)
{
    const uint64_t *record = keeper->buffer;

    errno = 0;
    if (pread(keeper->direct, keeper->buffer, BLOCK_BYTES, (off_t)(block * BLOCK_BYTES)) !=
        BLOCK_BYTES)
        fail(keeper, "read");
    else if (record[0] != magic || record[1] != run)
        fprintf(keeper->answers, "none %" PRIu64 "\n", block);
    else if (record[2] != block || record[WORDS - 1] != checksum(record))
        fprintf(keeper->answers, "wrong %" PRIu64 "\n", block);
    else
        fprintf(keeper->answers, "has %" PRIu64 " %" PRIu64 "\n", block, record[3]);
}

static void serve(const struct keeper *keeper)
{
    char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof line, keeper->requests) != NULL) {
        uint64_t run;
        uint64_t block;
        uint64_t number;

        if (sscanf(line, "write %" SCNu64 " %" SCNu64 " %" SCNu64, &run, &block, &number) == 3 &&
            block < keeper->blocks)
            write_record(keeper, run, block, number);
        else if (sscanf(line, "read %" SCNu64 " %" SCNu64, &run, &block) == 2 &&
                 block < keeper->blocks)
            read_record(keeper, run, block);
        else if (strcmp(line, "blocks\n") == 0)
            fprintf(keeper->answers, "blocks %" PRIu64 "\n", keeper->blocks);
        else
            fprintf(keeper->answers, "error request: write RUN BLOCK NUMBER | read RUN BLOCK | "
                                     "blocks\n");
        if (fflush(keeper->answers) != 0)
            return;
    }
}

static void open_and_serve(int fd, const char *device)
{
    struct keeper keeper = {.requests = fdopen(fd, "r"), .answers = fdopen(dup(fd), "w")};
    uint64_t size = 0;

    if (keeper.requests == NULL || keeper.answers == NULL)
        return;
    keeper.cached = open(device, O_RDWR | O_CLOEXEC);
    keeper.direct = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
    keeper.buffer = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    if (keeper.cached < 0 || keeper.direct < 0 || keeper.buffer == NULL ||
        ioctl(keeper.cached, BLKGETSIZE64, &size) != 0) {
        fail(&keeper, device);
    } else {
        keeper.blocks = size / BLOCK_BYTES;
        serve(&keeper);
    }
    fclose(keeper.answers);
    fclose(keeper.requests);
}

int recordserver(int argc, char **argv)
{
    uint64_t port;
    int fd;

    if (argc < 2 || argc > 3 || !parse_number(argv[1], 1, 65535, &port)) {
        fprintf(stderr, "usage: recordserver PORT [DEVICE]\n");
        return 2;
    }
    fd = serve_port("recordserver", (uint16_t)port);
    if (fd < 0)
        return 1;
    open_and_serve(fd, argc == 3 ? argv[2] : "/dev/vda");
    return 0;
}

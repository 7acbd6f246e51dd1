/* diskload [-r] [-f] [-s MIB] [-b KIB] [-n SEED] [DEVICE]: writes a region of a disk, reads it
 * back, and compares.
 *
 *   -r   the blocks in a scattered order (each once); default: one after the other
 *   -f   fsync after every block; default: once at the end of writing
 *   -s   size of the region, default 16 MiB, from the start of the device
 *   -b   size of a block, default 64 KiB
 *   -n   seed of what is written, default 1: to tell one run's data from another's
 *
 * DEVICE is /dev/vda by default. WHAT WAS ON IT IS OVERWRITTEN. All transfers bypass the page cache
 * (O_DIRECT), so that each is a request to the device. */
#define _GNU_SOURCE
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct load {
    const char *device;
    uint64_t blocks;
    uint64_t block_size;
    uint64_t seed;
    bool scattered;
    bool sync_each;
    int fd;
    uint64_t *buffer; /* one block, aligned as O_DIRECT wants it */
};

/* The place of the i-th transfer. A step of more than half the blocks that shares no factor with
 * their number visits each of them once. */
static uint64_t block_at(const struct load *load, uint64_t i, uint64_t step)
{
    return load->scattered ? i * step % load->blocks : i;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t scattering_step(uint64_t blocks)
{
    uint64_t step = blocks / 2 + blocks / 8 + 1;
    while (greatest_common_divisor(step, blocks) != 1)
        step++;
    return step;
}

/* What word number `word` of a block must be: no two words of a run are equal, so a block in the
 * wrong place shows. */
static uint64_t expected_word(const struct load *load, uint64_t block, uint64_t word)
{
    return (load->seed << 48) ^ (block * (load->block_size / 8) + word) * 0x9e3779b97f4a7c15;
}

static int fail(const struct load *load, const char *what, uint64_t block)
{
    fprintf(stderr, "diskload: %s of block %" PRIu64 " of %s: %s\n", what, block, load->device,
            strerror(errno));
    return 1;
}

static int write_all(const struct load *load, uint64_t step)
{
    for (uint64_t i = 0; i < load->blocks; i++) {
        uint64_t block = block_at(load, i, step);
        for (uint64_t word = 0; word < load->block_size / 8; word++)
            load->buffer[word] = expected_word(load, block, word);
        errno = 0;
        if (pwrite(load->fd, load->buffer, load->block_size, (off_t)(block * load->block_size)) !=
            (ssize_t)load->block_size)
            return fail(load, "write", block);
        if (load->sync_each && fsync(load->fd) != 0)
            return fail(load, "fsync", block);
    }
    return fsync(load->fd) == 0 ? 0 : fail(load, "fsync", load->blocks - 1);
}

static int read_and_compare(const struct load *load, uint64_t step)
{
    for (uint64_t i = 0; i < load->blocks; i++) {
        uint64_t block = block_at(load, i, step);
        errno = 0;
        if (pread(load->fd, load->buffer, load->block_size, (off_t)(block * load->block_size)) !=
            (ssize_t)load->block_size)
            return fail(load, "read", block);
        for (uint64_t word = 0; word < load->block_size / 8; word++) {
            if (load->buffer[word] != expected_word(load, block, word)) {
                printf("diskload: WRONG DATA in block %" PRIu64 " at byte %" PRIu64 "\n", block,
                       word * 8);
                return 1;
            }
        }
    }
    return 0;
}

static void report(const struct load *load, const char *what, uint64_t elapsed_ns)
{
    double bytes = (double)(load->blocks * load->block_size);

    printf("diskload: %s %s: %" PRIu64 " blocks of %" PRIu64 " bytes, %" PRIu64 " ns, %.2f MB/s\n",
           load->scattered ? "scattered" : "sequential", what, load->blocks, load->block_size,
           elapsed_ns, elapsed_ns > 0 ? bytes * 1e3 / (double)elapsed_ns : 0.0);
}

static bool parse_arguments(struct load *load, int argc, char **argv)
{
    uint64_t size_mib = 16;
    uint64_t block_kib = 64;
    int option;

    while ((option = getopt(argc, argv, "rfs:b:n:")) != -1) {
        bool good = true;
        switch (option) {
        case 'r': load->scattered = true; break;
        case 'f': load->sync_each = true; break;
        case 's': good = parse_number(optarg, 1, 1 << 20, &size_mib); break;
        case 'b': good = parse_number(optarg, 1, 1 << 10, &block_kib); break;
        case 'n': good = parse_number(optarg, 0, 65535, &load->seed); break;
        default: good = false;
        }
        if (!good)
            return false;
    }
    if (optind < argc)
        load->device = argv[optind++];
    load->block_size = block_kib << 10;
    load->blocks = (size_mib << 20) / load->block_size;
    return optind == argc && load->blocks > 0;
}

int diskload(int argc, char **argv)
{
    struct load load = {.device = "/dev/vda", .seed = 1};

    if (!parse_arguments(&load, argc, argv)) {
        fprintf(stderr, "usage: diskload [-r] [-f] [-s MIB] [-b KIB] [-n SEED] [DEVICE]\n");
        return 2;
    }
    load.fd = open(load.device, O_RDWR | O_DIRECT);
    if (load.fd < 0)
        return fail(&load, "opening for transfer", 0);
    load.buffer = aligned_alloc(4096, (load.block_size + 4095) / 4096 * 4096);
    if (load.buffer == NULL) {
        close(load.fd);
        return fail(&load, "memory for transfer", 0);
    }

    uint64_t step = scattering_step(load.blocks);
    uint64_t start_ns = now_ns();
    int status = write_all(&load, step);
    if (status == 0) {
        report(&load, "write", now_ns() - start_ns);
        start_ns = now_ns();
        status = read_and_compare(&load, step);
    }
    if (status == 0) {
        report(&load, "read", now_ns() - start_ns);
        printf("diskload: data correct\n");
    }
    free(load.buffer);
    close(load.fd);
    return status;
}

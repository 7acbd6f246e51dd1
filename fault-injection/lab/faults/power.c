#include "fault-injection/lab/faults/power.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/hooks/undo.h"
#include "fault-injection/lab/random.h"

struct record {
    struct undo_record head;
    const uint8_t *before; /* NULL: zeros */
};

struct drop {
    struct lab *lab;
    const char *image;
    int fd;
    uint64_t size; /* of the image */
    const uint8_t *log;
    size_t log_size;
    struct record *records;
    size_t count;
    uint8_t *settled; /* a bit for each sector: it stays as it is now */
    uint64_t random;
    unsigned keep;  /* of 8 draws, so many say that a write has reached the disk */
    uint64_t taken; /* sectors */
};

static bool system_failed(struct drop *drop)
{
    return lab_fail(drop->lab, "%s: %s", drop->image, strerror(errno));
}

/* ---- Reading the log ----------------------------------------------------------------------- */

static bool is_sound(const struct drop *drop, const struct undo_record *record)
{
    return record->offset % UNDO_SECTOR == 0 && record->size % UNDO_SECTOR == 0 &&
           record->size > 0 && record->size <= UNDO_MAX_RECORD && record->offset <= drop->size &&
           record->size <= drop->size - record->offset &&
           (record->stored == 0 || record->stored == record->size);
}

static bool add(struct drop *drop, const struct record *record)
{
    /* Grown at each power of two. */
    if ((drop->count & (drop->count - 1)) == 0) {
        size_t room = drop->count ? 2 * drop->count : 1;
        struct record *grown = realloc(drop->records, room * sizeof(*grown));

        if (!grown)
            return lab_fail(drop->lab, "out of memory");
        drop->records = grown;
    }
    drop->records[drop->count++] = *record;
    return true;
}

static bool read_records(struct drop *drop)
{
    size_t at = 0;

    while (drop->log_size - at >= sizeof(struct undo_record)) {
        struct record record;

        memcpy(&record.head, drop->log + at, sizeof(record.head));
        at += sizeof(record.head);
        if (!is_sound(drop, &record.head))
            return lab_fail(drop->lab, "%s" UNDO_SUFFIX " is not of this image", drop->image);
        if (record.head.stored > drop->log_size - at)
            break; /* its write had not begun */
        record.before = record.head.stored ? drop->log + at : NULL;
        at += record.head.stored;
        if (!add(drop, &record))
            return false;
    }
    return true;
}

/* ---- Taking back --------------------------------------------------------------------------- */

static bool restore(struct drop *drop, uint64_t offset, const uint8_t *before)
{
    static const uint8_t zeros[UNDO_SECTOR];

    drop->taken++;
    return pwrite(drop->fd, before ? before : zeros, UNDO_SECTOR, (off_t)offset) == UNDO_SECTOR ||
           system_failed(drop);
}

/* Latest first, so a sector goes back by one write at a time until one has stayed. */
static bool take_back(struct drop *drop, const struct record *record)
{
    bool whole = random_next(&drop->random) % 2,
         stays = random_next(&drop->random) % 8 < drop->keep;

    for (uint64_t done = 0; done < record->head.size; done += UNDO_SECTOR) {
        uint64_t sector = (record->head.offset + done) / UNDO_SECTOR;
        uint8_t bit = (uint8_t)(1u << sector % 8);

        if (!whole)
            stays = random_next(&drop->random) % 8 < drop->keep;
        if (drop->settled[sector / 8] & bit)
            continue;
        if (stays)
            drop->settled[sector / 8] |= bit;
        else if (!restore(drop, sector * UNDO_SECTOR,
                          record->before ? record->before + done : NULL))
            return false;
    }
    return true;
}

static bool take_all_back(struct drop *drop)
{
    /* From all lost to nearly nothing. */
    static const unsigned keeps[] = {0, 1, 4, 7};

    drop->keep = keeps[random_next(&drop->random) % 4];
    for (size_t i = drop->count; i-- > 0;)
        if (!take_back(drop, &drop->records[i]))
            return false;
    return true;
}

/* ---- Files --------------------------------------------------------------------------------- */

static bool with_log(struct drop *drop)
{
    struct stat status;

    drop->fd = open(drop->image, O_RDWR | O_CLOEXEC);
    if (drop->fd < 0 || fstat(drop->fd, &status))
        return system_failed(drop);
    drop->size = (uint64_t)status.st_size;
    drop->settled = calloc(1, drop->size / UNDO_SECTOR / 8 + 1);
    if (!drop->settled)
        return lab_fail(drop->lab, "out of memory");
    return read_records(drop) && take_all_back(drop);
}

static bool map_log(struct drop *drop, int log)
{
    struct stat status;
    void *memory;

    if (fstat(log, &status))
        return system_failed(drop);
    drop->log_size = (size_t)status.st_size;
    if (drop->log_size == 0)
        return true;
    memory = mmap(NULL, drop->log_size, PROT_READ, MAP_PRIVATE, log, 0);
    if (memory == MAP_FAILED)
        return system_failed(drop);
    drop->log = memory;
    return true;
}

bool power_drop_unsynced(struct lab *lab, const char *image, uint64_t seed, uint64_t *sectors)
{
    struct drop drop = {.lab = lab, .image = image, .fd = -1, .random = seed};
    char path[UNDO_PATH_SIZE];
    bool good;
    int log;

    if (sectors)
        *sectors = 0;
    if (!undo_path(path, image))
        return lab_fail(lab, "the name of the image is too long: %.200s", image);
    log = open(path, O_RDONLY | O_CLOEXEC);
    if (log < 0)
        return errno == ENOENT || system_failed(&drop);
    good = map_log(&drop, log) && (drop.log_size == 0 || with_log(&drop));
    close(log);
    if (drop.log)
        munmap((void *)drop.log, drop.log_size);
    if (drop.fd >= 0)
        close(drop.fd);
    free(drop.records);
    free(drop.settled);
    /* What the disk has now is all that it ever had. */
    if (good && unlink(path))
        return system_failed(&drop);
    if (sectors)
        *sectors = drop.taken;
    return good;
}

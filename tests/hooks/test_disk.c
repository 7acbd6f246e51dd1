/* A disk that fails as the page says, and one whose host loses its power. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "fault-injection/hooks/undo.h"
#include "fault-injection/lab/faults/hooks.h"
#include "fault-injection/lab/faults/power.h"
#include "tests/backends/scratch.h"
#include "vmm/backends/disk.h"

#define SECTOR  DISK_SECTOR_SIZE
#define SECTORS 1024u
#define SEEDS   200u

static struct scratch *scratch;
static struct lab lab;
static struct hooks_page *page;
static char image[160];
static struct disk *disk;
static uint64_t next_id;

static void open_disk(void)
{
    char error[256];

    cr_assert_eq(disk_open(&disk, image, error, sizeof(error)), 0, "%s", error);
}

static void setup(void)
{
    scratch = scratch_new();
    strcpy(image, scratch_file(scratch, "image", SECTORS * SECTOR));
    page = hooks_open(&lab, scratch_path(scratch, "hooks"));
    cr_assert_not_null(page, "%s", lab.error);
    setenv(HOOKS_VARIABLE, scratch_path(scratch, "hooks"), 1);
}

static void teardown(void)
{
    disk_close(disk);
    hooks_close(page);
    scratch_free(scratch);
}

TestSuite(disk, .init = setup, .fini = teardown);

/* Submits one request and waits for it: its status. Data is filled with `byte` before, and its
 * first byte left in `first` (may be NULL) after. */
static int request(enum disk_operation operation, unsigned sector, unsigned count, int byte,
                   uint8_t *first)
{
    struct disk_request *made = calloc(1, sizeof(*made));
    int status;

    made->id = ++next_id;
    made->operation = operation;
    made->offset = (uint64_t)sector * SECTOR;
    made->size = count * SECTOR;
    if (operation == DISK_READ || operation == DISK_WRITE) {
        made->data = malloc(made->size);
        memset(made->data, byte, made->size);
    }
    disk_submit(disk, made);
    made = disk_take(disk, next_id);
    cr_assert_not_null(made);
    status = made->status;
    if (first)
        *first = made->data[0];
    disk_request_free(made);
    return status;
}

/* The first byte of each sector, as the file has it; each sector must be of one byte. */
static void read_image(uint8_t sectors[SECTORS])
{
    int fd = open(image, O_RDONLY | O_CLOEXEC);

    for (unsigned i = 0; i < SECTORS; i++) {
        uint8_t bytes[SECTOR];

        cr_assert_eq(pread(fd, bytes, SECTOR, (off_t)i * SECTOR), SECTOR);
        for (unsigned j = 1; j < SECTOR; j++)
            cr_assert_eq(bytes[j], bytes[0], "sector %u is torn in itself", i);
        sectors[i] = bytes[0];
    }
    close(fd);
}

static uint8_t sector_of_image(unsigned sector)
{
    uint8_t sectors[SECTORS];

    read_image(sectors);
    return sectors[sector];
}

/* ---- Failures ------------------------------------------------------------------------------ */

Test(disk, a_sound_one_works_and_counts_no_failure)
{
    uint8_t first;

    open_disk();
    cr_assert_eq(request(DISK_WRITE, 3, 2, 'a', NULL), 0);
    cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(DISK_READ, 4, 1, 0, &first), 0);
    cr_assert_eq(first, 'a');
    cr_assert_eq(hooks_disk_failures(page), 0);
}

Test(disk, a_full_one_takes_no_write_until_it_has_room_again)
{
    uint8_t first;

    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 8, 'a', NULL), 0);
    hooks_disk(page, HOOKS_DISK_FULL);
    cr_assert_eq(request(DISK_WRITE, 0, 8, 'b', NULL), -ENOSPC);
    cr_assert_eq(request(DISK_WRITE_ZEROES, 0, 8, 0, NULL), -ENOSPC);
    cr_assert_eq(request(DISK_READ, 0, 8, 0, &first), 0);
    cr_assert_eq(first, 'a');
    cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(DISK_DISCARD, 8, 8, 0, NULL), 0);
    cr_assert_eq(hooks_disk_failures(page), 2);
    hooks_disk(page, HOOKS_DISK_SOUND);
    cr_assert_eq(request(DISK_WRITE, 0, 8, 'c', NULL), 0);
    cr_assert_eq(sector_of_image(7), 'c');
}

Test(disk, one_with_errors_fails_everything_and_never_forgets_a_flush)
{
    open_disk();
    hooks_disk(page, HOOKS_DISK_ERROR);
    cr_assert_eq(request(DISK_READ, 0, 1, 0, NULL), -EIO);
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'a', NULL), -EIO);
    cr_assert_eq(request(DISK_DISCARD, 0, 1, 0, NULL), -EIO);
    cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), -EIO);
    cr_assert_eq(hooks_disk_failures(page), 4);
    hooks_disk(page, HOOKS_DISK_SOUND);
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'a', NULL), 0);
    cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), -EIO);
}

Test(disk, a_torn_write_leaves_its_first_half)
{
    uint8_t sectors[SECTORS];

    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 8, 'a', NULL), 0);
    hooks_disk(page, HOOKS_DISK_TORN);
    cr_assert_eq(request(DISK_WRITE, 0, 8, 'b', NULL), -EIO);
    read_image(sectors);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(sectors[i], i < 4 ? 'b' : 'a');
    cr_assert_eq(request(DISK_WRITE, 9, 1, 'b', NULL), -EIO);
    cr_assert_eq(sector_of_image(9), 0);
    cr_assert_eq(hooks_disk_failures(page), 2);
}

Test(disk, without_a_page_it_is_the_hosts)
{
    unsetenv(HOOKS_VARIABLE);
    open_disk();
    hooks_disk(page, HOOKS_DISK_ERROR);
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'a', NULL), 0);
}

Test(disk, one_with_a_page_that_cannot_be_had_is_not_opened)
{
    char error[256];

    setenv(HOOKS_VARIABLE, "/nowhere/hooks", 1);
    cr_assert_eq(disk_open(&disk, image, error, sizeof(error)), -ENOENT);
    cr_assert_not_null(strstr(error, "/nowhere/hooks"));
    disk = NULL;
}

/* ---- Power --------------------------------------------------------------------------------- */

static uint64_t lose_power(uint64_t seed)
{
    uint64_t sectors;

    disk_close(disk);
    disk = NULL;
    cr_assert(power_drop_unsynced(&lab, image, seed, &sectors), "%s", lab.error);
    return sectors;
}

Test(disk, what_was_flushed_outlives_the_power)
{
    hooks_keep_undo(page);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        open_disk();
        cr_assert_eq(request(DISK_WRITE, 0, 16, 'a', NULL), 0);
        cr_assert_eq(request(DISK_DISCARD, 4, 4, 0, NULL), 0);
        cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(lose_power(seed), 0);
        cr_assert_eq(sector_of_image(3), 'a');
        cr_assert_eq(sector_of_image(4), 0);
    }
}

/* Each sector is written by some of three writes, and has afterwards the value before or after one
 * of them; all such values come about, also within one write and in the wrong order. */
Test(disk, what_was_not_flushed_is_lost_in_any_part)
{
    bool lost_all = false, kept_all = false, torn = false, reordered = false;

    hooks_keep_undo(page);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t sectors[SECTORS];
        unsigned first = 0, second = 0, third = 0, old = 0;

        open_disk();
        cr_assert_eq(request(DISK_WRITE, 0, 32, 'o', NULL), 0);
        cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(DISK_WRITE, 0, 16, '1', NULL), 0);
        cr_assert_eq(request(DISK_WRITE, 8, 16, '2', NULL), 0);
        cr_assert_eq(request(DISK_WRITE_ZEROES, 24, 8, 0, NULL), 0);
        lose_power(seed);
        read_image(sectors);
        for (unsigned i = 0; i < 32; i++) {
            bool in_first = i < 16, in_second = i >= 8 && i < 24, in_third = i >= 24;

            cr_assert(sectors[i] == 'o' || (in_first && sectors[i] == '1') ||
                          (in_second && sectors[i] == '2') || (in_third && sectors[i] == 0),
                      "seed %u: sector %u has %d", seed, i, sectors[i]);
            old += sectors[i] == 'o';
            first += i < 8 && sectors[i] == '1';
            second += in_second && sectors[i] == '2';
            third += in_third && sectors[i] == 0;
        }
        lost_all |= old == 32;
        kept_all |= first == 8 && second == 16 && third == 8;
        torn |= second > 0 && second < 16;
        reordered |= first == 0 && second == 16;
    }
    cr_assert(lost_all && kept_all && torn && reordered, "%d %d %d %d", lost_all, kept_all, torn,
              reordered);
}

Test(disk, the_same_seed_loses_the_same)
{
    uint8_t before[SECTORS], after[SECTORS];

    hooks_keep_undo(page);
    for (unsigned round = 0; round < 2; round++) {
        open_disk();
        cr_assert_eq(request(DISK_WRITE, 0, SECTORS, 'o', NULL), 0);
        cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(DISK_WRITE, 0, SECTORS, 'n', NULL), 0);
        cr_assert_gt(lose_power(7), 0);
        read_image(round ? after : before);
    }
    cr_assert_arr_eq(before, after, SECTORS);
}

Test(disk, a_process_that_dies_while_it_notes_a_write_has_not_begun_it)
{
    char path[UNDO_PATH_SIZE];
    uint64_t all = 0;

    hooks_keep_undo(page);
    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'o', NULL), 0);
    cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'n', NULL), 0);
    cr_assert(undo_path(path, image));
    /* The old bytes are cut short, then the head itself. */
    cr_assert_eq(truncate(path, sizeof(struct undo_record) + SECTOR - 1), 0);
    all += lose_power(1);
    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'm', NULL), 0);
    cr_assert_eq(truncate(path, sizeof(struct undo_record) - 1), 0);
    all += lose_power(1);
    cr_assert_eq(all, 0);
    cr_assert_eq(sector_of_image(0), 'm');
}

Test(disk, writes_of_a_killed_process_are_still_unsynced_in_the_next_one)
{
    bool lost = false;

    hooks_keep_undo(page);
    for (unsigned seed = 0; seed < SEEDS && !lost; seed++) {
        open_disk();
        cr_assert_eq(request(DISK_WRITE, 0, 1, 'o', NULL), 0);
        cr_assert_eq(request(DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(DISK_WRITE, 0, 1, 'n', NULL), 0);
        disk_close(disk);
        open_disk();
        lose_power(seed);
        lost = sector_of_image(0) == 'o';
    }
    cr_assert(lost);
}

Test(disk, an_image_that_a_joiner_empties_starts_with_nothing_to_take_back)
{
    char error[256];

    hooks_keep_undo(page);
    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'o', NULL), 0);
    disk_close(disk);
    cr_assert_eq(disk_open_for_copy(&disk, image, SECTORS * SECTOR, error, sizeof(error)), 0);
    cr_assert_eq(lose_power(0), 0);
    cr_assert_eq(sector_of_image(0), 0);
}

Test(disk, one_without_an_undo_log_loses_nothing)
{
    open_disk();
    cr_assert_eq(request(DISK_WRITE, 0, 1, 'n', NULL), 0);
    cr_assert_eq(lose_power(0), 0);
    cr_assert_eq(sector_of_image(0), 'n');
}

Test(disk, an_undo_log_of_another_image_is_refused)
{
    char path[UNDO_PATH_SIZE];

    hooks_keep_undo(page);
    open_disk();
    cr_assert_eq(request(DISK_WRITE, SECTORS - 1, 1, 'n', NULL), 0);
    disk_close(disk);
    disk = NULL;
    cr_assert_eq(truncate(image, SECTOR), 0);
    cr_assert(undo_path(path, image));
    cr_assert_not(power_drop_unsynced(&lab, image, 0, NULL));
    cr_assert_not_null(strstr(lab.error, "is not of this image"));
    cr_assert_eq(access(path, F_OK), 0, "the log is gone");
}

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

struct fixture {
    struct scratch *scratch;
    struct lab lab;
    struct hooks_page *page;
    char image[160];
    struct disk *disk; /* NULL: not open */
    uint64_t next_id;
};

static void open_disk(struct fixture *fixture)
{
    char error[256];

    cr_assert_eq(disk_open(&fixture->disk, fixture->image, error, sizeof(error)), 0, "%s", error);
}

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->scratch = scratch_new();
    strcpy(fixture->image, scratch_file(fixture->scratch, "image", SECTORS * SECTOR));
    fixture->page = hooks_open(&fixture->lab, scratch_path(fixture->scratch, "hooks"));
    cr_assert_not_null(fixture->page, "%s", fixture->lab.error);
    setenv(HOOKS_VARIABLE, scratch_path(fixture->scratch, "hooks"), 1);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    disk_close(fixture->disk);
    hooks_close(fixture->page);
    scratch_free(fixture->scratch);
    free(fixture);
}

/* Submits one request and waits for it: its status. Data is filled with `byte` before, and its
 * first byte left in `first` (may be NULL) after. */
static int request(struct fixture *fixture, enum disk_operation operation, unsigned sector,
                   unsigned count, int byte, uint8_t *first)
{
    struct disk_request *made = calloc(1, sizeof(*made));
    int status;

    made->id = ++fixture->next_id;
    made->operation = operation;
    made->offset = (uint64_t)sector * SECTOR;
    made->size = count * SECTOR;
    if (operation == DISK_READ || operation == DISK_WRITE) {
        made->data = malloc(made->size);
        memset(made->data, byte, made->size);
    }
    disk_submit(fixture->disk, made);
    made = disk_take(fixture->disk, fixture->next_id);
    cr_assert_not_null(made);
    status = made->status;
    if (first)
        *first = made->data[0];
    disk_request_free(made);
    return status;
}

/* The first byte of each sector, as the file has it; each sector must be of one byte. */
static void read_image(struct fixture *fixture, uint8_t sectors[SECTORS])
{
    int fd = open(fixture->image, O_RDONLY | O_CLOEXEC);

    for (unsigned i = 0; i < SECTORS; i++) {
        uint8_t bytes[SECTOR];

        cr_assert_eq(pread(fd, bytes, SECTOR, (off_t)i * SECTOR), SECTOR);
        for (unsigned j = 1; j < SECTOR; j++)
            cr_assert_eq(bytes[j], bytes[0], "sector %u is torn in itself", i);
        sectors[i] = bytes[0];
    }
    close(fd);
}

static uint8_t sector_of_image(struct fixture *fixture, unsigned sector)
{
    uint8_t sectors[SECTORS];

    read_image(fixture, sectors);
    return sectors[sector];
}

/* ---- Failures ------------------------------------------------------------------------------ */

Test(disk, a_sound_one_works_and_counts_no_failure)
{
    struct fixture *fixture = fixture_new();
    uint8_t first;

    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 3, 2, 'a', NULL), 0);
    cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(fixture, DISK_READ, 4, 1, 0, &first), 0);
    cr_assert_eq(first, 'a');
    cr_assert_eq(hooks_disk_failures(fixture->page), 0);
    fixture_free(fixture);
}

Test(disk, a_full_one_takes_no_write_until_it_has_room_again)
{
    struct fixture *fixture = fixture_new();
    uint8_t first;

    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 8, 'a', NULL), 0);
    hooks_disk(fixture->page, HOOKS_DISK_FULL);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 8, 'b', NULL), -ENOSPC);
    cr_assert_eq(request(fixture, DISK_WRITE_ZEROES, 0, 8, 0, NULL), -ENOSPC);
    cr_assert_eq(request(fixture, DISK_READ, 0, 8, 0, &first), 0);
    cr_assert_eq(first, 'a');
    cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(fixture, DISK_DISCARD, 8, 8, 0, NULL), 0);
    cr_assert_eq(hooks_disk_failures(fixture->page), 2);
    hooks_disk(fixture->page, HOOKS_DISK_SOUND);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 8, 'c', NULL), 0);
    cr_assert_eq(sector_of_image(fixture, 7), 'c');
    fixture_free(fixture);
}

Test(disk, one_with_errors_fails_everything_and_never_forgets_a_flush)
{
    struct fixture *fixture = fixture_new();
    open_disk(fixture);
    hooks_disk(fixture->page, HOOKS_DISK_ERROR);
    cr_assert_eq(request(fixture, DISK_READ, 0, 1, 0, NULL), -EIO);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'a', NULL), -EIO);
    cr_assert_eq(request(fixture, DISK_DISCARD, 0, 1, 0, NULL), -EIO);
    cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), -EIO);
    cr_assert_eq(hooks_disk_failures(fixture->page), 4);
    hooks_disk(fixture->page, HOOKS_DISK_SOUND);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'a', NULL), 0);
    cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), -EIO);
    fixture_free(fixture);
}

Test(disk, a_torn_write_leaves_its_first_half)
{
    struct fixture *fixture = fixture_new();
    uint8_t sectors[SECTORS];

    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 8, 'a', NULL), 0);
    hooks_disk(fixture->page, HOOKS_DISK_TORN);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 8, 'b', NULL), -EIO);
    read_image(fixture, sectors);
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(sectors[i], i < 4 ? 'b' : 'a');
    cr_assert_eq(request(fixture, DISK_WRITE, 9, 1, 'b', NULL), -EIO);
    cr_assert_eq(sector_of_image(fixture, 9), 0);
    cr_assert_eq(hooks_disk_failures(fixture->page), 2);
    fixture_free(fixture);
}

Test(disk, without_a_page_it_is_the_hosts)
{
    struct fixture *fixture = fixture_new();
    unsetenv(HOOKS_VARIABLE);
    open_disk(fixture);
    hooks_disk(fixture->page, HOOKS_DISK_ERROR);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'a', NULL), 0);
    fixture_free(fixture);
}

Test(disk, one_with_a_page_that_cannot_be_had_is_not_opened)
{
    struct fixture *fixture = fixture_new();
    char error[256];

    setenv(HOOKS_VARIABLE, "/nowhere/hooks", 1);
    cr_assert_eq(disk_open(&fixture->disk, fixture->image, error, sizeof(error)), -ENOENT);
    cr_assert_not_null(strstr(error, "/nowhere/hooks"));
    fixture->disk = NULL;
    fixture_free(fixture);
}

/* ---- Power --------------------------------------------------------------------------------- */

static uint64_t lose_power(struct fixture *fixture, uint64_t seed)
{
    uint64_t sectors;

    disk_close(fixture->disk);
    fixture->disk = NULL;
    cr_assert(power_drop_unsynced(&fixture->lab, fixture->image, seed, &sectors), "%s",
              fixture->lab.error);
    return sectors;
}

Test(disk, what_was_flushed_outlives_the_power)
{
    struct fixture *fixture = fixture_new();
    hooks_keep_undo(fixture->page);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        open_disk(fixture);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 16, 'a', NULL), 0);
        cr_assert_eq(request(fixture, DISK_DISCARD, 4, 4, 0, NULL), 0);
        cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(lose_power(fixture, seed), 0);
        cr_assert_eq(sector_of_image(fixture, 3), 'a');
        cr_assert_eq(sector_of_image(fixture, 4), 0);
    }
    fixture_free(fixture);
}

/* Each sector is written by some of three writes, and has afterwards the value before or after one
 * of them; all such values come about, also within one write and in the wrong order. */
Test(disk, what_was_not_flushed_is_lost_in_any_part)
{
    struct fixture *fixture = fixture_new();
    bool lost_all = false, kept_all = false, torn = false, reordered = false;

    hooks_keep_undo(fixture->page);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t sectors[SECTORS];
        unsigned first = 0, second = 0, third = 0, old = 0;

        open_disk(fixture);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 32, 'o', NULL), 0);
        cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 16, '1', NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE, 8, 16, '2', NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE_ZEROES, 24, 8, 0, NULL), 0);
        lose_power(fixture, seed);
        read_image(fixture, sectors);
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
    fixture_free(fixture);
}

Test(disk, the_same_seed_loses_the_same)
{
    struct fixture *fixture = fixture_new();
    uint8_t before[SECTORS], after[SECTORS];

    hooks_keep_undo(fixture->page);
    for (unsigned round = 0; round < 2; round++) {
        open_disk(fixture);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, SECTORS, 'o', NULL), 0);
        cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, SECTORS, 'n', NULL), 0);
        cr_assert_gt(lose_power(fixture, 7), 0);
        read_image(fixture, round ? after : before);
    }
    cr_assert_arr_eq(before, after, SECTORS);
    fixture_free(fixture);
}

Test(disk, a_process_that_dies_while_it_notes_a_write_has_not_begun_it)
{
    struct fixture *fixture = fixture_new();
    char path[UNDO_PATH_SIZE];
    uint64_t all = 0;

    hooks_keep_undo(fixture->page);
    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'o', NULL), 0);
    cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'n', NULL), 0);
    cr_assert(undo_path(path, fixture->image));
    /* The old bytes are cut short, then the head itself. */
    cr_assert_eq(truncate(path, sizeof(struct undo_record) + SECTOR - 1), 0);
    all += lose_power(fixture, 1);
    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'm', NULL), 0);
    cr_assert_eq(truncate(path, sizeof(struct undo_record) - 1), 0);
    all += lose_power(fixture, 1);
    cr_assert_eq(all, 0);
    cr_assert_eq(sector_of_image(fixture, 0), 'm');
    fixture_free(fixture);
}

Test(disk, writes_of_a_killed_process_are_still_unsynced_in_the_next_one)
{
    struct fixture *fixture = fixture_new();
    bool lost = false;

    hooks_keep_undo(fixture->page);
    for (unsigned seed = 0; seed < SEEDS && !lost; seed++) {
        open_disk(fixture);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'o', NULL), 0);
        cr_assert_eq(request(fixture, DISK_FLUSH, 0, 0, 0, NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'n', NULL), 0);
        disk_close(fixture->disk);
        open_disk(fixture);
        lose_power(fixture, seed);
        lost = sector_of_image(fixture, 0) == 'o';
    }
    cr_assert(lost);
    fixture_free(fixture);
}

Test(disk, an_image_that_a_joiner_empties_starts_with_nothing_to_take_back)
{
    struct fixture *fixture = fixture_new();
    char error[256];

    hooks_keep_undo(fixture->page);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        open_disk(fixture);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'o', NULL), 0);
        cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'n', NULL), 0);
        disk_close(fixture->disk);
        cr_assert_eq(disk_open_for_copy(&fixture->disk, fixture->image, SECTORS * SECTOR, error,
                                        sizeof(error)),
                     0);
        cr_assert_eq(lose_power(fixture, seed), 0);
        cr_assert_eq(sector_of_image(fixture, 0), 0);
    }
    fixture_free(fixture);
}

Test(disk, an_empty_image_that_is_filled_needs_no_room_for_what_it_held)
{
    struct fixture *fixture = fixture_new();
    char path[UNDO_PATH_SIZE];
    struct stat status;

    hooks_keep_undo(fixture->page);
    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, SECTORS, 'n', NULL), 0);
    cr_assert(undo_path(path, fixture->image));
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_gt(status.st_size, 0);
    cr_assert_lt(status.st_size, SECTORS * SECTOR / 100);
    fixture_free(fixture);
}

Test(disk, one_without_an_undo_log_loses_nothing)
{
    struct fixture *fixture = fixture_new();
    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, 0, 1, 'n', NULL), 0);
    cr_assert_eq(lose_power(fixture, 0), 0);
    cr_assert_eq(sector_of_image(fixture, 0), 'n');
    fixture_free(fixture);
}

Test(disk, an_undo_log_of_another_image_is_refused)
{
    struct fixture *fixture = fixture_new();
    char path[UNDO_PATH_SIZE];

    hooks_keep_undo(fixture->page);
    open_disk(fixture);
    cr_assert_eq(request(fixture, DISK_WRITE, SECTORS - 1, 1, 'n', NULL), 0);
    disk_close(fixture->disk);
    fixture->disk = NULL;
    cr_assert_eq(truncate(fixture->image, SECTOR), 0);
    cr_assert(undo_path(path, fixture->image));
    cr_assert_not(power_drop_unsynced(&fixture->lab, fixture->image, 0, NULL));
    cr_assert_not_null(strstr(fixture->lab.error, "is not of this image"));
    cr_assert_eq(access(path, F_OK), 0, "the log is gone");
    fixture_free(fixture);
}

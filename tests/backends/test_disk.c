/* The disk: requests in order, results that wait, announcements, errors of the host, copying. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/resource.h>

#include "vmm/backends/disk.h"

#include "scratch.h"

#define MIB (1u << 20)

struct announcements {
    pthread_mutex_t mutex;
    bool no_room;
    unsigned refused;
    unsigned count;
    uint64_t ids[DISK_MAX_REQUESTS];
    int statuses[DISK_MAX_REQUESTS];
};

static int announced(void *context, uint64_t id, int status)
{
    struct announcements *announcements = context;
    int result = 0;

    pthread_mutex_lock(&announcements->mutex);
    if (announcements->no_room) {
        announcements->refused++;
        result = -EAGAIN;
    } else {
        announcements->ids[announcements->count] = id;
        announcements->statuses[announcements->count++] = status;
    }
    pthread_mutex_unlock(&announcements->mutex);
    return result;
}

static void set_no_room(struct announcements *announcements, bool no_room)
{
    pthread_mutex_lock(&announcements->mutex);
    announcements->no_room = no_room;
    pthread_mutex_unlock(&announcements->mutex);
}

static unsigned refused_count(struct announcements *announcements)
{
    unsigned count;

    pthread_mutex_lock(&announcements->mutex);
    count = announcements->refused;
    pthread_mutex_unlock(&announcements->mutex);
    return count;
}

static unsigned announced_count(struct announcements *announcements)
{
    unsigned count;

    pthread_mutex_lock(&announcements->mutex);
    count = announcements->count;
    pthread_mutex_unlock(&announcements->mutex);
    return count;
}

static struct announcements *announcements_new(struct disk *disk)
{
    struct announcements *announcements = calloc(1, sizeof(*announcements));

    pthread_mutex_init(&announcements->mutex, NULL);
    disk_on_completed(disk, announced, announcements);
    return announcements;
}

static struct disk *open_disk(const char *path)
{
    struct disk *disk = NULL;
    char error[256] = "";

    cr_assert_eq(disk_open(&disk, path, error, sizeof(error)), 0, "%s", error);
    return disk;
}

static void submit(struct disk *disk, uint64_t id, enum disk_operation operation, uint64_t offset,
                   uint32_t size, int fill)
{
    struct disk_request *request = calloc(1, sizeof(*request));

    request->id = id;
    request->operation = operation;
    request->offset = offset;
    request->size = size;
    if (operation == DISK_READ || operation == DISK_WRITE) {
        request->data = malloc(size ? size : 1);
        memset(request->data, fill, size);
    }
    disk_submit(disk, request);
}

/* Takes request `id` and expects its status, and data that are all `fill` if it is not negative. */
static void expect_taken(struct disk *disk, uint64_t id, int status, int fill)
{
    struct disk_request *request = disk_take(disk, id);

    cr_assert_not_null(request, "request %llu", (unsigned long long)id);
    cr_expect_eq(request->status, status, "request %llu: %d", (unsigned long long)id,
                 request->status);
    for (uint32_t i = 0; fill >= 0 && i < request->size; i++)
        cr_assert_eq(request->data[i], fill, "byte %u is %d", i, request->data[i]);
    disk_request_free(request);
}

Test(disk, requests_are_executed_and_announced_in_order)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct announcements *announcements = announcements_new(disk);

    for (unsigned i = 0; i < DISK_MAX_REQUESTS / 2; i++) {
        submit(disk, 2 * i, DISK_WRITE, 512, 4096, (int)i & 0xff);
        submit(disk, 2 * i + 1, DISK_READ, 512, 4096, 0xee);
    }
    for (unsigned i = 0; i < DISK_MAX_REQUESTS / 2; i++) {
        expect_taken(disk, 2 * i + 1, 0, (int)i & 0xff);
        expect_taken(disk, 2 * i, 0, -1);
    }
    disk_close(disk);
    cr_assert_eq(announcements->count, DISK_MAX_REQUESTS);
    for (unsigned i = 0; i < DISK_MAX_REQUESTS; i++)
        cr_assert_eq(announcements->ids[i], i);
    free(announcements);
    scratch_free(scratch);
}

Test(disk, what_was_written_and_flushed_is_in_the_file)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    uint8_t bytes[512];
    int fd;

    submit(disk, 1, DISK_WRITE, MIB - 512, 512, 0x5a);
    submit(disk, 2, DISK_FLUSH, 0, 0, 0);
    expect_taken(disk, 2, 0, -1);
    fd = open(scratch_path(scratch, "image"), O_RDONLY);
    cr_assert_eq(pread(fd, bytes, 512, MIB - 512), 512);
    for (unsigned i = 0; i < 512; i++)
        cr_assert_eq(bytes[i], 0x5a);
    close(fd);
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, close_finishes_what_was_submitted)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));

    for (unsigned i = 0; i < 100; i++)
        submit(disk, i, DISK_WRITE, i * 512, 512, (int)i + 1);
    disk_close(disk);
    disk = open_disk(scratch_path(scratch, "image"));
    for (unsigned i = 0; i < 100; i++) {
        submit(disk, i, DISK_READ, i * 512, 512, 0);
        expect_taken(disk, i, 0, (int)i + 1);
    }
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, discard_and_write_zeroes_leave_zeros_and_nothing_else)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));

    submit(disk, 1, DISK_WRITE, 0, MIB, 0x77);
    submit(disk, 2, DISK_DISCARD, 512, 100 * 512, 0);
    submit(disk, 3, DISK_WRITE_ZEROES, 512 * 512, 8192, 0);
    submit(disk, 4, DISK_READ, 0, 512, 1);
    submit(disk, 5, DISK_READ, 512, 100 * 512, 1);
    submit(disk, 6, DISK_READ, 101 * 512, 512, 1);
    submit(disk, 7, DISK_READ, 512 * 512, 8192, 1);
    submit(disk, 8, DISK_READ, 512 * 512 + 8192, 512, 1);
    expect_taken(disk, 2, 0, -1);
    expect_taken(disk, 3, 0, -1);
    expect_taken(disk, 4, 0, 0x77);
    expect_taken(disk, 5, 0, 0);
    expect_taken(disk, 6, 0, 0x77);
    expect_taken(disk, 7, 0, 0);
    expect_taken(disk, 8, 0, 0x77);
    cr_assert_eq(disk_size(disk), MIB);
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, hostile_ranges_are_refused_and_harm_nothing)
{
    static const struct {
        enum disk_operation operation;
        uint64_t offset;
        uint32_t size;
    } hostile[] = {
        {DISK_READ, MIB, 512},
        {DISK_READ, MIB - 512, 1024},
        {DISK_WRITE, UINT64_MAX - 511, 512},
        {DISK_WRITE, UINT64_MAX - 511, 1024},
        {DISK_WRITE, 1ull << 63, 512},
        {DISK_WRITE, 100, 512},
        {DISK_WRITE, 512, 100},
        {DISK_DISCARD, MIB - 512, UINT32_MAX - 511},
        {DISK_WRITE_ZEROES, MIB, 512},
        {(enum disk_operation)77, 0, 512},
    };
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct disk_request *no_data = calloc(1, sizeof(*no_data));
    struct stat status;

    for (unsigned i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        submit(disk, i, hostile[i].operation, hostile[i].offset, hostile[i].size, 1);
        expect_taken(disk, i, -EINVAL, -1);
    }
    no_data->id = 100;
    no_data->operation = DISK_WRITE;
    no_data->size = 512;
    disk_submit(disk, no_data);
    expect_taken(disk, 100, -EINVAL, -1);
    disk_close(disk);
    cr_assert_eq(stat(scratch_path(scratch, "image"), &status), 0);
    cr_assert_eq(status.st_size, MIB);
    scratch_free(scratch);
}

Test(disk, a_file_that_shrank_is_an_io_error)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));

    cr_assert_eq(truncate(scratch_path(scratch, "image"), 4096), 0);
    submit(disk, 1, DISK_READ, 8192, 512, 0);
    submit(disk, 2, DISK_READ, 4096 - 512, 1024, 0);
    expect_taken(disk, 1, -EIO, -1);
    expect_taken(disk, 2, -EIO, -1);
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, a_file_size_limit_is_an_error_and_no_signal)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    const struct rlimit limit = {65536, 65536};

    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    submit(disk, 1, DISK_WRITE, 131072, 512, 1);
    submit(disk, 2, DISK_WRITE, 0, 512, 2);
    expect_taken(disk, 1, -EFBIG, -1);
    expect_taken(disk, 2, 0, -1);
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, a_full_file_system_fails_the_request_and_not_the_next)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk;

    scratch_limit(scratch, "64k");
    disk = open_disk(scratch_file(scratch, "image", MIB));
    submit(disk, 1, DISK_WRITE, 0, MIB, 1);
    submit(disk, 2, DISK_DISCARD, 0, MIB, 0);
    submit(disk, 3, DISK_WRITE, 4096, 4096, 3);
    submit(disk, 4, DISK_READ, 4096, 4096, 0);
    expect_taken(disk, 1, -ENOSPC, -1);
    expect_taken(disk, 2, 0, -1);
    expect_taken(disk, 3, 0, -1);
    expect_taken(disk, 4, 0, 3);
    disk_close(disk);
    scratch_free(scratch);
}

static void expect_not_opened(const char *path, int code, const char *reason)
{
    struct disk *disk = NULL;
    char error[256] = "";

    cr_expect_eq(disk_open(&disk, path, error, sizeof(error)), code, "%s: %s", path, error);
    cr_expect_null(disk);
    cr_expect_not_null(strstr(error, path), "%s", error);
    cr_expect_not_null(strstr(error, reason), "%s", error);
}

Test(disk, a_bad_image_is_named_with_the_reason)
{
    struct scratch *scratch = scratch_new();

    expect_not_opened(scratch_path(scratch, "none"), -ENOENT, "No such file");
    expect_not_opened(scratch_file(scratch, "empty", 0), -EINVAL, "truncate -s");
    expect_not_opened(scratch_file(scratch, "odd", 1000), -EINVAL, "multiple of 512");
    expect_not_opened("/dev/null", -EINVAL, "raw image");
    expect_not_opened("/tmp", -EISDIR, "directory");
    cr_assert_eq(mkfifo(scratch_path(scratch, "fifo"), 0600), 0);
    expect_not_opened(scratch_path(scratch, "fifo"), -EINVAL, "raw image");
    scratch_free(scratch);
}

Test(disk, a_second_user_is_locked_out_until_the_first_closes)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct disk *copy = NULL;
    struct stat status;
    char error[256];

    expect_not_opened(scratch_path(scratch, "image"), -EBUSY, "in use");
    cr_assert_eq(disk_open_for_copy(&copy, scratch->path, 4096, error, sizeof(error)), -EBUSY);
    cr_assert_eq(stat(scratch->path, &status), 0);
    cr_assert_eq(status.st_size, MIB, "the refused copy changed the image");
    disk_close(disk);
    disk_close(open_disk(scratch->path));
    scratch_free(scratch);
}

Test(disk, a_result_is_seen_as_often_as_asked_and_taken_once)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));

    submit(disk, 7, DISK_READ, 0, 512, 1);
    cr_assert_null(disk_take(disk, 6), "never submitted");
    cr_assert_null(disk_peek(disk, 8), "never submitted");
    cr_assert_eq(disk_peek(disk, 7)->id, 7);
    cr_assert_eq(disk_peek(disk, 7)->status, 0);
    expect_taken(disk, 7, 0, 0);
    cr_assert_null(disk_take(disk, 7), "taken already");
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, a_result_of_elsewhere_is_taken_like_an_own_one)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct disk_request *loaded = calloc(1, sizeof(*loaded));

    loaded->id = 3;
    loaded->operation = DISK_READ;
    loaded->size = 512;
    loaded->data = malloc(512);
    loaded->status = -EIO;
    memset(loaded->data, 9, 512);
    disk_put_finished(disk, loaded);
    expect_taken(disk, 3, -EIO, 9);
    disk_close(disk);
    scratch_free(scratch);
}

Test(disk, announcing_again_covers_exactly_what_waits_in_order_of_id)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct announcements *announcements = announcements_new(disk);
    struct disk_request *loaded = calloc(1, sizeof(*loaded));
    static const uint64_t expected[] = {2, 4, 5};

    for (unsigned id = 3; id <= 5; id++)
        submit(disk, id, DISK_READ, id == 5 ? MIB : 0, 512, 0);
    disk_drain(disk);
    loaded->id = 2;
    loaded->operation = DISK_FLUSH;
    disk_put_finished(disk, loaded);
    expect_taken(disk, 3, 0, 0);
    /* The worker may still be on its way out of the last announcement. */
    for (unsigned waited = 0; waited < 5000 && announced_count(announcements) < 3; waited++)
        usleep(1000);
    pthread_mutex_lock(&announcements->mutex);
    cr_assert_eq(announcements->count, 3);
    announcements->count = 0;
    pthread_mutex_unlock(&announcements->mutex);

    disk_announce_finished(disk, false);
    cr_assert_eq(announcements->count, 3);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(announcements->ids[i], expected[i]);
        cr_expect_eq(announcements->statuses[i], expected[i] == 5 ? -EINVAL : 0);
    }
    disk_announce_finished(disk, true);
    for (unsigned i = 3; i < 6; i++)
        cr_expect_eq(announcements->statuses[i], DISK_UNCERTAIN);
    expect_taken(disk, 4, 0, 0); /* what is uncertain to the guest is still to be taken */
    disk_close(disk);
    free(announcements);
    scratch_free(scratch);
}

Test(disk, a_copy_without_the_holes_is_equal_even_over_an_old_image)
{
    struct scratch *scratch = scratch_new();
    struct disk *from = open_disk(scratch_file(scratch, "from", 8 * MIB));
    struct disk *to = NULL;
    uint8_t *one = malloc(8 * MIB), *two = malloc(8 * MIB);
    char error[256] = "";
    uint64_t copied = 0;

    submit(from, 1, DISK_WRITE, 1 * MIB, 65536, 0x11);
    submit(from, 2, DISK_WRITE, 8 * MIB - 512, 512, 0x22);
    disk_drain(from);

    to = open_disk(scratch_file(scratch, "to", MIB));
    submit(to, 1, DISK_WRITE, 0, MIB, 0xff);
    disk_close(to);
    cr_assert_eq(
        disk_open_for_copy(&to, scratch_path(scratch, "to"), disk_size(from), error, sizeof(error)),
        0, "%s", error);
    for (uint64_t at = 0; (at = disk_next_data(from, at)) < disk_size(from);) {
        size_t size = disk_size(from) - at < 4096 ? disk_size(from) - at : 4096;

        cr_assert_eq(disk_read_raw(from, at, one, size), 0);
        cr_assert_eq(disk_write_raw(to, at, one, size), 0);
        at += size;
        copied += size;
    }
    cr_assert_eq(disk_size(to), 8 * MIB);
    cr_assert_eq(disk_read_raw(from, 0, one, 8 * MIB), 0);
    cr_assert_eq(disk_read_raw(to, 0, two, 8 * MIB), 0);
    cr_assert_eq(memcmp(one, two, 8 * MIB), 0);
    cr_expect_geq(copied, 65536 + 512);
    cr_assert_eq(disk_next_data(from, 8 * MIB), 8 * MIB);
    cr_assert_eq(disk_next_data(from, UINT64_MAX), 8 * MIB);
    cr_assert_eq(disk_read_raw(from, 8 * MIB - 1, one, 2), -EINVAL);
    cr_assert_eq(disk_write_raw(to, UINT64_MAX, one, 2), -EINVAL);
    disk_close(from);
    disk_close(to);
    free(one);
    free(two);
    scratch_free(scratch);
}

Test(disk, a_copy_goes_to_a_new_file_and_to_nothing_but_a_file)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = NULL;
    char error[256] = "";

    cr_assert_eq(disk_open_for_copy(&disk, scratch_path(scratch, "new"), MIB, error, sizeof(error)),
                 0, "%s", error);
    cr_assert_eq(disk_size(disk), MIB);
    cr_assert_eq(disk_next_data(disk, 0), MIB);
    disk_close(disk);
    cr_expect_eq(disk_open_for_copy(&disk, "/dev/null", MIB, error, sizeof(error)), -EINVAL);
    cr_expect_eq(disk_open_for_copy(&disk, scratch->path, 0, error, sizeof(error)), -EINVAL);
    cr_expect_eq(disk_open_for_copy(&disk, scratch->path, 1000, error, sizeof(error)), -EINVAL);
    cr_expect_lt(disk_open_for_copy(&disk, scratch->path, UINT64_MAX - 511, error, sizeof(error)),
                 0);
    scratch_free(scratch);
}

/* Who waits for requests may be the one who would make room for their announcements. */
Test(disk, requests_are_executed_while_there_is_no_room_for_announcements, .timeout = 20)
{
    struct scratch *scratch = scratch_new();
    struct disk *disk = open_disk(scratch_file(scratch, "image", MIB));
    struct announcements *announcements = announcements_new(disk);

    set_no_room(announcements, true);
    for (uint64_t id = 0; id < 10; id++)
        submit(disk, id, DISK_WRITE, id * 512, 512, (int)id);
    disk_drain(disk);
    expect_taken(disk, 3, 0, 3);
    cr_expect_eq(announced_count(announcements), 0);
    while (refused_count(announcements) < 2)
        usleep(1000);
    set_no_room(announcements, false);
    while (announced_count(announcements) < 9)
        usleep(1000);
    for (unsigned i = 0; i < 9; i++)
        cr_expect_eq(announcements->ids[i], i < 3 ? i : i + 1);
    disk_close(disk);
    free(announcements);
    scratch_free(scratch);
}

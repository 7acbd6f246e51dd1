/* What the guest does with its devices while it is moved: long streams, a disk, a restart. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit_codes.h"
#include "tests/end-to-end/stream.h"
#include "tests/end-to-end/tests.h"

#define STREAM_BYTES (UINT64_C(8) << 20)
#define STREAM_MS    60000
#define END_MS       10000
#define RESTART_MS   90000
#define BLOCK        16384

/* The primary is killed twice on the way. */
static bool stream_through_losses(struct fixture *fixture, struct stream *stream)
{
    struct pair *pair = &fixture->pair;

    for (int i = 1; i <= 2; i++) {
        uint64_t until = STREAM_BYTES * (uint64_t)i / 4 + fixture_random(fixture, 1 << 20);

        if (!stream_move(stream, until, STREAM_MS) || !pair_kill_primary(pair, NULL) ||
            !fixture_protect(fixture))
            return false;
        fixture->failovers++;
    }
    return stream_finish(stream, STREAM_MS);
}

static bool stream_in_direction(struct fixture *fixture, bool to_guest)
{
    struct stream stream;
    bool good = stream_open(&stream, &fixture->lab, to_guest, STREAM_BYTES) &&
                stream_through_losses(fixture, &stream);

    stream_close(&stream);
    return good;
}

bool test_long_streams_have_no_gap(struct fixture *fixture)
{
    return fixture_pair(fixture) && stream_in_direction(fixture, false) &&
           stream_in_direction(fixture, true) && fixture_check(fixture);
}

static bool compare_disks(struct fixture *fixture)
{
    static const enum place hosts[] = {PLACE_HOST_A, PLACE_HOST_B};
    uint8_t blocks[2][BLOCK];
    char path[LAB_PATH_SIZE];
    ssize_t sizes[2] = {1, 1};
    uint64_t offset = 0;
    bool good = true;
    int fds[2];

    for (int i = 0; i < 2; i++) {
        replica_disk(&fixture->lab, hosts[i], path);
        fds[i] = open(path, O_RDONLY | O_CLOEXEC);
    }
    while (good && sizes[0] > 0) {
        for (int i = 0; i < 2; i++)
            sizes[i] = read(fds[i], blocks[i], BLOCK);
        good = sizes[0] >= 0 && sizes[0] == sizes[1] &&
               memcmp(blocks[0], blocks[1], (size_t)sizes[0]) == 0;
        if (!good)
            lab_fail(&fixture->lab, "the hosts' disks differ in the %d KiB from byte %" PRIu64,
                     BLOCK / 1024, offset);
        offset += BLOCK;
    }
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    return good;
}

/* Redis writes each increment to its disk before it answers. */
bool test_disks_stay_equal(struct fixture *fixture)
{
    static const struct replica_options options = {.append = "ftvm.redis=disk ftvm.disk=mkfs",
                                                   .disk = true};
    struct pair *pair = &fixture->pair;
    bool good;

    if (!fixture_start(fixture, &options) || !fixture_connect(fixture) ||
        !lab_sleep(&fixture->lab, 500))
        return false;
    for (int i = 0; i < 3; i++)
        if (!lab_sleep(&fixture->lab, fixture_random(fixture, 500)) ||
            !fixture_fail_over(fixture) || !fixture_protect(fixture))
            return false;
    /* Nothing more is written, and the backup has had the time to write it too. */
    good = fixture_check(fixture) && load_pause(fixture->load, &fixture->lab, FIXTURE_REPLY_MS) &&
           lab_sleep(&fixture->lab, 2000) &&
           replica_ask(pair->primary, &fixture->lab, "stop", NULL) == 0 &&
           replica_wait_exit(pair->primary, &fixture->lab, END_MS, CLI_EXIT_GOOD) &&
           replica_wait_exit(pair->backup, &fixture->lab, END_MS, CLI_EXIT_GOOD) &&
           compare_disks(fixture);
    fixture_end(fixture);
    return good;
}

/* It restarts, finds on its disk that it has, and powers off; the backup follows it all the way. */
bool test_guest_restarts_under_protection(struct fixture *fixture)
{
    static const struct replica_options options = {
        .append = "ftvm.redis=0 ftvm.disk=mkfs ftvm.test=reboot-once", .disk = true};
    struct pair *pair = &fixture->pair;
    bool good = fixture_start(fixture, &options) &&
                replica_wait_exit(pair->primary, &fixture->lab, RESTART_MS, CLI_EXIT_GOOD) &&
                replica_wait_exit(pair->backup, &fixture->lab, END_MS, CLI_EXIT_GOOD) &&
                compare_disks(fixture);

    fixture_end(fixture);
    return good;
}

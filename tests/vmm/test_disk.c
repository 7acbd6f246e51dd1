/* What becomes of disk requests when a disk fails, a replica goes live, or a queue is full. */
#include "tests/vmm/guests.h"

#define DISK_BYTES (UINT64_C(1) << 20)

struct disk_guest {
    struct machine_description description;
    struct machine_local local;
    char path[64];
};

static void disk_guest_init(struct disk_guest *guest)
{
    guest->description = guest_description();
    guest->description.disk_count = 1;
    guest->description.disk_size[0] = DISK_BYTES;
    guest_make_disk(guest->path, DISK_BYTES);
    guest->local = (struct machine_local){.kernel = TEST_GUESTS "/disk.img", .disk_count = 1};
    guest->local.disk[0] = guest->path;
}

static void start(struct guest_run *run, const struct disk_guest *guest,
                  struct recording *recording)
{
    guest_prepare(run, &guest->description, &guest->local, recording);
    run->node.epoch_length = 2000;
}

static void end(struct guest_run *run, struct disk_guest *guest)
{
    guest_free(run);
    unlink(guest->path);
}

Test(disk, is_read_and_written)
{
    struct disk_guest guest;
    struct guest_run run;
    struct recording recording = {0};
    disk_guest_init(&guest);
    start(&run, &guest, &recording);
    guest_go(&run);
    cr_expect(run.result == FTVM_E_HALTED);
    cr_expect(guest_printed(&run, "disk: done") && !guest_printed(&run, "FAIL"));
    cr_expect(!guest_printed(&run, "error"));
    end(&run, &guest);
    recording_free(&recording);
}

Test(disk, of_a_lone_primary_that_fails_is_the_guests_problem)
{
    struct disk_guest guest;
    struct guest_run run;
    struct recording recording = {0};
    disk_guest_init(&guest);
    start(&run, &guest, &recording);
    run.prompt = "disk: half";
    run.truncate = guest.path;
    guest_go(&run);
    cr_expect(run.result == FTVM_E_HALTED);
    cr_expect(guest_printed(&run, "disk: I/O error") && guest_printed(&run, "disk: gave up"));
    cr_expect_not(run.node.failed);
    end(&run, &guest);
    recording_free(&recording);
}

Test(disk, of_a_primary_that_fails_while_its_backup_may_be_lost_is_the_guests_problem)
{
    struct disk_guest guest;
    struct guest_run run;
    struct recording recording = {0};
    disk_guest_init(&guest);
    start(&run, &guest, &recording);
    run.node.is_protected = true;
    run.node.is_claiming = true;
    run.prompt = "disk: half";
    run.truncate = guest.path;
    guest_go(&run);
    cr_expect(run.result == FTVM_E_HALTED);
    cr_expect(guest_printed(&run, "disk: gave up"));
    cr_expect_not(run.node.failed);
    end(&run, &guest);
    recording_free(&recording);
}

Test(disk, of_a_protected_primary_that_fails_leaves_the_guest_to_the_backup)
{
    struct disk_guest guest;
    struct guest_run run;
    struct recording recording = {0};
    disk_guest_init(&guest);
    start(&run, &guest, &recording);
    run.node.is_protected = true;
    run.prompt = "disk: half";
    run.truncate = guest.path;
    guest_go(&run);
    cr_expect(run.result == FTVM_E_STOPPED);
    cr_expect(run.node.failed);
    cr_expect_not_null(strstr(run.node.reason, "disk 0: Input/output error"));
    cr_expect_not(guest_printed(&run, "disk: I/O error"));
    end(&run, &guest);
    recording_free(&recording);
}

static void start_backup(struct guest_run *run, const struct disk_guest *guest,
                         struct recording *recording)
{
    start(run, guest, recording);
    run->node.playback = true;
    run->node.role = FTVM_ROLE_BACKUP;
}

Test(disk, of_a_backup_that_fails_ends_the_backup)
{
    struct disk_guest guest, backup;
    struct guest_run run, replica;
    struct recording recording = {0};
    disk_guest_init(&guest);
    disk_guest_init(&backup);
    start(&run, &guest, &recording);
    guest_go(&run);
    start_backup(&replica, &backup, &recording);
    replica.prompt = "disk: half";
    replica.truncate = backup.path;
    guest_go(&replica);
    cr_expect(replica.result == FTVM_E_MACHINE, "%s", ftvm_strerror(replica.result));
    cr_expect(replica.node.failed);
    end(&replica, &backup);
    end(&run, &guest);
    recording_free(&recording);
}

/* Images that got the same writes are full at the same one: each replica would leave the guest to
 * the other. So a backup waits for what the log says, and with its primary gone it is alone. */
Test(disk, that_fails_on_both_replicas_is_the_guests_problem)
{
    struct disk_guest guest, backup;
    struct guest_run run, replica;
    struct recording recording = {0};
    disk_guest_init(&guest);
    disk_guest_init(&backup);
    start(&run, &guest, &recording);
    run.node.is_protected = true;
    run.prompt = "disk: half";
    run.truncate = guest.path;
    guest_go(&run);
    cr_assert(run.node.failed);
    start_backup(&replica, &backup, &recording);
    replica.node.promote = true;
    replica.prompt = "disk: half";
    replica.truncate = backup.path;
    guest_go(&replica);
    cr_expect(replica.result == FTVM_E_HALTED, "%s", ftvm_strerror(replica.result));
    cr_expect_not(replica.node.failed, "%s", replica.node.reason);
    cr_expect(guest_printed(&replica, "disk: I/O error") &&
              guest_printed(&replica, "disk: gave up"));
    end(&replica, &backup);
    end(&run, &guest);
    recording_free(&recording);
}

/* The log ends at some boundary, mostly with requests in flight; the backup goes live there. */
static unsigned goes_live(enum ftvm_settle settle, size_t queue_limit)
{
    unsigned errors = 0;
    for (uint64_t stop = 10000; stop < 200000; stop += 9777) {
        struct disk_guest guest, backup;
        struct guest_run run, replica;
        struct recording recording = {0};
        disk_guest_init(&guest);
        disk_guest_init(&backup);
        start(&run, &guest, &recording);
        run.node.stop_position = stop;
        guest_go(&run);
        cr_assert(run.result == FTVM_E_STOPPED);
        start_backup(&replica, &backup, &recording);
        replica.node.promote = true;
        replica.node.settle = settle;
        replica.node.queue_limit = queue_limit;
        guest_go(&replica);
        cr_expect(replica.result == FTVM_E_HALTED, "%s: %s", ftvm_strerror(replica.result),
                  replica.node.divergence);
        cr_expect(guest_printed(&replica, "disk: done") && !guest_printed(&replica, "FAIL"));
        errors += guest_printed(&replica, "disk: I/O error");
        end(&replica, &backup);
        end(&run, &guest);
        recording_free(&recording);
    }
    return errors;
}

Test(disk, goes_live_with_requests_in_flight, .timeout = 120)
{
    cr_assert(goes_live(FTVM_SETTLE_REISSUE, FAKE_QUEUE) == 0);
}

Test(disk, goes_live_with_uncertain_requests, .timeout = 120)
{
    cr_assert(goes_live(FTVM_SETTLE_UNCERTAIN, FAKE_QUEUE) > 0);
}

Test(disk, goes_live_with_hardly_any_room_for_inputs, .timeout = 120)
{
    cr_assert(goes_live(FTVM_SETTLE_REISSUE, 1) == 0);
}

Test(disk, that_does_not_fit_the_description_is_refused)
{
    struct disk_guest guest;
    struct machine *machine;
    char error[MACHINE_ERROR_SIZE] = "";
    disk_guest_init(&guest);
    guest.description.disk_size[0] = 512;
    cr_assert(machine_create(&machine, &guest.description, &guest.local, error, sizeof error) < 0);
    cr_assert_not_null(strstr(error, guest.path), "%s", error);
    guest.local.disk_count = 0;
    cr_assert(machine_create(&machine, &guest.description, &guest.local, error, sizeof error) < 0);
    cr_assert_str_eq(error, "the machine has 1 disks, but 0 images were named");
    unlink(guest.path);
}

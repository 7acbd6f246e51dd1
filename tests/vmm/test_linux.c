/*
 * Debian's kernel with redis on our machine, where `make guest` has made the images: it comes up,
 * answers, uses its disk, and does all of that again from the log, on either engine, with the same
 * digests at all boundaries. About a minute on one core.
 */
#include "tests/vmm/guests.h"

#include <fcntl.h>
#include <unistd.h>

#define KERNEL     TEST_LINUX "/Image"
#define INITRD     TEST_LINUX "/initrd.cpio.gz"
#define DISK_BYTES (UINT64_C(16) << 20)

/* So little host code that it is dropped all the time. */
#define TINY_CODE_CACHE HART_MIN_CODE_CACHE
#define MANY_FLUSHES    1000u

struct linux_guest {
    struct machine_description description;
    struct machine_local local;
    char disk[64];
};

static uint64_t disk_digest(const char *path)
{
    uint64_t digest = 0, words[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (read(fd, words, sizeof words) == (ssize_t)sizeof words) {
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            digest = (digest ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
            digest ^= digest >> 32;
        }
    }
    close(fd);
    return digest;
}

static void linux_guest_init(struct linux_guest *guest, const char *append)
{
    if (access(KERNEL, R_OK) != 0 || access(INITRD, R_OK) != 0) {
        cr_skip_test("no guest images; `make guest` makes them");
    }
    guest->description = guest_description();
    guest->description.memory = UINT64_C(256) << 20;
    guest->description.disk_count = 1;
    guest->description.disk_size[0] = DISK_BYTES;
    guest->description.nic_count = 1;
    memcpy(guest->description.nic_mac[0], "\x52\x54\x00\x01\x02\x03", 6);
    snprintf(guest->description.append, sizeof guest->description.append, "%s", append);
    guest->local = (struct machine_local){.kernel = KERNEL, .initrd = INITRD, .disk_count = 1};
    guest_make_disk(guest->disk, DISK_BYTES);
    guest->local.disk[0] = guest->disk;
}

/* The same machine on another replica, with a disk of its own. */
static void another_replica(struct linux_guest *replica, const struct linux_guest *guest,
                            bool joins)
{
    *replica = *guest;
    guest_make_disk(replica->disk, DISK_BYTES);
    replica->local.disk[0] = replica->disk;
    if (joins) {
        replica->local.kernel = replica->local.initrd = NULL;
    }
}

/* Returns how often the code cache was full. */
static uint64_t play(const struct linux_guest *guest, const struct hart_config *cpu,
                     struct recording *recording, const struct guest_run *saved, uint64_t chunk,
                     uint64_t digest, uint64_t expected_disk)
{
    struct linux_guest replica;
    struct hart_counters counters;
    struct guest_run run;
    another_replica(&replica, guest, saved != NULL);
    replica.local.cpu = cpu;
    guest_prepare(&run, &replica.description, &replica.local, recording);
    run.node.playback = true;
    run.node.role = FTVM_ROLE_BACKUP;
    run.node.chunk = chunk;
    if (saved != NULL) {
        run.node.load = &saved->node.saved;
        run.node.load_at = saved->node.saved_boundary;
    }
    guest_go(&run);
    cr_expect(run.result == FTVM_E_HALTED, "%s: %s", ftvm_strerror(run.result),
              run.node.divergence);
    cr_expect(machine_full_digest(run.machine) == digest);
    machine_get_counters(run.machine, &counters);
    guest_free(&run);
    cr_expect(disk_digest(replica.disk) == expected_disk, "the disks differ");
    unlink(replica.disk);
    return counters.code_flushes;
}

Test(debian, boots_to_ready_and_repeats_from_its_log_and_from_a_state, .timeout = 600)
{
    struct linux_guest guest;
    struct recording recording = {0};
    struct guest_run run;
    linux_guest_init(&guest, "ftvm.test=poweroff ftvm.disk=mkfs ftvm.redis=disk");
    guest_prepare(&run, &guest.description, &guest.local, &recording);
    run.node.epoch_length = 250000;
    run.node.save_at = 4500; /* in the middle of userland */
    guest_go(&run);
    bytes_append(&run.console, "", 1);
    cr_assert(run.result == FTVM_E_HALTED, "%s\n%s", ftvm_strerror(run.result),
              (char *)run.console.data);
    cr_assert(guest_printed(&run, "ftvm-guest: disk on /data") &&
                  guest_printed(&run, "ftvm-guest: ready"),
              "%s", (char *)run.console.data);
    uint64_t digest = machine_full_digest(run.machine);
    machine_destroy(run.machine);
    run.machine = NULL;
    uint64_t on_disk = disk_digest(guest.disk);

    struct hart_config best, interpreter, tiny;
    hart_config_init(&best);
    interpreter = tiny = best;
    interpreter.engine = HART_INTERPRETER;
    tiny.code_cache_size = TINY_CODE_CACHE;
    play(&guest, &interpreter, &recording, NULL, UINT64_MAX, digest, on_disk);
    uint64_t flushes = play(&guest, &tiny, &recording, NULL, UINT64_MAX, digest, on_disk);
    cr_expect(tiny.engine != HART_JIT || flushes > MANY_FLUSHES, "%llu flushes",
              (unsigned long long)flushes);
    play(&guest, &best, &recording, &run, 4096, digest, on_disk);
    guest_free(&run);
    recording_free(&recording);
    unlink(guest.disk);
}

static void runs(struct linux_guest *guest, struct guest_run *run, const char *prompt,
                 const char *answer)
{
    struct recording recording = {0};
    guest_prepare(run, &guest->description, &guest->local, &recording);
    run->prompt = prompt;
    run->answer = answer;
    run->node.epoch_length = 250000;
    guest_go(run);
    bytes_append(&run->console, "", 1);
    cr_expect(run->result == FTVM_E_HALTED, "%s\n%s", ftvm_strerror(run->result),
              (char *)run->console.data);
    recording_free(&recording);
    unlink(guest->disk);
}

Test(debian, restarts, .timeout = 600)
{
    struct linux_guest guest;
    struct guest_run run;
    linux_guest_init(&guest, "quiet ftvm.redis=0 ftvm.test=reboot-once ftvm.disk=mkfs");
    runs(&guest, &run, NULL, NULL);
    const char *first = strstr((char *)run.console.data, "ftvm-guest: ready");
    cr_assert(first != NULL && strstr(first + 1, "ftvm-guest: ready") != NULL, "%s",
              (char *)run.console.data);
    guest_free(&run);
}

Test(debian, reads_what_is_typed, .timeout = 600)
{
    struct linux_guest guest;
    struct guest_run run;
    linux_guest_init(&guest, "quiet ftvm.redis=0");
    runs(&guest, &run, "guest# ", "echo answer-$((6 * 7)); poweroff -f\n");
    cr_assert(guest_printed(&run, "answer-42"));
    guest_free(&run);
}

#include "fault-injection/lab/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/hooks/undo.h"

#define DISK_SIZE ((off_t)64 << 20)

static struct replica *next_replica(struct pair *pair)
{
    if (pair->count == PAIR_MAX_REPLICAS) {
        lab_fail(pair->lab, "this pair has had its %u replicas", PAIR_MAX_REPLICAS);
        return NULL;
    }
    return &pair->replicas[pair->count++];
}

static bool clean_arbiter(struct lab *lab)
{
    static const char *const files[] = {"shared/arbiter", "shared/arbiter.lock",
                                        "shared/arbiter.tmp"};
    char path[LAB_PATH_SIZE];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        lab_path(lab, files[i], path);
        unlink(path);
    }
    lab_path(lab, "shared", path);
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           lab_fail(lab, "%s: %s", path, strerror(errno));
}

static bool make_disk(struct lab *lab, enum place host)
{
    char path[LAB_PATH_SIZE], undo[UNDO_PATH_SIZE];
    bool good;
    int fd;

    replica_disk(lab, host, path);
    if (undo_path(undo, path))
        unlink(undo); /* of an earlier pair's disk */
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    good = fd >= 0 && ftruncate(fd, DISK_SIZE) == 0;
    if (!good)
        lab_fail(lab, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

static bool start_primary(struct pair *pair, struct lab *lab, const struct replica_options *options)
{
    *pair = (struct pair){.lab = lab,
                          .options = *options,
                          .replicas = calloc(PAIR_MAX_REPLICAS, sizeof(struct replica))};
    if (!pair->replicas)
        return lab_fail(lab, "out of memory");
    if (!clean_arbiter(lab) ||
        (options->disk && !(make_disk(lab, PLACE_HOST_A) && make_disk(lab, PLACE_HOST_B))))
        return false;
    pair->primary = next_replica(pair);
    return replica_start_primary(pair->primary, lab, PLACE_HOST_A, options);
}

bool pair_start_alone(struct pair *pair, struct lab *lab, const struct replica_options *options)
{
    struct replica_options alone = *options;

    alone.no_wait_backup = true;
    return start_primary(pair, lab, &alone);
}

bool pair_start(struct pair *pair, struct lab *lab, const struct replica_options *options)
{
    return start_primary(pair, lab, options) && pair_add_backup(pair);
}

void pair_end(struct pair *pair)
{
    for (unsigned i = 0; i < pair->count; i++)
        replica_end(&pair->replicas[i]);
    free(pair->replicas);
    pair->replicas = NULL;
    pair->count = 0;
    pair->primary = pair->backup = NULL;
}

bool pair_wait_protected(struct pair *pair)
{
    return replica_wait(pair->backup, pair->lab, replica_is_protected, PAIR_PROTECT_MS,
                        "the backup has not caught up") &&
           replica_wait(pair->primary, pair->lab, replica_is_protected, PAIR_PROTECT_MS,
                        "the primary is not protected");
}

static bool file_contains(const char *path, const char *text)
{
    struct stat status;
    bool found = false;
    char *bytes;
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    if (fstat(fileno(file), &status) == 0 && (bytes = malloc((size_t)status.st_size + 1))) {
        size_t size = fread(bytes, 1, (size_t)status.st_size, file);

        found = memmem(bytes, size, text, strlen(text)) != NULL;
        free(bytes);
    }
    fclose(file);
    return found;
}

bool pair_printed(const struct pair *pair, const char *text)
{
    for (unsigned i = 0; i < pair->count; i++)
        if (file_contains(pair->replicas[i].console, text))
            return true;
    return false;
}

bool pair_wait_guest(struct pair *pair)
{
    uint64_t deadline = lab_deadline(pair->lab, PAIR_GUEST_MS);

    while (!pair_printed(pair, PAIR_READY_LINE)) {
        if (!process_running(&pair->primary->process))
            return lab_fail_log(pair->lab, pair->primary->process.log,
                                "%s: the primary ended with exit code %d while the guest started",
                                network_name(pair->primary->host), pair->primary->process.code);
        if (!lab_pause(pair->lab, deadline))
            return pair->lab->interrupted
                       ? lab_fail(pair->lab, "interrupted")
                       : lab_fail_log(pair->lab, pair->primary->console,
                                      "the guest is not ready after %d ms", PAIR_GUEST_MS);
    }
    return true;
}

bool pair_add_backup(struct pair *pair)
{
    enum place host = pair->primary->host == PLACE_HOST_A ? PLACE_HOST_B : PLACE_HOST_A;

    pair->backup = next_replica(pair);
    return pair->backup &&
           replica_start_backup(pair->backup, pair->lab, host, &pair->options, NULL);
}

bool pair_wait_failover(struct pair *pair, struct failover_times *times)
{
    if (!replica_wait(pair->backup, pair->lab, replica_is_live, PAIR_FAILOVER_MS,
                      "the backup has not taken over"))
        return false;
    pair->primary = pair->backup;
    pair->backup = NULL;
    if (times)
        *times = pair->primary->events.times;
    return true;
}

bool pair_kill_primary(struct pair *pair, struct failover_times *times)
{
    process_kill(&pair->primary->process);
    return pair_wait_failover(pair, times);
}

bool pair_kill_backup(struct pair *pair)
{
    process_kill(&pair->backup->process);
    pair->backup = NULL;
    return replica_wait(pair->primary, pair->lab, replica_is_unprotected, PAIR_FAILOVER_MS,
                        "the primary does not say that it lost its backup");
}

bool pair_hide_arbiter(struct pair *pair, bool hidden)
{
    char shared[LAB_PATH_SIZE], away[LAB_PATH_SIZE];

    lab_path(pair->lab, "shared", shared);
    lab_path(pair->lab, "away", away);
    return rename(hidden ? shared : away, hidden ? away : shared) == 0 ||
           lab_fail(pair->lab, "%s: %s", shared, strerror(errno));
}

/* How a pair, a replica or the guest ends; and what must not end it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exit_codes.h"
#include "tests/end-to-end/tests.h"

#define END_MS      10000
#define POWEROFF_MS 60000
#define SMALL_DISK  "small"

static bool ask(struct fixture *fixture, struct replica *replica, const char *command)
{
    char output[LAB_PATH_SIZE];
    int code = replica_ask(replica, &fixture->lab, command, output);

    return code == 0 || (code > 0 && lab_fail_log(&fixture->lab, output, "'ftvm %s' exits with %d",
                                                  command, code));
}

/* Fills what is left of the file system where `path` is. */
static bool fill(struct fixture *fixture, const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), error;

    while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
        ;
    error = errno;
    if (fd >= 0)
        close(fd);
    return error == ENOSPC || lab_fail(&fixture->lab, "%s: %s", path, strerror(error));
}

static bool with_full_disk(struct fixture *fixture)
{
    char ballast[LAB_PATH_SIZE];
    json_t *status;

    lab_path(&fixture->lab, SMALL_DISK "/ballast", ballast);
    if (!fixture_protect(fixture) || !fixture_fail_over(fixture) || !fill(fixture, ballast) ||
        !lab_sleep(&fixture->lab, 2000) || !fixture_goes_on(fixture))
        return false;
    status = replica_status(fixture->pair.primary, &fixture->lab);
    if (!status)
        return false;
    json_decref(status);
    /* With room again, what waited is written: the console has no gap after all. */
    unlink(ballast);
    return lab_sleep(&fixture->lab, 1500) && fixture_check(fixture);
}

/* Events, console and capture of the replica are on a small disk. */
bool test_full_disk_does_not_stop_the_guest(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    char directory[LAB_PATH_SIZE];
    bool good;

    if (!fixture_pair(fixture) || !pair_kill_backup(pair))
        return false;
    lab_path(&fixture->lab, SMALL_DISK, directory);
    if (mkdir(directory, 0700) || mount("tmpfs", directory, "tmpfs", 0, "size=1m"))
        return lab_fail(&fixture->lab, "no small file system: %s", strerror(errno));
    pair->options.spool = directory;
    pair->options.capture = true;
    good = with_full_disk(fixture);
    pair->options.spool = NULL;
    pair->options.capture = false;
    return good && fixture_protect(fixture) && fixture_fail_over(fixture) && fixture_check(fixture);
}

bool test_stopping_the_backup_leaves_the_primary(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;

    return fixture_pair(fixture) && ask(fixture, pair->backup, "stop") &&
           replica_wait_exit(pair->backup, &fixture->lab, END_MS, CLI_EXIT_GOOD) &&
           replica_wait(pair->primary, &fixture->lab, replica_is_unprotected, END_MS,
                        "the primary does not know that its backup left") &&
           fixture_goes_on(fixture) && fixture_protect(fixture) && fixture_check(fixture);
}

bool test_promotion_by_command_moves_the_guest(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    struct replica *old;

    if (!fixture_pair(fixture))
        return false;
    old = pair->primary;
    fixture->failovers++;
    return ask(fixture, pair->backup, "promote") && pair_wait_failover(pair, NULL) &&
           replica_wait_exit(old, &fixture->lab, END_MS, CLI_EXIT_FENCED) &&
           fixture_goes_on(fixture) && fixture_protect(fixture) && fixture_check(fixture);
}

/* In good order: the name is free again, and a new primary needs no --take-over. */
static bool both_end(struct fixture *fixture, unsigned timeout_ms)
{
    struct replica_options options = {.no_wait_backup = true};
    struct pair *pair = &fixture->pair;
    struct replica next;
    bool good;

    if (!replica_wait_exit(pair->primary, &fixture->lab, timeout_ms, CLI_EXIT_GOOD) ||
        !replica_wait_exit(pair->backup, &fixture->lab, END_MS, CLI_EXIT_GOOD))
        return false;
    good = replica_start_primary(&next, &fixture->lab, PLACE_HOST_B, &options) &&
           replica_wait(&next, &fixture->lab, replica_is_unprotected, END_MS,
                        "a new primary does not start") &&
           ask(fixture, &next, "stop") &&
           replica_wait_exit(&next, &fixture->lab, END_MS, CLI_EXIT_GOOD);
    replica_end(&next);
    fixture_end(fixture);
    return good;
}

bool test_stopping_the_primary_ends_both(struct fixture *fixture)
{
    return fixture_pair(fixture) && fixture_check(fixture) &&
           ask(fixture, fixture->pair.primary, "stop") && both_end(fixture, END_MS);
}

bool test_power_off_ends_both(struct fixture *fixture)
{
    static const struct replica_options options = {.append = "ftvm.redis=0 ftvm.test=poweroff"};

    return fixture_start(fixture, &options) && both_end(fixture, POWEROFF_MS);
}

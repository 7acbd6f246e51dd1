/* Faults of processes: kill, stop, power-cycle, starve, a flipped bit. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/lab/faults/faults_parts.h"
#include "fault-injection/lab/faults/guest_memory.h"
#include "fault-injection/lab/faults/power.h"

/* ---- All of a host at once --------------------------------------------------------------- */

static bool is_number(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

/* Whoever's network is that host's; but for us and the link, who visit there now and then. */
static bool lives_on(const struct faults *faults, const struct stat *host, pid_t pid)
{
    struct stat status;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return pid != getpid() && pid != link_process(faults->link) && stat(path, &status) == 0 &&
           status.st_dev == host->st_dev && status.st_ino == host->st_ino;
}

static bool kill_host(struct faults *faults, enum place host, unsigned *killed)
{
    struct dirent *entry;
    struct stat status;
    DIR *directory;

    *killed = 0;
    if (fstat(faults->lab->network.places[host], &status))
        return lab_fail(faults->lab, "%s: %s", network_name(host), strerror(errno));
    directory = opendir("/proc");
    if (!directory)
        return lab_fail(faults->lab, "/proc: %s", strerror(errno));
    while ((entry = readdir(directory))) {
        pid_t pid = is_number(entry->d_name) ? (pid_t)atoi(entry->d_name) : 0;

        if (pid > 0 && lives_on(faults, &status, pid) && kill(pid, SIGKILL) == 0)
            ++*killed;
    }
    closedir(directory);
    return true;
}

static bool drop_unsynced(struct faults *faults, struct active *active)
{
    size_t used = strlen(active->what);
    char image[LAB_PATH_SIZE];
    uint64_t sectors = 0;

    replica_disk(faults->lab, active->host, image);
    if (!power_drop_unsynced(faults->lab, image, active->random, &sectors))
        return false;
    snprintf(active->what + used, sizeof(active->what) - used, ", %" PRIu64 " sectors lost",
             sectors);
    return true;
}

static bool cycle_power(struct faults *faults, struct active *active, bool disk)
{
    unsigned killed;

    /* Cables first: a host without power says no goodbye. */
    if (!faults_apply_channel(faults) || !kill_host(faults, active->host, &killed))
        return false;
    process_kill(&active->victim->process); /* waits for its end */
    snprintf(active->what, sizeof(active->what), "%u process%s killed", killed,
             killed == 1 ? "" : "es");
    return !disk || drop_unsynced(faults, active);
}

/* ---- One --------------------------------------------------------------------------------- */

static struct starve *starve_of(struct faults *faults, const struct replica *victim)
{
    for (unsigned i = 0; i < faults->count; i++)
        if (faults->active[i].starve && faults->active[i].victim == victim)
            return faults->active[i].starve;
    return NULL;
}

static bool is_stopped(const struct faults *faults, const struct replica *victim)
{
    for (unsigned i = 0; i < faults->count; i++)
        if (faults->active[i].fault.kind == FAULT_STOP && faults->active[i].victim == victim)
            return true;
    return false;
}

static void stop(struct faults *faults, struct replica *victim)
{
    struct starve *starve = starve_of(faults, victim);

    if (starve)
        starve_hold(starve, true);
    process_signal(&victim->process, SIGSTOP);
}

static void let_go(struct faults *faults, struct replica *victim)
{
    struct starve *starve = starve_of(faults, victim);

    if (is_stopped(faults, victim))
        return; /* by another fault that is still on */
    if (starve)
        starve_hold(starve, false);
    process_signal(&victim->process, SIGCONT);
}

static bool begin_starving(struct faults *faults, struct active *active)
{
    if (starve_of(faults, active->victim))
        return lab_fail(faults->lab, "replica %s is starved already", active->victim->label);
    if (!starve_begin(&active->starve, faults->lab, active->victim->process.pid,
                      (unsigned)active->fault.amount[0]))
        return false;
    starve_hold(active->starve, is_stopped(faults, active->victim));
    return true;
}

static bool flip_bit(struct faults *faults, struct active *active)
{
    uint64_t offset;
    unsigned bit;

    if (!guest_memory_flip(faults->lab, active->victim->process.pid, active->random, &offset, &bit))
        return false;
    faults_note_damage(faults, active->victim);
    snprintf(active->what, sizeof(active->what), "bit %u of byte 0x%" PRIx64 " of guest memory",
             bit, offset);
    return true;
}

bool faults_begin_process(struct faults *faults, const struct pair *pair, struct active *active)
{
    switch (active->fault.kind) {
    case FAULT_KILL: process_kill(&active->victim->process); return true;
    case FAULT_STOP: stop(faults, active->victim); return true;
    case FAULT_POWER_CYCLE: return cycle_power(faults, active, pair->options.disk);
    case FAULT_STARVE: return begin_starving(faults, active);
    case FAULT_FLIP_BIT: return flip_bit(faults, active);
    default: return true;
    }
}

/* One that is live goes on with what it has. */
static void end_damaged(struct replica *victim)
{
    event_log_read(&victim->events);
    if (!victim->events.is_primary)
        process_kill(&victim->process);
}

void faults_heal_process(struct faults *faults, struct active *active)
{
    double got;

    switch (active->fault.kind) {
    case FAULT_STOP: let_go(faults, active->victim); break;
    case FAULT_STARVE:
        starve_hold(active->starve, is_stopped(faults, active->victim));
        got = starve_end(active->starve);
        active->starve = NULL;
        snprintf(active->what, sizeof(active->what), "got %.1f %% of a processor", got);
        break;
    case FAULT_FLIP_BIT: end_damaged(active->victim); break;
    default: break;
    }
}

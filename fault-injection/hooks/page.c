#include "fault-injection/hooks/page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What is armed is one word, so that each passing takes it down by one compare-and-swap and no
 * passing ever counts towards another arming: number, point + 1, action, passings to go. */
#define NUMBER_SHIFT 48
#define POINT_SHIFT  40
#define ACTION_SHIFT 32
#define COUNT_MASK   UINT64_C(0xffffffff)
#define NUMBER_MASK  0xffffu

static const char *const names[] = {
#define NAME(POINT, TEXT) [POINT] = (TEXT),
    HOOKS_POINTS(NAME)
#undef NAME
};

_Static_assert(HOOKS_POINT_COUNT < 255, "a point and one fit into eight bits");

/* ---- The file ------------------------------------------------------------------------------ */

/* NULL, with errno. */
static struct hooks_page *map(int fd)
{
    void *memory = mmap(NULL, sizeof(struct hooks_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

int hooks_page_create(struct hooks_page **page, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct hooks_page *made;
    int code;

    if (fd < 0)
        return -errno;
    made = ftruncate(fd, sizeof(*made)) ? NULL : map(fd);
    code = made ? 0 : -errno;
    close(fd);
    if (!made)
        return code;
    atomic_store(&made->version, HOOKS_VERSION);
    atomic_store(&made->size, (uint32_t)sizeof(*made));
    atomic_store(&made->magic, HOOKS_MAGIC);
    *page = made;
    return 0;
}

static int map_checked(struct hooks_page **page, int fd)
{
    struct hooks_page *mapped;
    struct stat status;

    if (fstat(fd, &status))
        return -errno;
    if (status.st_size != sizeof(*mapped)) /* memory behind the file's end would be a SIGBUS */
        return -EPROTO;
    mapped = map(fd);
    if (!mapped)
        return -errno;
    if (atomic_load(&mapped->magic) != HOOKS_MAGIC ||
        atomic_load(&mapped->version) != HOOKS_VERSION ||
        atomic_load(&mapped->size) != sizeof(*mapped)) {
        hooks_page_unmap(mapped);
        return -EPROTO;
    }
    *page = mapped;
    return 0;
}

int hooks_page_attach(struct hooks_page **page, const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int code;

    if (fd < 0)
        return -errno;
    code = map_checked(page, fd);
    close(fd);
    if (code == 0)
        atomic_store(&(*page)->pid, (uint32_t)getpid());
    return code;
}

int hooks_page_attach_named(struct hooks_page **page, char *error, size_t error_size)
{
    const char *path = getenv(HOOKS_VARIABLE);
    int code;

    *page = NULL;
    if (!path)
        return 0;
    code = hooks_page_attach(page, path);
    if (code)
        snprintf(error, error_size, HOOKS_VARIABLE "=%.200s: %s", path,
                 code == -EPROTO ? "no page of hooks of this version" : strerror(-code));
    return code;
}

void hooks_page_unmap(struct hooks_page *page)
{
    if (page)
        munmap(page, sizeof(*page));
}

/* ---- Points -------------------------------------------------------------------------------- */

const char *hooks_point_name(enum hooks_point point)
{
    return names[point];
}

bool hooks_point_find(const char *name, size_t length, enum hooks_point *point)
{
    for (unsigned i = 0; i < HOOKS_POINT_COUNT; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
            *point = (enum hooks_point)i;
            return true;
        }
    }
    return false;
}

void hooks_page_arm(struct hooks_page *page, enum hooks_point point, uint32_t count,
                    enum hooks_action action)
{
    uint64_t number = (atomic_fetch_add(&page->armings, 1) + 1) & NUMBER_MASK;

    atomic_store(&page->armed, number << NUMBER_SHIFT | (uint64_t)(point + 1) << POINT_SHIFT |
                                   (uint64_t)action << ACTION_SHIFT | count);
}

bool hooks_page_disarm(struct hooks_page *page)
{
    return atomic_exchange(&page->armed, 0) != 0;
}

bool hooks_page_fired(const struct hooks_page *page, uint64_t *at_ns)
{
    if (atomic_load(&page->armings) == 0 ||
        atomic_load(&page->fired) != (atomic_load(&page->armings) & NUMBER_MASK))
        return false;
    *at_ns = atomic_load(&page->fired_ns);
    return true;
}

static void fire(struct hooks_page *page, uint64_t armed)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    atomic_store(&page->fired_ns, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    atomic_store(&page->fired, (uint32_t)(armed >> NUMBER_SHIFT));
    switch ((enum hooks_action)(armed >> ACTION_SHIFT & 0xff)) {
    case HOOKS_REPORT: return;
    case HOOKS_KILL: kill(getpid(), SIGKILL); return;
    /* To this thread, which so stops here; to the process, another might take it a little later. */
    case HOOKS_STOP: raise(SIGSTOP); return;
    }
}

void hooks_page_pass(struct hooks_page *page, enum hooks_point point)
{
    uint64_t armed = atomic_load(&page->armed);
    uint64_t left;

    atomic_fetch_add(&page->passed[point], 1);
    do {
        if ((armed >> POINT_SHIFT & 0xff) != (uint64_t)point + 1)
            return;
        left = (armed & COUNT_MASK) > 1 ? armed - 1 : 0;
    } while (!atomic_compare_exchange_weak(&page->armed, &armed, left));
    if (left == 0)
        fire(page, armed);
}

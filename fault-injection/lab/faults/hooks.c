#include "fault-injection/lab/faults/hooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_SIZE 1536u

struct hooks_page *hooks_open(struct lab *lab, const char *path)
{
    struct hooks_page *page;
    int code = hooks_page_create(&page, path);

    if (code == 0)
        return page;
    lab_fail(lab, "%s: %s", path, strerror(-code));
    return NULL;
}

void hooks_close(struct hooks_page *page)
{
    hooks_page_unmap(page);
}

bool hooks_attached(const struct hooks_page *page)
{
    return atomic_load(&page->pid) != 0;
}

/* ---- Events -------------------------------------------------------------------------------- */

static bool name_points(const char *event, char *error, size_t error_size)
{
    size_t used =
        (size_t)snprintf(error, error_size,
                         "\"%s\" is no event; an event is POINT:COUNT, with a count from 1 on, "
                         "and the points are",
                         event);

    for (unsigned i = 0; i < HOOKS_POINT_COUNT && used < error_size; i++)
        used += (size_t)snprintf(error + used, error_size - used, " %s",
                                 hooks_point_name((enum hooks_point)i));
    return false;
}

static bool parse(const char *event, enum hooks_point *point, uint32_t *count)
{
    size_t length = strcspn(event, ":");
    unsigned long long number = 1;
    char *end;

    if (!hooks_point_find(event, length, point))
        return false;
    if (event[length] == ':') {
        const char *digits = event + length + 1;

        if (*digits < '0' || *digits > '9')
            return false;
        errno = 0;
        number = strtoull(digits, &end, 10);
        if (errno || *end || number == 0 || number > UINT32_MAX)
            return false;
    }
    *count = (uint32_t)number;
    return true;
}

bool hooks_event_valid(const char *event, char *error, size_t error_size)
{
    enum hooks_point point;
    uint32_t count;

    return parse(event, &point, &count) || name_points(event, error, error_size);
}

bool hooks_arm(struct lab *lab, struct hooks_page *page, const char *event,
               enum hooks_action action)
{
    enum hooks_point point;
    uint32_t count;
    char error[ERROR_SIZE];

    if (!parse(event, &point, &count)) {
        name_points(event, error, sizeof(error));
        return lab_fail(lab, "%s", error);
    }
    hooks_page_arm(page, point, count, action);
    return true;
}

bool hooks_disarm(struct hooks_page *page)
{
    return hooks_page_disarm(page);
}

bool hooks_fired(const struct hooks_page *page, uint64_t *at_ns)
{
    return hooks_page_fired(page, at_ns);
}

bool hooks_wait(const struct hooks_page *page, struct lab *lab, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms), at_ns;

    while (!hooks_fired(page, &at_ns)) {
        if (!lab_pause(lab, deadline))
            return lab_fail(lab, "%s",
                            lab->interrupted ? "interrupted"
                            : hooks_attached(page)
                                ? "the event that was armed did not come about in time"
                                : "no replica looks at its hooks; is it one of the build with "
                                  "hooks (make BUILD=build/hooks HOOKS=1)?");
    }
    return true;
}

uint64_t hooks_passed(const struct hooks_page *page, const char *point)
{
    enum hooks_point found;

    return hooks_point_find(point, strlen(point), &found) ? atomic_load(&page->passed[found]) : 0;
}

/* ---- Disk and clocks ----------------------------------------------------------------------- */

void hooks_disk(struct hooks_page *page, enum hooks_disk mode)
{
    atomic_store(&page->disk, mode);
}

uint64_t hooks_disk_failures(const struct hooks_page *page)
{
    return atomic_load(&page->disk_failures);
}

void hooks_keep_undo(struct hooks_page *page)
{
    atomic_store(&page->keep_undo, 1);
}

void hooks_clock(struct hooks_page *page, uint64_t monotonic_ns, int64_t wall_ns)
{
    /* The lab alone writes it. */
    if (monotonic_ns > atomic_load(&page->monotonic_ns))
        atomic_store(&page->monotonic_ns, monotonic_ns);
    atomic_store(&page->wall_ns, wall_ns);
}

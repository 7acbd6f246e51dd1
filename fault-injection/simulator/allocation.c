#include "fault-injection/simulator/allocation.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* The one variable outside of any structure here: malloc() has no context. */
static _Thread_local struct {
    uint64_t countdown; /* 0: none fails */
    bool failed;
} allocations;

bool allocation_arm(uint64_t *countdown)
{
    bool failed = allocations.failed;
    uint64_t left = allocations.countdown;
    allocations.countdown = *countdown;
    allocations.failed = false;
    *countdown = left;
    return failed;
}

static bool fails(void)
{
    if (allocations.countdown == 0 || --allocations.countdown > 0) {
        return false;
    }
    allocations.failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

#include "logging/memory.h"

#include <stdlib.h>
#include <string.h>

void *memory_allocate(const struct memory *memory, size_t size)
{
    return memory == NULL ? malloc(size) : memory->allocate(memory->context, size);
}

void *memory_allocate_zeroed(const struct memory *memory, size_t size)
{
    void *allocated;

    if (memory == NULL) {
        return calloc(1, size);
    }
    allocated = memory->allocate(memory->context, size);
    if (allocated != NULL) {
        memset(allocated, 0, size);
    }
    return allocated;
}

char *memory_duplicate_text(const struct memory *memory, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_allocate(memory, size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void memory_release(const struct memory *memory, void *allocated)
{
    if (allocated == NULL) {
        return;
    }
    if (memory == NULL) {
        free(allocated);
    } else {
        memory->release(memory->context, allocated);
    }
}

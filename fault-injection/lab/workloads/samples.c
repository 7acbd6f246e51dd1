#include "fault-injection/lab/workloads/samples.h"

#include <stdlib.h>

#define FIRST_CAPACITY 1024u

_Static_assert((WORKLOAD_MAX_SAMPLES & (WORKLOAD_MAX_SAMPLES - 1)) == 0, "capacities are doubled");

void samples_free(struct samples *samples)
{
    free(samples->items);
    *samples = (struct samples){0};
}

/* Up to here nothing was forgotten, unless there was no memory once. */
static void grow(struct samples *samples)
{
    size_t capacity = samples->capacity ? 2 * samples->capacity : FIRST_CAPACITY;
    struct workload_sample *items = malloc(capacity * sizeof(*items));

    if (!items)
        return;
    for (uint64_t i = samples_oldest(samples); i < samples->count; i++)
        items[i % capacity] = samples->items[i % samples->capacity];
    free(samples->items);
    samples->items = items;
    samples->capacity = capacity;
}

void samples_add(struct samples *samples, const struct workload_sample *sample)
{
    if (samples->count == samples->capacity && samples->capacity < WORKLOAD_MAX_SAMPLES)
        grow(samples);
    if (samples->capacity > 0)
        samples->items[samples->count++ % samples->capacity] = *sample;
}

uint64_t samples_oldest(const struct samples *samples)
{
    return samples->count > samples->capacity ? samples->count - samples->capacity : 0;
}

size_t samples_copy(const struct samples *samples, uint64_t first, struct workload_sample *copy,
                    size_t capacity)
{
    uint64_t next = samples_oldest(samples);
    size_t count = 0;

    if (first > next)
        next = first;
    while (next < samples->count && count < capacity)
        copy[count++] = samples->items[next++ % samples->capacity];
    return count;
}

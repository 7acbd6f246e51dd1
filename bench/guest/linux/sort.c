/* Quicksort of numbers in a row; branches that nobody can predict. */
#include "programs.h"

#define SORT_ROUNDS 32u
#define SORT_SMALL  16 /* shorter stretches are sorted by insertion */

static void insert_sort(uint64_t *first, uint64_t *last)
{
    for (uint64_t *next = first + 1; next <= last; next++) {
        uint64_t value = *next, *place = next;

        while (place > first && place[-1] > value) {
            *place = place[-1];
            place--;
        }
        *place = value;
    }
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
    if (a > b) {
        uint64_t other = a;

        a = b;
        b = other;
    }
    return c < a ? a : c > b ? b : c;
}

static void quick_sort(uint64_t *first, uint64_t *last)
{
    while (last - first > SORT_SMALL) {
        uint64_t pivot = middle(*first, first[(last - first) / 2], *last);
        uint64_t *low = first, *high = last;

        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                uint64_t value = *low;

                *low++ = *high;
                *high-- = value;
            }
        }
        quick_sort(first, high);
        first = low;
    }
    insert_sort(first, last);
}

uint64_t sort_run(const struct work *work)
{
    uint64_t *numbers = work->memory, random = 1, sum = 0;
    size_t count = work->size / sizeof(*numbers);

    for (uint64_t rounds = work_rounds(work, SORT_ROUNDS); rounds > 0; rounds--) {
        for (size_t i = 0; i < count; i++)
            numbers[i] = next_random(&random);
        quick_sort(numbers, numbers + count - 1);
        for (size_t i = 1; i < count; i++)
            sum = sum * 3 + (numbers[i - 1] <= numbers[i]) + numbers[i];
    }
    return sum;
}

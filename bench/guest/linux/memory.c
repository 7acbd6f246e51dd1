/* Memory: loads that wait for each other, loads and stores all over the place, and streams. */
#include "programs.h"

#define LINE         64u /* bytes of a cache line: a node of the chase has one to itself */
#define CHASE_ROUNDS 3000000u
#define WALK_ROUNDS  4000000u
#define COPY_ROUNDS  150u
#define SCALE_ROUNDS 80u
#define ADD_ROUNDS   60u
#define STREAMS      3u
#define SKEW         5 /* pages by which streams are off a power of two */
#define PAGE         4096u

/* ---- Pointer chase ------------------------------------------------------------------------- */

struct node {
    struct node *next;
    uint64_t value;
    uint8_t rest[LINE - sizeof(struct node *) - sizeof(uint64_t)];
};

/* One circle through all nodes in a random order: Sattolo's shuffle. */
void chase_prepare(const struct work *work)
{
    struct node *nodes = work->memory;
    size_t count = work->size / sizeof(*nodes);
    uint64_t random = 5;

    for (size_t i = 0; i < count; i++) {
        nodes[i].next = &nodes[i];
        nodes[i].value = i;
    }
    for (size_t i = count - 1; i > 0; i--) {
        struct node *other = &nodes[next_random(&random) % i], *next = other->next;

        other->next = nodes[i].next;
        nodes[i].next = next;
    }
}

uint64_t chase_run(const struct work *work)
{
    const struct node *node = work->memory;
    uint64_t sum = 0;

    for (uint64_t rounds = work_rounds(work, CHASE_ROUNDS); rounds > 0; rounds--) {
        sum += node->value;
        node = node->next;
    }
    return sum;
}

/* ---- Random walk --------------------------------------------------------------------------- */

void walk_prepare(const struct work *work)
{
    uint64_t *words = work->memory;

    for (size_t i = 0; i < work->size / sizeof(*words); i++)
        words[i] = i;
}

/* The next place does not depend on what was loaded. The size is a power of two. */
uint64_t walk_run(const struct work *work)
{
    uint64_t *words = work->memory, random = 9, sum = 0;
    size_t mask = work->size / sizeof(*words) - 1;

    for (uint64_t rounds = work_rounds(work, WALK_ROUNDS); rounds > 0; rounds--) {
        uint64_t *word = &words[next_random(&random) & mask];

        sum += *word;
        *word = sum;
    }
    return sum;
}

/* ---- Streams ------------------------------------------------------------------------------- */

/* Barriers keep the compiler from making one pass of many. */
#define TOUCH(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

struct streams {
    double *a, *b, *c;
    size_t count;
};

/* Streams that are a power of two apart would have the same place in a translation cache: a race of
 * conflicts, and not of streams. */
static struct streams streams_of(const struct work *work)
{
    size_t skew = SKEW * PAGE / sizeof(double);
    size_t count = work->size / STREAMS / sizeof(double) - 2 * skew;
    double *first = work->memory;

    return (struct streams){
        .a = first, .b = first + count + skew, .c = first + 2 * (count + skew), .count = count};
}

void streams_prepare(const struct work *work)
{
    struct streams streams = streams_of(work);

    for (size_t i = 0; i < streams.count; i++) {
        streams.a[i] = (double)(i & 1023);
        streams.b[i] = 1;
        streams.c[i] = 2;
    }
}

static uint64_t sum_of(const double *numbers, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i += 509)
        sum += numbers[i];
    return (uint64_t)sum;
}

uint64_t copy_run(const struct work *work)
{
    struct streams streams = streams_of(work);

    for (uint64_t rounds = work_rounds(work, COPY_ROUNDS); rounds > 0; rounds--) {
        for (size_t i = 0; i < streams.count; i++)
            streams.b[i] = streams.a[i];
        TOUCH(streams.b);
    }
    return sum_of(streams.b, streams.count);
}

uint64_t scale_run(const struct work *work)
{
    struct streams streams = streams_of(work);

    for (uint64_t rounds = work_rounds(work, SCALE_ROUNDS); rounds > 0; rounds--) {
        for (size_t i = 0; i < streams.count; i++)
            streams.b[i] = 3.0 * streams.a[i];
        TOUCH(streams.b);
    }
    return sum_of(streams.b, streams.count);
}

uint64_t add_run(const struct work *work)
{
    struct streams streams = streams_of(work);

    for (uint64_t rounds = work_rounds(work, ADD_ROUNDS); rounds > 0; rounds--) {
        for (size_t i = 0; i < streams.count; i++)
            streams.c[i] = streams.a[i] + streams.b[i];
        TOUCH(streams.c);
    }
    return sum_of(streams.c, streams.count);
}

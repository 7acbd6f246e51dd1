/* Memory that is given back all at once: what was kept of a run. */
#ifndef LIBFTVM_CHECK_ARENA_H
#define LIBFTVM_CHECK_ARENA_H

#include <stddef.h>

struct arena_block;

/* All zero is an empty one. */
struct arena {
    struct arena_block *blocks;
};

/* Aligned for any type; NULL: out of memory. */
void *arena_take(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
void arena_release(struct arena *arena); /* is an empty one then */

#endif

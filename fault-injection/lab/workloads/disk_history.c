#include "fault-injection/lab/workloads/disk_history.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct block {
    uint64_t promised; /* number of the record; 0: none */
    bool open;         /* the one after it has no answer */
};

struct kept {
    uint64_t asked_ns, answered_ns, block, number;
    enum { KEPT_PROMISED, KEPT_UNKNOWN, KEPT_GOOD, KEPT_NONE, KEPT_WRONG } what;
};

struct disk_history {
    pthread_mutex_t lock; /* of the rest */
    uint64_t origin_ns, block_count;
    struct block *blocks;
    struct kept *kept; /* number N stands at N % DISK_HISTORY_KEPT */
    uint64_t kept_count;
};

struct disk_history *disk_history_create(uint64_t blocks, uint64_t origin_ns)
{
    struct disk_history *history = calloc(1, sizeof(*history));

    if (!history)
        return NULL;
    pthread_mutex_init(&history->lock, NULL);
    history->origin_ns = origin_ns;
    history->block_count = blocks;
    history->blocks = calloc(blocks, sizeof(*history->blocks));
    history->kept = calloc(DISK_HISTORY_KEPT, sizeof(*history->kept));
    if (history->blocks && history->kept)
        return history;
    disk_history_destroy(history);
    return NULL;
}

void disk_history_destroy(struct disk_history *history)
{
    if (!history)
        return;
    free(history->blocks);
    free(history->kept);
    pthread_mutex_destroy(&history->lock);
    free(history);
}

static struct block get(struct disk_history *history, uint64_t block)
{
    struct block copy;

    pthread_mutex_lock(&history->lock);
    copy = history->blocks[block];
    pthread_mutex_unlock(&history->lock);
    return copy;
}

uint64_t disk_history_blocks(const struct disk_history *history)
{
    return history->block_count;
}

bool disk_history_has_promise(struct disk_history *history, uint64_t block)
{
    return get(history, block).promised > 0;
}

bool disk_history_is_open(struct disk_history *history, uint64_t block)
{
    return get(history, block).open;
}

uint64_t disk_history_next(struct disk_history *history, uint64_t block)
{
    struct block copy = get(history, block);

    return copy.open ? 0 : copy.promised + 1;
}

/* ---- What happens ---------------------------------------------------------------------------- */

/* With the lock held. */
static void keep(struct disk_history *history, const struct kept *kept)
{
    history->kept[history->kept_count++ % DISK_HISTORY_KEPT] = *kept;
}

void disk_history_promised(struct disk_history *history, uint64_t block, uint64_t asked_ns,
                           uint64_t now_ns)
{
    pthread_mutex_lock(&history->lock);
    history->blocks[block].promised++;
    keep(history,
         &(struct kept){asked_ns, now_ns, block, history->blocks[block].promised, KEPT_PROMISED});
    pthread_mutex_unlock(&history->lock);
}

void disk_history_unknown(struct disk_history *history, uint64_t block, uint64_t asked_ns)
{
    pthread_mutex_lock(&history->lock);
    history->blocks[block].open = true;
    keep(history,
         &(struct kept){asked_ns, 0, block, history->blocks[block].promised + 1, KEPT_UNKNOWN});
    pthread_mutex_unlock(&history->lock);
}

static bool judge(const struct block *block, uint64_t where, enum record_state state,
                  uint64_t number, char problem[DISK_HISTORY_PROBLEM_SIZE])
{
    problem[0] = '\0';
    if (state == RECORD_WRONG)
        snprintf(problem, DISK_HISTORY_PROBLEM_SIZE,
                 "block %" PRIu64 " is damaged; record %" PRIu64 " was promised", where,
                 block->promised);
    else if (state == RECORD_NONE && block->promised > 0)
        snprintf(problem, DISK_HISTORY_PROBLEM_SIZE,
                 "block %" PRIu64 " has no record; %" PRIu64 " was promised", where,
                 block->promised);
    else if (state == RECORD_GOOD && number != block->promised &&
             !(block->open && number == block->promised + 1))
        snprintf(problem, DISK_HISTORY_PROBLEM_SIZE,
                 "block %" PRIu64 " has record %" PRIu64 "; %" PRIu64 " was promised", where,
                 number, block->promised);
    return !problem[0];
}

bool disk_history_found(struct disk_history *history, uint64_t block, enum record_state state,
                        uint64_t number, uint64_t asked_ns, uint64_t now_ns,
                        char problem[DISK_HISTORY_PROBLEM_SIZE])
{
    struct block *found = &history->blocks[block];
    bool good;

    pthread_mutex_lock(&history->lock);
    good = judge(found, block, state, number, problem);
    keep(history, &(struct kept){asked_ns, now_ns, block, number,
                                 state == RECORD_GOOD   ? KEPT_GOOD
                                 : state == RECORD_NONE ? KEPT_NONE
                                                        : KEPT_WRONG});
    /* Done after all, and only once. */
    if (good && found->open && state == RECORD_GOOD && number == found->promised + 1) {
        found->promised = number;
        found->open = false;
    }
    pthread_mutex_unlock(&history->lock);
    return good;
}

/* ---- Telling -----------------------------------------------------------------------------------
 */

static void dump_operation(const struct disk_history *history, const struct kept *kept, FILE *file)
{
    static const char *const texts[] = {
        [KEPT_PROMISED] = "write of record %" PRIu64 " into block %" PRIu64 " is promised\n",
        [KEPT_UNKNOWN] = "write of record %" PRIu64 " into block %" PRIu64 " has no answer\n",
        [KEPT_GOOD] = "record %" PRIu64 " is read from block %" PRIu64 "\n",
    };

    fprintf(file, "%.6f ", (double)(kept->asked_ns - history->origin_ns) / 1e9);
    if (kept->what == KEPT_UNKNOWN)
        fprintf(file, "never ");
    else
        fprintf(file, "%.6f ", (double)(kept->answered_ns - history->origin_ns) / 1e9);
    switch (kept->what) {
    case KEPT_NONE: fprintf(file, "no record is read from block %" PRIu64 "\n", kept->block); break;
    case KEPT_WRONG:
        fprintf(file, "a damaged record is read from block %" PRIu64 "\n", kept->block);
        break;
    default: fprintf(file, texts[kept->what], kept->number, kept->block);
    }
}

void disk_history_dump(struct disk_history *history, FILE *file)
{
    uint64_t first;

    pthread_mutex_lock(&history->lock);
    first = history->kept_count > DISK_HISTORY_KEPT ? history->kept_count - DISK_HISTORY_KEPT : 0;
    fprintf(file,
            "# asked at, answered at (seconds), what; %" PRIu64
            " earlier operations are not here\n",
            first);
    for (uint64_t i = first; i < history->kept_count; i++)
        dump_operation(history, &history->kept[i % DISK_HISTORY_KEPT], file);
    pthread_mutex_unlock(&history->lock);
}

#include "fault-injection/lab/workloads/redis_history.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "fault-injection/lab/lab.h"

#define ENOUGH 4096u /* operations that wait, and are then gone through without being asked */

struct kept {
    struct operation operation;
    unsigned key;
};

struct redis_history {
    pthread_mutex_t lock;
    uint64_t origin_ns;
    unsigned key_count;
    struct linearizability *keys[REDIS_HISTORY_MAX_KEYS];
    uint64_t asked_ns[REDIS_HISTORY_MAX_CLIENTS]; /* of what is under way; else OPERATION_NEVER */
    size_t waiting, enough; /* added since, and until, the last going through */
    bool holds;
    struct kept *kept; /* number N stands at N % REDIS_HISTORY_KEPT */
    uint64_t kept_count;
};

bool redis_history_is_counter(unsigned key)
{
    return key % 2 == 1;
}

void redis_history_name(unsigned key, char name[32])
{
    snprintf(name, 32, "%s-%u", redis_history_is_counter(key) ? "counter" : "register", key);
}

struct redis_history *redis_history_create(unsigned keys, uint64_t origin_ns)
{
    struct redis_history *history = calloc(1, sizeof(*history));
    bool complete;

    if (!history)
        return NULL;
    pthread_mutex_init(&history->lock, NULL);
    history->origin_ns = origin_ns;
    history->key_count = keys;
    history->enough = ENOUGH;
    history->holds = true;
    for (unsigned i = 0; i < REDIS_HISTORY_MAX_CLIENTS; i++)
        history->asked_ns[i] = OPERATION_NEVER;
    history->kept = calloc(REDIS_HISTORY_KEPT, sizeof(*history->kept));
    complete = history->kept != NULL;
    for (unsigned i = 0; i < keys; i++) {
        history->keys[i] = linearizability_create(
            redis_history_is_counter(i) ? LINEARIZABILITY_COUNTER : LINEARIZABILITY_REGISTER, 0,
            origin_ns);
        complete = complete && history->keys[i];
    }
    if (complete)
        return history;
    redis_history_destroy(history);
    return NULL;
}

void redis_history_destroy(struct redis_history *history)
{
    if (!history)
        return;
    for (unsigned i = 0; i < history->key_count; i++)
        linearizability_destroy(history->keys[i]);
    free(history->kept);
    pthread_mutex_destroy(&history->lock);
    free(history);
}

/* ---- With the lock held ---------------------------------------------------------------------- */

/* Nothing that was asked before this is still to come. */
static uint64_t horizon(const struct redis_history *history)
{
    uint64_t first = lab_now_ns();

    for (unsigned i = 0; i < REDIS_HISTORY_MAX_CLIENTS; i++)
        if (history->asked_ns[i] < first)
            first = history->asked_ns[i];
    return first;
}

static void go_through(struct redis_history *history)
{
    uint64_t until = horizon(history);
    size_t left = 0;

    for (unsigned i = 0; i < history->key_count; i++) {
        linearizability_advance(history->keys[i], until);
        left += linearizability_waiting(history->keys[i]);
        if (linearizability_verdict(history->keys[i]) != LINEARIZABILITY_HOLDS)
            history->holds = false;
    }
    /* While one question stays open, what is asked after it is looked at ever more rarely. */
    history->waiting = 0;
    history->enough = left > ENOUGH ? left : ENOUGH;
}

static void keep(struct redis_history *history, unsigned key, const struct operation *operation)
{
    if (history->holds)
        history->kept[history->kept_count++ % REDIS_HISTORY_KEPT] =
            (struct kept){.operation = *operation, .key = key};
}

/* ---- For the clients ---------------------------------------------------------------------------
 */

uint64_t redis_history_ask(struct redis_history *history, unsigned place)
{
    uint64_t now;

    /* Under the lock: no horizon may pass between the moment and its being known. */
    pthread_mutex_lock(&history->lock);
    now = history->asked_ns[place] = lab_now_ns();
    pthread_mutex_unlock(&history->lock);
    return now;
}

void redis_history_add(struct redis_history *history, unsigned place, unsigned key,
                       const struct operation *operation)
{
    pthread_mutex_lock(&history->lock);
    linearizability_add(history->keys[key], operation);
    history->asked_ns[place] = OPERATION_NEVER;
    keep(history, key, operation);
    if (++history->waiting >= history->enough)
        go_through(history);
    pthread_mutex_unlock(&history->lock);
}

/* ---- For the main thread -----------------------------------------------------------------------
 */

bool redis_history_check(struct redis_history *history, char problem[REDIS_HISTORY_PROBLEM_SIZE])
{
    bool holds;

    problem[0] = '\0';
    pthread_mutex_lock(&history->lock);
    go_through(history);
    for (unsigned i = 0; i < history->key_count && !problem[0]; i++)
        if (linearizability_verdict(history->keys[i]) != LINEARIZABILITY_HOLDS) {
            char name[32];

            redis_history_name(i, name);
            snprintf(problem, REDIS_HISTORY_PROBLEM_SIZE, "%s: %s", name,
                     linearizability_problem(history->keys[i]));
        }
    holds = history->holds;
    pthread_mutex_unlock(&history->lock);
    return holds;
}

static void dump_operation(const struct redis_history *history, const struct kept *kept, FILE *file)
{
    static const char *const names[] = {"GET", "SET", "GETSET", "INCR"};
    const struct operation *operation = &kept->operation;
    bool answered = operation->answered_ns != OPERATION_NEVER;
    char name[32];

    redis_history_name(kept->key, name);
    fprintf(file, "%.6f ", (double)(operation->asked_ns - history->origin_ns) / 1e9);
    if (answered)
        fprintf(file, "%.6f ", (double)(operation->answered_ns - history->origin_ns) / 1e9);
    else
        fprintf(file, "never ");
    fprintf(file, "client %" PRIu32 " %s %s", operation->client, names[operation->kind], name);
    if (operation->kind == OPERATION_WRITE || operation->kind == OPERATION_SWAP)
        fprintf(file, " %" PRIu64, operation->argument);
    if (answered && operation->kind != OPERATION_WRITE)
        fprintf(file, " -> %" PRIu64, operation->result);
    fputc('\n', file);
}

void redis_history_dump(struct redis_history *history, FILE *file)
{
    uint64_t first;

    pthread_mutex_lock(&history->lock);
    first = history->kept_count > REDIS_HISTORY_KEPT ? history->kept_count - REDIS_HISTORY_KEPT : 0;
    fprintf(file,
            "# asked at, answered at (seconds), who, what -> answer; %" PRIu64
            " earlier operations are not here\n",
            first);
    for (uint64_t i = first; i < history->kept_count; i++)
        dump_operation(history, &history->kept[i % REDIS_HISTORY_KEPT], file);
    pthread_mutex_unlock(&history->lock);
}

/*
 * Clients that ask Redis at once, on a connection each, for a few keys that they share: registers
 * that are set to values which nobody else sets, and counters. A question whose connection breaks,
 * or that is not answered in time, may have been done, or not; its client goes on under a new name.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/redis.h"
#include "fault-injection/lab/workloads/conversation.h"
#include "fault-injection/lab/workloads/form.h"
#include "fault-injection/lab/workloads/redis_history.h"

enum { CLIENTS, KEYS, PACE_US };

static const struct parameter parameters[] = {
    [CLIENTS] = {"clients", 1, REDIS_HISTORY_MAX_CLIENTS - 1, 4},
    [KEYS] = {"keys", 1, REDIS_HISTORY_MAX_KEYS, 4},
    /* A guest that is asked without a pause wants a processor for itself, and its backup another.
     */
    [PACE_US] = {"pace-us", 0, 1000000, 2000},
};

#define COMMAND_SIZE  96u
#define FINAL_CLIENT  UINT32_MAX /* who looks in the end */
#define NAMES_A_PLACE 10000u

_Static_assert(REDIS_HISTORY_MAX_CLIENTS <= WORKLOAD_MAX_THREADS, "a thread each");

struct client {
    struct workload *workload;
    struct conversation connection;
    unsigned place;
    uint32_t name;   /* changes with the connection */
    uint64_t random; /* state of the generator */
    uint64_t values; /* that it has set */
};

static struct redis_history *history_of(const struct workload *workload)
{
    return workload->own;
}

/* ---- One operation ------------------------------------------------------------------------- */

static void write_command(unsigned key, const struct operation *operation,
                          char command[COMMAND_SIZE])
{
    char name[32];

    redis_history_name(key, name);
    switch (operation->kind) {
    case OPERATION_READ: snprintf(command, COMMAND_SIZE, "GET %s\r\n", name); break;
    case OPERATION_WRITE:
        snprintf(command, COMMAND_SIZE, "SET %s %" PRIu64 "\r\n", name, operation->argument);
        break;
    case OPERATION_SWAP:
        snprintf(command, COMMAND_SIZE, "GETSET %s %" PRIu64 "\r\n", name, operation->argument);
        break;
    case OPERATION_ADD: snprintf(command, COMMAND_SIZE, "INCR %s\r\n", name); break;
    }
}

static bool read_value(const char *text, uint64_t *value)
{
    char *end;

    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

/* The answer's first line, and the one after it if that says so. `strange`: it is none that this
 * command has, and no failure of the connection. */
static bool read_answer(struct conversation *connection, struct operation *operation,
                        char line[CONVERSATION_LINE_SIZE], bool *strange)
{
    *strange = false;
    if (!conversation_read_line(connection, line, WORKLOAD_ANSWER_MS))
        return false;
    if (operation->kind == OPERATION_WRITE && strcmp(line, "+OK") == 0)
        return true;
    if (operation->kind == OPERATION_ADD && line[0] == ':' &&
        read_value(line + 1, &operation->result))
        return true;
    *strange =
        operation->kind == OPERATION_WRITE || operation->kind == OPERATION_ADD || line[0] != '$';
    if (*strange)
        return false;
    operation->result = 0;
    if (strcmp(line, "$-1") == 0)
        return true;
    if (!conversation_read_line(connection, line, WORKLOAD_ANSWER_MS))
        return false;
    *strange = !read_value(line, &operation->result);
    return !*strange;
}

/* False if the connection is of no use any more. */
static bool ask(struct client *client, unsigned key, struct operation *operation)
{
    struct workload *workload = client->workload;
    char command[COMMAND_SIZE], line[CONVERSATION_LINE_SIZE] = "";
    bool answered, strange = false;

    operation->client = client->name;
    operation->asked_ns = redis_history_ask(history_of(workload), client->place);
    workload_note_asked(workload);
    write_command(key, operation, command);
    answered =
        conversation_send(&client->connection, command, strlen(command), WORKLOAD_ANSWER_MS) &&
        read_answer(&client->connection, operation, line, &strange);
    operation->answered_ns = answered ? lab_now_ns() : OPERATION_NEVER;
    redis_history_add(history_of(workload), client->place, key, operation);
    if (answered)
        workload_note_answer(workload, operation->asked_ns);
    else
        workload_note_unknown(workload);
    if (strange)
        workload_blame(workload, "client %" PRIu32 ": \"%.*s\" is answered by \"%.*s\"",
                       client->name, (int)strcspn(command, "\r"), command, 100, line);
    return answered;
}

/* ---- Clients ------------------------------------------------------------------------------- */

/* Half of all operations look, so that what the others did is seen. */
static void draw(struct client *client, unsigned key, struct operation *operation)
{
    uint64_t drawn = workload_random(&client->random, 8);

    *operation = (struct operation){.kind = OPERATION_READ};
    if (redis_history_is_counter(key)) {
        operation->kind = drawn < 5 ? OPERATION_ADD : OPERATION_READ;
        operation->argument = 1;
    } else if (drawn < 4) {
        operation->kind = drawn == 0 ? OPERATION_SWAP : OPERATION_WRITE;
        operation->argument = (uint64_t)(client->place + 1) << 40 | ++client->values;
    }
}

/* Waits for as long as the run does. */
static bool connect_anew(struct client *client)
{
    while (workload_asks(client->workload))
        if (conversation_open(&client->connection, REDIS_PORT, WORKLOAD_CONNECT_MS)) {
            client->name++;
            return true;
        }
    return false;
}

static void begin(struct client *client, struct workload *workload, unsigned place)
{
    *client = (struct client){.workload = workload,
                              .place = place,
                              .name = (place + 1) * NAMES_A_PLACE,
                              .random = workload_first_random(workload, place)};
    conversation_init(&client->connection, workload);
}

static void run(struct workload *workload, unsigned thread)
{
    struct client client;

    begin(&client, workload, thread);
    while (workload_asks(workload)) {
        unsigned key = (unsigned)workload_random(&client.random, workload->values[KEYS]);
        struct operation operation;

        if (client.connection.fd < 0 && !connect_anew(&client))
            break;
        draw(&client, key, &operation);
        if (!ask(&client, key, &operation))
            conversation_close(&client.connection);
        /* From half to one and a half, so that clients do not go in step. */
        workload_rest(workload, workload->values[PACE_US] / 2 +
                                    workload_random(&client.random, workload->values[PACE_US] + 1));
    }
    conversation_close(&client.connection);
}

static unsigned threads(const struct workload *workload)
{
    return (unsigned)workload->values[CLIENTS];
}

/* ---- The main thread ------------------------------------------------------------------------- */

/* The guest may have been asked by a workload before. */
static bool open_history(struct workload *workload)
{
    unsigned keys = (unsigned)workload->values[KEYS];
    int64_t deleted;

    for (unsigned i = 0; i < keys; i++) {
        char name[32], command[COMMAND_SIZE];

        redis_history_name(i, name);
        snprintf(command, sizeof(command), "DEL %s", name);
        if (!redis_ask_anew(workload->lab, command, WORKLOAD_CONNECT_MS, &deleted))
            return false;
    }
    workload->own = redis_history_create(keys, workload->start_ns);
    return workload->own || lab_fail(workload->lab, "out of memory");
}

static void check(struct workload *workload)
{
    char problem[REDIS_HISTORY_PROBLEM_SIZE];

    if (!redis_history_check(history_of(workload), problem))
        workload_blame(workload, "%s", problem);
}

/* A new client reads every key: the guest has what it answered. */
static void finish(struct workload *workload)
{
    struct client client;

    begin(&client, workload, REDIS_HISTORY_MAX_CLIENTS - 1);
    client.name = FINAL_CLIENT;
    if (!conversation_open(&client.connection, REDIS_PORT, WORKLOAD_CONNECT_MS))
        workload_blame(workload, "in the end the guest cannot be asked: %s",
                       client.connection.problem);
    for (unsigned key = 0; key < workload->values[KEYS] && client.connection.fd >= 0; key++) {
        struct operation operation = {.kind = OPERATION_READ};

        if (!ask(&client, key, &operation)) {
            workload_blame(workload, "in the end the guest does not answer: %s",
                           client.connection.problem);
            conversation_close(&client.connection);
        }
    }
    conversation_close(&client.connection);
}

static bool dump(struct workload *workload, FILE *file)
{
    redis_history_dump(history_of(workload), file);
    return !ferror(file);
}

static void close_history(struct workload *workload)
{
    redis_history_destroy(history_of(workload));
}

const struct workload_form workload_redis = {
    .kind = {.name = "redis",
             .what = "clients of Redis that share registers and counters; linearizable"},
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
    .open = open_history,
    .check = check,
    .finish = finish,
    .dump = dump,
    .close = close_history,
    .threads = threads,
    .run = run,
};

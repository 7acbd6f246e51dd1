/*
 * Clients of the recordserver in the guest, on a connection each, that have records written at
 * places drawn, and remember what is promised of them: "durable". Now and then, and everywhere in
 * the end, they have read what is there: from the guest's disk, past its caches, and in the end
 * from the image file of the host that survived.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/workloads/conversation.h"
#include "fault-injection/lab/workloads/disk_history.h"
#include "fault-injection/lab/workloads/form.h"

enum { CLIENTS, BLOCKS, PACE_US };

static const struct parameter parameters[] = {
    [CLIENTS] = {"clients", 1, 16, 2},
    [BLOCKS] = {"blocks", 16, 8192, 1024}, /* of 4 KiB each */
    [PACE_US] = {"pace-us", 0, 1000000, 5000},
};

#define PORT       7001
#define PORT_WORDS "ftvm.disk=none ftvm.records=7001"
#define ONE_READS  4u /* of so many operations */

struct client {
    struct workload *workload;
    struct conversation connection;
    uint64_t random;
};

/* Tells the records of this run from those that another left on the same disk. */
static uint64_t run_of(const struct workload *workload)
{
    return workload->seed * 0x9e3779b97f4a7c15u + workload->start_ns;
}

static struct disk_history *history_of(const struct workload *workload)
{
    return workload->own;
}

static void blame_block(struct workload *workload, const char *where, const char *problem)
{
    workload_blame(workload, "%s: %s", where, problem);
}

/* ---- One operation ------------------------------------------------------------------------- */

/* Asks, and gets one line. False: the connection is of no use any more. */
static bool ask(struct client *client, const char *question, char line[CONVERSATION_LINE_SIZE])
{
    return conversation_send(&client->connection, question, strlen(question), WORKLOAD_ANSWER_MS) &&
           conversation_read_line(&client->connection, line, WORKLOAD_ANSWER_MS);
}

static bool write_block(struct client *client, uint64_t block, uint64_t number)
{
    struct workload *workload = client->workload;
    char question[96], expected[64], line[CONVERSATION_LINE_SIZE];
    uint64_t asked_ns = lab_now_ns();

    snprintf(question, sizeof(question), "write %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
             run_of(workload), block, number);
    snprintf(expected, sizeof(expected), "done %" PRIu64 " %" PRIu64, block, number);
    workload_note_asked(workload);
    if (!ask(client, question, line)) {
        disk_history_unknown(history_of(workload), block, asked_ns);
        workload_note_unknown(workload);
        return false;
    }
    if (strcmp(line, expected) == 0) {
        disk_history_promised(history_of(workload), block, asked_ns, lab_now_ns());
    } else {
        /* A pair has a good disk as long as one host has one. */
        disk_history_unknown(history_of(workload), block, asked_ns);
        workload_blame(workload, "a write of block %" PRIu64 " is answered by \"%.100s\"", block,
                       line);
    }
    workload_note_answer(workload, asked_ns);
    return true;
}

static bool understand(const char *line, uint64_t block, enum record_state *state, uint64_t *number)
{
    uint64_t which = UINT64_MAX;

    *number = 0;
    *state = RECORD_NONE;
    if (sscanf(line, "has %" SCNu64 " %" SCNu64, &which, number) == 2)
        *state = RECORD_GOOD;
    else if (sscanf(line, "wrong %" SCNu64, &which) == 1)
        *state = RECORD_WRONG;
    else if (sscanf(line, "none %" SCNu64, &which) != 1)
        return false;
    return which == block;
}

static bool read_block(struct client *client, uint64_t block)
{
    struct workload *workload = client->workload;
    char question[64], line[CONVERSATION_LINE_SIZE], problem[DISK_HISTORY_PROBLEM_SIZE];
    uint64_t asked_ns = lab_now_ns(), number;
    enum record_state state;

    snprintf(question, sizeof(question), "read %" PRIu64 " %" PRIu64 "\n", run_of(workload), block);
    workload_note_asked(workload);
    if (!ask(client, question, line)) {
        workload_note_unknown(workload);
        return false;
    }
    if (!understand(line, block, &state, &number))
        workload_blame(workload, "a read of block %" PRIu64 " is answered by \"%.100s\"", block,
                       line);
    else if (!disk_history_found(history_of(workload), block, state, number, asked_ns, lab_now_ns(),
                                 problem))
        blame_block(workload, "the guest's disk", problem);
    workload_note_answer(workload, asked_ns);
    return true;
}

/* ---- Clients ------------------------------------------------------------------------------- */

/* A client has blocks of its own: every so many-th. */
static bool operate(struct client *client, unsigned place)
{
    struct workload *workload = client->workload;
    uint64_t clients = workload->values[CLIENTS], blocks = workload->values[BLOCKS];
    uint64_t block = workload_random(&client->random, blocks / clients) * clients + place;
    uint64_t number = disk_history_next(history_of(workload), block);

    if (number == 0 || workload_random(&client->random, ONE_READS) == 0)
        return read_block(client, block);
    return write_block(client, block, number);
}

static void run(struct workload *workload, unsigned thread)
{
    struct client client = {.workload = workload,
                            .random = workload_first_random(workload, thread)};
    uint64_t pace = workload->values[PACE_US];

    conversation_init(&client.connection, workload);
    while (workload_asks(workload)) {
        if (client.connection.fd < 0 &&
            !conversation_open(&client.connection, PORT, WORKLOAD_CONNECT_MS))
            continue;
        if (!operate(&client, thread))
            conversation_close(&client.connection);
        workload_rest(workload, pace / 2 + workload_random(&client.random, pace + 1));
    }
    conversation_close(&client.connection);
}

static unsigned threads(const struct workload *workload)
{
    return (unsigned)workload->values[CLIENTS];
}

/* ---- In the end ------------------------------------------------------------------------------ */

static void read_back(struct workload *workload)
{
    struct client client = {.workload = workload};
    uint64_t blocks = disk_history_blocks(history_of(workload));
    bool good;

    conversation_init(&client.connection, workload);
    good = conversation_open(&client.connection, PORT, WORKLOAD_CONNECT_MS);
    for (uint64_t block = 0; block < blocks && good; block++)
        good = !disk_history_has_promise(history_of(workload), block) || read_block(&client, block);
    if (!good)
        workload_blame(workload, "in the end the guest cannot be asked: %s",
                       client.connection.problem);
    conversation_close(&client.connection);
}

static void read_image_block(struct workload *workload, int image, uint64_t block)
{
    char problem[DISK_HISTORY_PROBLEM_SIZE];
    uint64_t now = lab_now_ns(), number = 0;
    uint8_t bytes[RECORD_BLOCK];
    enum record_state state;
    ssize_t size = pread(image, bytes, sizeof(bytes), (off_t)(block * RECORD_BLOCK));

    if (size != (ssize_t)sizeof(bytes)) {
        workload_blame(workload, "the image cannot be read at block %" PRIu64 ": %s", block,
                       size < 0 ? strerror(errno) : "it ends there");
        return;
    }
    state = record_read(bytes, run_of(workload), block, &number);
    if (!disk_history_found(history_of(workload), block, state, number, now, now, problem))
        blame_block(workload, "the image of the primary's disk", problem);
}

/* The primary has executed all that it has told the guest of; a backup may still be at it. A
 * write without an answer may be at work right now, so its block says nothing. */
static void read_image(struct workload *workload)
{
    const struct replica *primary = workload->pair->primary;
    struct disk_history *history = history_of(workload);
    char path[LAB_PATH_SIZE];
    int image;

    if (!primary)
        return;
    replica_disk(workload->lab, primary->host, path);
    image = open(path, O_RDONLY | O_CLOEXEC);
    if (image < 0) {
        workload_blame(workload, "%s: %s", path, strerror(errno));
        return;
    }
    for (uint64_t block = 0; block < disk_history_blocks(history); block++)
        if (disk_history_has_promise(history, block) && !disk_history_is_open(history, block))
            read_image_block(workload, image, block);
    close(image);
}

static void finish(struct workload *workload)
{
    read_back(workload);
    read_image(workload);
}

/* ---- The rest of the main thread's -------------------------------------------------------------
 */

static bool open_history(struct workload *workload)
{
    struct client client = {.workload = workload};
    char line[CONVERSATION_LINE_SIZE] = "";
    uint64_t blocks = 0;
    bool good;

    /* Each client has the same number. */
    workload->values[BLOCKS] -= workload->values[BLOCKS] % workload->values[CLIENTS];
    workload->own = disk_history_create(workload->values[BLOCKS], workload->start_ns);
    if (!workload->own)
        return lab_fail(workload->lab, "out of memory");
    conversation_init(&client.connection, workload);
    good = conversation_open(&client.connection, PORT, WORKLOAD_CONNECT_MS) &&
           ask(&client, "blocks\n", line);
    conversation_close(&client.connection);
    if (!good)
        return lab_fail(workload->lab, "the recordserver in the guest: %s",
                        client.connection.problem);
    if (sscanf(line, "blocks %" SCNu64, &blocks) != 1 || blocks < workload->values[BLOCKS])
        return lab_fail(workload->lab,
                        "the recordserver in the guest answers \"%.80s\", and %" PRIu64
                        " blocks are wanted",
                        line, workload->values[BLOCKS]);
    return true;
}

static bool dump(struct workload *workload, FILE *file)
{
    disk_history_dump(history_of(workload), file);
    return !ferror(file);
}

static void close_history(struct workload *workload)
{
    disk_history_destroy(history_of(workload));
}

const struct workload_form workload_disk = {
    .kind = {.name = "disk",
             .append = PORT_WORDS,
             .disk = true,
             .what = "records on the guest's disk, promised to be durable, and read again"},
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
    .open = open_history,
    .finish = finish,
    .dump = dump,
    .close = close_history,
    .threads = threads,
    .run = run,
};

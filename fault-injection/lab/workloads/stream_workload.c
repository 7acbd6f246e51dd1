/*
 * Endless TCP streams, out of the guest, into it, and through it and back, of bytes of a known
 * pattern, of which each is checked and counted where it arrives: here, or by the streamserver in
 * the guest. A chunk of them is one operation. That a connection breaks is a violation: a machine
 * that never fails does not lose its connections.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/workloads/conversation.h"
#include "fault-injection/lab/workloads/form.h"

enum { STREAMS, CHUNK, PACE_US };

#define MAX_CHUNK 65536u

static const struct parameter parameters[] = {
    [STREAMS] = {"streams", 1, 8, 1}, /* in each direction */
    [CHUNK] = {"chunk", 1, MAX_CHUNK, 2048},
    [PACE_US] = {"pace-us", 0, 1000000, 10000},
};

#define PORT         7000
#define PORT_WORDS   "ftvm.stream=7000"
#define CHUNKS_AHEAD 2
#define PERIOD       251u /* of the pattern, as guest/tools/streamserver.c has it */
#define PATIENT_MS                                                                                 \
    3600000u /* TCP gives up by itself, long before; who wants answers waits less                  \
              */

enum direction { OUT, IN, ECHO, DIRECTIONS };

static const char *const questions[DIRECTIONS] = {
    [OUT] = "send 18446744073709551615\n", [IN] = "sink\n", [ECHO] = "echo\n"};
static const char *const names[DIRECTIONS] = {
    [OUT] = "out of the guest", [IN] = "into the guest", [ECHO] = "through the guest"};

/* Of the workload: the bytes that have passed, by thread. */
struct streams {
    atomic_uint_fast64_t done[WORKLOAD_MAX_THREADS];
};

struct stream {
    struct workload *workload;
    enum direction direction;
    struct conversation connection;
    uint64_t done; /* bytes */
    uint8_t *chunk;
};

/* ---- One chunk ----------------------------------------------------------------------------- */

static void fill(struct stream *stream, size_t size)
{
    for (size_t i = 0; i < size; i++)
        stream->chunk[i] = (uint8_t)((stream->done + i) % PERIOD);
}

static bool check_bytes(struct stream *stream, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t at = stream->done + i;

        if (stream->chunk[i] == (uint8_t)(at % PERIOD))
            continue;
        workload_blame(stream->workload,
                       "byte %" PRIu64 " of the stream %s is %u, and should be %u", at,
                       names[stream->direction], stream->chunk[i], (unsigned)(at % PERIOD));
        return false;
    }
    return true;
}

/* The guest says how many right bytes it has, at every read of its own. */
static bool await_count(struct stream *stream, uint64_t wanted)
{
    char line[CONVERSATION_LINE_SIZE], *end;
    uint64_t count = 0;

    while (count < wanted) {
        if (!conversation_read_line(&stream->connection, line, PATIENT_MS))
            return false;
        count = strtoull(line, &end, 10);
        if (end == line || *end != '\0' || count > wanted) {
            workload_blame(stream->workload,
                           "the guest says \"%.60s\" of the stream into it, of which %" PRIu64
                           " bytes were sent",
                           line, wanted);
            return false;
        }
    }
    return true;
}

static bool move_chunk(struct stream *stream, size_t size)
{
    struct conversation *connection = &stream->connection;

    if (stream->direction != OUT) {
        fill(stream, size);
        if (!conversation_send(connection, stream->chunk, size, PATIENT_MS))
            return false;
    }
    if (stream->direction == IN) {
        if (!await_count(stream, stream->done + size))
            return false;
    } else if (!conversation_read(connection, stream->chunk, size, PATIENT_MS) ||
               !check_bytes(stream, size)) {
        return false;
    }
    stream->done += size;
    return true;
}

/* ---- One stream ---------------------------------------------------------------------------- */

static bool open_stream(struct stream *stream)
{
    const char *question = questions[stream->direction];

    return conversation_open(&stream->connection, PORT, WORKLOAD_CONNECT_MS) &&
           conversation_send(&stream->connection, question, strlen(question), WORKLOAD_ANSWER_MS);
}

static void end_badly(struct stream *stream)
{
    struct workload *workload = stream->workload;

    if (stream->connection.broken || workload_asks(workload))
        workload_blame(workload, "the stream %s ends after %" PRIu64 " bytes: %s",
                       names[stream->direction], stream->done, stream->connection.problem);
}

static void move_on(struct stream *stream, atomic_uint_fast64_t *count)
{
    struct workload *workload = stream->workload;
    uint64_t pace = workload->values[PACE_US];

    while (workload_asks(workload)) {
        uint64_t asked_ns = lab_now_ns();

        workload_note_asked(workload);
        if (!move_chunk(stream, workload->values[CHUNK])) {
            workload_note_unknown(workload);
            end_badly(stream);
            return;
        }
        workload_note_answer(workload, asked_ns);
        atomic_store(count, stream->done);
        workload_rest(workload, pace);
    }
}

static void run(struct workload *workload, unsigned thread)
{
    struct stream stream = {.workload = workload, .direction = thread % DIRECTIONS};
    struct streams *streams = workload->own;

    conversation_init(&stream.connection, workload);
    /* A guest that is silent must be heard to be: little may have come in advance. */
    stream.connection.receive_buffer = (int)workload->values[CHUNK] * CHUNKS_AHEAD;
    stream.chunk = malloc(MAX_CHUNK);
    if (!stream.chunk)
        workload_blame(workload, "no memory for a stream");
    else if (!open_stream(&stream))
        end_badly(&stream);
    else
        move_on(&stream, &streams->done[thread]);
    free(stream.chunk);
    conversation_close(&stream.connection);
}

static unsigned threads(const struct workload *workload)
{
    return (unsigned)workload->values[STREAMS] * DIRECTIONS;
}

/* ---- The main thread ------------------------------------------------------------------------- */

static bool open_streams(struct workload *workload)
{
    workload->own = calloc(1, sizeof(struct streams));
    return workload->own || lab_fail(workload->lab, "out of memory");
}

static bool dump(struct workload *workload, FILE *file)
{
    struct streams *streams = workload->own;

    for (unsigned i = 0; i < threads(workload); i++)
        fprintf(file, "stream %s: %" PRIuFAST64 " bytes right\n", names[i % DIRECTIONS],
                atomic_load(&streams->done[i]));
    return !ferror(file);
}

static void close_streams(struct workload *workload)
{
    free(workload->own);
}

const struct workload_form workload_stream = {
    .kind = {.name = "stream",
             .append = PORT_WORDS,
             .what = "TCP streams out of, into and through the guest; every byte checked"},
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
    .open = open_streams,
    .dump = dump,
    .close = close_streams,
    .threads = threads,
    .run = run,
};

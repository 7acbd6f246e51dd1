/*
 * The numbered lines that the guest prints by itself, followed from one replica's file to the
 * next: none may be missing. Nothing is asked; a line is an answer, and its latency the time since
 * the last one.
 *
 * The thread learns of a new replica's file when the main thread calls the workload for the first
 * time after the replica was started. Lines that were printed before are found then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault-injection/lab/console_lines.h"
#include "fault-injection/lab/console_log.h"
#include "fault-injection/lab/workloads/form.h"

#define LOOK_US    2000 /* between two looks at the file */
#define PIECE      4096u
#define MAX_FILES  65536u
#define KEPT_LINES 1024u /* answers for a report: the last ones */

struct kept {
    uint64_t at_ns;
    int64_t number;
    unsigned file;
};

struct consoles {
    pthread_mutex_t lock; /* of what follows, up to `lines` */
    char (*paths)[LAB_PATH_SIZE];
    unsigned path_count, path_capacity;
    struct kept kept[KEPT_LINES]; /* number N stands at N % KEPT_LINES */
    uint64_t kept_count;

    struct console_lines lines; /* the thread's own, as is the rest */
    int file;                   /* that is followed; -1: none yet */
    unsigned file_index, next_index;
    uint64_t last_ns;
};

static struct consoles *consoles_of(const struct workload *workload)
{
    return workload->own;
}

/* ---- The main thread ------------------------------------------------------------------------- */

static bool add_path(struct consoles *consoles, const char *path)
{
    if (consoles->path_count == consoles->path_capacity) {
        unsigned capacity = consoles->path_capacity ? 2 * consoles->path_capacity : 16;
        char(*paths)[LAB_PATH_SIZE] =
            capacity > MAX_FILES ? NULL : realloc(consoles->paths, capacity * sizeof(*paths));

        if (!paths)
            return false;
        consoles->paths = paths;
        consoles->path_capacity = capacity;
    }
    memcpy(consoles->paths[consoles->path_count++], path, LAB_PATH_SIZE);
    return true;
}

static void look(struct workload *workload)
{
    struct consoles *consoles = consoles_of(workload);
    const struct pair *pair = workload->pair;
    bool room = true;

    pthread_mutex_lock(&consoles->lock);
    while (room && consoles->path_count < pair->count)
        room = add_path(consoles, pair->replicas[consoles->path_count].console);
    pthread_mutex_unlock(&consoles->lock);
    if (!room)
        workload_blame(workload, "more than %u consoles cannot be followed", consoles->path_count);
}

static bool open_consoles(struct workload *workload)
{
    struct consoles *consoles = calloc(1, sizeof(*consoles));

    workload->own = consoles;
    if (!consoles)
        return lab_fail(workload->lab, "out of memory");
    pthread_mutex_init(&consoles->lock, NULL);
    console_lines_init(&consoles->lines);
    consoles->file = -1;
    consoles->last_ns = workload->start_ns;
    look(workload);
    return true;
}

/* Once more over all files that are there from beginning to end: what a replica printed late, after
 * its successor, has been read too. */
static void finish(struct workload *workload)
{
    unsigned lines;

    if (!console_log_check(workload->pair, &lines))
        workload_blame(workload, "%.400s", workload->lab->error);
    else if (lines == 0)
        workload_blame(workload, "the guest has printed no numbered line");
}

static bool dump(struct workload *workload, FILE *file)
{
    struct consoles *consoles = consoles_of(workload);
    uint64_t first;

    pthread_mutex_lock(&consoles->lock);
    first = consoles->kept_count > KEPT_LINES ? consoles->kept_count - KEPT_LINES : 0;
    fprintf(file,
            "# read at (seconds), line, replica's file; %" PRIu64
            " earlier readings are not here\n",
            first);
    for (uint64_t i = first; i < consoles->kept_count; i++) {
        const struct kept *kept = &consoles->kept[i % KEPT_LINES];

        fprintf(file, "%.6f %" PRId64 " %s\n", (double)(kept->at_ns - workload->start_ns) / 1e9,
                kept->number, consoles->paths[kept->file]);
    }
    pthread_mutex_unlock(&consoles->lock);
    return !ferror(file);
}

static void close_consoles(struct workload *workload)
{
    struct consoles *consoles = consoles_of(workload);

    if (!consoles)
        return;
    if (consoles->file >= 0)
        close(consoles->file);
    free(consoles->paths);
    pthread_mutex_destroy(&consoles->lock);
    free(consoles);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* One answer for each line; those that came at once have one reading, and no time between them. */
static void note_lines(struct workload *workload, uint64_t count)
{
    struct consoles *consoles = consoles_of(workload);
    uint64_t now = lab_now_ns();

    for (uint64_t i = 0; i < count; i++) {
        workload_note_asked(workload);
        workload_note_answer(workload, consoles->last_ns);
        consoles->last_ns = now;
    }
    pthread_mutex_lock(&consoles->lock);
    consoles->kept[consoles->kept_count++ % KEPT_LINES] =
        (struct kept){now, consoles->lines.last, consoles->file_index};
    pthread_mutex_unlock(&consoles->lock);
}

/* What has come in the file that is followed. */
static void read_on(struct workload *workload)
{
    struct consoles *consoles = consoles_of(workload);
    struct console_lines *lines = &consoles->lines;
    char bytes[PIECE];
    ssize_t size;

    while (consoles->file >= 0 && (size = read(consoles->file, bytes, sizeof(bytes))) > 0) {
        uint64_t before = lines->count;

        if (!console_lines_take(lines, bytes, (size_t)size))
            workload_blame(workload,
                           "the console goes from line %" PRId64 " to line %" PRId64
                           " in the file of replica number %u",
                           lines->gap_from, lines->gap_to, consoles->file_index + 1);
        if (lines->count > before)
            note_lines(workload, lines->count - before);
    }
}

/* -1 if it is not there, or empty: a backup prints nothing. */
static int open_printed(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file >= 0 && (fstat(file, &status) || status.st_size == 0)) {
        close(file);
        file = -1;
    }
    return file;
}

/* The first of the later replicas that has printed: it has taken over. -1: none. */
static int open_later(struct consoles *consoles, unsigned *index)
{
    char path[LAB_PATH_SIZE];
    bool known = true;
    int file = -1;

    for (*index = consoles->next_index; file < 0 && known; ++*index) {
        pthread_mutex_lock(&consoles->lock);
        known = *index < consoles->path_count;
        if (known)
            memcpy(path, consoles->paths[*index], sizeof(path));
        pthread_mutex_unlock(&consoles->lock);
        if (known)
            file = open_printed(path);
    }
    --*index;
    return file;
}

static void follow(struct workload *workload)
{
    struct consoles *consoles = consoles_of(workload);
    unsigned index;
    int later = open_later(consoles, &index);

    /* To its end, which has come if there is a later one. */
    read_on(workload);
    if (later < 0)
        return;
    if (consoles->file >= 0)
        close(consoles->file);
    console_lines_next_file(&consoles->lines);
    consoles->file = later;
    consoles->file_index = index;
    consoles->next_index = index + 1;
    read_on(workload);
}

static void run(struct workload *workload, unsigned thread)
{
    (void)thread;
    while (workload_asks(workload)) {
        follow(workload);
        workload_rest(workload, LOOK_US);
    }
    follow(workload);
}

const struct workload_form workload_console = {
    .kind = {.name = "console",
             .append = "ftvm.console_count=1",
             .what = "numbered lines that the guest prints; none missing"},
    .open = open_consoles,
    .look = look,
    .finish = finish,
    .dump = dump,
    .close = close_consoles,
    .run = run,
};

/* What an event looks like, and that nothing that reads slowly or not at all holds the caller. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/event_file.h"
#include "cli/event_format.h"
#include "cli/events.h"

static void make_path(char path[32])
{
    strcpy(path, "/tmp/ftvm-test-XXXXXX");
    int file = mkstemp(path);

    cr_assert_geq(file, 0);
    close(file);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(events, each_kind_is_json_with_its_fields)
{
    static const struct {
        enum ftvm_event_kind kind;
        const char *name;
        const char *field; /* of that kind alone, or NULL */
    } cases[] = {
        {FTVM_EVENT_START, "start", NULL},
        {FTVM_EVENT_ROLE, "role", NULL},
        {FTVM_EVENT_JOIN, "join", NULL},
        {FTVM_EVENT_REFUSE, "refuse", NULL},
        {FTVM_EVENT_TRANSFER, "transfer", "pause_ns"},
        {FTVM_EVENT_SUSPECT, "suspect", NULL},
        {FTVM_EVENT_ARBITER, "arbiter", NULL},
        {FTVM_EVENT_FAILOVER, "failover", "consumed_ns"},
        {FTVM_EVENT_FENCED, "fenced", NULL},
        {FTVM_EVENT_DIVERGED, "diverged", "agreed"},
        {FTVM_EVENT_STOP, "stop", "error"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ftvm_event event = {.kind = cases[i].kind,
                                   .time_ns = 5,
                                   .term = 3,
                                   .position = 1234567890123,
                                   .peer = "left",
                                   .text = "why",
                                   .report = ""};
        json_t *object = event_to_json(&event);

        cr_expect_str_eq(json_string_value(json_object_get(object, "event")), cases[i].name);
        cr_expect_eq(json_integer_value(json_object_get(object, "time_ns")), 5);
        cr_expect_eq(json_integer_value(json_object_get(object, "term")), 3);
        cr_expect_eq(json_integer_value(json_object_get(object, "position")), 1234567890123);
        cr_expect_str_eq(json_string_value(json_object_get(object, "peer")), "left");
        cr_expect_str_eq(json_string_value(json_object_get(object, "text")), "why");
        cr_expect(!cases[i].field || json_object_get(object, cases[i].field));
        json_decref(object);
    }
}

Test(events, an_error_has_its_name)
{
    cr_expect_str_eq(event_error_name(FTVM_E_FENCED), "FTVM_E_FENCED");
    cr_expect_str_eq(event_error_name(0), "");
    cr_expect_str_eq(event_error_name(-999), "unknown");
}

Test(events, a_change_of_role_is_one_short_line)
{
    struct ftvm_event event = {
        .kind = FTVM_EVENT_ROLE, .role = FTVM_ROLE_PRIMARY, .is_protected = true, .term = 3};
    char line[256];

    cr_expect_eq(event_to_line(&event, false, line, sizeof(line)), EVENT_NEWS);
    cr_expect_str_eq(line, "primary, protected, term 3");
    event.role = FTVM_ROLE_BACKUP;
    event_to_line(&event, false, line, sizeof(line));
    cr_expect_str_eq(line, "backup, following, term 3");
}

Test(events, a_divergence_says_where_to_whom_it_knows)
{
    struct ftvm_event event = {.kind = FTVM_EVENT_DIVERGED,
                               .role = FTVM_ROLE_BACKUP,
                               .position = 20,
                               .agreed = 10,
                               .text = "why",
                               .report = ""};
    char line[256];

    event_to_line(&event, false, line, sizeof(line));
    cr_expect_str_eq(line, "diverged: agreed at position 10, not at 20: why");
    event = (struct ftvm_event){.kind = FTVM_EVENT_DIVERGED,
                                .role = FTVM_ROLE_PRIMARY,
                                .text = "the backup: why",
                                .report = ""};
    event_to_line(&event, false, line, sizeof(line));
    cr_expect_str_eq(line, "diverged: the backup: why");
    event.report = "hart 0: 0x1 on the primary, 0x2 on the backup\npage 3: ...";
    event_to_line(&event, false, line, sizeof(line));
    cr_expect_str_eq(line, "diverged: the backup: why; hart 0: 0x1 on the primary, 0x2 on the "
                           "backup; page 3: ...");
}

Test(events, text_of_a_stranger_that_is_not_utf8_costs_the_text_alone)
{
    struct ftvm_event event = {.kind = FTVM_EVENT_REFUSE, .peer = "\xff\xfe", .text = "why"};
    json_t *object = event_to_json(&event);

    cr_assert_not_null(object);
    cr_expect_str_eq(json_string_value(json_object_get(object, "text")), "why");
    cr_expect_null(json_object_get(object, "peer"));
    json_decref(object);
}

Test(event_file, lines_wait_for_room_and_none_is_torn)
{
    struct rlimit limit = {.rlim_cur = 6, .rlim_max = RLIM_INFINITY};
    struct event_file *file;
    char path[32], content[64] = "";

    make_path(path);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(event_file_open(&file, path), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    event_file_append(file, "one");
    event_file_append(file, "two");
    cr_expect_not(event_file_flush(file), "two bytes do not fit");
    cr_expect_eq(event_file_error(file), EFBIG);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    event_file_append(file, "three");
    cr_expect(event_file_flush(file));
    event_file_close(file);

    int reader = open(path, O_RDONLY);
    cr_expect_eq(read(reader, content, sizeof(content) - 1), 14);
    cr_expect_str_eq(content, "one\ntwo\nthree\n");
    close(reader);
    unlink(path);
}

Test(event_file, what_exceeds_the_backlog_is_counted)
{
    struct event_file *file;
    char line[1024];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    cr_assert_eq(event_file_open(&file, "/dev/full"), 0);
    for (unsigned i = 0; i < EVENT_FILE_BACKLOG / sizeof(line) + 3; i++)
        event_file_append(file, line);
    cr_expect_not(event_file_flush(file));
    cr_expect_eq(event_file_error(file), ENOSPC);
    cr_expect_eq(event_file_take_dropped(file), 3);
    cr_expect_eq(event_file_take_dropped(file), 0);
    event_file_close(file);
}

Test(events, the_file_has_a_line_per_event_in_order)
{
    struct events *events;
    struct ftvm_event event = {.kind = FTVM_EVENT_ROLE};
    char path[32], line[512];
    unsigned count = 0;

    make_path(path);
    const struct events_config config = {.path = path, .quiet = true};
    cr_assert_eq(events_create(&events, &config), 0);
    for (event.term = 1; event.term <= 100; event.term++)
        events_on_event(events, &event);
    events_destroy(events);

    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof(line), file)) {
        json_t *object = json_loads(line, 0, NULL);

        cr_expect_eq(json_integer_value(json_object_get(object, "term")), ++count);
        json_decref(object);
    }
    fclose(file);
    unlink(path);
    cr_expect_eq(count, 100);
}

/* The library's I/O thread calls; were it held, the other replica would suspect this one. */
Test(events, a_reader_who_does_not_read_holds_nobody)
{
    const struct events_config config = {.verbose = true};
    struct ftvm_event event = {.kind = FTVM_EVENT_ROLE};
    struct events *events;
    int pipe_ends[2];

    cr_assert_eq(pipe(pipe_ends), 0);
    fcntl(pipe_ends[1], F_SETPIPE_SZ, 4096);
    int saved = dup(STDERR_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    cr_assert_eq(events_create(&events, &config), 0);
    uint64_t started = now_ms();
    for (unsigned i = 0; i < 10 * EVENTS_QUEUE; i++)
        events_on_event(events, &event);
    uint64_t posted = now_ms();
    events_destroy(events);
    uint64_t ended = now_ms();
    dup2(saved, STDERR_FILENO);

    cr_expect_lt(posted - started, 1000);
    cr_expect_lt(ended - started, 4000, "nor does the end wait for the reader");
}

struct warnings {
    unsigned left;
};

static bool take_warning(void *context, char *line, size_t size)
{
    struct warnings *warnings = context;

    if (warnings->left == 0)
        return false;
    warnings->left--;
    snprintf(line, size, "console: No space left on device");
    return true;
}

Test(events, the_machines_warnings_are_shown)
{
    const struct events_config config = {.quiet = true};
    struct warnings warnings = {.left = 1};
    char text[256] = "";
    struct events *events;
    int pipe_ends[2];

    cr_assert_eq(pipe(pipe_ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    cr_assert_eq(events_create(&events, &config), 0);
    events_watch(events, take_warning, &warnings);
    ssize_t size = read(pipe_ends[0], text, sizeof(text) - 1);
    events_watch(events, NULL, NULL);
    events_destroy(events);
    dup2(saved, STDERR_FILENO);

    cr_expect_gt(size, 0);
    cr_expect_str_eq(text, "ftvm: warning: console: No space left on device\n");
}

/* The page that lab and replica share: what is armed happens at that passing and at no other. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/lab/faults/hooks.h"
#include "tests/backends/scratch.h"

#define THREADS  4
#define PASSINGS 20000

struct fixture {
    struct scratch *scratch;
    struct lab lab;
    struct hooks_page *page; /* the lab's */
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->scratch = scratch_new();
    fixture->page = hooks_open(&fixture->lab, scratch_path(fixture->scratch, "hooks"));
    cr_assert_not_null(fixture->page, "%s", fixture->lab.error);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    hooks_close(fixture->page);
    scratch_free(fixture->scratch);
    free(fixture);
}

static struct hooks_page *attach(struct fixture *fixture)
{
    struct hooks_page *replica = NULL;

    cr_assert_eq(hooks_page_attach(&replica, scratch_path(fixture->scratch, "hooks")), 0);
    return replica;
}

static bool fired(struct fixture *fixture)
{
    uint64_t at_ns;

    return hooks_fired(fixture->page, &at_ns);
}

Test(page, a_point_fires_at_the_passing_that_was_asked_for)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = attach(fixture);

    cr_assert(hooks_arm(&fixture->lab, fixture->page, "sent-BOUNDARY:3", HOOKS_REPORT));
    hooks_page_pass(replica, HOOKS_SENT_BOUNDARY);
    hooks_page_pass(replica, HOOKS_SENT_VALUE);
    hooks_page_pass(replica, HOOKS_SENT_BOUNDARY);
    cr_assert_not(fired(fixture));
    hooks_page_pass(replica, HOOKS_SENT_BOUNDARY);
    cr_assert(fired(fixture));
    cr_assert_eq(hooks_passed(fixture->page, "sent-BOUNDARY"), 3);
    cr_assert_eq(hooks_passed(fixture->page, "sent-VALUE"), 1);
    hooks_page_unmap(replica);
    fixture_free(fixture);
}

Test(page, the_time_of_firing_is_that_of_the_host)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = attach(fixture);
    uint64_t before_ns = lab_now_ns(), at_ns = 0;

    hooks_clock(fixture->page, UINT64_C(3600000000000), 0);
    cr_assert(hooks_arm(&fixture->lab, fixture->page, "before-emit", HOOKS_REPORT));
    hooks_page_pass(replica, HOOKS_BEFORE_EMIT);
    cr_assert(hooks_fired(fixture->page, &at_ns));
    cr_assert_geq(at_ns, before_ns);
    cr_assert_leq(at_ns, lab_now_ns());
    hooks_page_unmap(replica);
    fixture_free(fixture);
}

Test(page, it_fires_once)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = attach(fixture);
    uint64_t first_ns, second_ns;

    cr_assert(hooks_arm(&fixture->lab, fixture->page, "promoted:1", HOOKS_REPORT));
    hooks_page_pass(replica, HOOKS_PROMOTED);
    cr_assert(hooks_fired(fixture->page, &first_ns));
    usleep(1000);
    hooks_page_pass(replica, HOOKS_PROMOTED);
    cr_assert(hooks_fired(fixture->page, &second_ns));
    cr_assert_eq(first_ns, second_ns);
    hooks_page_unmap(replica);
    fixture_free(fixture);
}

Test(page, what_was_armed_before_does_not_count_for_what_is_armed_now)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = attach(fixture);

    cr_assert(hooks_arm(&fixture->lab, fixture->page, "sent-ACK:1", HOOKS_REPORT));
    hooks_page_pass(replica, HOOKS_SENT_ACK);
    cr_assert(fired(fixture));
    cr_assert_not(hooks_disarm(fixture->page), "what has come about is not armed");
    cr_assert(hooks_arm(&fixture->lab, fixture->page, "sent-ACK:2", HOOKS_REPORT));
    cr_assert_not(fired(fixture));
    hooks_page_pass(replica, HOOKS_SENT_ACK);
    cr_assert_not(fired(fixture));
    cr_assert(hooks_disarm(fixture->page));
    hooks_page_pass(replica, HOOKS_SENT_ACK);
    cr_assert_not(fired(fixture));
    hooks_page_unmap(replica);
    fixture_free(fixture);
}

static void *pass_often(void *replica)
{
    for (int i = 0; i < PASSINGS; i++)
        hooks_page_pass(replica, HOOKS_RECEIVED_ACK);
    return NULL;
}

Test(page, no_passing_is_lost_between_threads)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = attach(fixture);
    pthread_t threads[THREADS];

    cr_assert(hooks_arm(&fixture->lab, fixture->page, "received-ACK:80001", HOOKS_REPORT));
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, pass_often, replica), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(hooks_passed(fixture->page, "received-ACK"), THREADS * PASSINGS);
    cr_assert_not(fired(fixture));
    hooks_page_pass(replica, HOOKS_RECEIVED_ACK);
    cr_assert(fired(fixture));
    hooks_page_unmap(replica);
    fixture_free(fixture);
}

/* A process that passes the point once, and says through a pipe if it came past it. */
static pid_t pass_in_child(struct fixture *fixture, int came_past)
{
    pid_t child = fork();

    if (child == 0) {
        struct hooks_page *replica = attach(fixture);

        hooks_page_pass(replica, HOOKS_AFTER_CLAIM);
        if (write(came_past, "x", 1) != 1)
            _exit(1);
        _exit(0);
    }
    return child;
}

Test(page, a_replica_kills_itself_at_the_point)
{
    struct fixture *fixture = fixture_new();
    int ends[2], status;
    char byte;
    pid_t child;

    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    cr_assert(hooks_arm(&fixture->lab, fixture->page, "after-claim:1", HOOKS_KILL));
    child = pass_in_child(fixture, ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGKILL);
    cr_assert_lt(read(ends[0], &byte, 1), 0, "it came past the point");
    cr_assert(hooks_wait(fixture->page, &fixture->lab, 100));
    cr_assert(hooks_attached(fixture->page));
    fixture_free(fixture);
}

Test(page, a_replica_stops_itself_at_the_point_and_goes_on_when_continued)
{
    struct fixture *fixture = fixture_new();
    int ends[2], status;
    char byte;
    pid_t child;

    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    cr_assert(hooks_arm(&fixture->lab, fixture->page, "after-claim:1", HOOKS_STOP));
    child = pass_in_child(fixture, ends[1]);
    cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
    cr_assert(WIFSTOPPED(status));
    cr_assert_lt(read(ends[0], &byte, 1), 0, "it came past the point");
    cr_assert(fired(fixture));
    kill(child, SIGCONT);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    fixture_free(fixture);
}

Test(page, a_file_that_is_no_page_of_this_version_is_refused)
{
    struct fixture *fixture = fixture_new();
    struct hooks_page *replica = NULL;
    char error[256] = "";

    cr_assert_eq(hooks_page_attach(&replica, scratch_file(fixture->scratch, "empty", 0)), -EPROTO);
    cr_assert_eq(hooks_page_attach(&replica, scratch_file(fixture->scratch, "short", 100)),
                 -EPROTO);
    cr_assert_eq(hooks_page_attach(&replica,
                                   scratch_file(fixture->scratch, "zeros", sizeof(*fixture->page))),
                 -EPROTO);
    atomic_store(&fixture->page->version, HOOKS_VERSION + 1);
    cr_assert_eq(hooks_page_attach(&replica, scratch_path(fixture->scratch, "hooks")), -EPROTO);
    cr_assert_not(hooks_attached(fixture->page));
    setenv(HOOKS_VARIABLE, scratch_path(fixture->scratch, "nowhere"), 1);
    cr_assert_eq(hooks_page_attach_named(&replica, error, sizeof(error)), -ENOENT);
    cr_assert_not_null(strstr(error, "nowhere"));
    unsetenv(HOOKS_VARIABLE);
    cr_assert_eq(hooks_page_attach_named(&replica, error, sizeof(error)), 0);
    cr_assert_null(replica);
    fixture_free(fixture);
}

Test(page, an_event_is_a_point_and_a_count_and_nothing_else)
{
    struct fixture *fixture = fixture_new();
    static const char *const good[] = {"sent-BOUNDARY:12", "received-STATE_CHUNK:4294967295",
                                       "promoted"};
    static const char *const bad[] = {
        "",        "sent-",       "sent-BOUNDARY:",     "sent-BOUNDARY:0", "sent-BOUNDARY:-1",
        "sent-:1", "BOUNDARY:1",  "sent-boundary:1",    "promoted:1x",     "promoted: 1",
        ":1",      "promotedx:1", "promoted:4294967296"};
    char error[2048];

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        cr_assert(hooks_event_valid(good[i], error, sizeof(error)), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_assert_not(hooks_event_valid(bad[i], error, sizeof(error)), "%s", bad[i]);
        cr_assert_not_null(strstr(error, " received-HEARTBEAT "));
        cr_assert_not_null(strstr(error, " promoted"));
        cr_assert_not(hooks_arm(&fixture->lab, fixture->page, bad[i], HOOKS_REPORT));
    }
    fixture_free(fixture);
}

Test(page, a_line_about_a_wrong_event_is_cut_where_it_has_no_room)
{
    struct fixture *fixture = fixture_new();
    char error[64];

    cr_assert_not(hooks_event_valid("nothing", error, sizeof(error)));
    cr_assert_lt(strlen(error), sizeof(error));
    fixture_free(fixture);
}

Test(page, the_monotonic_clock_only_jumps_forward)
{
    struct fixture *fixture = fixture_new();
    hooks_clock(fixture->page, 5, -7);
    hooks_clock(fixture->page, 3, -9);
    cr_assert_eq(atomic_load(&fixture->page->monotonic_ns), 5);
    cr_assert_eq(atomic_load(&fixture->page->wall_ns), -9);
    fixture_free(fixture);
}

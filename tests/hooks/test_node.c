/* Points and clocks of nodes: two of them in one process, which look at one page. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault-injection/lab/faults/hooks.h"
#include "libftvm/clock.h"
#include "tests/backends/scratch.h"
#include "tests/libftvm/toy_machine.h"

#define WAIT_MS     20000
#define PATIENCE_NS UINT64_C(5000000000)
#define HOUR_NS     UINT64_C(3600000000000)

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy;
};

struct fixture {
    struct scratch *scratch;
    struct lab lab;
    struct hooks_page *page;
    char arbiter[200];
    _Atomic uint64_t last_event_ns;
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->scratch = scratch_new();
    snprintf(fixture->arbiter, sizeof(fixture->arbiter), "file:%s",
             scratch_path(fixture->scratch, "arbiter"));
    fixture->page = hooks_open(&fixture->lab, scratch_path(fixture->scratch, "hooks"));
    cr_assert_not_null(fixture->page, "%s", fixture->lab.error);
    setenv(HOOKS_VARIABLE, scratch_path(fixture->scratch, "hooks"), 1);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    hooks_close(fixture->page);
    scratch_free(fixture->scratch);
    free(fixture);
}

static void on_event(void *context, const struct ftvm_event *event)
{
    struct fixture *fixture = context;

    atomic_store(&fixture->last_event_ns, event->time_ns);
}

/* Manners of a guest, of which the tests need no more than these. */
static const struct toy_machine busy = {0}, idle = {.idles = true}, asleep = {.sleeps = true};

static struct ftvm_status status_of(const struct replica *replica)
{
    struct ftvm_status status = {.size = sizeof(status)};

    cr_assert_eq(ftvm_node_status(replica->node, &status), 0);
    return status;
}

/* `primary` NULL: it is one. */
static void start(struct fixture *fixture, struct replica *replica, const struct replica *primary,
                  const struct toy_machine *manners)
{
    struct ftvm_config config;
    char join[32], error[512];

    ftvm_config_init(&config);
    config.name = "toy";
    config.listen = "127.0.0.1:0";
    config.arbiter = fixture->arbiter;
    config.epoch_length = 1000;
    config.on_event = on_event;
    config.context = fixture;
    if (primary) {
        snprintf(join, sizeof(join), "127.0.0.1:%u", status_of(primary).listen_port);
        config.role = FTVM_ROLE_BACKUP;
        config.join = join;
    }
    replica->toy = toy_create();
    replica->toy->idles = manners->idles;
    replica->toy->sleeps = manners->sleeps;
    cr_assert_eq(ftvm_node_create(&config, &replica->node, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(ftvm_node_start(replica->node), 0);
    toy_run(replica->toy, replica->node);
}

static void wait_for(struct fixture *fixture, const char *point, uint64_t count)
{
    for (int i = 0; i < WAIT_MS && hooks_passed(fixture->page, point) < count; i++)
        usleep(1000);
    cr_assert_geq(hooks_passed(fixture->page, point), count, "%s", point);
}

static void stop(struct replica *replica)
{
    ftvm_node_stop(replica->node);
    toy_join(replica->toy);
}

static void end(struct replica *replica)
{
    ftvm_node_destroy(replica->node);
    toy_destroy(replica->toy);
}

Test(node, the_points_of_a_pairs_life_are_passed)
{
    struct fixture *fixture = fixture_new();
    struct replica primary, backup;
    struct ftvm_status status;

    start(fixture, &primary, NULL, &busy);
    start(fixture, &backup, &primary, &busy);
    wait_for(fixture, "received-PROTECTED", 1);
    wait_for(fixture, "received-BOUNDARY", 100);
    wait_for(fixture, "received-HEARTBEAT", 1);
    ftvm_node_promote(backup.node);
    wait_for(fixture, "promoted", 1);
    toy_join(primary.toy);
    stop(&backup);
    status = status_of(&backup);
    end(&primary);
    end(&backup);
    cr_assert_eq(hooks_passed(fixture->page, "sent-HELLO"), 1);
    cr_assert_eq(hooks_passed(fixture->page, "received-WELCOME"), 1);
    cr_assert_eq(hooks_passed(fixture->page, "sent-STATE_BEGIN"), 1);
    cr_assert_gt(hooks_passed(fixture->page, "received-STATE_CHUNK"), 1);
    cr_assert_eq(hooks_passed(fixture->page, "received-STATE_END"), 1);
    cr_assert_eq(hooks_passed(fixture->page, "sent-PROTECTED"), 1);
    cr_assert_geq(hooks_passed(fixture->page, "sent-ACK"),
                  hooks_passed(fixture->page, "received-ACK"));
    cr_assert_geq(hooks_passed(fixture->page, "before-claim"), 1);
    cr_assert_eq(hooks_passed(fixture->page, "before-claim"),
                 hooks_passed(fixture->page, "after-claim"));
    cr_assert_eq(hooks_passed(fixture->page, "before-release"), 1);
    cr_assert_gt(hooks_passed(fixture->page, "before-emit"), 0);
    cr_assert_eq(hooks_passed(fixture->page, "before-emit"),
                 hooks_passed(fixture->page, "after-emit"));
    cr_assert_eq(hooks_passed(fixture->page, "sent-REFUSE"), 0);
    cr_assert_gt(status.outputs, 0);
    fixture_free(fixture);
}

Test(node, an_event_comes_about_when_a_node_has_sent_so_many)
{
    struct fixture *fixture = fixture_new();
    struct replica primary, backup;

    cr_assert(hooks_arm(&fixture->lab, fixture->page, "sent-BOUNDARY:50", HOOKS_REPORT));
    start(fixture, &primary, NULL, &busy);
    usleep(50000);
    cr_assert_eq(hooks_passed(fixture->page, "sent-BOUNDARY"), 0, "sent to nobody");
    start(fixture, &backup, &primary, &busy);
    cr_assert(hooks_wait(fixture->page, &fixture->lab, WAIT_MS), "%s", fixture->lab.error);
    cr_assert_geq(hooks_passed(fixture->page, "sent-BOUNDARY"), 50);
    stop(&primary);
    toy_join(backup.toy);
    end(&primary);
    end(&backup);
    fixture_free(fixture);
}

Test(node, its_clocks_are_off_by_what_the_page_says)
{
    struct fixture *fixture = fixture_new();
    struct timespec now;
    uint64_t monotonic_ns = clock_monotonic_ns(fixture->page), wall_ns;

    hooks_clock(fixture->page, HOUR_NS, -(int64_t)HOUR_NS);
    cr_assert_geq(clock_monotonic_ns(fixture->page), monotonic_ns + HOUR_NS);
    cr_assert_lt(clock_monotonic_ns(fixture->page), monotonic_ns + HOUR_NS + HOUR_NS / 2);
    clock_gettime(CLOCK_REALTIME, &now);
    wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    cr_assert_lt(clock_wall_ns(fixture->page), wall_ns - HOUR_NS / 2);
    cr_assert_eq(clock_host_deadline_ns(fixture->page, HOUR_NS + 5), 5);
    cr_assert_eq(clock_host_deadline_ns(fixture->page, 5), 0);
    cr_assert_eq(clock_host_deadline_ns(fixture->page, UINT64_MAX), UINT64_MAX);
    hooks_clock(fixture->page, 0, 0);
    cr_assert_geq(clock_monotonic_ns(fixture->page), monotonic_ns + HOUR_NS, "time went back");
    fixture_free(fixture);
}

Test(node, a_pair_lives_through_a_jump_of_its_clocks)
{
    struct fixture *fixture = fixture_new();
    struct replica primary, backup;
    uint64_t boundaries, before_ns;

    start(fixture, &primary, NULL, &busy);
    start(fixture, &backup, &primary, &busy);
    wait_for(fixture, "received-PROTECTED", 1);
    before_ns = status_of(&primary).clock_ns;
    hooks_clock(fixture->page, HOUR_NS, -(int64_t)HOUR_NS);
    boundaries = hooks_passed(fixture->page, "received-BOUNDARY");
    wait_for(fixture, "received-BOUNDARY", boundaries + 100);
    wait_for(fixture, "received-HEARTBEAT", hooks_passed(fixture->page, "received-HEARTBEAT") + 2);
    cr_assert_geq(status_of(&primary).clock_ns, before_ns);
    stop(&primary);
    toy_join(backup.toy);
    end(&primary);
    end(&backup);
    cr_assert_lt(atomic_load(&fixture->last_event_ns), clock_wall_ns(NULL) - HOUR_NS / 2);
    fixture_free(fixture);
}

/* Their deadlines are an hour ahead of the host's clock then. The guest that idles asks to be woken
 * after a millisecond; by heartbeats alone, which let it look too, it would be after 50. */
Test(node, after_a_jump_an_idle_guest_is_woken_and_heartbeats_are_sent_in_time)
{
    static const struct toy_machine *const manners[] = {&idle, &asleep};
    static const char *const points[] = {"received-BOUNDARY", "received-HEARTBEAT"};
    static const unsigned counts[] = {400, 20};

    for (unsigned i = 0; i < 2; i++) {
        struct fixture *fixture = fixture_new();
        struct replica primary, backup;
        uint64_t begun_ns;

        start(fixture, &primary, NULL, manners[i]);
        start(fixture, &backup, &primary, manners[i]);
        wait_for(fixture, "received-PROTECTED", 1);
        hooks_clock(fixture->page, HOUR_NS, 0);
        begun_ns = lab_now_ns();
        wait_for(fixture, points[i], hooks_passed(fixture->page, points[i]) + counts[i]);
        cr_assert_lt(lab_now_ns(), begun_ns + PATIENCE_NS);
        stop(&primary);
        toy_join(backup.toy);
        end(&primary);
        end(&backup);
        fixture_free(fixture);
    }
}

Test(node, one_with_a_page_that_cannot_be_had_is_not_created)
{
    struct fixture *fixture = fixture_new();
    struct ftvm_config config;
    struct ftvm_node *node;
    char error[512];

    setenv(HOOKS_VARIABLE, "/nowhere/hooks", 1);
    ftvm_config_init(&config);
    config.name = "toy";
    config.arbiter = fixture->arbiter;
    cr_assert_eq(ftvm_node_create(&config, &node, error, sizeof(error)), FTVM_E_INVALID);
    cr_assert_not_null(strstr(error, "/nowhere/hooks"));
    cr_assert_null(node);
    fixture_free(fixture);
}

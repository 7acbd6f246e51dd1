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

#define WAIT_MS 20000
#define HOUR_NS UINT64_C(3600000000000)

struct replica {
    struct ftvm_node *node;
    struct toy_machine *toy;
};

static struct scratch *scratch;
static struct lab lab;
static struct hooks_page *page;
static char arbiter[200];
static _Atomic uint64_t last_event_ns;

static void setup(void)
{
    scratch = scratch_new();
    snprintf(arbiter, sizeof(arbiter), "file:%s", scratch_path(scratch, "arbiter"));
    page = hooks_open(&lab, scratch_path(scratch, "hooks"));
    cr_assert_not_null(page, "%s", lab.error);
    setenv(HOOKS_VARIABLE, scratch_path(scratch, "hooks"), 1);
}

static void teardown(void)
{
    hooks_close(page);
    scratch_free(scratch);
}

TestSuite(node, .init = setup, .fini = teardown);

static void on_event(void *context, const struct ftvm_event *event)
{
    (void)context;
    atomic_store(&last_event_ns, event->time_ns);
}

static struct ftvm_status status_of(const struct replica *replica)
{
    struct ftvm_status status = {.size = sizeof(status)};

    cr_assert_eq(ftvm_node_status(replica->node, &status), 0);
    return status;
}

/* `primary` NULL: it is one. */
static void start(struct replica *replica, const struct replica *primary)
{
    struct ftvm_config config;
    char join[32], error[512];

    ftvm_config_init(&config);
    config.name = "toy";
    config.listen = "127.0.0.1:0";
    config.arbiter = arbiter;
    config.epoch_length = 1000;
    config.on_event = on_event;
    if (primary) {
        snprintf(join, sizeof(join), "127.0.0.1:%u", status_of(primary).listen_port);
        config.role = FTVM_ROLE_BACKUP;
        config.join = join;
    }
    replica->toy = toy_create();
    cr_assert_eq(ftvm_node_create(&config, &replica->node, error, sizeof(error)), 0, "%s", error);
    cr_assert_eq(ftvm_node_start(replica->node), 0);
    toy_run(replica->toy, replica->node);
}

static void wait_for(const char *point, uint64_t count)
{
    for (int i = 0; i < WAIT_MS && hooks_passed(page, point) < count; i++)
        usleep(1000);
    cr_assert_geq(hooks_passed(page, point), count, "%s", point);
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
    struct replica primary, backup;
    struct ftvm_status status;

    start(&primary, NULL);
    start(&backup, &primary);
    wait_for("received-PROTECTED", 1);
    wait_for("received-BOUNDARY", 100);
    wait_for("received-HEARTBEAT", 1);
    ftvm_node_promote(backup.node);
    wait_for("promoted", 1);
    toy_join(primary.toy);
    stop(&backup);
    status = status_of(&backup);
    end(&primary);
    end(&backup);
    cr_assert_eq(hooks_passed(page, "sent-HELLO"), 1);
    cr_assert_eq(hooks_passed(page, "received-WELCOME"), 1);
    cr_assert_eq(hooks_passed(page, "sent-STATE_BEGIN"), 1);
    cr_assert_gt(hooks_passed(page, "received-STATE_CHUNK"), 1);
    cr_assert_eq(hooks_passed(page, "received-STATE_END"), 1);
    cr_assert_eq(hooks_passed(page, "sent-PROTECTED"), 1);
    cr_assert_geq(hooks_passed(page, "sent-ACK"), hooks_passed(page, "received-ACK"));
    cr_assert_geq(hooks_passed(page, "before-claim"), 1);
    cr_assert_eq(hooks_passed(page, "before-claim"), hooks_passed(page, "after-claim"));
    cr_assert_eq(hooks_passed(page, "before-release"), 1);
    cr_assert_gt(hooks_passed(page, "before-emit"), 0);
    cr_assert_eq(hooks_passed(page, "before-emit"), hooks_passed(page, "after-emit"));
    cr_assert_eq(hooks_passed(page, "sent-REFUSE"), 0);
    cr_assert_gt(status.outputs, 0);
}

Test(node, an_event_comes_about_when_a_node_has_sent_so_many)
{
    struct replica primary, backup;

    cr_assert(hooks_arm(&lab, page, "sent-BOUNDARY:50", HOOKS_REPORT));
    start(&primary, NULL);
    usleep(50000);
    cr_assert_eq(hooks_passed(page, "sent-BOUNDARY"), 0, "sent to nobody");
    start(&backup, &primary);
    cr_assert(hooks_wait(page, &lab, WAIT_MS), "%s", lab.error);
    cr_assert_geq(hooks_passed(page, "sent-BOUNDARY"), 50);
    stop(&primary);
    toy_join(backup.toy);
    end(&primary);
    end(&backup);
}

Test(node, its_clocks_are_off_by_what_the_page_says)
{
    struct timespec now;
    uint64_t monotonic_ns = clock_monotonic_ns(page), wall_ns;

    hooks_clock(page, HOUR_NS, -(int64_t)HOUR_NS);
    cr_assert_geq(clock_monotonic_ns(page), monotonic_ns + HOUR_NS);
    cr_assert_lt(clock_monotonic_ns(page), monotonic_ns + HOUR_NS + HOUR_NS / 2);
    clock_gettime(CLOCK_REALTIME, &now);
    wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    cr_assert_lt(clock_wall_ns(page), wall_ns - HOUR_NS / 2);
    cr_assert_eq(clock_host_deadline_ns(page, HOUR_NS + 5), 5);
    cr_assert_eq(clock_host_deadline_ns(page, 5), 0);
    cr_assert_eq(clock_host_deadline_ns(page, UINT64_MAX), UINT64_MAX);
    hooks_clock(page, 0, 0);
    cr_assert_geq(clock_monotonic_ns(page), monotonic_ns + HOUR_NS, "time went back");
}

Test(node, a_pair_lives_through_a_jump_of_its_clocks)
{
    struct replica primary, backup;
    uint64_t boundaries, before_ns;

    start(&primary, NULL);
    start(&backup, &primary);
    wait_for("received-PROTECTED", 1);
    before_ns = status_of(&primary).clock_ns;
    hooks_clock(page, HOUR_NS, -(int64_t)HOUR_NS);
    boundaries = hooks_passed(page, "received-BOUNDARY");
    wait_for("received-BOUNDARY", boundaries + 100);
    wait_for("received-HEARTBEAT", hooks_passed(page, "received-HEARTBEAT") + 2);
    cr_assert_geq(status_of(&primary).clock_ns, before_ns);
    stop(&primary);
    toy_join(backup.toy);
    end(&primary);
    end(&backup);
    cr_assert_lt(atomic_load(&last_event_ns), clock_wall_ns(NULL) - HOUR_NS / 2);
}

Test(node, one_with_a_page_that_cannot_be_had_is_not_created)
{
    struct ftvm_config config;
    struct ftvm_node *node;
    char error[512];

    setenv(HOOKS_VARIABLE, "/nowhere/hooks", 1);
    ftvm_config_init(&config);
    config.name = "toy";
    config.arbiter = arbiter;
    cr_assert_eq(ftvm_node_create(&config, &node, error, sizeof(error)), FTVM_E_INVALID);
    cr_assert_not_null(strstr(error, "/nowhere/hooks"));
    cr_assert_null(node);
}

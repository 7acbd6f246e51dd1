#include "tests/end-to-end/fixture.h"

#include <inttypes.h>
#include <signal.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/console_log.h"
#include "fault-injection/lab/redis.h"

#define CONNECT_MS   20000
#define MAX_PIPELINE 8
#define GO_ON        20 /* replies that show that the client goes on */
#define TIME_COMMAND "EVAL \"local t = redis.call('TIME') return t[1] * 1000000 + t[2]\" 0"

const struct replica_options fixture_standard = {.append = "ftvm.console_count=1 ftvm.stream=7000"};

unsigned fixture_random(struct fixture *fixture, unsigned limit)
{
    /* xorshift64: any state but 0 is good. */
    fixture->random ^= fixture->random << 13;
    fixture->random ^= fixture->random >> 7;
    fixture->random ^= fixture->random << 17;
    return (unsigned)(fixture->random % limit);
}

/* ---- A pair and its client ----------------------------------------------------------------- */

void fixture_end(struct fixture *fixture)
{
    load_end(fixture->load);
    wire_end(fixture->wire);
    pair_end(&fixture->pair);
    fixture->load = NULL;
    fixture->wire = NULL;
    network_plug_channel(&fixture->lab.network, true);
    network_plug_lan(&fixture->lab.network, PLACE_HOST_A, true);
    network_plug_lan(&fixture->lab.network, PLACE_HOST_B, true);
}

static void begin(struct fixture *fixture, const struct replica_options *options)
{
    fixture_end(fixture);
    fixture->is_standard = options == &fixture_standard;
    fixture->time_us = 0;
}

bool fixture_start(struct fixture *fixture, const struct replica_options *options)
{
    begin(fixture, options);
    return pair_start(&fixture->pair, &fixture->lab, options) &&
           pair_wait_protected(&fixture->pair);
}

bool fixture_start_alone(struct fixture *fixture, const struct replica_options *options)
{
    begin(fixture, options);
    return pair_start_alone(&fixture->pair, &fixture->lab, options);
}

bool fixture_connect(struct fixture *fixture)
{
    struct lab *lab = &fixture->lab;
    unsigned pipeline = 1 + fixture_random(fixture, MAX_PIPELINE);
    int fd;

    if (!pair_wait_guest(&fixture->pair) ||
        !redis_ask_anew(lab, "GET " REDIS_COUNTER, CONNECT_MS, &fixture->base))
        return false;
    fd = client_connect(lab, REDIS_PORT, CONNECT_MS);
    return fd >= 0 && wire_start(&fixture->wire, lab, client_port(fd)) &&
           load_start(&fixture->load, lab, fd, pipeline, fixture->base) && fixture_goes_on(fixture);
}

static bool is_usable(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;

    return fixture->is_standard && pair->primary && process_running(&pair->primary->process) &&
           fixture->load && load_check(fixture->load, &fixture->lab) &&
           pair->count < PAIR_MAX_REPLICAS - PAIR_PER_TEST;
}

bool fixture_pair(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;

    if (!is_usable(fixture))
        return fixture_start(fixture, &fixture_standard) && fixture_connect(fixture);
    if (!pair->backup || !process_running(&pair->backup->process))
        return fixture_protect(fixture);
    return pair_wait_protected(pair);
}

/* ---- Steps --------------------------------------------------------------------------------- */

bool fixture_goes_on(struct fixture *fixture)
{
    return load_wait(fixture->load, &fixture->lab, GO_ON, FIXTURE_REPLY_MS) &&
           load_check(fixture->load, &fixture->lab);
}

bool fixture_fail_over(struct fixture *fixture)
{
    fixture->failovers++;
    return pair_kill_primary(&fixture->pair, NULL) && fixture_goes_on(fixture);
}

bool fixture_protect(struct fixture *fixture)
{
    return pair_add_backup(&fixture->pair) && pair_wait_protected(&fixture->pair);
}

/* ---- What must be true --------------------------------------------------------------------- */

/* Nothing is on its way: what the client was told and what the guest has must be the same. */
static bool check_counter(struct fixture *fixture)
{
    struct load_report report;
    int64_t counter;

    if (!load_pause(fixture->load, &fixture->lab, FIXTURE_REPLY_MS) ||
        !redis_ask_anew(&fixture->lab, "GET " REDIS_COUNTER, CONNECT_MS, &counter))
        return false;
    load_report(fixture->load, &report);
    return counter == fixture->base + (int64_t)report.replies ||
           lab_fail(&fixture->lab,
                    "the client has %" PRIu64 " replies from %" PRId64
                    " on, but the counter is %" PRId64,
                    report.replies, fixture->base, counter);
}

bool fixture_time(struct fixture *fixture, int64_t *time_us)
{
    return redis_ask_anew(&fixture->lab, TIME_COMMAND, CONNECT_MS, time_us);
}

static bool check_clock(struct fixture *fixture)
{
    int64_t before = fixture->time_us;

    if (!fixture_time(fixture, &fixture->time_us))
        return false;
    return fixture->time_us >= before ||
           lab_fail(&fixture->lab, "the guest's clock went back from %" PRId64 " to %" PRId64 " us",
                    before, fixture->time_us);
}

static bool check_console(struct fixture *fixture)
{
    unsigned lines;

    if (!fixture->is_standard)
        return true;
    return console_log_check(&fixture->pair, &lines) &&
           (lines > 0 || lab_fail(&fixture->lab, "the guest printed no numbered line"));
}

bool fixture_check(struct fixture *fixture)
{
    bool good = check_counter(fixture) && check_clock(fixture) && check_console(fixture) &&
                wire_check(fixture->wire, &fixture->lab) &&
                load_check(fixture->load, &fixture->lab);

    load_resume(fixture->load);
    return good;
}

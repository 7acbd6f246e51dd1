/* Both replicas live, and cannot hear each other or cannot ask the arbiter. */
#include <inttypes.h>

#include "cli/exit_codes.h"
#include "tests/end-to-end/tests.h"

#define SUSPECT_MS 2500 /* the channel's timeout, and then some */
#define QUIET_MS   1500

/* Whoever wins the claim becomes the pair's primary; the other must say that it is fenced. */
static bool settle(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    uint64_t deadline = lab_deadline(&fixture->lab, PAIR_FAILOVER_MS);
    struct replica *loser;

    while (process_running(&pair->primary->process) && process_running(&pair->backup->process))
        if (!lab_pause(&fixture->lab, deadline))
            return lab_fail_log(&fixture->lab, pair->primary->process.log,
                                "both replicas still run %d ms after the cut", PAIR_FAILOVER_MS);
    loser = process_running(&pair->primary->process) ? pair->backup : pair->primary;
    if (loser == pair->primary) {
        pair->primary = pair->backup;
        fixture->failovers++;
    }
    pair->backup = NULL;
    return replica_wait_exit(loser, &fixture->lab, 0, CLI_EXIT_FENCED) &&
           replica_wait(pair->primary, &fixture->lab, replica_is_unprotected, PAIR_FAILOVER_MS,
                        "the winner does not go on");
}

/* The client must not get a reply for a while: all outputs wait. */
static bool check_held(struct fixture *fixture)
{
    struct load_report before, after;

    load_report(fixture->load, &before);
    if (!lab_sleep(&fixture->lab, QUIET_MS))
        return false;
    load_report(fixture->load, &after);
    return before.replies == after.replies ||
           lab_fail(&fixture->lab,
                    "%" PRIu64 " replies reached the client although nobody may release them",
                    after.replies - before.replies);
}

bool test_channel_cut_leaves_exactly_one(struct fixture *fixture)
{
    struct network *network = &fixture->lab.network;

    if (!fixture_pair(fixture))
        return false;
    for (int i = 0; i < 3; i++) {
        if (!lab_sleep(&fixture->lab, fixture_random(fixture, 300)))
            return false;
        network_plug_channel(network, false);
        if (!settle(fixture) || !fixture_goes_on(fixture) || !fixture_check(fixture))
            return false;
        network_plug_channel(network, true);
        if (!fixture_protect(fixture))
            return false;
    }
    return true;
}

bool test_takeover_waits_for_the_arbiter(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    bool held;

    /* A protected pair does not need it. */
    if (!fixture_pair(fixture) || !pair_hide_arbiter(pair, true) ||
        !lab_sleep(&fixture->lab, QUIET_MS) || !fixture_goes_on(fixture))
        return false;
    process_kill(&pair->primary->process);
    held = lab_sleep(&fixture->lab, SUSPECT_MS) && check_held(fixture);
    event_log_read(&pair->backup->events);
    if (!pair_hide_arbiter(pair, false) || !held)
        return false;
    if (!pair->backup->events.arbiter)
        return lab_fail(&fixture->lab, "the backup does not say that the arbiter is unreachable");
    if (pair->backup->events.failover)
        return lab_fail(&fixture->lab, "the backup went live without the arbiter");
    fixture->failovers++;
    return pair_wait_failover(pair, NULL) && fixture_goes_on(fixture) && fixture_protect(fixture) &&
           fixture_check(fixture);
}

bool test_channel_cut_without_arbiter_holds_both(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    bool held;

    if (!fixture_pair(fixture) || !pair_hide_arbiter(pair, true))
        return false;
    network_plug_channel(&fixture->lab.network, false);
    held = lab_sleep(&fixture->lab, SUSPECT_MS) && check_held(fixture);
    if (held &&
        (!process_running(&pair->primary->process) || !process_running(&pair->backup->process)))
        held = lab_fail_log(&fixture->lab, pair->primary->process.log,
                            "a replica gave up while the arbiter could not be asked");
    if (!pair_hide_arbiter(pair, false) || !held || !settle(fixture) || !fixture_goes_on(fixture))
        return false;
    network_plug_channel(&fixture->lab.network, true);
    return fixture_protect(fixture) && fixture_check(fixture);
}

/* A replica is lost, at any moment, in any of its roles. */
#include <signal.h>

#include "cli/exit_codes.h"
#include "tests/end-to-end/tests.h"

#define BOOT_MS 4000 /* the first part of the guest's boot */

bool test_failover_while_the_guest_boots(struct fixture *fixture)
{
    return fixture_start(fixture, &fixture_standard) &&
           lab_sleep(&fixture->lab, 500 + fixture_random(fixture, BOOT_MS)) &&
           pair_kill_primary(&fixture->pair, NULL) && fixture_protect(fixture) &&
           fixture_connect(fixture) && fixture_check(fixture);
}

bool test_primary_killed_at_20_random_moments(struct fixture *fixture)
{
    if (!fixture_pair(fixture))
        return false;
    for (int i = 0; i < 20; i++)
        if (!lab_sleep(&fixture->lab, fixture_random(fixture, 400)) ||
            !fixture_fail_over(fixture) || !fixture_protect(fixture))
            return false;
    return fixture_check(fixture);
}

bool test_backup_killed_at_random_moments(struct fixture *fixture)
{
    if (!fixture_pair(fixture))
        return false;
    for (int i = 0; i < 5; i++)
        if (!lab_sleep(&fixture->lab, fixture_random(fixture, 400)) ||
            !pair_kill_backup(&fixture->pair) || !fixture_goes_on(fixture) ||
            !fixture_protect(fixture))
            return false;
    return fixture_check(fixture);
}

/* From before the connection to after the state's end. */
bool test_backup_killed_while_it_joins(struct fixture *fixture)
{
    if (!fixture_pair(fixture) || !pair_kill_backup(&fixture->pair))
        return false;
    for (int i = 0; i < 6; i++)
        if (!pair_add_backup(&fixture->pair) ||
            !lab_sleep(&fixture->lab, fixture_random(fixture, 1200)) ||
            !pair_kill_backup(&fixture->pair) || !fixture_goes_on(fixture))
            return false;
    return fixture_protect(fixture) && fixture_fail_over(fixture) && fixture_check(fixture);
}

/* All cables of the primary's host are pulled before it dies, so that nothing says goodbye: that of
 * the channel first, and what the primary still sends to the client then, its backup knows. */
bool test_five_hosts_vanish_in_a_row(struct fixture *fixture)
{
    struct network *network = &fixture->lab.network;
    struct pair *pair = &fixture->pair;

    if (!fixture_pair(fixture))
        return false;
    for (int i = 0; i < 5; i++) {
        enum place lost = pair->primary->host;

        if (!network_plug_channel(network, false))
            return lab_fail(&fixture->lab, "the cables cannot be pulled");
        if (!lab_sleep(&fixture->lab, 20 + fixture_random(fixture, 200)) ||
            !network_plug_lan(network, lost, false) || !fixture_fail_over(fixture))
            return false;
        if (!network_plug_channel(network, true) || !network_plug_lan(network, lost, true))
            return lab_fail(&fixture->lab, "the cables cannot be plugged");
        if (!fixture_protect(fixture))
            return false;
    }
    return fixture_check(fixture);
}

/* For ten seconds it knows nothing; then it must find out before anything new leaves it. */
bool test_stopped_primary_is_fenced_when_it_wakes(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    struct replica *stopped;
    uint64_t wake_ns;

    if (!fixture_pair(fixture))
        return false;
    stopped = pair->primary;
    wake_ns = lab_now_ns() + UINT64_C(10000000000);
    process_signal(&stopped->process, SIGSTOP);
    if (!pair_wait_failover(pair, NULL) || !fixture_goes_on(fixture))
        return false;
    while (lab_now_ns() < wake_ns)
        if (!fixture_goes_on(fixture) || !lab_sleep(&fixture->lab, 50))
            return false;
    process_signal(&stopped->process, SIGCONT);
    return replica_wait_exit(stopped, &fixture->lab, 5000, CLI_EXIT_FENCED) &&
           fixture_goes_on(fixture) && fixture_check(fixture) && fixture_protect(fixture);
}

bool test_stopped_backup_is_left_behind(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    struct replica *stopped;

    if (!fixture_pair(fixture))
        return false;
    stopped = pair->backup;
    process_signal(&stopped->process, SIGSTOP);
    if (!replica_wait(pair->primary, &fixture->lab, replica_is_unprotected, PAIR_FAILOVER_MS,
                      "the primary does not notice that its backup stands still") ||
        !fixture_goes_on(fixture) || !lab_sleep(&fixture->lab, 1000))
        return false;
    process_signal(&stopped->process, SIGCONT);
    return replica_wait_exit(stopped, &fixture->lab, 5000, CLI_EXIT_FENCED) &&
           fixture_protect(fixture) && fixture_fail_over(fixture) && fixture_check(fixture);
}

/* A joiner has no right to claim, whatever it has received; so this machine is lost. */
bool test_primary_killed_while_a_backup_joins(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    struct replica *joiner;
    bool good;

    if (!fixture_pair(fixture) || !pair_kill_backup(pair) || !pair_add_backup(pair))
        return false;
    joiner = pair->backup;
    good = replica_wait(joiner, &fixture->lab, replica_is_joining, PAIR_PROTECT_MS,
                        "the backup does not join");
    process_kill(&pair->primary->process);
    good = good && replica_wait_exit(joiner, &fixture->lab, 5000, CLI_EXIT_LOST);
    /* Nothing is left to go on with. */
    fixture_end(fixture);
    return good;
}

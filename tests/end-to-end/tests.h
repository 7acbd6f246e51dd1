/*
 * All end-to-end tests, in the order in which they run: those that stand on the standard pair
 * follow each other, so that one boot serves them.
 */
#ifndef TESTS_END_TO_END_TESTS_H
#define TESTS_END_TO_END_TESTS_H

#include "tests/end-to-end/fixture.h"

#define END_TO_END_TESTS(X)                                                                        \
    X(failover_while_the_guest_boots)                                                              \
    X(primary_killed_at_20_random_moments)                                                         \
    X(backup_killed_at_random_moments)                                                             \
    X(backup_killed_while_it_joins)                                                                \
    X(five_hosts_vanish_in_a_row)                                                                  \
    X(stopped_primary_is_fenced_when_it_wakes)                                                     \
    X(stopped_backup_is_left_behind)                                                               \
    X(channel_cut_leaves_exactly_one)                                                              \
    X(takeover_waits_for_the_arbiter)                                                              \
    X(channel_cut_without_arbiter_holds_both)                                                      \
    X(second_primary_is_refused)                                                                   \
    X(wrong_joins_are_refused)                                                                     \
    X(faults_of_the_channel)                                                                       \
    X(faults_of_processes)                                                                         \
    X(faults_of_clocks)                                                                            \
    X(faults_of_disks)                                                                             \
    X(faults_drawn_by_chance)                                                                      \
    X(garbage_at_the_port_disturbs_nobody)                                                         \
    X(full_disk_does_not_stop_the_guest)                                                           \
    X(long_streams_have_no_gap)                                                                    \
    X(stopping_the_backup_leaves_the_primary)                                                      \
    X(promotion_by_command_moves_the_guest)                                                        \
    X(stopping_the_primary_ends_both)                                                              \
    X(joining_a_guest_that_has_run_long)                                                           \
    X(primary_killed_while_a_backup_joins)                                                         \
    X(failover_under_the_original_protocol)                                                        \
    X(failover_with_a_logged_clock)                                                                \
    X(jit_and_interpreter_protect_each_other)                                                      \
    X(interpreter_and_jit_protect_each_other)                                                      \
    X(tiny_code_cache_protected_by_the_interpreter)                                                \
    X(interpreter_protected_by_a_tiny_code_cache)                                                  \
    X(disks_stay_equal)                                                                            \
    X(workloads_hold_over_failovers)                                                               \
    X(redis_clients_go_on_when_cut_off)                                                            \
    X(workloads_end_when_the_guest_is_gone)                                                        \
    X(workloads_notice_what_is_wrong)                                                              \
    X(guest_restarts_under_protection)                                                             \
    X(power_off_ends_both)

#define END_TO_END_DECLARE(name) bool test_##name(struct fixture *fixture);
END_TO_END_TESTS(END_TO_END_DECLARE)
#undef END_TO_END_DECLARE

#endif

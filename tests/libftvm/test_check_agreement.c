/* Machines that keep the contract pass the check, whatever they do and lack. */
#include <pthread.h>

#include "tests/libftvm/checked.h"

static void expect_agreement(struct checked *checked)
{
    checked_run(checked);
    cr_expect_eq(checked->result, 0, "%s", checked->report.text);
    checked_expect_text(checked, "all runs agree");
}

Test(check_agreement, of_a_machine_with_inputs_values_clock_and_idling, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    expect_agreement(&checked);
    cr_expect_eq(checked.report.epochs, 50);
    cr_expect_gt(checked.report.inputs, 10);
    cr_expect_gt(checked.report.values, 100);
    cr_expect_gt(checked.report.outputs, 100);
    cr_expect_eq(checked.report.states, 8);
    /* Recorded, again, four with stops; for each state one that saves, one that loads, and one that
     * loads what that saved. */
    cr_expect_eq(checked.report.runs, 1 + 1 + 2 + 4 + 3 * 8);
}

Test(check_agreement, of_a_machine_that_does_not_ask_where_to_stop, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.looks = false;
    expect_agreement(&checked);
    checked_expect_text(&checked, "not checked: stopping at other places");
}

Test(check_agreement, of_a_machine_without_a_digest, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.without_digest = true;
    expect_agreement(&checked);
    checked_expect_text(&checked, "not checked: the state");
}

Test(check_agreement, of_a_machine_with_memory_in_pages, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.pages = true;
    expect_agreement(&checked);
    cr_expect_eq(checked.options.wrong_epochs, 0, "a window is chosen by the epoch that ends");
}

Test(check_agreement, of_a_machine_that_stops_just_past_where_it_is_told, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.granule = 64;
    expect_agreement(&checked);
}

Test(check_agreement, of_a_guest_that_halts, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.halt_at = 300000;
    expect_agreement(&checked);
    cr_expect_eq(checked.report.position, 300000);
    checked_expect_text(&checked, "where the guest halted");
}

Test(check_agreement, of_a_guest_that_idles_for_ever_in_the_end, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.sleeps = true;
    expect_agreement(&checked);
    cr_expect_lt(checked.report.epochs, 50);
    checked_expect_text(&checked, "would have idled for ever");
    checked_expect_text(&checked, " of 50 epochs, as the guest waits for an input");
}

Test(check_agreement, of_few_and_short_epochs, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.epochs = 2;
    checked.check.epoch_length = 1;
    expect_agreement(&checked);
    cr_expect_eq(checked.report.epochs, 2);
    cr_expect_eq(checked.report.position, 2);
    cr_expect_eq(checked.report.states, 1);
}

Test(check_agreement, is_told_in_the_same_words_each_time, .timeout = 60)
{
    struct checked first, second;
    checked_prepare(&first, FAULT_NONE);
    checked_prepare(&second, FAULT_NONE);
    expect_agreement(&first);
    expect_agreement(&second);
    cr_expect_str_eq(first.report.text, second.report.text);
}

/* ---- What was not seen ----------------------------------------------------------------------- */

static void no_world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    (void)context, (void)node, (void)epoch;
}

static void expect_no_text(const struct checked *checked, const char *words)
{
    cr_expect_null(strstr(checked->report.text, words), "\"%s\" in:\n%s", words,
                   checked->report.text);
}

/* It idles for 50 us each 7919 units, in every other epoch, or until its input is there. */
Test(check_agreement, tells_the_guest_time_and_how_much_of_it_the_guest_ran, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.epoch_length = 5000;
    expect_agreement(&checked);
    checked_expect_text(&checked,
                        "\nguest time: 1.4 ms, 791 us of it running; 25 epochs ended idle");
    checked_expect_text(&checked, "not seen: a timer of more than 791 us");
}

Test(check_agreement, of_a_long_life_misses_nothing, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.epoch_length = 5000;
    checked.check.unit_ns = 1000;
    expect_agreement(&checked);
    expect_no_text(&checked, "not seen");
}

Test(check_agreement, of_a_busy_guest_tells_that_none_idled, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.options.idles = false;
    expect_agreement(&checked);
    checked_expect_text(&checked, "guest time: 2 ms, 2 ms of it running; 0 epochs ended idle");
    checked_expect_text(&checked, "not seen: a guest that idles");
}

Test(check_agreement, of_a_guest_that_always_idles_tells_that_no_epoch_ran_its_length,
     .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.epoch_length = 1000000;
    expect_agreement(&checked);
    checked_expect_text(&checked, "; 50 epochs ended idle");
    checked_expect_text(&checked, "not seen: an epoch that ran its length");
}

Test(check_agreement, of_a_machine_without_a_world_tells_that_it_got_no_input, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.world = no_world;
    checked.check.epoch_length = 999; /* it does not echo there, as it says nothing */
    checked.check.epochs = 2;
    expect_agreement(&checked);
    checked_expect_text(&checked, "not seen: an input, as none was delivered");
}

Test(check_agreement, without_units_of_time_tells_that_none_goes_by, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.unit_ns = 0;
    expect_agreement(&checked);
    checked_expect_text(&checked, ", 0 ns of it running; ");
    checked_expect_text(&checked, "not seen: time going by while the guest runs");
}

static void *check_on_a_thread(void *context)
{
    checked_run(context);
    return NULL;
}

Test(check_agreement, of_several_checks_at_once, .timeout = 60)
{
    struct checked checks[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        checked_prepare(&checks[i], i % 2 == 0 ? FAULT_NONE : FAULT_BYTE);
        cr_assert_eq(pthread_create(&threads[i], NULL, check_on_a_thread, &checks[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(checks[i].result, i % 2 == 0 ? 0 : FTVM_E_DIVERGED, "%s",
                     checks[i].report.text);
    }
}

static void count_lines(void *context, enum ftvm_log_level level, const char *line)
{
    (void)level;
    cr_expect_gt(strlen(line), 0);
    ++*(unsigned *)context;
}

Test(check_agreement, tells_what_is_being_done, .timeout = 60)
{
    struct checked checked;
    unsigned lines = 0;
    checked_prepare(&checked, FAULT_NONE);
    checked.check.on_log = count_lines;
    checked.check.log_context = &lines;
    expect_agreement(&checked);
    cr_expect_eq(lines, 1 + 1 + 2 + 4 + 8);
}

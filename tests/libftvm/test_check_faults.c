/* Faults that are planted in a machine are found, at their position, with the part that differs. */
#include "tests/libftvm/checked.h"

/* Found by running again, in the instruction at FAULT_POSITION. */
static void expect_found_by(struct checked *checked, const char *what)
{
    checked_run(checked);
    checked_expect_exact(checked, FAULT_POSITION + 1);
    checked_expect_text(checked, "how: run again as it was");
    checked_expect_text(checked, what);
}

static void expect_found(enum check_fault fault, const char *what)
{
    struct checked checked;
    checked_prepare(&checked, fault);
    expect_found_by(&checked, what);
}

Test(check_faults, host_time, .timeout = 60)
{
    expect_found(FAULT_HOST_TIME, "what: register 3: 0x");
}

/* A run takes milliseconds: but for the pause, all of them would mostly read the same. */
Test(check_faults, host_time_in_whole_seconds, .timeout = 60)
{
    struct checked checked;
    struct ftvm_check defaults;
    ftvm_check_init(&defaults);
    checked_prepare(&checked, FAULT_SECONDS);
    checked.check.pause_ms = defaults.pause_ms;
    expect_found_by(&checked, "what: register 3: 0x");
}

/* First seen in a run that is stopped elsewhere, the fifth; but it comes in one that is not, too.
 */
Test(check_faults, no_stop_is_blamed_for_what_comes_without_it, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_LATE);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    checked_expect_text(&checked, "how: run again as it was");
}

/* More parts than a run may keep come before the fault. */
Test(check_faults, behind_more_boundaries_than_parts_can_be_kept_of, .timeout = 120)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_BYTE);
    checked.check.epoch_length = 1;
    checked.check.epochs = 130000;
    checked.check.chunkings = 0;
    checked.check.states = 0;
    checked.options.asks = checked.options.idles = false;
    checked_run(&checked);
    checked_expect_exact(&checked, FAULT_POSITION + 1);
    checked_expect_text(&checked, "what: memory 0: 65536 bytes, 1 of them differs");
}

Test(check_faults, random_numbers, .timeout = 60)
{
    expect_found(FAULT_RANDOM, "what: register 3: 0x");
}

Test(check_faults, an_address, .timeout = 60)
{
    expect_found(FAULT_ADDRESS, "what: register 4: 0x");
}

Test(check_faults, a_variable_that_outlives_the_run, .timeout = 60)
{
    expect_found(FAULT_STATIC, "what: register 0: 0x");
}

Test(check_faults, one_byte_of_memory, .timeout = 60)
{
    expect_found(FAULT_BYTE, "what: memory 0: 65536 bytes, 1 of them differs; from offset 4242: ");
}

Test(check_faults, one_byte_of_memory_that_is_digested_by_pages, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_BYTE);
    checked.options.pages = true;
    checked_run(&checked);
    checked_expect_exact(&checked, FAULT_POSITION + 1);
    checked_expect_text(&checked, "what: memory 1: 4096 bytes, 1 of them differs; from offset 146");
    cr_expect_eq(checked.options.wrong_epochs, 0);
}

Test(check_faults, an_output, .timeout = 60)
{
    expect_found(FAULT_OUTPUT, "what: output 1 since then, to device 1: 16 bytes, 1 of them");
}

Test(check_faults, a_value_asked_for_elsewhere, .timeout = 60)
{
    expect_found(FAULT_VALUES, "what: it asked for a value of 4 bytes at position 123458 when "
                               "recorded; it asked for a value of 4 bytes at position 123457");
}

Test(check_faults, parts_in_another_order, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_ORDER);
    checked_run(&checked);
    checked_expect_exact(&checked, FAULT_POSITION);
    checked_expect_text(&checked,
                        "another order: register 0 when recorded, where it is register 7");
}

Test(check_faults, a_machine_that_does_not_stop_at_the_position, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_BYTE);
    checked.options.granule = 100;
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    cr_expect_eq(checked.report.agreed, 123400);
    cr_expect_eq(checked.report.differs, 123500);
    checked_expect_text(&checked, "the machine does not stop between the two");
    checked_expect_text(&checked, "what: memory 0");
}

Test(check_faults, a_machine_that_does_not_ask_where_to_stop, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_BYTE);
    checked.options.looks = false;
    checked_run(&checked);
    checked_expect_exact(&checked, FAULT_POSITION + 1);
}

Test(check_faults, a_machine_without_digest_by_its_outputs, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_STATIC);
    checked.options.without_digest = true;
    checked_run(&checked);
    checked_expect_exact(&checked, 125000); /* the first output behind */
    checked_expect_text(&checked, "what: output 1");
}

Test(check_faults, inputs_that_are_not_taken_as_they_are, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_DELIVER);
    checked_run(&checked);
    checked_expect_exact(&checked, checked.report.agreed + 1);
    cr_expect_geq(checked.report.agreed, FAULT_POSITION);
    checked_expect_text(&checked, "1 input was delivered");
    checked_expect_text(&checked, "what: register 5");
}

/* Only the recorded run emits. It does so before the instruction that speaks is done. */
Test(check_faults, a_state_that_emit_changes, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_EMIT);
    checked_run(&checked);
    checked_expect_exact(&checked, 125000);
    checked_expect_text(&checked, "what: register 2");
}

/* ---- New machines ---------------------------------------------------------------------------- */

/* Not in the first instruction, but before it. */
static void expect_made_unequal(struct checked *checked)
{
    checked_run(checked);
    cr_expect_eq(checked->result, FTVM_E_DIVERGED, "%s", checked->report.text);
    cr_expect_eq(checked->report.agreed, 0);
    cr_expect_eq(checked->report.differs, 0);
    checked_expect_text(checked, "two new machines differ\n");
    checked_expect_text(checked, "in ftvm_begin, at position 0, before the first step");
    checked_expect_text(checked, "advice: create is not equal each time");
}

Test(check_faults, a_machine_that_is_made_unequal, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_CREATE);
    expect_made_unequal(&checked);
    checked_expect_text(&checked, "what: register 3: 0x1 when recorded, 0x2 when run again\n");
    checked_expect_text(&checked, "what: memory 0: 65536 bytes, 1 of them differs; "
                                  "from offset 4242: 01 00");
    cr_expect_eq(checked.report.runs, 2);
}

/* Two that were made within a second were equal. */
Test(check_faults, a_machine_that_is_made_unequal_now_and_then, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_CREATE_LATER);
    expect_made_unequal(&checked);
    checked_expect_text(&checked, "what: register 4: 0x0 when recorded, 0x1 when run again\n");
    cr_expect_eq(checked.report.runs, 3);
}

/* ---- Other lengths --------------------------------------------------------------------------- */

/* It idles for the first time at 7918, and a backup's epoch ends there. */
Test(check_faults, looking_for_the_end_before_looking_whether_it_idles, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_END_FIRST);
    checked_run(&checked);
    checked_expect_exact(&checked, 7919);
    checked_expect_text(&checked, "run again as a backup is");
    checked_expect_text(&checked, "at position 7919 when recorded; it idled until");
}

/* The same, where the guest halts: the backup's log says that it does. */
Test(check_faults, looking_for_the_end_before_looking_whether_it_halts, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_END_FIRST);
    checked.options.idles = false;
    checked.options.halt_at = 123456;
    checked_run(&checked);
    checked_expect_exact(&checked, 123457);
    checked_expect_text(&checked, "what: it halted at position 123456 when recorded; its epoch "
                                  "ended at position 123456 when run again");
}

Test(check_faults, computing_with_the_length_of_an_epoch_that_an_idle_guest_ends, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_LENGTH);
    checked.options.looks = checked.options.asks = false;
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED, "%s", checked.report.text);
    cr_expect_geq(checked.report.differs, FAULT_POSITION);
    checked_expect_text(&checked, "run again as a backup is");
    checked_expect_text(&checked, "what: register 4");
}

Test(check_faults, computing_with_the_length_of_an_epoch_that_an_input_ends, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_LENGTH);
    checked.options.idles = false;
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED, "%s", checked.report.text);
    cr_expect_geq(checked.report.differs, FAULT_POSITION);
    checked_expect_text(&checked, "run again with longer epochs");
    checked_expect_text(&checked, "what: register 4");
}

/* ---- Other places ---------------------------------------------------------------------------- */

Test(check_faults, depending_on_where_it_is_stopped, .timeout = 60)
{
    struct checked checked;
    char stop[64];
    checked_prepare(&checked, FAULT_STOPS);
    checked_run(&checked);
    checked_expect_exact(&checked, checked.report.agreed + 1);
    cr_expect_geq(checked.report.agreed, FAULT_POSITION);
    snprintf(stop, sizeof stop, "it is enough to stop it at position %llu",
             (unsigned long long)checked.report.agreed);
    checked_expect_text(&checked, stop);
    checked_expect_text(&checked, "what: register 2");
}

Test(check_faults, depending_on_where_it_is_stopped_just_past_that, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_STOPS);
    checked.options.granule = 100;
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    cr_expect_eq(checked.report.differs, checked.report.agreed + 100);
    checked_expect_text(&checked, "stopped at other places");
}

/* ---- States ---------------------------------------------------------------------------------- */

static void expect_at_load(enum check_fault fault, const char *what)
{
    struct checked checked;
    checked_prepare(&checked, fault);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    cr_expect_eq(checked.report.agreed, checked.report.differs);
    checked_expect_text(&checked, "right after its load");
    checked_expect_text(&checked, what);
}

Test(check_faults, a_field_that_is_not_saved, .timeout = 60)
{
    expect_at_load(FAULT_SAVE, "what: register 5: 0x");
}

Test(check_faults, a_field_that_is_not_loaded, .timeout = 60)
{
    expect_at_load(FAULT_LOAD, "what: register 6: 0x");
}

Test(check_faults, a_field_that_is_neither_saved_nor_digested, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_HIDDEN);
    checked_run(&checked);
    /* Where it is used. */
    cr_expect_eq(checked.report.differs % 40960, 0, "%s", checked.report.text);
    checked_expect_exact(&checked, checked.report.differs);
    checked_expect_text(&checked, "how: run again from the state that was saved at position");
    checked_expect_text(&checked, "what: register 1: 0x");
}

Test(check_faults, a_save_that_changes_the_state, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_SAVING);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    checked_expect_text(&checked, "what: register 7: 0x");
    checked_expect_text(&checked, "save, or digest, changes the state");
}

Test(check_faults, a_save_that_is_too_short, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_SHORT_SAVE);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_MACHINE);
    checked_expect_text(&checked, "after it had read 0 of them: damaged or hostile data");
}

Test(check_faults, a_load_that_is_too_short, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_SHORT_LOAD);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_MACHINE);
    checked_expect_text(&checked, "load left 8 bytes unread");
}

/* ---- What does not come again ---------------------------------------------------------------- */

Test(check_faults, that_come_elsewhere_each_time_end_the_search, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_ANYWHERE);
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    cr_expect_lt(checked.report.agreed, checked.report.differs);
    cr_expect_lt(checked.report.runs, 100);
    checked_expect_text(&checked, "what: register 3");
}

Test(check_faults, that_come_once_are_told_with_their_interval, .timeout = 60)
{
    struct checked checked;
    checked_prepare(&checked, FAULT_RARELY);
    checked.options.asks = false;
    checked_run(&checked);
    cr_expect_eq(checked.result, FTVM_E_DIVERGED);
    cr_expect_leq(checked.report.agreed, FAULT_POSITION);
    cr_expect_gt(checked.report.differs, FAULT_POSITION);
    checked_expect_text(&checked, "the difference did not come again");
    checked_expect_text(&checked, "what: register 3");
}

/*
 * The machine of examples/unicorn keeps the contract of determinism, and what does not is found.
 * GUESTS is the folder of the guests' images.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <ftvm/check.h>

#define EPOCHS 400

FTVM_API ftvm_check_entry ftvm_check_machine;

static int check_guest(char *image, struct ftvm_check_report *report)
{
    char *arguments[] = {image, image, NULL};
    struct ftvm_check check;
    ftvm_check_init(&check);
    cr_assert_eq(ftvm_check_machine(&check, 2, arguments), 0);
    check.epochs = EPOCHS;
    memset(report, 0, sizeof *report);
    report->size = sizeof *report;
    int result = ftvm_check_determinism(&check, report);
    free(check.context);
    return result;
}

Test(unicorn_determinism, the_monitor_executes_alike_however_it_is_stopped_or_loaded)
{
    static char image[] = GUESTS "/monitor.bin";
    struct ftvm_check_report report;
    cr_expect_eq(check_guest(image, &report), 0, "%s", report.text);
    cr_expect_gt(report.states, 0);
    cr_expect_gt(report.outputs, 10);
}

Test(unicorn_determinism, a_guest_that_reads_the_host_s_counter_is_found)
{
    static char image[] = GUESTS "/ticks.bin";
    struct ftvm_check_report report;
    cr_expect_eq(check_guest(image, &report), FTVM_E_DIVERGED);
    cr_expect_not_null(strstr(report.text, "x 8"), "%s", report.text);
}

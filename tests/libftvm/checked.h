/* A check of a small machine, and what came of it. */
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/libftvm/check_machine.h"

#define FAULT_POSITION UINT64_C(123457)

struct checked {
    struct check_machine_options options;
    struct ftvm_check check;
    struct ftvm_check_report report;
    int result;
};

/* Fifty epochs of a machine that does all that one may do, with a fault. */
static inline void checked_prepare(struct checked *checked, enum check_fault fault)
{
    memset(checked, 0, sizeof *checked);
    checked->report.size = sizeof checked->report;
    ftvm_check_init(&checked->check);
    checked->check.epochs = 50;
    checked->check.pause_ms = 0;
    checked->options = (struct check_machine_options){
        .fault = fault, .fault_at = FAULT_POSITION, .looks = true, .idles = true, .asks = true};
    check_machine_set_up(&checked->check, &checked->options);
}

static inline void checked_run(struct checked *checked)
{
    checked->result = ftvm_check_determinism(&checked->check, &checked->report);
    check_machine_clean_up(&checked->options);
}

static inline void checked_expect_text(const struct checked *checked, const char *words)
{
    cr_expect_not_null(strstr(checked->report.text, words), "no \"%s\" in:\n%s", words,
                       checked->report.text);
}

/* The runs differ, and nothing is between the two positions. */
static inline void checked_expect_exact(const struct checked *checked, ftvm_position differs)
{
    cr_expect_eq(checked->result, FTVM_E_DIVERGED, "%s", checked->report.text);
    cr_expect_eq(checked->report.differs, differs, "%s", checked->report.text);
    cr_expect_eq(checked->report.agreed, differs - 1, "%s", checked->report.text);
}

#endif

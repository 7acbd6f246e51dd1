/* What a check found, in words: the same words for the same findings. */
#ifndef LIBFTVM_CHECK_REPORT_H
#define LIBFTVM_CHECK_REPORT_H

#include "libftvm/check/check_close_in.h"

/* No two runs differed. */
void report_agreement(const struct check_session *session, const struct track *recorded,
                      struct ftvm_check_report *report);
/* The suspect's did. */
void report_difference(const struct check_session *session, const struct suspect *suspect,
                       struct ftvm_check_report *report);
/* The check could not go on. */
void report_failure(const struct check_session *session, int error, const char *doing,
                    struct ftvm_check_report *report);

#endif

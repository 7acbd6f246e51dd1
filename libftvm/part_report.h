/*
 * What differs between two lists of parts of a machine's state, in lines for people.
 */
#ifndef LIBFTVM_PART_REPORT_H
#define LIBFTVM_PART_REPORT_H

#include "logging/message.h"

#define PART_REPORT_SIZE  4096u
#define PART_REPORT_LINES 24u /* of parts that differ; more are counted */

/* `here` and `there` say whose the lists are ("the primary"). The last line has no end; empty if
 * nothing differs. */
void part_report(char text[PART_REPORT_SIZE], const char *here, const struct log_part *ours,
                 size_t our_count, const char *there, const struct log_part *theirs,
                 size_t their_count);

#endif

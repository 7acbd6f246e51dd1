/* Says where two runs differ, and how the program came there. */
#ifndef TESTS_RISCV_REPORT_H
#define TESTS_RISCV_REPORT_H

#include "tests/riscv/lockstep/run.h"

bool report_same_record(const struct record *a, const struct record *b);
void report_difference(struct run *const runs[2]);
/* The last instructions before a position, stepped through in one manner. */
void report_path(const struct program *program, const struct manner *manner, uint64_t position);

#endif

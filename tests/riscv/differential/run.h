/* Carries out test cases under qemu-riscv64 and on the hart. */
#ifndef TESTS_RISCV_RUN_H
#define TESTS_RISCV_RUN_H

#include <stddef.h>

#include "tests/riscv/differential/layout.h"
#include "vmm/riscv/hart.h"

/* Both return 0, or -1 with a message on stderr. */
int run_under_qemu(const struct test_case *cases, size_t count, struct test_result *results);
int run_on_hart(const struct hart_config *config, const struct test_case *cases, size_t count,
                struct test_result *results);

#endif

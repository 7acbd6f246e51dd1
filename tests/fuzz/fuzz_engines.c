/*
 * A program for the hart out of a fuzzer's bytes, run on both engines: the first byte chooses how,
 * the rest are the choices of tests/riscv/programs. Where the bytes end, numbers drawn from the
 * first eight of them go on.
 */
#include <stdlib.h>

#include "tests/riscv/lockstep/compare.h"
#include "tests/riscv/lockstep/manners.h"

#define LENGTH 3000u /* positions */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program *program;
    struct choices choices;
    struct manner manners[2];
    bool agree;

    if (size == 0) {
        return 0;
    }
    program = malloc(sizeof *program);
    if (program == NULL) {
        abort();
    }
    choices = choices_from_bytes(data + 1, size - 1);
    program_generate(program, choices, LENGTH);
    manners_choose((enum pairing)(data[0] % PAIRINGS), &choices, manners);
    agree = manners_agree(program, manners, "this input");
    free(program);
    if (!agree) {
        abort();
    }
    return 0;
}

/* The command ftvm-check: what it prints, and its exit codes. */
#include "tests/cli/program.h"

#define PLANTED BUILD_FOLDER "/examples/determinism/planted.so"

static void check(struct program *program, const char *line)
{
    program_run(program, BUILD_FOLDER "/ftvm-check", line);
}

/* Ends with this code, and with one line that has the words. */
static void expect_refusal(const char *line, int code, const char *words)
{
    struct program program;
    check(&program, line);
    cr_expect_eq(program.code, code, "'%s': %d", line, program.code);
    cr_expect_eq(program_error_lines(&program), 1, "%s", program.error);
    cr_expect_not_null(strstr(program.error, words), "'%s': no \"%s\" in %s", line, words,
                       program.error);
    cr_expect_str_empty(program.output);
}

Test(check, a_machine_that_keeps_the_contract_agrees)
{
    struct program program;
    check(&program, "--epochs 20 " PLANTED);
    cr_expect_eq(program.code, 0, "%s", program.error);
    cr_expect_not_null(strstr(program.output, "all runs agree: 20 epochs to position 200000"), "%s",
                       program.output);
    cr_expect_str_empty(program.error);
}

Test(check, a_machine_that_does_not_is_found)
{
    struct program program;
    check(&program, "--epochs 20 --states 1 " PLANTED " -- memory");
    cr_expect_eq(program.code, 1, "%s", program.error);
    cr_expect_not_null(strstr(program.output, "differ at 123458"), "%s", program.output);
    cr_expect_not_null(strstr(program.output, "what: memory 0: 65536 bytes"), "%s", program.output);
}

Test(check, options_stand_before_or_behind_the_machine)
{
    struct program program;
    check(&program, PLANTED " --epochs 3 --epoch-length=500 --chunkings 0 --states 0 --unit-ns 1");
    cr_expect_eq(program.code, 0, "%s", program.error);
    cr_expect_not_null(strstr(program.output, "3 epochs to position 1500,"), "%s", program.output);
    cr_expect_not_null(strstr(program.output, "runs: 4;"), "%s", program.output);
}

Test(check, verbose_says_what_is_being_done)
{
    struct program program;
    check(&program, "--verbose --epochs 20 --seed 7 " PLANTED);
    cr_expect_eq(program.code, 0);
    cr_expect_not_null(strstr(program.error, "ftvm-check: recording 20 epochs\n"), "%s",
                       program.error);
    cr_expect_not_null(strstr(program.error, "stopping at other places, 4 of 4\n"), "%s",
                       program.error);
}

Test(check, help_and_version_go_to_standard_output)
{
    struct program program;
    check(&program, "--help");
    cr_expect_eq(program.code, 0);
    cr_expect_not_null(strstr(program.output, "--chunkings N"), "%s", program.output);
    check(&program, "--version");
    cr_expect_eq(program.code, 0);
    cr_expect_eq(strncmp(program.output, "ftvm-check 0.", 13), 0, "%s", program.output);
}

Test(check, wrong_options_are_told_in_a_line)
{
    expect_refusal("", 2, "which machine?");
    expect_refusal("--epochs", 2, "--epochs: a number is missing");
    expect_refusal("--epochs many " PLANTED, 2, "--epochs: 'many': expected a number from 1 to ");
    expect_refusal("--epochs 0 " PLANTED, 2, "'0'");
    expect_refusal("--seed 18446744073709551616 " PLANTED, 2, "--seed");
    expect_refusal("--epoch " PLANTED, 2, "--epoch");
    expect_refusal("--faster " PLANTED, 2, "--faster: unknown option");
    expect_refusal(PLANTED " memory", 2, "'memory': unexpected");
}

Test(check, a_machine_that_cannot_be_loaded_is_told_in_a_line)
{
    expect_refusal("no-machine.so", 3, "no-machine.so: No such file or directory");
    expect_refusal("Makefile", 3, "Makefile: ");
    expect_refusal(BUILD_FOLDER "/libftvm.so", 3, "does not export ftvm_check_machine");
}

Test(check, a_machine_that_refuses_its_arguments_ends_it)
{
    struct program program;
    check(&program, PLANTED " -- nonsense");
    cr_expect_eq(program.code, 3);
    cr_expect_not_null(strstr(program.error, "planted: 'nonsense': expected one of"), "%s",
                       program.error);
    cr_expect_not_null(strstr(program.error, "ftvm_check_machine failed: invalid argument"), "%s",
                       program.error);
}

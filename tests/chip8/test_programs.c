/* The assembler, and the programs that are made with it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/chip8/chip8.h"

#define SPEED 15u

struct files {
    char folder[32];
    char source[64];
    char program[64];
    char messages[64];
};

/* Runs the assembler on this text: its exit code. */
static int assemble(struct files *files, const char *text)
{
    char command[512];
    snprintf(files->folder, sizeof files->folder, "/tmp/chip8-test-XXXXXX");
    cr_assert_not_null(mkdtemp(files->folder));
    snprintf(files->source, sizeof files->source, "%s/a.asm", files->folder);
    snprintf(files->program, sizeof files->program, "%s/a.ch8", files->folder);
    snprintf(files->messages, sizeof files->messages, "%s/messages", files->folder);
    FILE *stream = fopen(files->source, "w");
    cr_assert_not_null(stream);
    fputs(text, stream);
    fclose(stream);
    snprintf(command, sizeof command, "%s %s %s 2>%s", CHIP8_ASM, files->source, files->program,
             files->messages);
    int status = system(command);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static size_t read_file(const char *name, void *bytes, size_t size)
{
    FILE *stream = fopen(name, "rb");
    cr_assert_not_null(stream, "%s", name);
    size = fread(bytes, 1, size, stream);
    fclose(stream);
    return size;
}

static void remove_files(const struct files *files)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", files->folder);
    cr_assert_eq(system(command), 0);
}

static void gives(const char *text, const uint8_t *expected, size_t expected_size)
{
    struct files files;
    uint8_t bytes[4096];
    cr_assert_eq(assemble(&files, text), 0, "%s", text);
    size_t size = read_file(files.program, bytes, sizeof bytes);
    cr_assert_eq(size, expected_size, "%s: %zu bytes", text, size);
    cr_assert_arr_eq(bytes, expected, size, "%s", text);
    remove_files(&files);
}

#define GIVES(text, ...)                                                                           \
    gives(text, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void fails_with(const char *text, const char *message)
{
    struct files files;
    char messages[1024] = "";
    cr_assert_eq(assemble(&files, text), 1, "%s", text);
    read_file(files.messages, messages, sizeof messages - 1);
    cr_assert_not_null(strstr(messages, message), "%s: %s", text, messages);
    cr_assert_neq(access(files.program, F_OK), 0);
    remove_files(&files);
}

Test(assembler, knows_every_instruction)
{
    GIVES("CLS\nRET\nJP 0x234\nJP V0, 0x234\nCALL 0x234\n", 0x00, 0xe0, 0x00, 0xee, 0x12, 0x34,
          0xb2, 0x34, 0x22, 0x34);
    GIVES("SE V1, 2\nSE V1, V2\nSNE V1, 2\nSNE V1, V2\n", 0x31, 0x02, 0x51, 0x20, 0x41, 0x02, 0x91,
          0x20);
    GIVES("LD V1, 2\nLD V1, V2\nLD I, 0x234\nLD V1, DT\nLD V1, K\n", 0x61, 0x02, 0x81, 0x20, 0xa2,
          0x34, 0xf1, 0x07, 0xf1, 0x0a);
    GIVES("LD DT, V1\nLD ST, V1\nLD F, V1\nLD B, V1\nLD [I], V1\nLD V1, [I]\n", 0xf1, 0x15, 0xf1,
          0x18, 0xf1, 0x29, 0xf1, 0x33, 0xf1, 0x55, 0xf1, 0x65);
    GIVES("ADD V1, 2\nADD V1, V2\nADD I, V1\nOR V1, V2\nAND V1, V2\nXOR V1, V2\n", 0x71, 0x02, 0x81,
          0x24, 0xf1, 0x1e, 0x81, 0x21, 0x81, 0x22, 0x81, 0x23);
    GIVES("SUB V1, V2\nSUBN V1, V2\nSHR V1, V2\nSHL V1, V2\nRND V1, 2\nDRW V1, V2, 3\n", 0x81, 0x25,
          0x81, 0x27, 0x81, 0x26, 0x81, 0x2e, 0xc1, 0x02, 0xd1, 0x23);
    GIVES("SKP VA\nSKNP vb\n", 0xea, 0x9e, 0xeb, 0xa1);
}

Test(assembler, knows_labels_constants_registers_and_pictures)
{
    GIVES("step = 3\nrow = V4\nstart: LD row, step+1-2 ; two\n JP end\nend: JP start\n", 0x64, 0x02,
          0x12, 0x04, 0x12, 0x00);
    GIVES("DB 0x10, 0b11, -1, #......#\nDS 2\nDB 7\n", 0x10, 0x03, 0xff, 0x81, 0x00, 0x00, 0x07);
}

Test(assembler, tells_what_is_wrong_and_where)
{
    fails_with("CLS\nFOO V1\n", "a.asm:2: there is no instruction 'FOO'");
    fails_with("LD V1, there\n", "a.asm:1: 'there' is no label, constant or number");
    fails_with("LD 1, V1\n", "a.asm:1: LD does not take these operands");
    fails_with("LD V1, 256\n", "'256' is 256, and must be -128 to 255");
    fails_with("DRW V1, V2, 16\n", "must be 0 to 15");
    fails_with("DB V1\n", "'V1' is a register where a number should be");
    fails_with("a: CLS\na: RET\n", "a.asm:2: there is a 'a' already");
    fails_with("V3: CLS\n", "there is a 'V3' already");
    fails_with("9x: CLS\n", "'9x' cannot be a name");
    fails_with(": CLS\n", "'' cannot be a name");
    fails_with("x = \n", "a constant is NAME = VALUE");
    fails_with("DS 4000\n", "the program is too large");
    fails_with("; nothing\n", "there is no program in it");
}

Test(assembler, tells_all_errors_of_a_pass)
{
    fails_with("FOO\nCLS\nBAR\n", "a.asm:3: there is no instruction 'BAR'");
}

/* ---- The programs */

static struct chip8 load(const char *name)
{
    struct chip8 chip8;
    char file[128];
    uint8_t program[CHIP8_PROGRAM];
    snprintf(file, sizeof file, "%s/%s.ch8", CHIP8_PROGRAMS, name);
    size_t size = read_file(file, program, sizeof program);
    cr_assert(chip8_reset(&chip8, program, size, SPEED));
    return chip8;
}

/* So many frames, with the same number for all randomness. */
static void run(struct chip8 *chip8, unsigned frames, uint8_t random)
{
    for (unsigned k = 0; k < frames; k++) {
        while (chip8_run(chip8, 1000) == CHIP8_STOP_RANDOM) {
            chip8_randomize(chip8, random);
            random = (uint8_t)(random * 5 + 3);
        }
        cr_assert_eq(chip8->fault, CHIP8_FAULT_NONE, "%s at %x", chip8_fault_text(chip8->fault),
                     chip8->pc);
        chip8_pass(chip8, 1);
    }
}

/* What stands at x, y: '#' for a pixel that is on. */
static void shows(const struct chip8 *chip8, unsigned x, unsigned y, const char *rows)
{
    unsigned column = x;
    for (; *rows != '\0'; rows++, column++) {
        if (*rows == '/') {
            y++;
            column = x - 1;
            continue;
        }
        cr_assert_eq(chip8_pixel(chip8->screen, column, y), *rows == '#', "at %u, %u", column, y);
    }
}

Test(selftest, is_ok)
{
    struct chip8 chip8 = load("selftest");
    run(&chip8, 60, 0xff);
    shows(&chip8, 24, 10, ".##..#..#/#..#.#.#./#..#.##../#..#.#.#./.##..#..#");
    cr_assert_eq(chip8_idle_frames(&chip8), CHIP8_FOREVER);
}

Test(selftest, shows_the_keys_that_are_struck)
{
    struct chip8 chip8 = load("selftest");
    run(&chip8, 60, 0);
    chip8_strike(&chip8, 1);
    run(&chip8, 5, 0);
    shows(&chip8, 29, 20, "..#./.##./..#./..#./.###");
    chip8_strike(&chip8, 0xf);
    run(&chip8, 5, 0);
    shows(&chip8, 29, 20, "####/#.../####/#.../#...");
}

Test(selftest, tells_what_fails)
{
    struct chip8 chip8 = load("selftest");
    chip8.memory[0x0a] = 0; /* the first row of the digit 2 is not looked at, that of 1 is */
    chip8.memory[0x05] = 0;
    run(&chip8, 60, 0);
    shows(&chip8, 16, 10, "#..#..##./##.#.#..#/#.##.#..#/#..#.#..#/#..#..##.");
}

Test(clock, shows_the_seconds)
{
    struct chip8 chip8 = load("clock");
    run(&chip8, 60 * 61 + 30, 0);
    shows(&chip8, 21, 1, "####...#/#..#..##/#..#...#/#..#...#/####..###"); /* 01 */
    shows(&chip8, 34, 1, "####...#/#..#..##/#..#...#/#..#...#/####..###"); /* 01 */
}

Test(worm, waits_for_a_key_and_then_creeps)
{
    struct chip8 chip8 = load("worm");
    run(&chip8, 120, 40);
    cr_assert_eq(chip8_idle_frames(&chip8), CHIP8_FOREVER);
    shows(&chip8, 20, 18, "..######..");
    chip8_strike(&chip8, 0);
    run(&chip8, 7 * 3 + 3, 40);
    shows(&chip8, 28, 18, "..######..");
}

Test(worm, turns_and_dies_at_the_wall)
{
    struct chip8 chip8 = load("worm");
    run(&chip8, 120, 40);
    chip8_strike(&chip8, 5);
    run(&chip8, 7 * 10, 40);
    shows(&chip8, 23, 16, ".##..#..#.####.###.");
    run(&chip8, 50, 40);
    cr_assert_eq(chip8_idle_frames(&chip8), CHIP8_FOREVER);
}

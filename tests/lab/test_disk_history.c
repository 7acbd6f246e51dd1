/* What a disk was promised to have, against what is found there. */
#include "fault-injection/lab/workloads/disk_history.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 5

static struct disk_history *history;
static char problem[DISK_HISTORY_PROBLEM_SIZE];

static void begin(void)
{
    history = disk_history_create(16, 0);
}

static void end(void)
{
    disk_history_destroy(history);
}

#define DISK_TEST(name) Test(disk_history, name, .init = begin, .fini = end)

static bool found(enum record_state state, uint64_t number)
{
    return disk_history_found(history, BLOCK, state, number, 3, 4, problem);
}

static void promise(unsigned records)
{
    for (unsigned i = 0; i < records; i++)
        disk_history_promised(history, BLOCK, 1, 2);
}

DISK_TEST(a_block_without_a_promise_has_nothing)
{
    cr_expect_not(disk_history_has_promise(history, BLOCK));
    cr_expect(found(RECORD_NONE, 0));
}

DISK_TEST(the_last_record_promised_is_there)
{
    promise(3);
    cr_expect(disk_history_has_promise(history, BLOCK));
    cr_expect_eq(disk_history_next(history, BLOCK), 4);
    cr_expect(found(RECORD_GOOD, 3));
    cr_expect_str_eq(problem, "");
}

DISK_TEST(an_older_record_is_there)
{
    promise(3);
    cr_expect_not(found(RECORD_GOOD, 2));
    cr_expect_str_eq(problem, "block 5 has record 2; 3 was promised");
}

DISK_TEST(a_record_is_there_that_was_never_written)
{
    promise(3);
    cr_expect_not(found(RECORD_GOOD, 4));
}

DISK_TEST(what_was_promised_is_gone)
{
    promise(3);
    cr_expect_not(found(RECORD_NONE, 0));
    cr_expect_str_eq(problem, "block 5 has no record; 3 was promised");
}

DISK_TEST(what_was_promised_is_damaged)
{
    promise(3);
    cr_expect_not(found(RECORD_WRONG, 0));
    cr_expect_str_eq(problem, "block 5 is damaged; record 3 was promised");
}

DISK_TEST(a_write_without_an_answer_is_done_or_not)
{
    promise(3);
    disk_history_unknown(history, BLOCK, 1);
    cr_expect(disk_history_is_open(history, BLOCK));
    cr_expect_eq(disk_history_next(history, BLOCK), 0);
    cr_expect(found(RECORD_GOOD, 3));
    cr_expect(found(RECORD_GOOD, 4));
}

DISK_TEST(a_write_without_an_answer_is_not_undone)
{
    promise(3);
    disk_history_unknown(history, BLOCK, 1);
    cr_expect(found(RECORD_GOOD, 4));
    cr_expect_not(found(RECORD_GOOD, 3));
}

DISK_TEST(after_a_write_was_done_all_the_same_the_block_is_written_again)
{
    disk_history_unknown(history, BLOCK, 1);
    cr_expect(found(RECORD_GOOD, 1));
    cr_expect_not(disk_history_is_open(history, BLOCK));
    cr_expect_eq(disk_history_next(history, BLOCK), 2);
}

DISK_TEST(the_history_is_told_in_order)
{
    char text[512] = "";
    FILE *file = fmemopen(text, sizeof(text), "w");

    promise(1);
    found(RECORD_GOOD, 1);
    disk_history_unknown(history, BLOCK, 5);
    disk_history_dump(history, file);
    fclose(file);
    cr_expect_str_eq(strchr(text, '\n') + 1,
                     "0.000000 0.000000 write of record 1 into block 5 is promised\n"
                     "0.000000 0.000000 record 1 is read from block 5\n"
                     "0.000000 never write of record 2 into block 5 has no answer\n");
}

/* ---- Records -----------------------------------------------------------------------------------
 */

Test(record, is_read_as_it_was_written)
{
    uint8_t bytes[RECORD_BLOCK];
    uint64_t number = 0;

    record_write(bytes, 7, 5, 3);
    cr_expect_eq(record_read(bytes, 7, 5, &number), RECORD_GOOD);
    cr_expect_eq(number, 3);
}

Test(record, of_another_run_is_none)
{
    uint8_t bytes[RECORD_BLOCK];
    uint64_t number;

    record_write(bytes, 7, 5, 3);
    cr_expect_eq(record_read(bytes, 8, 5, &number), RECORD_NONE);
}

Test(record, in_another_place_is_wrong)
{
    uint8_t bytes[RECORD_BLOCK];
    uint64_t number;

    record_write(bytes, 7, 5, 3);
    cr_expect_eq(record_read(bytes, 7, 6, &number), RECORD_WRONG);
}

Test(record, with_any_byte_changed_is_not_good)
{
    uint8_t bytes[RECORD_BLOCK];
    uint64_t number;

    record_write(bytes, 7, 5, 3);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 0x10;
        cr_assert_neq(record_read(bytes, 7, 5, &number), RECORD_GOOD, "byte %zu", i);
        bytes[i] ^= 0x10;
    }
}

/* The half of a newer record over an older one: the older one is gone. */
Test(record, torn_is_wrong)
{
    uint8_t bytes[RECORD_BLOCK], newer[RECORD_BLOCK];
    uint64_t number;

    record_write(bytes, 7, 5, 3);
    record_write(newer, 7, 5, 4);
    memcpy(bytes, newer, 2048);
    cr_expect_eq(record_read(bytes, 7, 5, &number), RECORD_WRONG);
}

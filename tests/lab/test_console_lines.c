/* Numbered lines over the files of a primary and its successor: what may be, and what may not. */
#include "fault-injection/lab/console_lines.h"

#include <criterion/criterion.h>
#include <string.h>

/* Are these two files without a gap? */
static bool holds(const char *first, const char *second)
{
    struct console_lines lines;

    console_lines_init(&lines);
    console_lines_take(&lines, first, strlen(first));
    console_lines_next_file(&lines);
    return console_lines_take(&lines, second, strlen(second));
}

Test(console_lines, lines_follow_each_other)
{
    cr_expect(holds("ftvm-count 1\r\nftvm-count 2\r\n", "ftvm-count 3\r\n"));
}

Test(console_lines, a_successor_repeats_what_was_printed_last)
{
    cr_expect(holds("ftvm-count 1\nftvm-count 2\n", "ftvm-count 1\nftvm-count 2\nftvm-count 3\n"));
}

Test(console_lines, a_line_is_missing)
{
    cr_expect_not(holds("ftvm-count 1\nftvm-count 3\n", ""));
    cr_expect_not(holds("ftvm-count 1\n", "ftvm-count 3\n"));
}

Test(console_lines, a_line_is_repeated_by_the_same_replica)
{
    cr_expect_not(holds("ftvm-count 1\nftvm-count 1\n", ""));
    cr_expect_not(holds("ftvm-count 1\n", "ftvm-count 2\nftvm-count 2\n"));
}

Test(console_lines, a_line_is_printed_by_two)
{
    cr_expect(holds("ftvm-count 1\r\nftvm-co", "unt 2\r\nftvm-count 3\r\n"));
    cr_expect(holds("ftvm-count 1\r\nftvm-count 2", "\r\nftvm-count 3\r\n"));
    cr_expect(holds("ftvm-count 1\r\nftvm-count", "-count 2\r\nftvm-count 3\r\n"));
}

Test(console_lines, a_part_of_a_line_is_missing)
{
    cr_expect_not(holds("ftvm-count 1\r\nftvm-c", "unt 2\r\nftvm-count 3\r\n"));
    cr_expect_not(holds("ftvm-count 1\r\n", "unt 2\r\nftvm-count 3\r\n"));
}

Test(console_lines, another_prints_on_the_line_that_two_print)
{
    cr_expect(holds("ftvm-count 1\r\nguest# ftvm-cou", "nt 2\r\nftvm-count 3\r\n"));
    cr_expect_not(holds("ftvm-count 1\r\nguest# ftvm-co", "nt 2\r\nftvm-count 3\r\n"));
}

Test(console_lines, it_makes_no_difference_in_which_pieces_they_come)
{
    static const char text[] = "ftvm-count 1\r\nftvm-count 2\r\nftvm-count 4\r\nftvm-count 5\r\n";
    struct console_lines lines;
    bool good = true;

    console_lines_init(&lines);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        good = console_lines_take(&lines, &text[i], 1);
    cr_expect_not(good);
    cr_expect_eq(lines.gap_from, 2);
    cr_expect_eq(lines.gap_to, 4);
    cr_expect_eq(lines.count, 4);
}

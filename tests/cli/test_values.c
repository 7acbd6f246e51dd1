/* Numbers, sizes and addresses as people write them. */
#include <criterion/criterion.h>

#include "cli/value.h"

Test(values, sizes_have_units_of_1024)
{
    static const struct {
        const char *text;
        uint64_t size;
    } cases[] = {
        {"4096", 4096},
        {"4K", 4096},
        {"256M", UINT64_C(256) << 20},
        {"256m", UINT64_C(256) << 20},
        {"1G", UINT64_C(1) << 30},
        {"2T", UINT64_C(2) << 40},
        {"0x1000", 4096},
    };
    char expected[VALUE_EXPECTED_SIZE];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t size = 0;

        cr_expect(value_parse_size(cases[i].text, 1, UINT64_MAX, &size, expected), "%s",
                  cases[i].text);
        cr_expect_eq(size, cases[i].size, "%s", cases[i].text);
    }
}

Test(values, what_is_no_size_is_refused)
{
    static const char *const cases[] = {
        "",
        "M",
        "-1",
        "+1",
        " 1",
        "1 M",
        "1MB",
        "1X",
        "1.5G",
        "0x",
        "1e9",
        "99999999999999999999",
        "99999999999T",
        "1M1",
    };
    char expected[VALUE_EXPECTED_SIZE];
    uint64_t size;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_not(value_parse_size(cases[i], 1, UINT64_MAX, &size, expected), "'%s'", cases[i]);
}

Test(values, a_number_outside_its_range_says_the_range)
{
    char expected[VALUE_EXPECTED_SIZE];
    uint64_t number;

    cr_assert(value_parse_number("10", 10, 20, &number, expected));
    cr_assert(value_parse_number("20", 10, 20, &number, expected));
    cr_assert_not(value_parse_number("21", 10, 20, &number, expected));
    cr_assert_str_eq(expected, "a number from 10 to 20");
}

Test(values, a_size_is_shown_in_its_largest_unit)
{
    static const struct {
        uint64_t size;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1000, "1000"},
        {1024, "1K"},
        {UINT64_C(3) << 20, "3M"},
        {UINT64_C(64) << 30, "64G"},
        {1025, "1025"},
    };
    char text[32];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value_format_size(cases[i].size, text, sizeof(text));
        cr_expect_str_eq(text, cases[i].text);
    }
}

Test(values, addresses_are_host_and_port)
{
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:7000", "127.0.0.1", 7000},
        {"example.org:0", "example.org", 0},
        {"[::1]:65535", "::1", 65535},
        {"::1:7000", NULL, 0},
        {"7000", NULL, 0},
        {":7000", NULL, 0},
        {"host:", NULL, 0},
        {"host:65536", NULL, 0},
        {"host:-1", NULL, 0},
        {"[]:1", NULL, 0},
        {"[host]:1", NULL, 0},
        {"[::1:7000", NULL, 0},
    };
    char host[VALUE_HOST_SIZE], expected[VALUE_EXPECTED_SIZE];
    uint16_t port;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool good = value_parse_address(cases[i].text, host, &port, expected);

        cr_expect_eq(good, cases[i].host != NULL, "'%s'", cases[i].text);
        if (good && cases[i].host) {
            cr_expect_str_eq(host, cases[i].host);
            cr_expect_eq(port, cases[i].port);
        }
    }
}

Test(values, loopback_is_told_without_looking_up_names)
{
    cr_expect(value_is_loopback("127.0.0.1"));
    cr_expect(value_is_loopback("127.3.2.1"));
    cr_expect(value_is_loopback("::1"));
    cr_expect(value_is_loopback("localhost"));
    cr_expect_not(value_is_loopback("0.0.0.0"));
    cr_expect_not(value_is_loopback("::"));
    cr_expect_not(value_is_loopback("10.0.0.1"));
    cr_expect_not(value_is_loopback("localhost.example.org"));
}

Test(values, distance_counts_edits)
{
    cr_expect_eq(value_distance("kernel", "kernel"), 0);
    cr_expect_eq(value_distance("kernal", "kernel"), 1);
    cr_expect_eq(value_distance("kernle", "kernel"), 1, "a swap is one edit");
    cr_expect_eq(value_distance("", "abc"), 3);
    cr_expect_eq(value_distance("abc", ""), 3);
    cr_expect_eq(value_distance("disk", "net"), 4);
}

/* The parts of a state that are remembered, and the report of those that differ. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libftvm/part_history.h"
#include "libftvm/part_report.h"

static void add(struct part_history *history, const char *name, uint64_t index, const void *data,
                size_t size)
{
    struct digest_part part = {name, index, data, size, 0x100 + index};
    part_history_add(history, &part);
}

/* A boundary with `count` parts whose values tell the position. */
static void add_boundary(struct part_history *history, uint64_t position, size_t count)
{
    part_history_begin(history, position);
    for (size_t i = 0; i < count; i++) {
        add(history, "register", i, &position, sizeof position);
    }
}

static bool knows(const struct part_history *history, uint64_t position, size_t count)
{
    struct part_list list;
    if (!part_history_find(history, position, NULL, 0, &list)) {
        cr_expect_eq(list.count, 0);
        return false;
    }
    cr_expect_eq(list.count, count);
    for (size_t i = 0; i < list.count; i++) {
        cr_expect_str_eq(list.parts[i].name, "register");
        cr_expect_eq(list.parts[i].index, i);
        cr_expect_eq(list.parts[i].value.size, sizeof position);
        cr_expect_eq(memcmp(list.parts[i].value.data, &position, sizeof position), 0);
    }
    return true;
}

Test(parts, last_boundaries_are_known)
{
    struct part_history *history = part_history_create(NULL);
    cr_expect_not(knows(history, 0, 0));
    for (uint64_t i = 1; i <= 1000; i++) {
        add_boundary(history, i * 10, 3);
    }
    cr_expect(knows(history, 10000, 3));
    cr_expect(knows(history, (1000 - PART_HISTORY_BOUNDARIES + 1) * 10, 3));
    cr_expect_not(knows(history, (1000 - PART_HISTORY_BOUNDARIES) * 10, 3));
    cr_expect_not(knows(history, 9995, 3));
    part_history_destroy(NULL, history);
}

Test(parts, many_parts_push_out_old_boundaries)
{
    struct part_history *history = part_history_create(NULL);
    uint64_t kept = PART_HISTORY_PARTS / LOG_MAX_PARTS;
    for (uint64_t i = 1; i <= 200; i++) {
        add_boundary(history, i, LOG_MAX_PARTS + 7); /* what is too much is left out */
    }
    cr_expect(knows(history, 200, LOG_MAX_PARTS));
    cr_expect(knows(history, 200 - kept + 1, LOG_MAX_PARTS));
    cr_expect_not(knows(history, 200 - kept, LOG_MAX_PARTS));
    part_history_destroy(NULL, history);
}

Test(parts, any_name_becomes_one_that_a_message_may_have)
{
    struct part_history *history = part_history_create(NULL);
    struct part_list list;
    char name[LOG_MAX_NAME + 10];
    memset(name, 'x', sizeof name);
    name[1] = '\n';
    name[sizeof name - 1] = '\0';
    part_history_begin(history, 1);
    add(history, name, 0, "123456789", 9);
    cr_assert(part_history_find(history, 1, NULL, 0, &list));
    cr_expect_eq(strlen(list.parts[0].name), LOG_MAX_NAME);
    cr_expect_eq(list.parts[0].name[1], '?');
    cr_expect_eq(list.parts[0].value.size, 0, "more than 8 bytes are told by their digest");
    cr_expect_eq(list.parts[0].size, 9);
    part_history_destroy(NULL, history);
}

static struct log_part part_of(const char *name, uint64_t index, uint64_t digest, const char *value)
{
    return (struct log_part){.name = name,
                             .index = index,
                             .size = strlen(value),
                             .digest = digest,
                             .value = {(const uint8_t *)value, strlen(value)}};
}

/* A window of memory moves on from boundary to boundary, also where the guest idles twice. */
Test(parts, of_boundaries_at_one_position_those_that_the_other_replica_has)
{
    struct part_history *history = part_history_create(NULL);
    struct part_list list;
    const struct log_part theirs[] = {part_of("memory", 3, 9, "x")};
    const struct log_part others[] = {part_of("memory", 77, 9, "x")};
    for (uint64_t window = 2; window < 5; window++) {
        part_history_begin(history, 100);
        add(history, "memory", window, "a", 1);
    }
    add_boundary(history, 200, 1);
    cr_assert(part_history_find(history, 100, theirs, 1, &list));
    cr_expect_eq(list.parts[0].index, 3);
    cr_assert(part_history_find(history, 100, others, 1, &list));
    cr_expect_eq(list.parts[0].index, 4, "the last, where there are no such");
    cr_assert(part_history_find(history, 100, NULL, 0, &list));
    cr_expect_eq(list.parts[0].index, 4);
    part_history_destroy(NULL, history);
}

Test(parts, report_names_what_differs)
{
    char text[PART_REPORT_SIZE];
    struct log_part ours[] = {part_of("pc", 0, 1, "A"), part_of("register", 7, 2, "B"),
                              part_of("page", 9, 3, "")};
    struct log_part theirs[] = {part_of("pc", 0, 1, "A"), part_of("register", 7, 5, "C"),
                                part_of("page", 9, 4, "")};
    ours[2].size = theirs[2].size = 4096;
    part_report(text, "the primary", ours, 3, "the backup", theirs, 3);
    cr_expect_str_eq(text, "register 7: 0x42 on the primary, 0x43 on the backup\n"
                           "page 9: 4096 bytes, digest 0000000000000003 on the primary, "
                           "4096 bytes, digest 0000000000000004 on the backup");
    part_report(text, "the primary", ours, 1, "the backup", theirs, 1);
    cr_expect_str_eq(text, "");
    part_report(text, "the primary", ours, 1, "the backup", theirs, 2);
    cr_expect_str_eq(text, "1 parts on the primary, 2 on the backup");
    theirs[0].index = 1;
    part_report(text, "the primary", ours, 3, "the backup", theirs, 3);
    cr_expect_str_eq(text, "part 1 is pc 0 on the primary and pc 1 on the backup");
}

Test(parts, report_has_a_limit)
{
    char text[PART_REPORT_SIZE];
    char name[LOG_MAX_NAME + 1];
    struct log_part ours[LOG_MAX_PARTS], theirs[LOG_MAX_PARTS];
    memset(name, 'n', LOG_MAX_NAME);
    name[LOG_MAX_NAME] = '\0';
    for (size_t i = 0; i < LOG_MAX_PARTS; i++) {
        ours[i] = part_of(name, UINT64_MAX, 1, "12345678");
        theirs[i] = part_of(name, UINT64_MAX, 2, "12345679");
    }
    part_report(text, "the primary", ours, LOG_MAX_PARTS, "the backup", theirs, LOG_MAX_PARTS);
    cr_expect_lt(strlen(text), PART_REPORT_SIZE);
    cr_expect_not_null(strstr(text, "and 104 more"));
}

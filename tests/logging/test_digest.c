#include <criterion/criterion.h>

#include "logging/digest.h"
#include "samples.h"

static struct message_value a_value(void)
{
    return (struct message_value){
        .lsn = 5, .term = 2, .position = 1000, .data = {(const uint8_t *)"time", 4}};
}

static struct message_boundary a_boundary(const struct log_input *inputs, size_t count)
{
    return (struct message_boundary){.lsn = 1,
                                     .term = 2,
                                     .position = 3,
                                     .digest = 5,
                                     .clock_ns = 6,
                                     .rate_q32 = 7,
                                     .next_length = 8,
                                     .released = 9,
                                     .chain = 10,
                                     .final = false,
                                     .input_count = count,
                                     .inputs = inputs};
}

Test(digest, of_bytes_depends_on_seed_and_bytes)
{
    cr_expect_eq(digest_bytes(0, "", 0), UINT64_C(0x2d06800538d394c2), "XXH3, as published");
    cr_expect_eq(digest_bytes(1, "abc", 3), digest_bytes(1, "abc", 3));
    cr_expect_neq(digest_bytes(1, "abc", 3), digest_bytes(2, "abc", 3));
    cr_expect_neq(digest_bytes(1, "abc", 3), digest_bytes(1, "abd", 3));
}

Test(digest, a_value_counts_but_for_its_term)
{
    struct message_value value = a_value();
    uint64_t chain = digest_chain_value(77, &value);

    cr_expect_neq(digest_chain_value(78, &value), chain);
    value.term++;
    cr_expect_eq(digest_chain_value(77, &value), chain);
    value.lsn++;
    cr_expect_neq(digest_chain_value(77, &value), chain);
    value = a_value();
    value.position++;
    cr_expect_neq(digest_chain_value(77, &value), chain);
    value = a_value();
    value.data.data = (const uint8_t *)"tine";
    cr_expect_neq(digest_chain_value(77, &value), chain);
    value = a_value();
    value.data.size = 3;
    cr_expect_neq(digest_chain_value(77, &value), chain);
}

/* With and without inputs, for the two are computed in different ways. */
static void expect_fields_of_boundary_count(const struct log_input *inputs, size_t count)
{
    const struct message_boundary original = a_boundary(inputs, count);
    uint64_t chain = digest_chain_boundary(77, &original);
    struct message_boundary boundary = original;
    uint64_t *const counted[] = {&boundary.lsn,      &boundary.position, &boundary.digest,
                                 &boundary.clock_ns, &boundary.rate_q32, &boundary.next_length};
    uint64_t *const ignored[] = {&boundary.term, &boundary.released};

    cr_expect_neq(digest_chain_boundary(78, &boundary), chain);
    for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
        boundary = original;
        *counted[i] ^= UINT64_C(1) << 63;
        cr_expect_neq(digest_chain_boundary(77, &boundary), chain, "counted field %zu", i);
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        boundary = original;
        *ignored[i] += 1;
        cr_expect_eq(digest_chain_boundary(77, &boundary), chain, "ignored field %zu", i);
    }
    boundary = original;
    boundary.chain++;
    cr_expect_eq(digest_chain_boundary(77, &boundary), chain);
    boundary.final = true;
    cr_expect_neq(digest_chain_boundary(77, &boundary), chain);
}

Test(digest, a_boundary_counts_but_for_term_released_and_chain)
{
    const struct log_input inputs[] = {{1, {(const uint8_t *)"key", 3}}};

    expect_fields_of_boundary_count(NULL, 0);
    expect_fields_of_boundary_count(inputs, 1);
}

Test(digest, inputs_count_with_device_order_and_where_they_are_split)
{
    const uint8_t *text = (const uint8_t *)"abab";
    const struct log_input variants[][2] = {
        {{1, {text, 2}}, {2, {text, 1}}},     {{1, {text, 1}}, {2, {text, 2}}},
        {{2, {text, 1}}, {1, {text, 2}}},     {{1, {text, 2}}, {3, {text, 1}}},
        {{1, {text, 3}}, {2, {text, 0}}},     {{1, {text, 0}}, {2, {text, 3}}},
        {{1, {text + 1, 2}}, {2, {text, 1}}},
    };
    const size_t count = sizeof(variants) / sizeof(*variants);
    uint64_t chains[sizeof(variants) / sizeof(*variants)];

    for (size_t i = 0; i < count; i++) {
        struct message_boundary boundary = a_boundary(variants[i], 2);

        chains[i] = digest_chain_boundary(0, &boundary);
        for (size_t j = 0; j < i; j++) {
            cr_expect_neq(chains[i], chains[j], "variants %zu and %zu", i, j);
        }
        boundary.input_count = 1;
        cr_expect_neq(digest_chain_boundary(0, &boundary), chains[i]);
    }
}

Test(digest, entries_of_different_kinds_differ)
{
    struct message_value value = {.lsn = 0};
    struct message_boundary boundary = {.lsn = 0};

    cr_expect_neq(digest_chain_value(DIGEST_CHAIN_START, &value),
                  digest_chain_boundary(DIGEST_CHAIN_START, &boundary));
}

/* Logs on disk hold these values, so they must not change with the code. */
Test(digest, chain_values_are_fixed)
{
    const struct log_input inputs[] = {{1, {(const uint8_t *)"key", 3}}};
    struct message_value value = a_value();
    struct message_boundary without = a_boundary(NULL, 0);
    struct message_boundary with = a_boundary(inputs, 1);

    cr_expect_eq(digest_chain_value(DIGEST_CHAIN_START, &value), UINT64_C(0x54bcbe23b3ff6ec1));
    cr_expect_eq(digest_chain_boundary(DIGEST_CHAIN_START, &without), UINT64_C(0xc2643bf9081a45b2));
    cr_expect_eq(digest_chain_boundary(DIGEST_CHAIN_START, &with), UINT64_C(0x44afa8aee72d7ad4));
}

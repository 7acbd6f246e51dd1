/* What the arbiter answers, for each kind of request and each state of the record and its storage.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arbiter_fixture.h"

Test(arbiter, a_spec_is_none_or_a_file)
{
    const char *const bad[] = {"", "nothing", "file", "file:", "file:/tmp/", "etcd:x"};
    struct arbiter *arbiter;
    char error[ARBITER_ERROR_SIZE];

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_expect_eq(arbiter_open(&arbiter, NULL, bad[i], error, sizeof(error)), -EINVAL, "%s",
                     bad[i]);
        cr_expect_str_neq(error, "");
    }
    cr_assert_eq(arbiter_open(&arbiter, NULL, "none", error, sizeof(error)), 0);
    arbiter_close(arbiter);
    cr_assert_eq(arbiter_open(&arbiter, NULL, "file:name", NULL, 0), 0);
    arbiter_close(arbiter);
    arbiter_close(NULL);
}

Test(arbiter, without_an_arbiter_every_claim_wins)
{
    struct arbiter_claim claim = claim_by("b", 5, 2);
    struct arbiter_record record;
    struct arbiter *arbiter;
    char error[ARBITER_ERROR_SIZE];

    cr_assert_eq(arbiter_open(&arbiter, NULL, "none", error, sizeof(error)), 0);
    cr_expect_eq(arbiter_start(arbiter, &claim, &record, error, sizeof(error)), ARBITER_WON);
    cr_expect_eq(record.term, 1);
    cr_expect_eq(arbiter_claim(arbiter, &claim, &record, error, sizeof(error)), ARBITER_WON);
    cr_expect_eq(record.term, 6);
    cr_expect_str_eq(record.owner, "b");
    cr_expect_eq(arbiter_release(arbiter, &claim, &record, error, sizeof(error)), ARBITER_WON);
    cr_expect_eq(arbiter_read(arbiter, &record, error, sizeof(error)), ARBITER_ABSENT);
    arbiter_close(arbiter);
}

Test(arbiter, the_first_start_makes_term_1)
{
    struct place place = place_new();
    struct arbiter_claim claim = claim_by("a", 0, 7);
    struct answer answer;

    cr_assert_eq(read_at(&place).outcome, ARBITER_ABSENT);
    claim.now_ns = 1234567890123456789;
    answer = start_at(&place, claim);
    cr_assert_eq(answer.outcome, ARBITER_WON, "%s", answer.error);
    cr_expect_str_eq(answer.error, "");
    answer = read_at(&place);
    cr_assert_eq(answer.outcome, ARBITER_WON, "%s", answer.error);
    cr_expect_str_eq(answer.record.name, "web");
    cr_expect_str_eq(answer.record.owner, "a");
    cr_expect_eq(answer.record.term, 1);
    cr_expect_eq(answer.record.claim_id, 7);
    cr_expect_eq(answer.record.since_ns, claim.now_ns);
    cr_expect(answer.record.active);
    place_remove(&place);
}

Test(arbiter, a_start_does_not_take_a_term_from_a_living_primary)
{
    struct place place = place_new();
    struct arbiter_claim fresh = claim_by("b", 0, 8);
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    answer = start_at(&place, fresh);
    cr_expect_eq(answer.outcome, ARBITER_LOST);
    cr_expect_str_eq(answer.record.owner, "a");
    cr_expect_not_null(strstr(answer.error, "\"a\""));
    fresh.take_over = true;
    answer = start_at(&place, fresh);
    cr_expect_eq(answer.outcome, ARBITER_WON);
    cr_expect_eq(answer.record.term, 2);
    place_remove(&place);
}

Test(arbiter, a_start_goes_on_after_a_release)
{
    struct place place = place_new();
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    cr_expect_eq(release_at(&place, claim_by("a", 1, 7)).outcome, ARBITER_WON);
    answer = start_at(&place, claim_by("b", 0, 8));
    cr_expect_eq(answer.outcome, ARBITER_WON);
    cr_expect_eq(answer.record.term, 2);
    cr_expect_str_eq(answer.record.owner, "b");
    place_remove(&place);
}

Test(arbiter, one_claim_of_a_term_wins_and_all_others_lose)
{
    struct place place = place_new();
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    answer = claim_at(&place, claim_by("b", 1, 8));
    cr_expect_eq(answer.outcome, ARBITER_WON);
    cr_expect_eq(answer.record.term, 2);
    answer = claim_at(&place, claim_by("a", 1, 9));
    cr_expect_eq(answer.outcome, ARBITER_LOST);
    cr_expect_eq(answer.record.term, 2);
    cr_expect_str_eq(answer.record.owner, "b");
    cr_expect_eq(claim_at(&place, claim_by("b", 2, 10)).outcome, ARBITER_WON);
    cr_expect_eq(claim_at(&place, claim_by("a", 1, 9)).outcome, ARBITER_LOST);
    place_remove(&place);
}

Test(arbiter, a_claim_asked_again_wins_again)
{
    struct place place = place_new();

    for (int i = 0; i < 3; i++) {
        cr_expect_eq(start_at(&place, claim_by("a", 0, 7)).record.term, 1);
    }
    for (int i = 0; i < 3; i++) {
        struct answer answer = claim_at(&place, claim_by("b", 1, 8));

        cr_expect_eq(answer.outcome, ARBITER_WON);
        cr_expect_eq(answer.record.term, 2);
    }
    cr_expect_eq(claim_at(&place, claim_by("a", 1, 8)).outcome, ARBITER_LOST, "another's id");
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 9)).outcome, ARBITER_LOST, "another id");
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(release_at(&place, claim_by("b", 2, 8)).outcome, ARBITER_WON);
    }
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_LOST, "given up since");
    place_remove(&place);
}

Test(arbiter, claim_id_0_is_nobodys)
{
    struct place place = place_new();

    cr_expect_eq(start_at(&place, claim_by("a", 0, 0)).outcome, ARBITER_WON);
    cr_expect_eq(start_at(&place, claim_by("a", 0, 0)).outcome, ARBITER_LOST);
    place_remove(&place);
}

Test(arbiter, after_a_release_there_is_nothing_to_take_over)
{
    struct place place = place_new();
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    release_at(&place, claim_by("a", 1, 7));
    answer = claim_at(&place, claim_by("b", 1, 8));
    cr_expect_eq(answer.outcome, ARBITER_STOPPED);
    cr_expect(!answer.record.active);
    cr_expect_str_neq(answer.error, "");
    cr_expect(!read_at(&place).record.active);
    place_remove(&place);
}

Test(arbiter, only_the_owner_releases_and_only_its_term)
{
    struct place place = place_new();

    start_at(&place, claim_by("a", 0, 7));
    cr_expect_eq(release_at(&place, claim_by("b", 1, 7)).outcome, ARBITER_LOST);
    cr_expect_eq(release_at(&place, claim_by("a", 2, 7)).outcome, ARBITER_LOST);
    claim_at(&place, claim_by("b", 1, 8));
    cr_expect_eq(release_at(&place, claim_by("a", 1, 7)).outcome, ARBITER_LOST);
    cr_expect(read_at(&place).record.active);
    place_remove(&place);
}

Test(arbiter, a_missing_record_is_never_a_win_for_a_running_replica)
{
    struct place place = place_new();

    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(release_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    cr_expect_neq(access(place.lock_path, F_OK), 0, "an empty mount point is left empty");
    start_at(&place, claim_by("a", 0, 7));
    cr_assert_eq(unlink(place.path), 0);
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(claim_at(&place, claim_by("b", 0, 8)).outcome, ARBITER_UNREACHABLE);
    place_remove(&place);
}

Test(arbiter, a_record_older_than_the_claim_is_not_to_be_trusted)
{
    struct place place = place_new();
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    answer = claim_at(&place, claim_by("b", 2, 8));
    cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE);
    cr_expect_not_null(strstr(answer.error, "older"));
    place_remove(&place);
}

Test(arbiter, another_machines_record_is_left_alone)
{
    struct place place = place_new();
    struct arbiter_claim other = claim_by("b", 1, 8);
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    other.name = "mail";
    other.take_over = true;
    answer = claim_at(&place, other);
    cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE);
    cr_expect_not_null(strstr(answer.error, "\"web\""));
    cr_expect_not_null(strstr(answer.error, "\"mail\""));
    cr_expect_eq(start_at(&place, other).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(release_at(&place, other).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(read_at(&place).record.term, 1);
    place_remove(&place);
}

Test(arbiter, bad_names_are_refused_before_anything_is_touched)
{
    struct place place = place_new();
    char too_long[ARBITER_NAME_SIZE + 1] = "";
    const char *const bad[] = {NULL, "", "a\nterm=9", too_long};

    memset(too_long, 'x', ARBITER_NAME_SIZE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct arbiter_claim claim = claim_by(bad[i], 0, 7);

        cr_expect_eq(start_at(&place, claim).outcome, ARBITER_UNREACHABLE);
        claim = claim_by("a", 0, 7);
        claim.name = bad[i];
        cr_expect_eq(start_at(&place, claim).outcome, ARBITER_UNREACHABLE);
    }
    cr_expect_neq(access(place.lock_path, F_OK), 0);
    too_long[LOG_MAX_NAME] = '\0';
    cr_expect_eq(start_at(&place, claim_by(too_long, 0, 7)).outcome, ARBITER_WON);
    cr_expect_str_eq(read_at(&place).record.owner, too_long);
    place_remove(&place);
}

Test(arbiter, the_last_term_has_no_successor)
{
    struct arbiter_record last = {"web", UINT64_MAX, "a", 7, true, 0};
    struct place place = place_new();
    struct arbiter_claim over = claim_by("b", UINT64_MAX, 8);

    place_write(&place, &last);
    cr_expect_eq(claim_at(&place, over).outcome, ARBITER_UNREACHABLE);
    over.take_over = true;
    cr_expect_eq(start_at(&place, over).outcome, ARBITER_UNREACHABLE);
    place_remove(&place);
}

Test(arbiter, storage_that_is_not_there_is_unreachable)
{
    struct place place = place_new();
    struct answer answer;

    place_remove(&place);
    cr_expect_eq(read_at(&place).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(claim_at(&place, claim_by("a", 1, 7)).outcome, ARBITER_UNREACHABLE);
    answer = start_at(&place, claim_by("a", 0, 7));
    cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE);
    cr_expect_not_null(strstr(answer.error, place.lock_path));
    cr_expect_not_null(strstr(answer.error, "No such file"));
}

Test(arbiter, any_damage_to_the_record_is_unreachable)
{
    struct place place = place_new();
    char text[ARBITER_TEXT_SIZE + 16];
    size_t size;

    start_at(&place, claim_by("a", 0, 7));
    size = place_read_text(&place, text);
    for (size_t i = 0; i < size; i++) {
        text[i] ^= 0x01;
        place_write_text(&place, text, size);
        cr_expect_eq(read_at(&place).outcome, ARBITER_UNREACHABLE, "byte %zu", i);
        cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
        text[i] ^= 0x01;
    }
    for (size_t cut = 0; cut < size; cut++) {
        struct arbiter_claim over = claim_by("b", 0, 8);
        struct answer answer;

        over.take_over = true;
        place_write_text(&place, text, cut);
        answer = start_at(&place, over);
        cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE, "cut to %zu", cut);
        cr_expect_not_null(strstr(answer.error, place.path));
    }
    memset(text + size, '\n', sizeof(text) - size);
    for (size_t longer = size + 1; longer <= sizeof(text); longer++) {
        place_write_text(&place, text, longer);
        cr_expect_eq(read_at(&place).outcome, ARBITER_UNREACHABLE);
    }
    place_write_text(&place, text, size);
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_WON);
    place_remove(&place);
}

Test(arbiter, another_version_is_told_apart_from_damage)
{
    struct place place = place_new();
    const char *text = "ftvm-arbiter 2\nwho knows\n";
    struct answer answer;

    place_write_text(&place, text, strlen(text));
    answer = read_at(&place);
    cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE);
    cr_expect_not_null(strstr(answer.error, "version"));
    place_remove(&place);
}

Test(arbiter, the_text_of_a_record_is_fixed)
{
    struct arbiter_record record = {"web", 3, "host-a", 0x1f, true, 42};
    const char *expected = "ftvm-arbiter 1\nname=web\nterm=3\nowner=host-a\n"
                           "claim_id=000000000000001f\nstate=active\nsince_ns=42\nxxh3=";
    struct arbiter_record parsed;
    struct arbiter_reason reason = {NULL, 0};
    char text[ARBITER_TEXT_SIZE];
    size_t size = arbiter_record_format(&record, text);

    cr_expect_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);
    cr_expect(arbiter_record_parse(text, size, &parsed, &reason));
    cr_expect_str_eq(parsed.owner, "host-a");
    cr_expect_eq(parsed.claim_id, 0x1f);
}

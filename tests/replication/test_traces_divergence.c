/* Stories of a backup that does not execute what its primary did. */
#include "tests/replication/stories.h"

static struct cluster *diverge(enum guest_fault fault)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|v|.";
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[B].fault = fault;
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_DIVERGED);
    cr_assert_eq(cluster_survivor(c), A);
    return c;
}

Test(traces_divergence, by_the_digest, .timeout = 20)
{
    struct cluster *c = diverge(GUEST_FLIPS_HASH);
    EXPECT_STORY(
        c, "by_the_digest",
        "[    1] A -> B VALUE lsn 2\n"
        "[    2] B -> A ACK received 2, consumed 1\n"
        "[    3] B gets a value\n"
        "[    6] A -> B BOUNDARY lsn 3\n"
        "[    6] A runs epoch 2\n"
        "[    7] B -> A ACK received 3, consumed 2\n"
        "[    8] B diverged: the machine's digest disagrees, last agreed at position 10000\n"
        "[    8] B -> A BYE (diverged): the machine's digest disagrees, last agreed at position "
        "10000\n"
        "[    8] B ends, diverged: at position 20000: the machine's digest disagrees, last agreed "
        "at position 10000\n"
        "[    9] A diverged: the backup: the machine's digest disagrees, last agreed at position "
        "10000\n"
        "[    9] A suspects: backup suspected: the machine's digest disagrees, last agreed at "
        "position 10000\n"
        "[    9] A claims term 2\n"
        "[   11] A has its claim answered: won\n"
        "[   11] A role: primary, unprotected\n"
        "[   16] A runs epoch 3\n"
        "[   21] A makes output 2\n"
        "[   21] A emits 2\n"
        "[   26] A runs epoch 4\n");
    story_ends(c);
}

Test(traces_divergence, by_the_position, .timeout = 20)
{
    struct cluster *c = diverge(GUEST_STOPS_ELSEWHERE);
    EXPECT_STORY(
        c, "by_the_position",
        "[    1] A -> B VALUE lsn 2\n"
        "[    2] B -> A ACK received 2, consumed 1\n"
        "[    3] B gets a value\n"
        "[    6] A -> B BOUNDARY lsn 3\n"
        "[    6] A runs epoch 2\n"
        "[    7] B -> A ACK received 3, consumed 2\n"
        "[    8] B diverged: the epoch ended at another position, last agreed at position 10000\n"
        "[    8] B -> A BYE (diverged): the epoch ended at another position, last agreed at "
        "position 10000\n"
        "[    8] B ends, diverged: at position 20001: the epoch ended at another position, last "
        "agreed at position 10000\n"
        "[    9] A diverged: the backup: the epoch ended at another position, last agreed at "
        "position 10000\n"
        "[    9] A suspects: backup suspected: the epoch ended at another position, last agreed at "
        "position 10000\n"
        "[    9] A claims term 2\n"
        "[   11] A has its claim answered: won\n"
        "[   11] A role: primary, unprotected\n"
        "[   16] A runs epoch 3\n"
        "[   21] A makes output 2\n"
        "[   21] A emits 2\n"
        "[   26] A runs epoch 4\n");
    story_ends(c);
}

Test(traces_divergence, by_a_value_not_asked_for, .timeout = 20)
{
    struct cluster *c = diverge(GUEST_SKIPS_A_VALUE);
    EXPECT_STORY(c, "by_a_value_not_asked_for",
                 "[    1] A -> B VALUE lsn 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B diverged: the log has a value where the guest ends its epoch, last "
                 "agreed at position 10000\n"
                 "[    3] B -> A BYE (diverged): the log has a value where the guest ends its "
                 "epoch, last agreed at position 10000\n"
                 "[    3] B ends, diverged: at position 15000: the log has a value where the guest "
                 "ends its epoch, last agreed at position 10000\n"
                 "[    4] A diverged: the backup: the log has a value where the guest ends its "
                 "epoch, last agreed at position 10000\n"
                 "[    4] A suspects: backup suspected: the log has a value where the guest ends "
                 "its epoch, last agreed at position 10000\n"
                 "[    4] A claims term 2\n"
                 "[    6] A has its claim answered: won\n"
                 "[    6] A role: primary, unprotected\n"
                 "[    6] A runs epoch 2\n"
                 "[   16] A runs epoch 3\n"
                 "[   21] A makes output 2\n"
                 "[   21] A emits 2\n"
                 "[   26] A runs epoch 4\n");
    story_ends(c);
}

/* The primary skips the value: B asks where the log ends the epoch. */
Test(traces_divergence, by_a_value_that_the_log_does_not_have, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|v|.";
    struct cluster *c = story_of_a_pair(&config);
    c->replicas[A].fault = GUEST_SKIPS_A_VALUE;
    cluster_run(c, 30 * MS);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_DIVERGED);
    EXPECT_STORY(c, "by_a_value_that_the_log_does_not_have",
                 "[    1] A -> B BOUNDARY lsn 2\n"
                 "[    1] A runs epoch 2\n"
                 "[    2] B -> A ACK received 2, consumed 1\n"
                 "[    3] B diverged: the log ends the epoch where the guest asks a value, last "
                 "agreed at position 10000\n"
                 "[    3] B -> A BYE (diverged): the log ends the epoch where the guest asks a "
                 "value, last agreed at position 10000\n"
                 "[    3] B ends, diverged: at position 15000: the log ends the epoch where the "
                 "guest asks a value, last agreed at position 10000\n"
                 "[    4] A diverged: the backup: the log ends the epoch where the guest asks a "
                 "value, last agreed at position 10000\n"
                 "[    4] A suspects: backup suspected: the log ends the epoch where the guest "
                 "asks a value, last agreed at position 10000\n"
                 "[    4] A claims term 2\n"
                 "[    6] A has its claim answered: won\n"
                 "[    6] A role: primary, unprotected\n"
                 "[   11] A runs epoch 3\n"
                 "[   16] A makes output 2\n"
                 "[   16] A emits 2\n"
                 "[   21] A runs epoch 4\n");
    story_ends(c);
}

/* An entry whose fields are not those that the primary chained, and one that is out of order. */
static enum engine_end end_after(const struct message *entry)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 20 * MS);
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, B).peer, .message = entry};
    cluster_step(c, B, &event);
    enum engine_end end = c->replicas[B].end;
    cluster_destroy(c);
    return end;
}

Test(traces_divergence, entries_that_do_not_follow_are_not_taken, .timeout = 20)
{
    struct message value = {.type = MESSAGE_VALUE, .value = {.lsn = 5, .term = 1}};
    cr_expect_eq(end_after(&value), ENGINE_END_CORRUPT, "a gap");
    value.value.lsn = 1;
    cr_expect_eq(end_after(&value), ENGINE_END_CORRUPT, "a repetition");
    value.value.lsn = 2;
    value.value.term = 2;
    cr_expect_eq(end_after(&value), ENGINE_END_CORRUPT, "another term");
    value.value.term = 1;
    cr_expect_eq(end_after(&value), ENGINE_END_DIVERGED, "a value that nobody asked for");
}

/* B waits for a value; what the log brings was asked for at another place, or has another size. */
static enum engine_end end_after_value(uint64_t offset, size_t size)
{
    struct cluster_config config = cluster_defaults();
    config.program = "o|.|.|v";
    struct cluster *c = story_of_a_pair(&config);
    const struct replica *backup = &c->replicas[B];
    while (c->replicas[A].guest.epoch.number < 3) {
        cluster_run(c, 1 * MS);
    }
    cluster_run(c, 1 * MS); /* the boundary is under way, the value not yet */
    cluster_cut(c, A, B);
    cluster_run(c, 20 * MS);
    uint64_t position;
    cr_assert(toy_next_step(&backup->guest, &position) == 'v' && backup->vcpu == VCPU_WAITS);
    uint8_t data[16] = {0};
    struct message value = {
        .type = MESSAGE_VALUE,
        .value = {.lsn = cluster_status(c, B).lsn + 1, .term = 1, .data = {data, size}}};
    toy_next_step(&backup->guest, &value.value.position);
    value.value.position += offset;
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, B).peer, .message = &value};
    cluster_step(c, B, &event);
    enum engine_end end = backup->end;
    cluster_destroy(c);
    return end;
}

Test(traces_divergence, by_a_value_asked_for_elsewhere, .timeout = 20)
{
    cr_expect_eq(end_after_value(0, 8), ENGINE_RUNNING);
    cr_expect_eq(end_after_value(1, 8), ENGINE_END_DIVERGED);
    cr_expect_eq(end_after_value(0, 16), ENGINE_END_DIVERGED);
}

Test(traces_divergence, log_digest_finds_a_changed_entry, .timeout = 20)
{
    struct cluster_config config = cluster_defaults();
    config.program = "z";
    struct cluster *c = story_of_a_pair(&config);
    cluster_run(c, 20 * MS);
    const struct executed *last = &c->replicas[B].executed[0];
    struct message boundary = {.type = MESSAGE_BOUNDARY,
                               .boundary = {.lsn = cluster_status(c, B).lsn + 1,
                                            .term = 1,
                                            .position = last->position,
                                            .digest = last->digest,
                                            .clock_ns = 1000 * MS,
                                            .next_length = 10000,
                                            .chain = 1234}};
    struct engine_event event = {
        .type = ENGINE_MESSAGE, .peer = cluster_status(c, B).peer, .message = &boundary};
    cluster_step(c, B, &event);
    cr_assert_eq(c->replicas[B].end, ENGINE_END_DIVERGED);
    EXPECT_STORY(
        c, "log_digest_finds_a_changed_entry",
        "[   20] B diverged: the log's own digest disagrees, last agreed at position 5000\n"
        "[   20] B -> A BYE (diverged): the log's own digest disagrees, last agreed at position "
        "5000\n"
        "[   20] B ends, diverged: at position 10000: the log's own digest disagrees, last agreed "
        "at position 5000\n");
    story_ends(c);
}

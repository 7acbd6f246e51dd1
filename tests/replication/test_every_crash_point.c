/*
 * One short run, and a loss at each of its points: before every single thing that an engine asked
 * for, the replica that was asked is lost, once with and once without what it had sent before, and
 * once told and once not. Where a backup was told that it may claim, the machine must go on.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "fault-injection/simulator/checks.h"

struct variant {
    enum engine_protocol protocol;
    bool silent;
    bool loses_messages;
    bool loses_answers;
    bool cuts; /* epochs of no fixed length */
};

static struct cluster *create(const struct variant *variant)
{
    struct cluster_config config = cluster_defaults();
    config.program = "ov|o|oi|vco";
    config.chunk_size = 40;
    config.engine.timeout_ns = 200 * MS;
    config.engine.protocol = variant->protocol;
    if (variant->cuts) {
        config.engine.epoch_length = 0;
        config.slice = 1500;
    }
    struct cluster *c = cluster_create(&config);
    c->trap.silent = variant->silent;
    return c;
}

/* Two replicas from start to some epochs after PROTECTED, with inputs. */
static void run_story(struct cluster *c)
{
    cluster_add_primary(c);
    cluster_run(c, 4 * MS);
    cluster_add_backup(c, 0);
    for (unsigned i = 0; i < 30; i++) {
        cluster_run(c, 9 * MS);
        cluster_input(c, 0);
    }
}

static bool somebody_was_told(const struct cluster *c)
{
    for (unsigned i = 0; i < c->replica_count; i++) {
        struct engine_status status = cluster_status(c, i);
        if (c->replicas[i].alive && (status.live || status.is_protected || status.claiming)) {
            return true;
        }
    }
    return false;
}

static bool goes_on(struct cluster *c, char *why)
{
    bool must_survive = somebody_was_told(c);
    cluster_run(c, 1500 * MS);
    if (!must_survive) {
        return check_safety(c, why);
    }
    if (!check_survivor(c, why) || !check_safety(c, why)) {
        return false;
    }
    unsigned survivor = cluster_survivor(c);
    size_t emitted = c->emission_count;
    cluster_add_backup(c, survivor);
    cluster_run(c, 300 * MS);
    if (!cluster_is_protected(c) || c->emission_count == emitted) {
        snprintf(why, CHECK_WHY_SIZE, "%s does not go on with a new backup",
                 c->replicas[survivor].name);
        return false;
    }
    return check_safety(c, why);
}

static bool crash_at(const struct variant *variant, uint64_t action, char *why)
{
    struct cluster *c = create(variant);
    c->crash_at_action = action;
    c->crash_loses_messages = variant->loses_messages;
    c->answers_lost_at_first = variant->loses_answers;
    run_story(c);
    bool good = goes_on(c, why);
    cluster_destroy(c);
    return good;
}

static void crash_everywhere(const struct variant *variant)
{
    char why[CHECK_WHY_SIZE] = "";
    struct cluster *c = create(variant);
    run_story(c);
    uint64_t actions = c->actions;
    cluster_destroy(c);
    cr_assert_gt(actions, 100);
    for (uint64_t action = 1; action <= actions; action++) {
        cr_assert(crash_at(variant, action, why), "a loss before action %llu of %llu: %s",
                  (unsigned long long)action, (unsigned long long)actions, why);
    }
}

Test(every_crash_point, told, .timeout = 120)
{
    crash_everywhere(&(struct variant){.protocol = ENGINE_REVISED});
}

Test(every_crash_point, with_all_that_was_under_way, .timeout = 120)
{
    crash_everywhere(&(struct variant){.protocol = ENGINE_REVISED, .loses_messages = true});
}

Test(every_crash_point, silent, .timeout = 120)
{
    crash_everywhere(&(struct variant){.protocol = ENGINE_REVISED, .silent = true});
}

Test(every_crash_point, silent_with_all_that_was_under_way, .timeout = 120)
{
    crash_everywhere(
        &(struct variant){.protocol = ENGINE_REVISED, .silent = true, .loses_messages = true});
}

Test(every_crash_point, and_the_answer_to_the_claim_is_lost, .timeout = 120)
{
    crash_everywhere(&(struct variant){
        .protocol = ENGINE_REVISED, .loses_messages = true, .loses_answers = true});
}

Test(every_crash_point, of_the_original_protocol, .timeout = 120)
{
    crash_everywhere(&(struct variant){.protocol = ENGINE_ORIGINAL, .loses_messages = true});
}

Test(every_crash_point, where_inputs_end_epochs, .timeout = 120)
{
    crash_everywhere(&(struct variant){.protocol = ENGINE_REVISED, .cuts = true});
}

Test(every_crash_point, where_inputs_end_epochs_and_messages_are_lost, .timeout = 120)
{
    crash_everywhere(&(struct variant){
        .protocol = ENGINE_REVISED, .silent = true, .loses_messages = true, .cuts = true});
}

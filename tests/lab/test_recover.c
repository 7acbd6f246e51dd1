/*
 * What is said of a pair after a fault. The replicas here are processes that do nothing, and events
 * that the test writes in their names.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/lab/faults/faults_parts.h"

#define REPLICAS   16u
#define TIMEOUT_MS 600

struct stage {
    struct lab lab;
    struct pair pair;
    struct faults faults;
    struct replica replicas[REPLICAS];
    char directory[32];
    char what[FAULTS_WHAT_SIZE];
};

static void set(struct stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    strcpy(stage->directory, "/tmp/ftvm-test-XXXXXX");
    cr_assert(mkdtemp(stage->directory));
    strcpy(stage->lab.directory, stage->directory);
    stage->lab.signals = -1;
    stage->lab.config.ftvm = "/bin/false"; /* asked for a status, nobody answers */
    stage->faults.lab = stage->pair.lab = &stage->lab;
    stage->pair.replicas = stage->replicas;
}

static struct replica *add(struct stage *stage, const char *label)
{
    struct replica *replica = &stage->replicas[stage->pair.count++];
    char path[LAB_PATH_SIZE];

    replica->host = stage->pair.count % 2 ? PLACE_HOST_A : PLACE_HOST_B;
    strcpy(replica->label, label);
    snprintf(path, sizeof(path), "%.31s/%s.events", stage->directory, label);
    event_log_init(&replica->events, path);
    replica->process.pid = fork();
    if (replica->process.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    replica->process.running = true;
    return replica;
}

static void tell(struct replica *replica, const char *event, const char *role, bool is_protected,
                 unsigned term)
{
    FILE *file = fopen(replica->events.path, "ae");

    cr_assert(file);
    fprintf(file,
            "{\"event\":\"%s\",\"role\":\"%s\",\"protected\":%s,\"term\":%u,\"text\":\"so\"}\n",
            event, role, is_protected ? "true" : "false", term);
    fclose(file);
}

/* Returns when it is dead: who of two died first is not left to chance. */
static void lose(const struct replica *replica)
{
    siginfo_t end;

    kill(replica->process.pid, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)replica->process.pid, &end, WEXITED | WNOWAIT), 0);
}

/* It must fail, and say this. */
static void expect_failure(struct stage *stage, unsigned timeout_ms, const char *because)
{
    cr_assert_not(faults_recover(&stage->faults, &stage->pair, timeout_ms, stage->what));
    cr_assert(strstr(stage->lab.error, because), "%s", stage->lab.error);
    for (unsigned i = 0; i < stage->pair.count; i++)
        replica_end(&stage->replicas[i]);
}

Test(recover, two_of_one_term_are_a_split_brain)
{
    struct stage stage;

    set(&stage);
    tell(add(&stage, "1a"), "role", "primary", true, 4);
    tell(add(&stage, "2b"), "role", "primary", false, 4);
    expect_failure(&stage, 5000, "split brain: 1a says live, protected at term 4 while 2b says");
}

Test(recover, one_that_believes_itself_alone_beside_a_later_one_is_a_split_brain)
{
    struct stage stage;
    uint64_t start = lab_now_ns();

    set(&stage);
    tell(add(&stage, "1a"), "role", "primary", false, 4);
    tell(add(&stage, "2b"), "role", "primary", false, 5);
    expect_failure(&stage, 5000, "split brain: 1a says live, unprotected at term 4 while 2b says");
    cr_assert(lab_now_ns() - start > UINT64_C(1500000000), "it was given no time to find out");
}

Test(recover, an_overtaken_primary_has_to_end)
{
    struct stage stage;

    set(&stage);
    tell(add(&stage, "1a"), "role", "primary", true, 4);
    tell(add(&stage, "2b"), "role", "primary", false, 5);
    expect_failure(&stage, TIMEOUT_MS,
                   "no protected pair after 600 ms: 1a live, protected (term 4)");
}

Test(recover, a_fenced_one_that_does_not_end_is_no_recovery)
{
    struct stage stage;
    struct replica *fenced;

    set(&stage);
    fenced = add(&stage, "1a");
    tell(fenced, "role", "primary", true, 4);
    tell(fenced, "fenced", "primary", true, 4);
    tell(add(&stage, "2b"), "role", "primary", false, 5);
    expect_failure(&stage, TIMEOUT_MS, "1a fenced (term 4), 2b live, unprotected (term 5)");
}

Test(recover, a_backup_of_an_earlier_term_protects_nobody)
{
    struct stage stage;

    set(&stage);
    tell(add(&stage, "1a"), "role", "primary", true, 5);
    tell(add(&stage, "2b"), "role", "backup", true, 4);
    expect_failure(&stage, TIMEOUT_MS, "2b backup, protects (term 4)");
}

Test(recover, those_who_do_not_answer_are_not_believed)
{
    struct stage stage;

    set(&stage);
    tell(add(&stage, "1a"), "role", "primary", true, 5);
    tell(add(&stage, "2b"), "role", "backup", true, 5);
    expect_failure(&stage, TIMEOUT_MS, "no protected pair");
}

Test(recover, a_machine_without_anybody_live_is_lost)
{
    struct stage stage;
    struct replica *primary, *joiner;

    set(&stage);
    primary = add(&stage, "1a");
    joiner = add(&stage, "2b");
    tell(primary, "role", "primary", false, 4);
    tell(joiner, "stop", "backup", false, 4);
    lose(primary);
    lose(joiner);
    expect_failure(&stage, 5000, "nobody is live: 1a was killed; 2b was killed");
}

static void diverge(struct stage *stage)
{
    struct replica *backup;

    tell(add(stage, "1a"), "role", "primary", false, 4);
    backup = add(stage, "2b");
    tell(backup, "role", "backup", true, 4);
    tell(backup, "diverged", "backup", true, 4);
    lose(backup);
}

Test(recover, a_divergence_out_of_nothing_is_a_failure)
{
    struct stage stage;

    set(&stage);
    diverge(&stage);
    expect_failure(&stage, 5000, "replica 2b diverged, and nobody has touched its memory");
}

Test(recover, a_primary_that_tells_of_its_backups_divergence_is_live)
{
    struct stage stage;
    struct replica *primary;

    set(&stage);
    primary = add(&stage, "1a");
    tell(primary, "diverged", "primary", true, 4);
    tell(primary, "role", "primary", false, 5);
    tell(add(&stage, "2b"), "role", "backup", false, 5);
    expect_failure(&stage, TIMEOUT_MS, "1a live, unprotected (term 5)");
}

Test(recover, a_divergence_after_a_flipped_bit_is_what_was_hoped_for)
{
    struct stage stage;

    set(&stage);
    diverge(&stage);
    faults_note_damage(&stage.faults, &stage.replicas[1]);
    /* A new backup comes, of which nothing becomes here. */
    expect_failure(&stage, TIMEOUT_MS, "2b diverged;");
}

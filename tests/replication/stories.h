/* What the stories have in common. */
#ifndef TESTS_STORIES_H
#define TESTS_STORIES_H

#include <criterion/criterion.h>

#include "fault-injection/simulator/checks.h"
#include "tests/replication/golden.h"

enum { A, B, C, D };

static inline bool story_is_calm(struct cluster *c)
{
    return cluster_is_protected(c) && c->replicas[A].vcpu == VCPU_RUNS &&
           cluster_status(c, B).lsn_consumed == cluster_status(c, A).lsn;
}

/* A protected by B; the story begins when both have begun the same epoch. */
static inline struct cluster *story_of_a_pair(const struct cluster_config *config)
{
    struct cluster *c = cluster_create(config);
    cluster_add_primary(c);
    cluster_run(c, 5 * MS);
    cluster_add_backup(c, A);
    cr_assert(cluster_run_until(c, story_is_calm, 5000 * MS), "the pair does not come to be");
    cluster_tell(c, true);
    return c;
}

/* Whatever the story was, no rule was broken in it. */
static inline void story_ends(struct cluster *c)
{
    char why[CHECK_WHY_SIZE] = "";
    cr_expect(check_safety(c, why), "%s", why);
    cluster_destroy(c);
}

#endif

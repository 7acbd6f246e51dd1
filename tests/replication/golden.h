/*
 * Stories as tests: what a cluster told is compared with the text in the test.
 *
 * EXPECT_STORY(cluster, "name", "..."): the name is that of the test. If they differ, the test
 * fails with the difference. With FTVM_UPDATE_STORIES=1 in the environment, and run from the
 * project's root, the text in the test's source is replaced by the story, to be read with care
 * before it is committed.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "fault-injection/simulator/cluster.h"

void golden_expect(const struct cluster *cluster, const char *file, const char *name,
                   const char *expected);

#define EXPECT_STORY(cluster, name, expected) golden_expect(cluster, __FILE__, name, expected)

#endif

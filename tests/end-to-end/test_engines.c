/*
 * Replicas that execute the guest in different ways: one interprets, the other translates. Every
 * boundary compares their digests, and each takes over from the other. A host without a JIT
 * interprets on both.
 */
#include <stdio.h>
#include <string.h>

#include "tests/end-to-end/tests.h"

#define ASK_MS     10000
#define TINY_CACHE "256K" /* the kernel alone fills it many times over */

static bool find_jit(struct fixture *fixture, bool *has_jit)
{
    struct lab *lab = &fixture->lab;
    const char *arguments[] = {lab->config.ftvm, "--version", NULL};
    char path[LAB_PATH_SIZE], text[256] = "";
    struct process process;
    int code;

    lab_path(lab, "version", path);
    if (!process_start(&process, lab, lab->network.places[PLACE_HOST_A], path, arguments))
        return false;
    if (!process_wait(&process, lab, ASK_MS, &code)) {
        process_kill(&process);
        return false;
    }
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    *has_jit = strstr(text, "jit") != NULL;
    return (code == 0 && size > 0) ||
           lab_fail_log(lab, path, "'ftvm --version' exits with %d", code);
}

static bool check_replica(struct fixture *fixture, struct replica *replica)
{
    const char *const *options = fixture->pair.options.host_extra[replica->host];
    bool tiny = options[2] != NULL;
    json_t *status = replica_status(replica, &fixture->lab);
    json_t *cpu = json_object_get(status, "cpu");
    const char *engine = json_string_value(json_object_get(cpu, "engine"));
    bool good = status != NULL;

    if (good && (!engine || strcmp(engine, options[1]) != 0))
        good = lab_fail(&fixture->lab, "replica %s is on %s and not on %s", replica->label,
                        engine ? engine : "nothing", options[1]);
    if (good && tiny && strcmp(options[1], "jit") == 0 &&
        json_integer_value(json_object_get(cpu, "code_flushes")) == 0)
        good =
            lab_fail(&fixture->lab, "the code cache of replica %s was never full", replica->label);
    json_decref(status);
    return good;
}

static bool check(struct fixture *fixture)
{
    return check_replica(fixture, fixture->pair.primary) &&
           check_replica(fixture, fixture->pair.backup) && fixture_check(fixture);
}

/* Linux boots on host A under the protection of host B, with a client of Redis; then the guest goes
 * to B, and back. */
static bool boot_and_move(struct fixture *fixture, const char *engine_a, const char *engine_b,
                          const char *code_cache)
{
    bool has_jit;

    if (!find_jit(fixture, &has_jit))
        return false;
    const struct replica_options options = {
        .append = fixture_standard.append,
        .host_extra = {[PLACE_HOST_A] = {"--cpu", has_jit ? engine_a : "interp",
                                         code_cache ? "--code-cache" : NULL, code_cache},
                       [PLACE_HOST_B] = {"--cpu", has_jit ? engine_b : "interp",
                                         code_cache ? "--code-cache" : NULL, code_cache}},
    };
    if (!fixture_start(fixture, &options) || !fixture_connect(fixture) || !check(fixture))
        return false;
    for (int i = 0; i < 2; i++)
        if (!lab_sleep(&fixture->lab, 1000) || !fixture_fail_over(fixture) ||
            !fixture_protect(fixture) || !lab_sleep(&fixture->lab, 1000) || !check(fixture))
            return false;
    return true;
}

bool test_jit_and_interpreter_protect_each_other(struct fixture *fixture)
{
    return boot_and_move(fixture, "jit", "interp", NULL);
}

bool test_interpreter_and_jit_protect_each_other(struct fixture *fixture)
{
    return boot_and_move(fixture, "interp", "jit", NULL);
}

bool test_tiny_code_cache_protected_by_the_interpreter(struct fixture *fixture)
{
    return boot_and_move(fixture, "jit", "interp", TINY_CACHE);
}

bool test_interpreter_protected_by_a_tiny_code_cache(struct fixture *fixture)
{
    return boot_and_move(fixture, "interp", "jit", TINY_CACHE);
}

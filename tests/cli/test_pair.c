/* Two real processes: how each end of a pair's life shows in exit codes and lines. */
#include "program.h"

#include "cli/exit_codes.h"

#define PRIMARY                                                                                    \
    "primary --kernel image --memory 64M --console none --listen 127.0.0.1:0 --arbiter file:a "    \
    "--control primary "
#define BACKUP "backup --console none --listen 127.0.0.1:0 --control backup "

struct pair {
    char path[4096], folder[32];
    struct program primary, backup;
};

static void start_backup(struct pair *pair, const char *options)
{
    static const char marker[] = "backups may join at 127.0.0.1:";
    const char *place = strstr(pair->primary.error, marker);
    char line[512];

    cr_assert_not_null(place);
    snprintf(line, sizeof(line), BACKUP "--join 127.0.0.1:%d %s", atoi(place + strlen(marker)),
             options);
    program_start(&pair->backup, pair->path, line);
}

static void start_pair(struct pair *pair)
{
    program_path(pair->path);
    program_enter_folder(pair->folder);
    program_write_idle_image("image");
    program_start(&pair->primary, pair->path, PRIMARY);
    cr_assert(program_wait_for(&pair->primary, "backups may join"), "%s", pair->primary.error);
    start_backup(pair, "--arbiter file:a");
    cr_assert(program_wait_for(&pair->backup, "backup, following, term 1"), "%s",
              pair->backup.error);
    cr_assert(program_wait_for(&pair->primary, "primary, protected, term 1"), "%s",
              pair->primary.error);
}

Test(pair, a_stopped_primary_ends_both_in_good_order)
{
    struct pair pair;
    struct program client;

    start_pair(&pair);
    program_run(&client, pair.path, "stop --control primary");
    program_finish(&pair.primary);
    program_finish(&pair.backup);
    cr_expect_eq(client.code, CLI_EXIT_GOOD, "%s", client.error);
    cr_expect_eq(pair.primary.code, CLI_EXIT_GOOD, "%s", pair.primary.error);
    cr_expect_eq(pair.backup.code, CLI_EXIT_GOOD, "%s", pair.backup.error);
    program_leave_folder(pair.folder);
}

Test(pair, a_stopped_backup_leaves_alone)
{
    struct pair pair;

    start_pair(&pair);
    kill(pair.backup.process, SIGTERM);
    program_finish(&pair.backup);
    cr_expect_eq(pair.backup.code, CLI_EXIT_GOOD, "%s", pair.backup.error);
    cr_expect(program_wait_for(&pair.primary, "primary, unprotected, term 2"), "%s",
              pair.primary.error);
    kill(pair.primary.process, SIGTERM);
    program_finish(&pair.primary);
    cr_expect_eq(pair.primary.code, CLI_EXIT_GOOD);
    program_leave_folder(pair.folder);
}

Test(pair, a_killed_primary_is_survived)
{
    struct pair pair;
    struct program client;

    start_pair(&pair);
    kill(pair.primary.process, SIGKILL);
    cr_expect(program_wait_for(&pair.backup, "took over at position"), "%s", pair.backup.error);
    /* The status is published at the end of the I/O thread's turn that told of the takeover. */
    unsigned tries = 0;
    do {
        program_run(&client, pair.path, "status --control backup");
        cr_assert(tries++ < 100, "%s", client.output);
    } while (!strstr(client.output, "primary, unprotected"));
    program_run(&client, pair.path, "stop --control backup");
    cr_expect_eq(client.code, CLI_EXIT_GOOD, "%s", client.error);
    program_finish(&pair.backup);
    program_finish(&pair.primary);
    cr_expect_eq(pair.backup.code, CLI_EXIT_GOOD, "%s", pair.backup.error);
    program_leave_folder(pair.folder);
}

Test(pair, a_promotion_fences_the_primary)
{
    struct pair pair;
    struct program client;

    start_pair(&pair);
    program_run(&client, pair.path, "promote --control backup");
    program_wait_for(&pair.backup, "took over at position");
    cr_expect_eq(client.code, CLI_EXIT_GOOD, "%s%s", client.error, pair.backup.error);
    program_finish(&pair.primary);
    cr_expect_eq(pair.primary.code, CLI_EXIT_FENCED, "%s", pair.primary.error);
    kill(pair.backup.process, SIGTERM);
    program_finish(&pair.backup);
    cr_expect_eq(pair.backup.code, CLI_EXIT_GOOD);
    program_leave_folder(pair.folder);
}

Test(pair, a_second_primary_is_not_started_beside_a_living_one)
{
    struct pair pair;
    struct program second;

    start_pair(&pair);
    program_run(&second, pair.path,
                "primary --kernel image --console none --listen 127.0.0.1:0 --arbiter file:a");
    cr_expect_eq(second.code, CLI_EXIT_ACTIVE, "%s", second.error);
    kill(pair.primary.process, SIGTERM);
    program_finish(&pair.primary);
    program_finish(&pair.backup);
    program_leave_folder(pair.folder);
}

static unsigned count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned count = 0;

    for (int letter; file && (letter = fgetc(file)) != EOF;)
        count += letter == '\n';
    if (file)
        fclose(file);
    return count;
}

Test(pair, traces_of_both_replicas_are_equal)
{
    const unsigned lines = 1 + 5000;
    struct pair pair;
    struct program client;

    program_path(pair.path);
    program_enter_folder(pair.folder);
    program_write_counting_image("image");
    program_start(&pair.primary, pair.path,
                  PRIMARY "--wait-backup --trace one,from=700000,to=705000");
    cr_assert(program_wait_for(&pair.primary, "backups may join"), "%s", pair.primary.error);
    start_backup(&pair, "--arbiter file:a --cpu interp --trace other,from=700000,to=705000");
    for (unsigned waited = 0; count_lines("one") < lines || count_lines("other") < lines;
         waited += 20) {
        cr_assert(waited < PROGRAM_PATIENCE_S * 1000, "%u and %u lines", count_lines("one"),
                  count_lines("other"));
        program_sleep_ms(20);
    }
    program_run(&client, pair.path, "stop --control primary");
    program_finish(&pair.primary);
    program_finish(&pair.backup);
    cr_expect_eq(pair.primary.code, CLI_EXIT_GOOD, "%s", pair.primary.error);
    cr_expect_eq(pair.backup.code, CLI_EXIT_GOOD, "%s", pair.backup.error);
    cr_expect_eq(system("diff one other"), 0);
    cr_expect_eq(count_lines("one"), lines);
    program_leave_folder(pair.folder);
}

Test(pair, a_backup_that_does_not_fit_says_what_is_missing)
{
    static const struct {
        const char *options;
        int code;
        const char *says;
    } cases[] = {
        {"--arbiter file:a", CLI_EXIT_START, "--disk: the primary's machine has 1"},
        {"--arbiter file:a --disk copy", CLI_EXIT_START, "--net: the primary's machine has 1"},
        {"--arbiter file:a --disk disk --net none", CLI_EXIT_START, "in use"},
        {"--arbiter file:a --disk copy --net none --name other", CLI_EXIT_START, "other"},
        {"--arbiter file:b --disk copy --net none", CLI_EXIT_ARBITER, "file:b"},
    };
    struct pair pair;

    program_path(pair.path);
    program_enter_folder(pair.folder);
    program_write_idle_image("image");
    cr_assert_eq(system("truncate -s 64K disk"), 0);
    program_start(&pair.primary, pair.path, PRIMARY "--disk disk --net none");
    cr_assert(program_wait_for(&pair.primary, "backups may join"), "%s", pair.primary.error);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_backup(&pair, cases[i].options);
        program_finish(&pair.backup);
        cr_expect_eq(pair.backup.code, cases[i].code, "%s: %s", cases[i].options,
                     pair.backup.error);
        cr_expect(strstr(pair.backup.error, cases[i].says), "%s: %s", cases[i].options,
                  pair.backup.error);
    }
    kill(pair.primary.process, SIGTERM);
    program_finish(&pair.primary);
    cr_expect_eq(pair.primary.code, CLI_EXIT_GOOD, "%s", pair.primary.error);
    program_leave_folder(pair.folder);
}

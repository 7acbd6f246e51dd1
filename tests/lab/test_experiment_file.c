/* What an experiment's file may say, and that all else is refused with a line that helps. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/experiment.h"

struct file {
    char path[64];
    struct experiment experiment;
    char error[EXPERIMENT_ERROR_SIZE];
    bool good;
};

static void read_text(struct file *file, const char *text)
{
    FILE *stream;
    int fd;

    strcpy(file->path, "/tmp/ftvm-test-XXXXXX");
    fd = mkstemp(file->path);
    cr_assert_geq(fd, 0);
    stream = fdopen(fd, "w");
    fputs(text, stream);
    fclose(stream);
    file->error[0] = '\0';
    file->good = experiment_read(&file->experiment, file->path, file->error);
    unlink(file->path);
}

Test(experiment_file, what_is_not_said_has_its_standard)
{
    static struct file file;

    read_text(&file, "[experiment]\nname = a-1\n");
    cr_assert(file.good, "%s", file.error);
    cr_assert_str_eq(file.experiment.name, "a-1");
    cr_assert_eq(file.experiment.kind, EXPERIMENT_FAULTS);
    cr_assert_eq(file.experiment.repetitions, 1);
    cr_assert_eq(experiment_points(&file.experiment), 1);
    cr_assert(settings_are(&file.experiment.settings, SETTING_PROTOCOL, "revised"));
    cr_assert(settings_are(&file.experiment.settings, SETTING_FAULT, "none"));
}

Test(experiment_file, sweeps_are_multiplied_and_the_last_varies_fastest)
{
    static struct file file;
    static struct settings settings;
    char name[POINT_NAME_SIZE];

    read_text(&file, "[sweep]\nprotocol = revised original\nepoch = 1000 2000\nepoch = 3000\n");
    cr_assert(file.good, "%s", file.error);
    cr_assert_eq(experiment_points(&file.experiment), 6);
    experiment_point(&file.experiment, 1, &settings, name);
    cr_assert_str_eq(name, "protocol=revised epoch=2000");
    experiment_point(&file.experiment, 5, &settings, name);
    cr_assert_str_eq(name, "protocol=original epoch=3000");
    cr_assert(settings_are(&settings, SETTING_EPOCH, "3000"));
}

Test(experiment_file, several_faults_are_all_of_a_round)
{
    static struct file file;

    read_text(&file, "[fault]\nfault = stop:at=backup\nfault = delay:ms=3\n");
    cr_assert(file.good, "%s", file.error);
    cr_assert(settings_are(&file.experiment.settings, SETTING_FAULT, "stop:at=backup+delay:ms=3"));
}

Test(experiment_file, a_description_goes_on_in_indented_lines_and_has_paragraphs)
{
    static struct file file;

    read_text(&file,
              "[experiment]\ndescription = one\n    two\ndescription =\ndescription = three\n");
    cr_assert(file.good, "%s", file.error);
    cr_assert_str_eq(file.experiment.description, "one two\nthree");
}

/* Each with the number of its line, and a part of what it must say. */
static const struct {
    const char *text, *place, *says;
} bad[] = {
    {"[experiment]\nnme = x\n", ":2: ", "it has name, title"},
    {"[experiment]\nname = a/b\n", ":2: ", "no file name"},
    {"[experiment]\nkind = slow\n", ":2: ", "faults|speed"},
    {"[experiment]\nseed = -1\n", ":2: ", "no number"},
    {"[experiment]\n\nrepetitions = 0\n", ":3: ", "from 1 to"},
    {"[experiment]\nrepetitions = 100001\n", ":2: ", "from 1 to 100000"},
    {"[protocol]\nepok = 5\n", ":2: ", "it has protocol, epoch"},
    {"[protocol]\nepoch = five\n", ":2: ", "no number"},
    {"[protocol]\nprotocol = new\n", ":2: ", "original|revised"},
    {"[protocol]\nprotocol =\n", ":2: ", "no value"},
    {"[protocl]\nepoch = 5\n",
     ":2: ", "there is no section [protocl]; there are experiment, guest"},
    {"[workload]\nkind = redis chess\n", ":2: ", "there is no workload 'chess'; there are redis"},
    {"[fault]\nfault = kil\n", ":2: ", "kil"},
    {"[sweep]\nepoch =\n", ":2: ", "no value"},
    {"[sweep]\nname = a b\n", ":2: ", "cannot vary 'name'"},
    {"[sweep]\nper-pair = 1 2\n", ":2: ", "cannot vary 'per-pair'"},
    {"[sweep]\nepoch = 1 x\n", ":2: ", "'x' is no number"},
    {"[sweep]\nepoch 1\n", ":2: ", "expected KEY = VALUE"},
    {"[experiment]\nrepetitions = 60000\n[sweep]\nepoch = 1 2\n", "", "more than 100000 runs"},
};

Test(experiment_file, what_is_wrong_is_told_with_its_line)
{
    static struct file file;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        read_text(&file, bad[i].text);
        cr_assert_not(file.good, "taken: %s", bad[i].text);
        cr_assert(strstr(file.error, bad[i].place), "'%s' has no '%s'", file.error, bad[i].place);
        cr_assert(strstr(file.error, bad[i].says), "'%s' has no '%s'", file.error, bad[i].says);
        cr_assert_null(strchr(file.error, '\n'), "more than a line: %s", file.error);
    }
}

Test(experiment_file, a_file_that_is_not_there_is_told)
{
    static struct experiment experiment;
    char error[EXPERIMENT_ERROR_SIZE];

    cr_assert_not(experiment_read(&experiment, "/nowhere/x.ini", error));
    cr_assert_str_eq(error, "/nowhere/x.ini: No such file or directory");
}

Test(experiment_file, a_schedule_has_each_run_once_and_lives_in_one_piece)
{
    static struct file file;
    unsigned count, seen[2][7] = {0}, lives = 0;
    struct run *runs;

    read_text(&file, "[experiment]\nrepetitions = 7\n[rounds]\nper-pair = 3\n"
                     "[sweep]\nepoch = 1 2\n");
    runs = experiment_schedule(&file.experiment, &count);
    cr_assert_eq(count, 14);
    for (unsigned i = 0; i < count; i++) {
        seen[runs[i].point][runs[i].repetition - 1]++;
        cr_assert(i == 0 || runs[i].life == runs[i - 1].life || runs[i].life == lives + 1);
        cr_assert(i == 0 || runs[i].life != runs[i - 1].life || runs[i].point == runs[i - 1].point);
        lives = runs[i].life;
    }
    cr_assert_eq(lives + 1, 6);
    for (unsigned i = 0; i < 14; i++)
        cr_assert_eq(seen[i / 7][i % 7], 1);
    free(runs);
}

Test(experiment_file, points_that_differ_in_their_work_share_a_machine)
{
    static struct file file;
    unsigned count;
    struct run *runs;

    read_text(&file, "[experiment]\nrepetitions = 2\n[sweep]\nwork = cpu disk-read\n");
    runs = experiment_schedule(&file.experiment, &count);
    cr_assert_eq(count, 4);
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(runs[i].life, 0);
    free(runs);
}

Test(experiment_file, a_run_has_its_seed_however_many_there_are)
{
    static struct file few, many;

    read_text(&few, "[experiment]\nseed = 9\nrepetitions = 2\n");
    read_text(&many, "[experiment]\nseed = 9\nrepetitions = 2000\n");
    cr_assert_eq(experiment_run_seed(&few.experiment, "all", 2),
                 experiment_run_seed(&many.experiment, "all", 2));
    cr_assert_neq(experiment_run_seed(&few.experiment, "all", 1),
                  experiment_run_seed(&few.experiment, "all", 2));
    cr_assert_neq(experiment_run_seed(&few.experiment, "all", 1),
                  experiment_run_seed(&few.experiment, "epoch=1", 1));
}

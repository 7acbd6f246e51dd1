#include "fault-injection/lab/experiment/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool copy(int from, int to)
{
    char bytes[65536];
    ssize_t size;

    if (lseek(from, -(off_t)EVIDENCE_FILE_MAX, SEEK_END) < 0)
        lseek(from, 0, SEEK_SET);
    while ((size = read(from, bytes, sizeof(bytes))) > 0)
        if (write(to, bytes, (size_t)size) != size)
            return false;
    return size == 0;
}

static bool copy_file(const char *from_path, const char *to_path)
{
    int from = open(from_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = from >= 0 && to >= 0 && copy(from, to);

    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return good;
}

static bool is_evidence(const char *name)
{
    static const char *const endings[] = {".events", ".console", ".log"};
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(ending, endings[i]) == 0)
            return true;
    return false;
}

static bool copy_files(const struct subject *subject, const char *directory)
{
    DIR *files = opendir(subject->lab.directory);
    struct dirent *entry;
    bool good = files != NULL;

    while (good && (entry = readdir(files))) {
        char from[PATH_MAX], to[PATH_MAX];

        if (!is_evidence(entry->d_name))
            continue;
        snprintf(from, sizeof(from), "%s/%s", subject->lab.directory, entry->d_name);
        good = snprintf(to, sizeof(to), "%s/%s", directory, entry->d_name) < (int)sizeof(to) &&
               copy_file(from, to);
    }
    if (files)
        closedir(files);
    return good;
}

static bool write_story(const struct round *round, const struct results *results,
                        const struct result *result, const char *directory)
{
    char path[PATH_MAX];
    FILE *file;

    if (snprintf(path, sizeof(path), "%s/README", directory) >= (int)sizeof(path))
        return false;
    file = fopen(path, "we");
    if (!file)
        return false;
    fprintf(file, "outcome   %s\nproblem   %s\nfault     %s\nworkload  %s\nseed      %" PRIu64 "\n",
            result->value[RESULT_outcome], result->value[RESULT_problem],
            result->value[RESULT_fault], result->value[RESULT_workload], round->seed);
    fprintf(file,
            "again     ftvm-lab run %s/%s.ini --only '%s' --repetitions %u --repetition %u "
            "--results DIR\n",
            results->directory, results->experiment->name, round->point,
            results->experiment->repetitions, round->repetition);
    return fclose(file) == 0;
}

void evidence_keep(struct subject *subject, const struct round *round,
                   const struct results *results, struct result *result)
{
    char directory[PATH_MAX], history[PATH_MAX];
    int size;

    results_path(results, "violations", directory);
    mkdir(directory, 0777);
    size = (int)strlen(directory);
    snprintf(directory + size, sizeof(directory) - (size_t)size, "/%" PRIu64 "-%u", round->seed,
             round->repetition);
    snprintf(history, sizeof(history), "%.*s/history", (int)sizeof(history) - 16, directory);
    if (mkdir(directory, 0777) && errno != EEXIST) {
        result_set(result, RESULT_logs, "not kept: %s", strerror(errno));
        return;
    }
    if (!copy_files(subject, directory) || !write_story(round, results, result, directory) ||
        (subject->workload && !workload_dump(subject->workload, history)))
        result_set(result, RESULT_logs, "%s (in parts: %s)",
                   directory + strlen(results->directory) + 1, strerror(errno));
    else
        result_set(result, RESULT_logs, "%s", directory + strlen(results->directory) + 1);
}

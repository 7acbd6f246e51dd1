#include "tests/replication/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MAX_SOURCE (1u << 20)

/* ---- Showing a difference -------------------------------------------------------------------- */

static size_t line_size(const char *text)
{
    const char *end = strchr(text, '\n');
    return end != NULL ? (size_t)(end - text) + 1 : strlen(text);
}

static void print_lines(const char *mark, const char *text, const char *end)
{
    while (text < end) {
        size_t size = line_size(text);
        fprintf(stderr, "%s%.*s%s", mark, (int)size, text, text[size - 1] == '\n' ? "" : "\n");
        text += size;
    }
}

static const char *start_of_line(const char *text, const char *at)
{
    while (at > text && at[-1] != '\n') {
        at--;
    }
    return at;
}

/* What the two have in common at the start and at the end is left out, but for one line each. */
static void print_difference(const char *expected, const char *story)
{
    size_t same = 0;
    while (expected[same] != '\0' && expected[same] == story[same]) {
        same++;
    }
    const char *from = start_of_line(expected, expected + same);
    const char *to = start_of_line(story, story + same);
    const char *expected_end = expected + strlen(expected);
    const char *story_end = story + strlen(story);
    while (expected_end > from && story_end > to && expected_end[-1] == story_end[-1]) {
        expected_end--;
        story_end--;
    }
    expected_end += line_size(expected_end);
    story_end += line_size(story_end);
    const char *context = from > expected ? start_of_line(expected, from - 1) : from;
    print_lines("  ", context, from);
    print_lines("- ", from, expected_end);
    print_lines("+ ", to, story_end);
}

/* ---- Replacing the text in the source -------------------------------------------------------- */

static size_t write_literal(char *to, const char *story)
{
    size_t used = 0;
    while (*story != '\0') {
        size_t size = line_size(story);
        used += (size_t)sprintf(to + used, "\n                 \"");
        for (size_t i = 0; i < size; i++) {
            if (story[i] == '\n') {
                used += (size_t)sprintf(to + used, "\\n");
            } else {
                used += (size_t)sprintf(to + used, "%s%c",
                                        story[i] == '"' || story[i] == '\\' ? "\\" : "", story[i]);
            }
        }
        used += (size_t)sprintf(to + used, "\"");
        story += size;
    }
    return used;
}

static bool replace(char *source, const char *name, const char *story, char *result)
{
    char call[160];
    snprintf(call, sizeof call, "c, \"%s\",", name);
    char *at = strstr(source, call);
    char *end = at != NULL ? strstr(at, ");\n") : NULL;
    if (end == NULL) {
        return false;
    }
    size_t head = (size_t)(at - source) + strlen(call);
    memcpy(result, source, head);
    size_t used = head + write_literal(result + head, story);
    strcpy(result + used, end);
    return true;
}

/* Tests run in processes of their own, side by side: one of them writes at a time. */
static void update_source(const char *path, const char *name, const char *story)
{
    FILE *file = fopen(path, "r+");
    char *source = calloc(1, MAX_SOURCE);
    char *result = calloc(1, 2 * MAX_SOURCE);
    cr_assert(file != NULL && source != NULL && result != NULL, "cannot open %s", path);
    cr_assert_eq(flock(fileno(file), LOCK_EX), 0);
    size_t size = fread(source, 1, MAX_SOURCE - 1, file);
    source[size] = '\0';
    cr_assert(replace(source, name, story, result), "%s has no story \"%s\"", path, name);
    rewind(file);
    cr_assert_eq(ftruncate(fileno(file), 0), 0);
    fputs(result, file);
    fclose(file);
    free(source);
    free(result);
}

void golden_expect(const struct cluster *cluster, const char *file, const char *name,
                   const char *expected)
{
    if (strcmp(cluster->story, expected) == 0) {
        return;
    }
    const char *update = getenv("FTVM_UPDATE_STORIES");
    if (update != NULL && update[0] != '\0') {
        update_source(file, name, cluster->story);
        return;
    }
    fprintf(stderr, "%s: the story is another one (- expected, + told):\n", name);
    print_difference(expected, cluster->story);
    cr_assert_fail("%s: the story is another one", name);
}

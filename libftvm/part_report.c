#include "libftvm/part_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUE_SIZE 48u

struct report {
    char *text;
    size_t used;
    unsigned lines;
};

__attribute__((format(printf, 2, 3))) static void say(struct report *report, const char *format,
                                                      ...)
{
    va_list arguments;
    if (report->lines++ >= PART_REPORT_LINES) {
        return;
    }
    if (report->used > 0 && report->used < PART_REPORT_SIZE - 1) {
        report->text[report->used++] = '\n';
    }
    va_start(arguments, format);
    int size =
        vsnprintf(report->text + report->used, PART_REPORT_SIZE - report->used, format, arguments);
    va_end(arguments);
    report->used += size > 0 ? (size_t)size : 0;
    if (report->used >= PART_REPORT_SIZE) {
        report->used = PART_REPORT_SIZE - 1;
    }
}

static bool same_part(const struct log_part *a, const struct log_part *b)
{
    return a->index == b->index && strcmp(a->name, b->name) == 0;
}

/* A small part is a number of the host's byte order, as registers are. */
static const char *value_of(const struct log_part *part, char text[VALUE_SIZE])
{
    uint64_t value = 0;
    if (part->value.size == 0 || part->value.size > sizeof value) {
        snprintf(text, VALUE_SIZE, "%" PRIu64 " bytes, digest %016" PRIx64, part->size,
                 part->digest);
        return text;
    }
    memcpy(&value, part->value.data, part->value.size);
    snprintf(text, VALUE_SIZE, "0x%" PRIx64, value);
    return text;
}

void part_report(char text[PART_REPORT_SIZE], const char *here, const struct log_part *ours,
                 size_t our_count, const char *there, const struct log_part *theirs,
                 size_t their_count)
{
    struct report report = {.text = text};
    char our_value[VALUE_SIZE], their_value[VALUE_SIZE];
    size_t common = our_count < their_count ? our_count : their_count;
    text[0] = '\0';
    for (size_t i = 0; i < common; i++) {
        if (!same_part(&ours[i], &theirs[i])) {
            /* From here on the lists tell of different things. */
            say(&report, "part %zu is %s %" PRIu64 " on %s and %s %" PRIu64 " on %s", i + 1,
                ours[i].name, ours[i].index, here, theirs[i].name, theirs[i].index, there);
            break;
        }
        if (ours[i].digest != theirs[i].digest || ours[i].size != theirs[i].size) {
            say(&report, "%s %" PRIu64 ": %s on %s, %s on %s", ours[i].name, ours[i].index,
                value_of(&ours[i], our_value), here, value_of(&theirs[i], their_value), there);
        }
    }
    if (our_count != their_count) {
        say(&report, "%zu parts on %s, %zu on %s", our_count, here, their_count, there);
    }
    if (report.lines > PART_REPORT_LINES) {
        unsigned more = report.lines - PART_REPORT_LINES;
        report.lines = 0;
        say(&report, "and %u more", more);
    }
}

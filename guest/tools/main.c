#include "tools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < minimum || value > maximum)
        return false;
    *number = value;
    return true;
}

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } tools[] = {
        {"cpuloop", cpuloop},
        {"diskload", diskload},
        {"recordserver", recordserver},
        {"streamserver", streamserver},
    };
    const size_t count = sizeof tools / sizeof tools[0];

    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');
    if (slash != NULL)
        name = slash + 1;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, tools[i].name) == 0)
            return tools[i].run(argc, argv);
    }
    fprintf(stderr, "call me by one of these names:");
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", tools[i].name);
    fprintf(stderr, "\n");
    return 2;
}

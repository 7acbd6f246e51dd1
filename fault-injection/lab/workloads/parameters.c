#include "fault-injection/lab/workloads/parameters.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_SIZE 256u

static bool name_all(const struct parameter *parameters, size_t count, const char *text,
                     char *error, size_t error_size)
{
    char list[LIST_SIZE] = "none";
    size_t used = 0;

    for (size_t i = 0; i < count && used < sizeof(list); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s=%" PRIu64, i ? ", " : "",
                                 parameters[i].name, parameters[i].standard);
    snprintf(error, error_size, "\"%.40s\" is no parameter of this workload; there are: %s", text,
             list);
    return false;
}

static const struct parameter *find(const struct parameter *parameters, size_t count,
                                    const char *text, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(parameters[i].name) == size && strncmp(parameters[i].name, text, size) == 0)
            return &parameters[i];
    return NULL;
}

/* Moves `text` to what follows. */
static bool read_one(const char **text, const struct parameter *parameters, size_t count,
                     uint64_t *values, char *error, size_t error_size)
{
    size_t size = strcspn(*text, "=,");
    const struct parameter *parameter = find(parameters, count, *text, size);
    const char *number = *text + size + 1;
    uint64_t value;
    char *end;

    if (!parameter || (*text)[size] != '=')
        return name_all(parameters, count, *text, error, error_size);
    errno = 0;
    value = strtoull(number, &end, 10);
    if (!isdigit((unsigned char)*number) || errno || (*end != '\0' && *end != ',') ||
        value < parameter->minimum || value > parameter->maximum) {
        snprintf(error, error_size, "\"%.40s\": %s is a number from %" PRIu64 " to %" PRIu64, *text,
                 parameter->name, parameter->minimum, parameter->maximum);
        return false;
    }
    values[parameter - parameters] = value;
    *text = *end == ',' ? end + 1 : end;
    return true;
}

bool parameters_read(const char *text, const struct parameter *parameters, size_t count,
                     uint64_t *values, char *error, size_t error_size)
{
    for (size_t i = 0; i < count; i++)
        values[i] = parameters[i].standard;
    while (*text != '\0')
        if (!read_one(&text, parameters, count, values, error, error_size))
            return false;
    return true;
}

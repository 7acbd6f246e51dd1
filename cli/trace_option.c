#include "cli/trace_option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/value.h"

static bool parse_limit(const char *word, size_t size, struct trace_config *trace,
                        char error[OPTIONS_ERROR_SIZE])
{
    char text[64], expected[VALUE_EXPECTED_SIZE] = "from=POSITION or to=POSITION";
    const char *value = NULL;
    uint64_t *limit = NULL;

    snprintf(text, sizeof(text), "%.*s", (int)(size < sizeof(text) ? size : sizeof(text)), word);
    if (strncmp(text, "from=", 5) == 0) {
        limit = &trace->from;
        value = text + 5;
    } else if (strncmp(text, "to=", 3) == 0) {
        limit = &trace->to;
        value = text + 3;
    }
    if (limit && value_parse_number(value, 0, UINT64_MAX, limit, expected))
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE, "--trace: '%s': expected %s", text, expected);
    return false;
}

bool trace_option_parse(const char *text, struct trace_config *trace,
                        char error[OPTIONS_ERROR_SIZE])
{
    *trace = (struct trace_config){.to = UINT64_MAX};
    if (!text)
        return true;
    size_t size = strcspn(text, ",");
    if (size == 0 || size >= sizeof(trace->path)) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--trace: '%.80s': expected the name of a file, of at most %zu bytes", text,
                 sizeof(trace->path) - 1);
        return false;
    }
    memcpy(trace->path, text, size);
    while (text[size] == ',') {
        text += size + 1;
        size = strcspn(text, ",");
        if (!parse_limit(text, size, trace, error))
            return false;
    }
    if (trace->from >= trace->to) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--trace: nothing is from %" PRIu64 " to %" PRIu64
                 "; from= is the first position and to= the one behind the last",
                 trace->from, trace->to);
        return false;
    }
    return true;
}

#include "fault-injection/lab/faults/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/faults/hooks.h"

#define MAX_TIME_MS  86400000
#define MAX_DELAY_MS 60000
#define PARAMETERS   2u

enum form {
    FORM_NUMBER,
    FORM_TIME,        /* milliseconds; "2s", "500ms" */
    FORM_SIGNED_TIME, /* the same, below zero as well */
    FORM_MILLISECONDS /* a number of them with a fraction; microseconds */
};

struct parameter {
    const char *name; /* NULL: none */
    enum form form;
    int64_t least, most;
    bool needed;
    int64_t otherwise;
};

struct kind {
    const char *name;
    struct parameter parameters[PARAMETERS];
};

static const struct kind kinds[FAULT_KINDS] = {
    [FAULT_NONE] = {"none", {{0}}},
    [FAULT_KILL] = {"kill", {{0}}},
    [FAULT_STOP] = {"stop", {{0}}},
    [FAULT_POWER_CYCLE] = {"power-cycle", {{0}}},
    [FAULT_UNPLUG] = {"unplug", {{0}}},
    [FAULT_ONE_WAY] = {"one-way", {{0}}},
    [FAULT_DELAY] = {"delay",
                     {{"ms", FORM_MILLISECONDS, 0, MAX_DELAY_MS, true, 0},
                      {"jitter-ms", FORM_MILLISECONDS, 0, MAX_DELAY_MS, false, 0}}},
    [FAULT_LIMIT] = {"limit", {{"kbit", FORM_NUMBER, 1, 100000000, true, 0}}},
    [FAULT_STALL] = {"stall", {{0}}},
    [FAULT_CORRUPT] = {"corrupt", {{"bits", FORM_NUMBER, 1, 1000000, false, 1}}},
    [FAULT_RESET] = {"reset", {{0}}},
    [FAULT_DISK_FULL] = {"disk-full", {{0}}},
    [FAULT_DISK_ERROR] = {"disk-error", {{0}}},
    [FAULT_CLOCK_JUMP] = {"clock-jump",
                          {{"by", FORM_SIGNED_TIME, -MAX_TIME_MS, MAX_TIME_MS, true, 0}}},
    [FAULT_STARVE] = {"starve", {{"percent", FORM_NUMBER, 1, 100, true, 0}}},
    [FAULT_ARBITER_GONE] = {"arbiter-gone", {{0}}},
    [FAULT_FLIP_BIT] = {"flip-bit", {{0}}},
};

static const char *const victims[] = {"primary", "backup", "either"};

/* What is to be said when something is wrong. */
struct complaint {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool complain(const struct complaint *complaint,
                                                           const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(complaint->text, complaint->size, format, arguments);
    va_end(arguments);
    return false;
}

const char *fault_kind_name(enum fault_kind kind)
{
    return (unsigned)kind < FAULT_KINDS ? kinds[kind].name : "unknown";
}

/* ---- Values ------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_number(const char *value, int64_t *number, const char **rest)
{
    bool negative = *value == '-';
    char *end;

    if (!is_digit(value[negative]) || strlen(value) > 15)
        return false;
    *number = strtoll(value, &end, 10);
    *rest = end;
    return true;
}

static bool read_time(const char *value, int64_t *milliseconds)
{
    const char *unit;

    if (!read_number(value, milliseconds, &unit))
        return false;
    if (strcmp(unit, "s") == 0)
        *milliseconds *= 1000;
    else if (unit[0] && strcmp(unit, "ms") != 0)
        return false;
    return true;
}

/* Three places behind the point at most, as more would be lost. */
static bool read_milliseconds(const char *value, int64_t *microseconds)
{
    int64_t unit = 100;
    const char *rest;

    if (*value == '-' || !read_number(value, microseconds, &rest))
        return false;
    *microseconds *= 1000;
    if (*rest == '.')
        for (rest++; is_digit(*rest) && unit > 0; rest++, unit /= 10)
            *microseconds += (*rest - '0') * unit;
    return *rest == '\0';
}

static bool read_value(const struct parameter *parameter, const char *value, int64_t *number)
{
    int64_t scale = parameter->form == FORM_MILLISECONDS ? 1000 : 1;
    const char *rest = "";
    bool good;

    switch (parameter->form) {
    case FORM_NUMBER: good = read_number(value, number, &rest) && *rest == '\0'; break;
    case FORM_MILLISECONDS: good = read_milliseconds(value, number); break;
    default: good = read_time(value, number);
    }
    return good && *number >= parameter->least * scale && *number <= parameter->most * scale;
}

static bool take_number(const struct complaint *complaint, const struct parameter *parameter,
                        const char *value, int64_t *number)
{
    static const char *const hints[] = {"a number", "a time (2s, 500ms)", "a time (2s, 500ms, -3s)",
                                        "milliseconds (20, 0.05)"};

    if (read_value(parameter, value, number))
        return true;
    return complain(
        complaint, "%s=%s: expected %s from %" PRId64 " to %" PRId64 "%s", parameter->name, value,
        hints[parameter->form], parameter->least, parameter->most,
        parameter->form == FORM_TIME || parameter->form == FORM_SIGNED_TIME ? " ms" : "");
}

static bool take_time(const struct complaint *complaint, const char *name, const char *value,
                      uint64_t *milliseconds)
{
    const struct parameter parameter = {name, FORM_TIME, 0, MAX_TIME_MS, false, 0};
    int64_t number;

    if (!take_number(complaint, &parameter, value, &number))
        return false;
    *milliseconds = (uint64_t)number;
    return true;
}

static bool take_victim(const struct complaint *complaint, const char *value,
                        enum fault_victim *victim)
{
    for (unsigned i = 0; i < sizeof(victims) / sizeof(victims[0]); i++)
        if (strcmp(value, victims[i]) == 0) {
            *victim = (enum fault_victim)i;
            return true;
        }
    return complain(complaint, "at=%s: expected primary, backup or either", value);
}

static bool take_event(const struct complaint *complaint, const char *value, char *event,
                       size_t size)
{
    if (!hooks_event_valid(value, complaint->text, complaint->size))
        return false;
    if (strlen(value) >= size)
        return complain(complaint, "event=%s: the count is too long", value);
    memcpy(event, value, strlen(value) + 1);
    return true;
}

/* ---- Parsing ----------------------------------------------------------------------------- */

static bool take_link(const struct complaint *complaint, struct fault *fault, const char *value)
{
    if (fault->kind != FAULT_UNPLUG)
        return complain(complaint, "link=%s: only unplug has a link", value);
    if (strcmp(value, "channel") != 0 && strcmp(value, "lan") != 0)
        return complain(complaint, "link=%s: expected channel or lan (none: both)", value);
    memcpy(fault->link, value, strlen(value) + 1);
    return true;
}

/* `seen` has a bit for each of the kind's own parameters. */
static bool take_own(const struct complaint *complaint, struct fault *fault, const char *key,
                     const char *value, unsigned *seen)
{
    const struct parameter *parameters = kinds[fault->kind].parameters;

    for (unsigned i = 0; i < PARAMETERS && parameters[i].name; i++)
        if (strcmp(key, parameters[i].name) == 0) {
            *seen |= 1u << i;
            return take_number(complaint, &parameters[i], value, &fault->amount[i]);
        }
    return complain(complaint, "%s has no '%s'; there are at, after, random, event, for%s%s%s%s",
                    kinds[fault->kind].name, key, parameters[0].name ? ", " : "",
                    parameters[0].name ? parameters[0].name : "", parameters[1].name ? ", " : "",
                    parameters[1].name ? parameters[1].name : "");
}

static bool take_pair(const struct complaint *complaint, struct fault *fault, const char *key,
                      const char *value, unsigned *seen)
{
    if (strcmp(key, "at") == 0)
        return take_victim(complaint, value, &fault->victim);
    if (strcmp(key, "after") == 0)
        return take_time(complaint, key, value, &fault->after_ms);
    if (strcmp(key, "random") == 0)
        return take_time(complaint, key, value, &fault->random_ms);
    if (strcmp(key, "for") == 0)
        return take_time(complaint, key, value, &fault->for_ms);
    if (strcmp(key, "event") == 0)
        return take_event(complaint, value, fault->event, sizeof(fault->event));
    if (strcmp(key, "link") == 0)
        return take_link(complaint, fault, value);
    return take_own(complaint, fault, key, value, seen);
}

static bool take_kind(const struct complaint *complaint, const char *name, enum fault_kind *kind)
{
    char all[256] = "";

    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        size_t used = strlen(all);

        if (strcmp(name, kinds[i].name) == 0) {
            *kind = (enum fault_kind)i;
            return true;
        }
        snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    }
    return complain(complaint, "there is no fault '%s'; there are %s", name, all);
}

static bool fill_in(const struct complaint *complaint, struct fault *fault, unsigned seen)
{
    const struct parameter *parameters = kinds[fault->kind].parameters;

    for (unsigned i = 0; i < PARAMETERS && parameters[i].name; i++) {
        if (seen & 1u << i)
            continue;
        if (parameters[i].needed)
            return complain(complaint, "%s needs '%s=...'", kinds[fault->kind].name,
                            parameters[i].name);
        fault->amount[i] = parameters[i].otherwise;
    }
    return true;
}

bool fault_parse(struct fault *fault, const char *text, char *error, size_t error_size)
{
    const struct complaint complaint = {error, error_size};
    char copy[FAULT_TEXT_SIZE], *pairs, *next;
    unsigned seen = 0;

    *fault = (struct fault){0};
    if (strlen(text) >= sizeof(copy))
        return complain(&complaint, "a fault's text is shorter than %u characters",
                        FAULT_TEXT_SIZE);
    memcpy(copy, text, strlen(text) + 1);
    pairs = strchr(copy, ':');
    if (pairs)
        *pairs++ = '\0';
    if (!take_kind(&complaint, copy, &fault->kind))
        return false;
    for (; pairs && *pairs; pairs = next) {
        char *value;

        next = strchr(pairs, ',');
        if (next)
            *next++ = '\0';
        value = strchr(pairs, '=');
        if (!value)
            return complain(&complaint, "'%s': expected KEY=VALUE", pairs);
        *value++ = '\0';
        if (!take_pair(&complaint, fault, pairs, value, &seen))
            return false;
    }
    return fill_in(&complaint, fault, seen);
}

/* ---- Formatting -------------------------------------------------------------------------- */

struct writer {
    char *text;
    size_t used;
    char separator;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *writer, const char *format,
                                                      ...)
{
    va_list arguments;
    int size;

    if (writer->used < FAULT_TEXT_SIZE - 1)
        writer->text[writer->used++] = writer->separator;
    va_start(arguments, format);
    size =
        vsnprintf(writer->text + writer->used, FAULT_TEXT_SIZE - writer->used, format, arguments);
    va_end(arguments);
    writer->used += (size_t)size;
    if (writer->used > FAULT_TEXT_SIZE - 1)
        writer->used = FAULT_TEXT_SIZE - 1;
    writer->separator = ',';
}

static void add_time(struct writer *writer, const char *name, int64_t milliseconds)
{
    if (milliseconds % 1000 == 0)
        add(writer, "%s=%" PRId64 "s", name, milliseconds / 1000);
    else
        add(writer, "%s=%" PRId64 "ms", name, milliseconds);
}

static void add_parameter(struct writer *writer, const struct parameter *parameter, int64_t amount)
{
    if (!parameter->needed && amount == parameter->otherwise)
        return;
    if (parameter->form == FORM_NUMBER)
        add(writer, "%s=%" PRId64, parameter->name, amount);
    else if (parameter->form != FORM_MILLISECONDS)
        add_time(writer, parameter->name, amount);
    else if (amount % 1000 == 0)
        add(writer, "%s=%" PRId64, parameter->name, amount / 1000);
    else
        add(writer, "%s=%" PRId64 ".%03" PRId64, parameter->name, amount / 1000, amount % 1000);
}

void fault_format(const struct fault *fault, char text[FAULT_TEXT_SIZE])
{
    const struct parameter *parameters = kinds[fault->kind].parameters;
    struct writer writer = {.text = text, .separator = ':'};

    writer.used = (size_t)snprintf(text, FAULT_TEXT_SIZE, "%s", kinds[fault->kind].name);
    if (fault->victim != FAULT_AT_PRIMARY)
        add(&writer, "at=%s", victims[fault->victim]);
    if (fault->link[0])
        add(&writer, "link=%s", fault->link);
    for (unsigned i = 0; i < PARAMETERS && parameters[i].name; i++)
        add_parameter(&writer, &parameters[i], fault->amount[i]);
    if (fault->after_ms > 0)
        add_time(&writer, "after", (int64_t)fault->after_ms);
    if (fault->random_ms > 0)
        add_time(&writer, "random", (int64_t)fault->random_ms);
    if (fault->event[0])
        add(&writer, "event=%s", fault->event);
    if (fault->for_ms > 0)
        add_time(&writer, "for", (int64_t)fault->for_ms);
}

/* ---- What it is like --------------------------------------------------------------------- */

bool fault_needs_hooks(const struct fault *fault)
{
    return fault->event[0] || fault_needs_disk(fault) || fault->kind == FAULT_CLOCK_JUMP;
}

bool fault_needs_disk(const struct fault *fault)
{
    return fault->kind == FAULT_DISK_FULL || fault->kind == FAULT_DISK_ERROR;
}

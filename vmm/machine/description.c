/*
 * The text form of a machine's description: the keys in a fixed order, each value in one form only.
 * So equal descriptions give equal bytes, and a text is valid exactly if encoding what was parsed
 * from it gives the text again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backends/disk.h"
#include "vmm/backends/fail.h"
#include "vmm/machine/machine.h"

#define FORMAT_VERSION 1u

/* ---- Rules ---- */

static bool name_is_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= FTVM_MAX_NAME && strspn(name, allowed) == length;
}

static bool append_is_valid(const char *append)
{
    for (; *append != '\0'; append++) {
        if (*append < ' ' || *append > '~') {
            return false;
        }
    }
    return true;
}

/* Why a description cannot be a machine, or NULL. */
static const char *description_problem(const struct machine_description *description)
{
    if (!name_is_valid(description->name)) {
        return "name: 1 to 64 letters, digits, '.', '_' and '-' are expected";
    }
    if (description->memory < MACHINE_MIN_MEMORY || description->memory > MACHINE_MAX_MEMORY ||
        description->memory % (1u << 20) != 0) {
        return "memory: whole MiB between 64 MiB and 64 GiB are expected";
    }
    if (!append_is_valid(description->append)) {
        return "append: printable ASCII is expected";
    }
    if (description->clock != MACHINE_CLOCK_COMPUTED &&
        description->clock != MACHINE_CLOCK_LOGGED) {
        return "clock: computed or logged is expected";
    }
    if (description->disk_count > MACHINE_MAX_DISKS || description->nic_count > MACHINE_MAX_NICS) {
        return "too many disks or network interfaces";
    }
    for (unsigned i = 0; i < description->disk_count; i++) {
        uint64_t size = description->disk_size[i];
        if (size == 0 || size % DISK_SECTOR_SIZE != 0 || size > INT64_MAX) {
            return "disk: a size in whole sectors is expected";
        }
    }
    for (unsigned i = 0; i < description->nic_count; i++) {
        if ((description->nic_mac[i][0] & 1) != 0) {
            return "nic: a MAC address of one station is expected";
        }
    }
    return NULL;
}

/* ---- Encoding ---- */

struct text {
    char *bytes;
    size_t capacity;
    size_t size;
    bool overflow;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = text->capacity - text->size;
    int length = vsnprintf(room > 0 ? text->bytes + text->size : NULL, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        text->overflow = true;
        return;
    }
    text->size += (size_t)length;
}

int machine_description_encode(const struct machine_description *description, char *bytes,
                               size_t capacity)
{
    if (description_problem(description) != NULL) {
        return FTVM_E_INVALID;
    }
    struct text text = {.bytes = bytes, .capacity = capacity};
    put(&text, "ftvm-machine=%u\n", FORMAT_VERSION);
    put(&text, "name=%s\n", description->name);
    put(&text, "memory=%" PRIu64 "\n", description->memory);
    put(&text, "append=%s\n", description->append);
    put(&text, "clock=%s\n", description->clock == MACHINE_CLOCK_LOGGED ? "logged" : "computed");
    put(&text, "seed=%" PRIu64 "\n", description->seed);
    put(&text, "wall_ns=%" PRIu64 "\n", description->wall_ns);
    put(&text, "console=%s\n", description->console_virtio ? "virtio" : "uart");
    put(&text, "disks=%u\n", description->disk_count);
    for (unsigned i = 0; i < description->disk_count; i++) {
        put(&text, "disk=%" PRIu64 "\n", description->disk_size[i]);
    }
    put(&text, "nics=%u\n", description->nic_count);
    for (unsigned i = 0; i < description->nic_count; i++) {
        const uint8_t *mac = description->nic_mac[i];
        put(&text, "nic=%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2], mac[3], mac[4],
            mac[5]);
    }
    return text.overflow ? FTVM_E_TOO_LARGE : (int)text.size;
}

/* ---- Parsing ---- */

struct parser {
    const char *at;
    const char *end;
    const char *problem_key; /* the first key that was not as expected, or NULL */
};

/* The value of the next line, which must be `key=value`; copied to `value`. */
static void take(struct parser *parser, const char *key, char *value, size_t capacity)
{
    size_t key_length = strlen(key);
    size_t left = (size_t)(parser->end - parser->at);
    const char *newline = memchr(parser->at, '\n', left);
    value[0] = '\0';
    if (parser->problem_key != NULL) {
        return;
    }
    if (newline == NULL || (size_t)(newline - parser->at) <= key_length ||
        memcmp(parser->at, key, key_length) != 0 || parser->at[key_length] != '=') {
        parser->problem_key = key;
        return;
    }
    const char *start = parser->at + key_length + 1;
    size_t length = (size_t)(newline - start);
    if (length >= capacity || memchr(start, '\0', length) != NULL) {
        parser->problem_key = key;
        return;
    }
    memcpy(value, start, length);
    value[length] = '\0';
    parser->at = newline + 1;
}

static uint64_t take_number(struct parser *parser, const char *key, uint64_t limit)
{
    char value[32];
    take(parser, key, value, sizeof value);
    if (parser->problem_key != NULL) {
        return 0;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number > limit) {
        parser->problem_key = key;
        return 0;
    }
    return number;
}

/* True for the second of two words. */
static bool take_choice(struct parser *parser, const char *key, const char *first,
                        const char *second)
{
    char value[32];
    take(parser, key, value, sizeof value);
    bool is_second = strcmp(value, second) == 0;
    if (parser->problem_key == NULL && !is_second && strcmp(value, first) != 0) {
        parser->problem_key = key;
    }
    return is_second;
}

static void take_mac(struct parser *parser, uint8_t mac[6])
{
    char value[32];
    unsigned byte[6] = {0};
    take(parser, "nic", value, sizeof value);
    if (parser->problem_key == NULL &&
        (strlen(value) != 17 || sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1],
                                       &byte[2], &byte[3], &byte[4], &byte[5]) != 6)) {
        parser->problem_key = "nic";
    }
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)byte[i];
    }
}

static void take_all(struct parser *parser, struct machine_description *description)
{
    take_number(parser, "ftvm-machine", FORMAT_VERSION);
    take(parser, "name", description->name, sizeof description->name);
    description->memory = take_number(parser, "memory", UINT64_MAX);
    take(parser, "append", description->append, sizeof description->append);
    description->clock = take_choice(parser, "clock", "computed", "logged")
                             ? MACHINE_CLOCK_LOGGED
                             : MACHINE_CLOCK_COMPUTED;
    description->seed = take_number(parser, "seed", UINT64_MAX);
    description->wall_ns = take_number(parser, "wall_ns", UINT64_MAX);
    description->console_virtio = take_choice(parser, "console", "uart", "virtio");
    description->disk_count = (unsigned)take_number(parser, "disks", MACHINE_MAX_DISKS);
    for (unsigned i = 0; i < description->disk_count; i++) {
        description->disk_size[i] = take_number(parser, "disk", INT64_MAX);
    }
    description->nic_count = (unsigned)take_number(parser, "nics", MACHINE_MAX_NICS);
    for (unsigned i = 0; i < description->nic_count; i++) {
        take_mac(parser, description->nic_mac[i]);
    }
}

/* Whether encoding gives the text again: no leading zero, no other spelling, nothing behind it. */
static bool is_canonical(const struct machine_description *description, const char *text,
                         size_t size)
{
    char again[4096];
    int length = machine_description_encode(description, again, sizeof again);
    return length >= 0 && (size_t)length == size && memcmp(again, text, size) == 0;
}

int machine_description_parse(struct machine_description *description, const char *text,
                              size_t size, char *error, size_t error_size)
{
    struct parser parser = {.at = text, .end = text + size};
    memset(description, 0, sizeof *description);
    take_all(&parser, description);
    if (parser.problem_key != NULL) {
        return backend_fail(error, error_size, FTVM_E_CORRUPT,
                            "description of the machine: no valid value for '%s'",
                            parser.problem_key);
    }
    const char *problem = description_problem(description);
    if (problem != NULL) {
        return backend_fail(error, error_size, FTVM_E_CORRUPT, "description of the machine: %s",
                            problem);
    }
    if (!is_canonical(description, text, size)) {
        return backend_fail(error, error_size, FTVM_E_CORRUPT,
                            "description of the machine: not in canonical form");
    }
    return 0;
}

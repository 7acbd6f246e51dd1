#include "cli/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISTANCE_LIMIT 64u /* longest word that is compared */

/* strtoull accepts signs, spaces and octal, which nobody means here. */
static bool parse_digits(const char *text, uint64_t *number, const char **rest)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hexadecimal ? text + 2 : text;
    char *end;

    if (strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") == 0)
        return false;
    errno = 0;
    *number = strtoull(digits, &end, hexadecimal ? 16 : 10);
    *rest = end;
    return errno == 0;
}

bool value_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *number,
                        char expected[VALUE_EXPECTED_SIZE])
{
    const char *rest;

    if (parse_digits(text, number, &rest) && *rest == '\0' && *number >= minimum &&
        *number <= maximum)
        return true;
    if (maximum == UINT64_MAX)
        snprintf(expected, VALUE_EXPECTED_SIZE, "a number of 64 bits");
    else
        snprintf(expected, VALUE_EXPECTED_SIZE, "a number from %" PRIu64 " to %" PRIu64, minimum,
                 maximum);
    return false;
}

static bool size_shift(const char *suffix, unsigned *shift)
{
    static const char letters[] = "KMGT";
    const char *letter;

    *shift = 0;
    if (*suffix == '\0')
        return true;
    char upper = *suffix >= 'a' && *suffix <= 'z' ? (char)(*suffix - 'a' + 'A') : *suffix;
    letter = strchr(letters, upper);
    if (!letter || suffix[1] != '\0')
        return false;
    *shift = 10 * (unsigned)(letter - letters + 1);
    return true;
}

void value_format_size(uint64_t size, char *text, size_t capacity)
{
    static const char letters[] = "KMGT";
    unsigned unit = 0;

    while (unit < strlen(letters) && size != 0 && size % 1024 == 0) {
        size /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(text, capacity, "%" PRIu64, size);
    else
        snprintf(text, capacity, "%" PRIu64 "%c", size, letters[unit - 1]);
}

bool value_parse_size(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *size,
                      char expected[VALUE_EXPECTED_SIZE])
{
    char least[32], most[32];
    uint64_t number;
    const char *suffix;
    unsigned shift;

    if (parse_digits(text, &number, &suffix) && size_shift(suffix, &shift) &&
        number <= UINT64_MAX >> shift && number << shift >= minimum && number << shift <= maximum) {
        *size = number << shift;
        return true;
    }
    value_format_size(minimum, least, sizeof(least));
    value_format_size(maximum, most, sizeof(most));
    snprintf(expected, VALUE_EXPECTED_SIZE,
             "a size from %s to %s, in bytes or with K, M or G, like 256M", least, most);
    return false;
}

bool value_parse_address(const char *text, char host[VALUE_HOST_SIZE], uint16_t *port,
                         char expected[VALUE_EXPECTED_SIZE])
{
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    char ignored[VALUE_EXPECTED_SIZE];
    uint64_t number;

    snprintf(expected, VALUE_EXPECTED_SIZE, "HOST:PORT, like 127.0.0.1:7000 or [::1]:7000");
    if (size == 0 || size >= VALUE_HOST_SIZE ||
        !value_parse_number(colon + 1, 0, UINT16_MAX, &number, ignored))
        return false;
    bool bracketed = text[0] == '[' && text[size - 1] == ']';
    snprintf(host, VALUE_HOST_SIZE, "%.*s", (int)(bracketed ? size - 2 : size),
             bracketed ? text + 1 : text);
    *port = (uint16_t)number;
    /* "::1:7000" could be an address alone; brackets are asked for. */
    return bracketed ? strchr(host, ':') != NULL : strpbrk(host, ":[]") == NULL;
}

bool value_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static unsigned least_of(unsigned one, unsigned two)
{
    return one < two ? one : two;
}

/* Optimal string alignment, three rows at a time. */
unsigned value_distance(const char *one, const char *other)
{
    unsigned rows[3][DISTANCE_LIMIT + 1];
    size_t width = strlen(other);
    size_t height = strlen(one);

    if (width > DISTANCE_LIMIT || height > DISTANCE_LIMIT)
        return DISTANCE_LIMIT;
    for (size_t j = 0; j <= width; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= height; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= width; j++) {
            unsigned replace = above[j - 1] + (one[i - 1] != other[j - 1]);

            row[j] = least_of(least_of(above[j] + 1, row[j - 1] + 1), replace);
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                row[j] = least_of(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[height % 3][width];
}

#include "console.h"

#include "board.h"
#include "registers.h"

void print(const char *text)
{
    for (; *text != '\0'; text++) {
        write32(BOARD_CONSOLE, (uint8_t)*text);
    }
}

static void print_digits(uint64_t number, unsigned least)
{
    char digits[21];
    unsigned at = sizeof digits - 1;
    digits[at] = '\0';
    unsigned count = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
        count++;
    } while (number != 0 || count < least);
    print(&digits[at]);
}

void print_number(uint64_t number)
{
    print_digits(number, 1);
}

void print_seconds(uint64_t ns, unsigned digits)
{
    uint64_t unit = 1000000000;
    print_digits(ns / unit, 1);
    print(".");
    uint64_t rest = ns % unit;
    for (unsigned i = 0; i < digits; i++) {
        unit /= 10;
    }
    print_digits(rest / unit, digits);
}

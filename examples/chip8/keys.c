#include "keys.h"

#include <ctype.h>
#include <string.h>

#define ESCAPE 0x1b
#define CTRL_C 0x03

static int arrow(char byte)
{
    switch (byte) {
    case 'A': return 0x5;
    case 'B': return 0x8;
    case 'C': return 0x9;
    case 'D': return 0x7;
    }
    return KEYS_NONE;
}

int keys_take(struct keys *keys, char byte)
{
    static const char typed[] = "x123qweasdzc4rfv"; /* keys 0 to F */
    unsigned seen = keys->seen;
    const char *found;
    keys->seen = 0;
    if (byte == CTRL_C) {
        return KEYS_QUIT;
    }
    if (byte == ESCAPE || (seen == 1 && (byte == '[' || byte == 'O'))) {
        keys->seen = byte == ESCAPE ? 1 : 2;
        return KEYS_NONE;
    }
    if (seen == 2) {
        return arrow(byte);
    }
    found = byte != '\0' ? strchr(typed, tolower((unsigned char)byte)) : NULL;
    return found != NULL ? (int)(found - typed) : KEYS_NONE;
}

/*
 * keys.h - from what a terminal or a pipe sends to keys of the machine.
 *
 *     1 2 3 4     1 2 3 C      The left block of a keyboard is the machine's keypad; the arrows are
 *     q w e r  =  4 5 6 D      5 (up), 8 (down), 7 (left) and 9 (right), as w s a d are.
 *     a s d f     7 8 9 E
 *     z x c v     A 0 B F
 */
#ifndef CHIP8_KEYS_H
#define CHIP8_KEYS_H

#define KEYS_NONE (-1)
#define KEYS_QUIT (-2) /* Ctrl-C */

/* Where in an arrow's sequence the bytes are; starts as zero. */
struct keys {
    unsigned seen;
};

/* The key that is complete with this byte, KEYS_NONE or KEYS_QUIT. */
int keys_take(struct keys *keys, char byte);

#endif

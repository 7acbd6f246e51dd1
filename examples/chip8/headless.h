/*
 * headless.h - the machine's screen as lines for programs, on standard output:
 *
 *     screen FRAME DIGEST      the picture at the end of this frame, as the FNV-1a hash of its
 * bytes sound FRAME on|off message TEXT
 *
 * A line is written before its output counts as emitted, so that none is lost with a primary that
 * is killed; its successor may write the last ones again. Where nobody reads, outputs wait in the
 * library, which keeps them for the successor too.
 */
#ifndef CHIP8_HEADLESS_H
#define CHIP8_HEADLESS_H

#include "node.h"

void headless_front(struct chip8_front *front);

uint64_t headless_digest(const uint8_t screen[CHIP8_SCREEN]);

#endif

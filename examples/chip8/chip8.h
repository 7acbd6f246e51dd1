/*
 * chip8.h - a CHIP-8 machine: 4 KiB of memory, sixteen registers, two timers, sixteen keys, a
 * screen of 64 by 32 pixels, thirty-five instructions.
 *
 * It is a value in memory and nothing else: no clock, no randomness, no terminal, and it knows
 * nothing of ftvm. What it does follows from its state and from what is put into it by the calls
 * below, so that two of them that are given the same do the same. Whatever program it is given, it
 * stays within its bounds: what a program may not do halts it, with a reason.
 *
 * Time is counted in frames, sixty to a second. A frame is so many instructions, or fewer if the
 * program waits; between two frames the timers run. Who calls decides when a frame begins.
 *
 * Where interpreters of CHIP-8 differ, this one does what the first did (COSMAC VIP, 1977), but
 * that it does not wait for the display at DXYN:
 *     8XY1 8XY2 8XY3   set VF to 0
 *     8XY6 8XYE        shift VY into VX
 *     FX55 FX65        leave I behind the last register
 *     BNNN             jumps to NNN + V0
 *     DXYN             wraps where a sprite begins, and clips what reaches over the edge
 *     FX1E             leaves VF alone
 *     FX0A             takes the next key that is struck, not one that is down
 */
#ifndef CHIP8_H
#define CHIP8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHIP8_MEMORY    4096u
#define CHIP8_START     0x200u /* where a program is loaded and begins */
#define CHIP8_PROGRAM   (CHIP8_MEMORY - CHIP8_START)
#define CHIP8_STACK     16u
#define CHIP8_KEYS      16u
#define CHIP8_WIDTH     64u
#define CHIP8_HEIGHT    32u
#define CHIP8_SCREEN    256u /* bytes: a bit for each pixel, rows from above, the left one first */
#define CHIP8_HZ        60u  /* frames in a second */
#define CHIP8_MAX_SPEED 10000u     /* instructions in a frame */
#define CHIP8_FOREVER   UINT32_MAX /* frames */

/* The keyboard is a terminal's: it tells of keys that are struck, and not when they are let go. So
 * a key is down for that many frames, or until another one is struck. */
#define CHIP8_KEY_FRAMES 8u

/* Why a program was halted. X(name, text) */
#define CHIP8_FAULTS(X)                                                                            \
    X(CHIP8_FAULT_NONE, "runs")                                                                    \
    X(CHIP8_FAULT_INSTRUCTION, "there is no such instruction")                                     \
    X(CHIP8_FAULT_FETCH, "the program runs out of memory's end")                                   \
    X(CHIP8_FAULT_MEMORY, "I points beyond memory's end")                                          \
    X(CHIP8_FAULT_OVERFLOW, "more than 16 calls inside of each other")                             \
    X(CHIP8_FAULT_UNDERFLOW, "a return without a call")

enum chip8_fault {
#define CHIP8_FAULT_ENUM(name, text) name,
    CHIP8_FAULTS(CHIP8_FAULT_ENUM)
#undef CHIP8_FAULT_ENUM
        CHIP8_FAULT_COUNT
};

/* The whole machine. To be read by anybody, and changed by the calls below alone. */
struct chip8 {
    uint64_t executed; /* instructions since reset */
    uint64_t frame;    /* frames since reset: the machine's time */
    uint32_t speed;    /* instructions in a frame */
    uint32_t left;     /* of these, not yet executed in this frame */
    uint16_t pc;
    uint16_t i;
    uint16_t stack[CHIP8_STACK];
    uint8_t depth; /* of the stack */
    uint8_t v[16];
    uint8_t delay;
    uint8_t sound;
    uint8_t key_frames[CHIP8_KEYS]; /* for how many a key is still down */
    bool is_struck;                 /* a key was struck while the program waits for one at FX0A: */
    uint8_t struck;                 /* that one */
    bool is_drawn;                  /* the screen changed since chip8_take_screen */
    bool is_heard;                  /* what chip8_take_sound said last */
    enum chip8_fault fault;
    uint8_t screen[CHIP8_SCREEN];
    uint8_t memory[CHIP8_MEMORY];
};

/* Why chip8_run came back. The first of these that is so: whether a frame is over can be told from
 * the state, and does not depend on the limit by which it came there. */
enum chip8_stop {
    CHIP8_STOP_FAULT,  /* the program was halted: chip8->fault says why */
    CHIP8_STOP_FRAME,  /* the frame is over, or nothing happens in it any more: the program waits */
    CHIP8_STOP_LIMIT,  /* it executed as many instructions as it was asked for */
    CHIP8_STOP_RANDOM, /* it stands at CXNN, and needs chip8_randomize */
};

/* A machine with this program in it, before its first instruction. False: it is empty or larger
 * than CHIP8_PROGRAM, or `speed` is not 1 to CHIP8_MAX_SPEED. */
bool chip8_reset(struct chip8 *chip8, const void *program, size_t size, uint32_t speed);

/* Executes at most `limit` instructions of this frame. One that halts the program counts, too. */
enum chip8_stop chip8_run(struct chip8 *chip8, uint64_t limit);

/* Executes the CXNN at which it stands, with this random byte. */
void chip8_randomize(struct chip8 *chip8, uint8_t byte);

/* Whether nothing more happens in this frame. */
bool chip8_is_frame_over(const struct chip8 *chip8);

/* How many frames pass before the program can do anything by itself: 1 while it runs, more while it
 * waits for a timer, CHIP8_FOREVER if only a key can change anything, or nothing. */
uint32_t chip8_idle_frames(const struct chip8 *chip8);

/* So many frames pass, more than none and no more than chip8_idle_frames says: timers run, keys
 * come up, and the next frame begins. */
void chip8_pass(struct chip8 *chip8, uint32_t frames);

/* A key is struck. False: there is no such key. */
bool chip8_strike(struct chip8 *chip8, uint8_t key);

/* True if the screen changed since this was asked last. */
bool chip8_take_screen(struct chip8 *chip8);

/* True if the tone began (`*on`) or ended since this was asked last. */
bool chip8_take_sound(struct chip8 *chip8, bool *on);

static inline bool chip8_is_down(const struct chip8 *chip8, uint8_t key)
{
    return key < CHIP8_KEYS && chip8->key_frames[key] > 0;
}

static inline bool chip8_pixel(const uint8_t screen[CHIP8_SCREEN], unsigned x, unsigned y)
{
    return (screen[y * (CHIP8_WIDTH / 8) + x / 8] >> (7 - x % 8) & 1) != 0;
}

/* Text of a fault, never NULL. */
const char *chip8_fault_text(enum chip8_fault fault);

/* ---- The state as bytes (chip8_state.c) ----------------------------------------------------- */

#define CHIP8_STATE_VERSION 1u
#define CHIP8_STATE_SIZE                                                                           \
    (4u + 16u + 8u + 4u + 2u * CHIP8_STACK + 4u + 16u + CHIP8_KEYS + 4u + CHIP8_SCREEN +           \
     CHIP8_MEMORY)

/* The whole state, its version first, the same on every host. */
void chip8_save(const struct chip8 *chip8, uint8_t state[CHIP8_STATE_SIZE]);

/* False: this is no state of such a machine, and `chip8` is as it was. */
bool chip8_load(struct chip8 *chip8, const uint8_t state[CHIP8_STATE_SIZE]);

#endif

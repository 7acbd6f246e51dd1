/*
 * node.h - the glue: a CHIP-8 machine as libftvm wants one.
 *
 * chip8.h is the machine, <ftvm/ftvm.h> makes two of it one; what stands between them is here: the
 * callbacks, the loop, and the pace, by which a program's frames follow the guest's clock.
 */
#ifndef CHIP8_NODE_H
#define CHIP8_NODE_H

#include <ftvm/ftvm.h>

#include "chip8.h"

#define CHIP8_FRAME_NS 16666667u /* guest time of a frame */
/* A machine that is late by more frames than that does not run after them: a player would see the
 * game rush. */
#define CHIP8_CATCH_UP 6u

/* What enters by ftvm_input, and leaves by ftvm_output. */
enum chip8_device {
    CHIP8_INPUT_KEY,      /* a byte: this key is struck */
    CHIP8_OUTPUT_SCREEN,  /* frame at whose end it became so (8 bytes, little endian), CHIP8_SCREEN
                             bytes */
    CHIP8_OUTPUT_SOUND,   /* the frame's number, a byte: 1 the tone begins, 0 it ends */
    CHIP8_OUTPUT_MESSAGE, /* text: why the program was halted */
};

/* Where outputs go. Called as ops.emit is: one at a time, on whatever thread, and not to block. */
struct chip8_front {
    void (*screen)(void *context, uint64_t frame, const uint8_t screen[CHIP8_SCREEN]);
    void (*sound)(void *context, uint64_t frame, bool on);
    void (*message)(void *context, const char *text, size_t size);
    void *context;
};

/* One replica's machine. */
struct chip8_node {
    /* State, equal on both replicas. */
    struct chip8 chip8;
    uint64_t due_ns;  /* guest time at which the next frame begins; 0: the first epoch says */
    uint8_t is_again; /* 1: the screen is to leave at the frame's end, changed or not */
    uint64_t shown;   /* the frame at whose end it left last */
    /* This replica's own. */
    struct ftvm_node *node;
    struct ftvm_epoch epoch; /* the one that runs */
    const struct chip8_front *front;
};

/* A machine with this program, or, with size 0, one that a backup's state will be loaded into.
 * False: as chip8_reset says. `front` is used while it runs. */
bool chip8_node_init(struct chip8_node *machine, const void *program, size_t size, uint32_t speed,
                     const struct chip8_front *front);

/* Runs it on this thread, until a call of the library returns an error, which is returned. */
int chip8_node_run(struct chip8_node *machine, struct ftvm_node *node);

/* A player struck a key. Any thread. */
int chip8_node_strike(struct ftvm_node *node, uint8_t key);

#endif

/*
 * chip8-check.so: the machine for ftvm-check(1), which looks whether it keeps the contract of
 * determinism.
 *
 *     ftvm-check chip8-check.so -- worm.ch8 [SPEED]
 *
 * The world strikes a key now and then, always the same ones, and whenever the program would wait
 * for ever. Epochs are shorter than frames, so that they end in the middle of them, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftvm/check.h>

#include "node.h"

#define EPOCHS_PER_KEY 7u
#define EPOCHS         3000u
#define EPOCH_LENGTH   7u

struct subject {
    uint8_t program[CHIP8_PROGRAM + 1];
    size_t size;
    uint32_t speed;
    struct chip8_front front;
    struct chip8_node *running;
};

static void no_screen(void *context, uint64_t frame, const uint8_t screen[CHIP8_SCREEN])
{
    (void)context;
    (void)frame;
    (void)screen;
}

static void no_sound(void *context, uint64_t frame, bool on)
{
    (void)context;
    (void)frame;
    (void)on;
}

static void no_message(void *context, const char *text, size_t size)
{
    (void)context;
    (void)text;
    (void)size;
}

static int create(void *context, void **machine)
{
    const struct subject *subject = context;
    struct chip8_node *made = malloc(sizeof *made);
    if (made == NULL) {
        return FTVM_E_MEMORY;
    }
    if (!chip8_node_init(made, subject->program, subject->size, subject->speed, &subject->front)) {
        free(made);
        return FTVM_E_INVALID;
    }
    *machine = made;
    return 0;
}

static void destroy(void *context, void *machine)
{
    (void)context;
    free(machine);
}

static int run(void *context, void *machine, struct ftvm_node *node)
{
    struct subject *subject = context;
    subject->running = machine;
    return chip8_node_run(machine, node);
}

static void world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    const struct subject *subject = context;
    bool waits = chip8_idle_frames(&subject->running->chip8) == CHIP8_FOREVER;
    if (waits || epoch->number % EPOCHS_PER_KEY == 0) {
        chip8_node_strike(node, (uint8_t)(epoch->number / EPOCHS_PER_KEY * 5 % CHIP8_KEYS));
    }
}

FTVM_API ftvm_check_entry ftvm_check_machine;

int ftvm_check_machine(struct ftvm_check *check, int argc, char **argv)
{
    struct subject *subject = calloc(1, sizeof *subject); /* until the process ends */
    FILE *stream = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (subject == NULL || stream == NULL) {
        fprintf(stderr, "chip8-check: give a program: -- worm.ch8 [SPEED]\n");
        free(subject);
        return FTVM_E_INVALID;
    }
    subject->size = fread(subject->program, 1, sizeof subject->program, stream);
    fclose(stream);
    subject->speed = (argc > 2 ? (uint32_t)atoi(argv[2]) : 900) / CHIP8_HZ;
    subject->front =
        (struct chip8_front){.screen = no_screen, .sound = no_sound, .message = no_message};
    check->create = create;
    check->destroy = destroy;
    check->run = run;
    check->world = world;
    check->context = subject;
    check->epochs = EPOCHS;
    check->epoch_length = EPOCH_LENGTH;
    return 0;
}

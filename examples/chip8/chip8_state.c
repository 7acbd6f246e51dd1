/* The state of the machine as bytes: numbers as they stand in struct chip8, little endian. */
#include <string.h>

#include "chip8.h"

/* Writes or reads one field after the other: the same walk does both, so that they cannot differ.
 */
struct walk {
    uint8_t *to;         /* saves, or NULL */
    const uint8_t *from; /* loads, or NULL */
};

static uint64_t number(struct walk *walk, uint64_t value, unsigned bytes)
{
    uint64_t read = 0;
    for (unsigned k = 0; k < bytes; k++) {
        if (walk->to != NULL) {
            *walk->to++ = (uint8_t)(value >> 8 * k);
        } else {
            read |= (uint64_t)*walk->from++ << 8 * k;
        }
    }
    return walk->to != NULL ? value : read;
}

static void bytes(struct walk *walk, uint8_t *data, size_t size)
{
    if (walk->to != NULL) {
        memcpy(walk->to, data, size);
        walk->to += size;
    } else {
        memcpy(data, walk->from, size);
        walk->from += size;
    }
}

static uint8_t small(struct walk *walk, uint8_t value)
{
    return (uint8_t)number(walk, value, 1);
}

/* The flags in one byte, and what its other bits were when it was read. */
static uint8_t flags(struct walk *walk, struct chip8 *chip8)
{
    uint8_t value =
        small(walk, (uint8_t)(chip8->is_struck | chip8->is_drawn << 1 | chip8->is_heard << 2));
    chip8->is_struck = value & 1;
    chip8->is_drawn = value >> 1 & 1;
    chip8->is_heard = value >> 2 & 1;
    return value >> 3;
}

/* The version, and what must be zero. */
struct extra {
    uint32_t version;
    uint8_t flags;
};

static void visit(struct walk *walk, struct chip8 *chip8, struct extra *extra)
{
    extra->version = (uint32_t)number(walk, extra->version, 4);
    chip8->executed = number(walk, chip8->executed, 8);
    chip8->frame = number(walk, chip8->frame, 8);
    chip8->speed = (uint32_t)number(walk, chip8->speed, 4);
    chip8->left = (uint32_t)number(walk, chip8->left, 4);
    chip8->pc = (uint16_t)number(walk, chip8->pc, 2);
    chip8->i = (uint16_t)number(walk, chip8->i, 2);
    for (unsigned k = 0; k < CHIP8_STACK; k++) {
        chip8->stack[k] = (uint16_t)number(walk, chip8->stack[k], 2);
    }
    chip8->depth = small(walk, chip8->depth);
    chip8->delay = small(walk, chip8->delay);
    chip8->sound = small(walk, chip8->sound);
    chip8->struck = small(walk, chip8->struck);
    bytes(walk, chip8->v, sizeof chip8->v);
    bytes(walk, chip8->key_frames, sizeof chip8->key_frames);
    extra->flags = flags(walk, chip8);
    chip8->fault = (enum chip8_fault)number(walk, chip8->fault, 3);
    bytes(walk, chip8->screen, sizeof chip8->screen);
    bytes(walk, chip8->memory, sizeof chip8->memory);
}

static bool are_keys_valid(const struct chip8 *chip8)
{
    for (unsigned key = 0; key < CHIP8_KEYS; key++) {
        if (chip8->key_frames[key] > CHIP8_KEY_FRAMES) {
            return false;
        }
    }
    return chip8->struck < CHIP8_KEYS && (chip8->is_struck || chip8->struck == 0);
}

static bool is_valid(const struct chip8 *chip8)
{
    return chip8->speed > 0 && chip8->speed <= CHIP8_MAX_SPEED && chip8->left <= chip8->speed &&
           chip8->depth <= CHIP8_STACK && (unsigned)chip8->fault < CHIP8_FAULT_COUNT &&
           are_keys_valid(chip8);
}

void chip8_save(const struct chip8 *chip8, uint8_t state[CHIP8_STATE_SIZE])
{
    struct chip8 copy = *chip8;
    struct extra extra = {.version = CHIP8_STATE_VERSION};
    visit(&(struct walk){.to = state}, &copy, &extra);
}

bool chip8_load(struct chip8 *chip8, const uint8_t state[CHIP8_STATE_SIZE])
{
    struct chip8 loaded;
    struct extra extra = {0};
    memset(&loaded, 0, sizeof loaded);
    visit(&(struct walk){.from = state}, &loaded, &extra);
    if (extra.version != CHIP8_STATE_VERSION || extra.flags != 0 || !is_valid(&loaded)) {
        return false;
    }
    *chip8 = loaded;
    return true;
}

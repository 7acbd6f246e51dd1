#include "chip8.h"

#include <string.h>

#define FONT_HEIGHT 5u

static const uint8_t font[16 * FONT_HEIGHT] = {
    0xf0, 0x90, 0x90, 0x90, 0xf0, 0x20, 0x60, 0x20,
    0x20, 0x70, 0xf0, 0x10, 0xf0, 0x80, 0xf0, /* 012 */
    0xf0, 0x10, 0xf0, 0x10, 0xf0, 0x90, 0x90, 0xf0,
    0x10, 0x10, 0xf0, 0x80, 0xf0, 0x10, 0xf0, /* 345 */
    0xf0, 0x80, 0xf0, 0x90, 0xf0, 0xf0, 0x10, 0x20,
    0x40, 0x40, 0xf0, 0x90, 0xf0, 0x90, 0xf0, /* 678 */
    0xf0, 0x90, 0xf0, 0x10, 0xf0, 0xf0, 0x90, 0xf0,
    0x90, 0x90, 0xe0, 0x90, 0xe0, 0x90, 0xe0, /* 9AB */
    0xf0, 0x80, 0x80, 0x80, 0xf0, 0xe0, 0x90, 0x90,
    0x90, 0xe0, 0xf0, 0x80, 0xf0, 0x80, 0xf0, /* CDE */
    0xf0, 0x80, 0xf0, 0x80, 0x80,             /* F */
};

/* An instruction, taken apart. */
struct instruction {
    uint16_t word;
    uint16_t nnn;
    uint8_t nn;
    uint8_t n;
    uint8_t x;
    uint8_t y;
};

bool chip8_reset(struct chip8 *chip8, const void *program, size_t size, uint32_t speed)
{
    if (size == 0 || size > CHIP8_PROGRAM || speed == 0 || speed > CHIP8_MAX_SPEED) {
        return false;
    }
    *chip8 = (struct chip8){.speed = speed, .left = speed, .pc = CHIP8_START};
    memcpy(chip8->memory, font, sizeof font);
    memcpy(chip8->memory + CHIP8_START, program, size);
    return true;
}

const char *chip8_fault_text(enum chip8_fault fault)
{
    switch (fault) {
#define FAULT_TEXT(name, text)                                                                     \
    case name: return text;
        CHIP8_FAULTS(FAULT_TEXT)
#undef FAULT_TEXT
    case CHIP8_FAULT_COUNT: break;
    }
    return "unknown fault";
}

/* Behind memory's end stands nothing: 0000 is no instruction. */
static struct instruction decode(const struct chip8 *chip8, unsigned at)
{
    uint16_t word = 0;
    if (at + 1 < CHIP8_MEMORY) {
        word = (uint16_t)(chip8->memory[at] << 8 | chip8->memory[at + 1]);
    }
    return (struct instruction){
        .word = word,
        .nnn = word & 0xfff,
        .nn = word & 0xff,
        .n = word & 0xf,
        .x = word >> 8 & 0xf,
        .y = word >> 4 & 0xf,
    };
}

static void halt(struct chip8 *chip8, enum chip8_fault fault)
{
    chip8->fault = fault;
    chip8->pc -= 2; /* is shown where it happened */
}

static bool may_access(struct chip8 *chip8, unsigned count)
{
    if (chip8->i + count <= CHIP8_MEMORY) {
        return true;
    }
    halt(chip8, CHIP8_FAULT_MEMORY);
    return false;
}

static void skip_if(struct chip8 *chip8, bool condition)
{
    chip8->pc += condition ? 2 : 0;
}

static void call(struct chip8 *chip8, uint16_t to)
{
    if (chip8->depth == CHIP8_STACK) {
        halt(chip8, CHIP8_FAULT_OVERFLOW);
        return;
    }
    chip8->stack[chip8->depth++] = chip8->pc;
    chip8->pc = to;
}

static void system_group(struct chip8 *chip8, const struct instruction *in)
{
    switch (in->word) {
    case 0x00e0:
        memset(chip8->screen, 0, sizeof chip8->screen);
        chip8->is_drawn = true;
        break;
    case 0x00ee:
        if (chip8->depth == 0) {
            halt(chip8, CHIP8_FAULT_UNDERFLOW);
        } else {
            chip8->pc = chip8->stack[--chip8->depth];
        }
        break;
    default: halt(chip8, CHIP8_FAULT_INSTRUCTION); /* 0NNN: machine code of a processor of 1976 */
    }
}

/* 8XYN. VF is set last: where X is F, the flag stays. */
static void arithmetic_group(struct chip8 *chip8, const struct instruction *in)
{
    uint8_t x = chip8->v[in->x];
    uint8_t y = chip8->v[in->y];
    unsigned result = 0;
    unsigned flag = 0;
    switch (in->n) {
    case 0x0: chip8->v[in->x] = y; return;
    case 0x1: result = x | y; break;
    case 0x2: result = x & y; break;
    case 0x3: result = x ^ y; break;
    case 0x4:
        result = x + y;
        flag = result > 0xff;
        break;
    case 0x5:
        result = (unsigned)x - y;
        flag = x >= y;
        break;
    case 0x6:
        result = y >> 1;
        flag = y & 1;
        break;
    case 0x7:
        result = (unsigned)y - x;
        flag = y >= x;
        break;
    case 0xe:
        result = (unsigned)y << 1;
        flag = y >> 7;
        break;
    default: halt(chip8, CHIP8_FAULT_INSTRUCTION); return;
    }
    chip8->v[in->x] = (uint8_t)result;
    chip8->v[0xf] = (uint8_t)flag;
}

/* True if a pixel was turned off. */
static bool flip_pixel(struct chip8 *chip8, unsigned x, unsigned y)
{
    uint8_t *byte = &chip8->screen[y * (CHIP8_WIDTH / 8) + x / 8];
    uint8_t bit = (uint8_t)(0x80 >> x % 8);
    *byte ^= bit;
    return (*byte & bit) == 0;
}

static void draw(struct chip8 *chip8, const struct instruction *in)
{
    unsigned left = chip8->v[in->x] % CHIP8_WIDTH;
    unsigned top = chip8->v[in->y] % CHIP8_HEIGHT;
    bool hit = false;
    if (!may_access(chip8, in->n)) {
        return;
    }
    for (unsigned row = 0; row < in->n && top + row < CHIP8_HEIGHT; row++) {
        uint8_t bits = chip8->memory[chip8->i + row];
        for (unsigned column = 0; column < 8 && left + column < CHIP8_WIDTH; column++) {
            if (bits >> (7 - column) & 1) {
                hit = flip_pixel(chip8, left + column, top + row) || hit;
            }
        }
    }
    chip8->v[0xf] = hit;
    chip8->is_drawn = true;
}

static void key_group(struct chip8 *chip8, const struct instruction *in)
{
    bool is_down = chip8_is_down(chip8, chip8->v[in->x] & 0xf);
    switch (in->nn) {
    case 0x9e: skip_if(chip8, is_down); break;
    case 0xa1: skip_if(chip8, !is_down); break;
    default: halt(chip8, CHIP8_FAULT_INSTRUCTION);
    }
}

static void store_decimal(struct chip8 *chip8, uint8_t value)
{
    if (may_access(chip8, 3)) {
        chip8->memory[chip8->i] = value / 100;
        chip8->memory[chip8->i + 1] = value / 10 % 10;
        chip8->memory[chip8->i + 2] = value % 10;
    }
}

static void store_registers(struct chip8 *chip8, unsigned count)
{
    if (may_access(chip8, count)) {
        memcpy(chip8->memory + chip8->i, chip8->v, count);
        chip8->i += (uint16_t)count;
    }
}

static void load_registers(struct chip8 *chip8, unsigned count)
{
    if (may_access(chip8, count)) {
        memcpy(chip8->v, chip8->memory + chip8->i, count);
        chip8->i += (uint16_t)count;
    }
}

static void take_key(struct chip8 *chip8, uint8_t *into)
{
    *into = chip8->struck;
    chip8->struck = 0;
    chip8->is_struck = false;
}

static void other_group(struct chip8 *chip8, const struct instruction *in)
{
    uint8_t *x = &chip8->v[in->x];
    switch (in->nn) {
    case 0x07: *x = chip8->delay; break;
    case 0x0a: take_key(chip8, x); break;
    case 0x15: chip8->delay = *x; break;
    case 0x18: chip8->sound = *x; break;
    case 0x1e: chip8->i += *x; break;
    case 0x29: chip8->i = (uint16_t)((*x & 0xf) * FONT_HEIGHT); break;
    case 0x33: store_decimal(chip8, *x); break;
    case 0x55: store_registers(chip8, in->x + 1u); break;
    case 0x65: load_registers(chip8, in->x + 1u); break;
    default: halt(chip8, CHIP8_FAULT_INSTRUCTION);
    }
}

/* All but CXNN. */
static void execute(struct chip8 *chip8, const struct instruction *in)
{
    uint8_t *x = &chip8->v[in->x];
    uint8_t y = chip8->v[in->y];
    if (chip8->pc + 1u >= CHIP8_MEMORY) {
        chip8->fault = CHIP8_FAULT_FETCH;
        return;
    }
    chip8->pc += 2;
    switch (in->word >> 12) {
    case 0x0: system_group(chip8, in); break;
    case 0x1: chip8->pc = in->nnn; break;
    case 0x2: call(chip8, in->nnn); break;
    case 0x3: skip_if(chip8, *x == in->nn); break;
    case 0x4: skip_if(chip8, *x != in->nn); break;
    case 0x6: *x = in->nn; break;
    case 0x7: *x = (uint8_t)(*x + in->nn); break;
    case 0x8: arithmetic_group(chip8, in); break;
    case 0xa: chip8->i = in->nnn; break;
    case 0xb: chip8->pc = (uint16_t)(in->nnn + chip8->v[0]); break;
    case 0xd: draw(chip8, in); break;
    case 0xe: key_group(chip8, in); break;
    case 0xf: other_group(chip8, in); break;
    case 0x5:
    case 0x9:
        if (in->n != 0) {
            halt(chip8, CHIP8_FAULT_INSTRUCTION);
        } else {
            skip_if(chip8, (*x == y) == (in->word >> 12 == 0x5));
        }
        break;
    }
}

static bool is_random(const struct instruction *in)
{
    return in->word >> 12 == 0xc;
}

static void count(struct chip8 *chip8)
{
    chip8->executed++;
    chip8->left--;
}

/* ---- Waiting -------------------------------------------------------------------------------- *
 *
 * Whether a program waits is seen from where it stands. So it is the same at a position, however
 * the machine came there. */

/* FX0A without a key. */
static bool waits_for_key(const struct chip8 *chip8)
{
    struct instruction in = decode(chip8, chip8->pc);
    return (in.word & 0xf0ff) == 0xf00a && !chip8->is_struck;
}

/* FX07, 3X00, 1NNN back to the first: the usual loop until the delay timer is zero. Nobody sees
 * what VX is until then. */
static bool waits_for_timer(const struct chip8 *chip8)
{
    struct instruction read = decode(chip8, chip8->pc);
    struct instruction test = decode(chip8, chip8->pc + 2u);
    struct instruction back = decode(chip8, chip8->pc + 4u);
    return chip8->delay > 0 && (read.word & 0xf0ff) == 0xf007 &&
           test.word == (0x3000 | read.x << 8) && back.word == (0x1000 | chip8->pc);
}

/* 1NNN to itself: how programs end. */
static bool stands_still(const struct chip8 *chip8)
{
    struct instruction in = decode(chip8, chip8->pc);
    return in.word == (0x1000 | chip8->pc);
}

uint32_t chip8_idle_frames(const struct chip8 *chip8)
{
    uint32_t until_sound = chip8->sound > 0 ? chip8->sound : CHIP8_FOREVER;
    uint32_t until_delay = chip8->delay > 0 ? chip8->delay : CHIP8_FOREVER;
    if (chip8->fault != CHIP8_FAULT_NONE) {
        return CHIP8_FOREVER;
    }
    if (stands_still(chip8)) {
        return until_sound;
    }
    if (waits_for_key(chip8) || waits_for_timer(chip8)) {
        return until_sound < until_delay ? until_sound : until_delay;
    }
    return 1;
}

bool chip8_is_frame_over(const struct chip8 *chip8)
{
    return chip8->left == 0 || waits_for_key(chip8) || waits_for_timer(chip8) ||
           stands_still(chip8);
}

/* ---- Going on ------------------------------------------------------------------------------- */

enum chip8_stop chip8_run(struct chip8 *chip8, uint64_t limit)
{
    for (;; limit--) {
        if (chip8->fault != CHIP8_FAULT_NONE) {
            return CHIP8_STOP_FAULT;
        }
        if (chip8_is_frame_over(chip8)) {
            return CHIP8_STOP_FRAME;
        }
        if (limit == 0) {
            return CHIP8_STOP_LIMIT;
        }
        struct instruction in = decode(chip8, chip8->pc);
        if (is_random(&in)) {
            return CHIP8_STOP_RANDOM;
        }
        count(chip8);
        execute(chip8, &in);
    }
}

void chip8_randomize(struct chip8 *chip8, uint8_t byte)
{
    struct instruction in = decode(chip8, chip8->pc);
    if (is_random(&in) && chip8->left > 0 && chip8->fault == CHIP8_FAULT_NONE) {
        count(chip8);
        chip8->v[in.x] = byte & in.nn;
        chip8->pc += 2;
    }
}

static uint8_t count_down(uint8_t from, uint32_t by)
{
    return from > by ? (uint8_t)(from - by) : 0;
}

void chip8_pass(struct chip8 *chip8, uint32_t frames)
{
    chip8->frame += frames;
    chip8->left = chip8->speed;
    chip8->delay = count_down(chip8->delay, frames);
    chip8->sound = count_down(chip8->sound, frames);
    for (unsigned key = 0; key < CHIP8_KEYS; key++) {
        chip8->key_frames[key] = count_down(chip8->key_frames[key], frames);
    }
}

bool chip8_strike(struct chip8 *chip8, uint8_t key)
{
    if (key >= CHIP8_KEYS) {
        return false;
    }
    if (waits_for_key(chip8)) {
        chip8->struck = key;
        chip8->is_struck = true;
    }
    memset(chip8->key_frames, 0, sizeof chip8->key_frames);
    chip8->key_frames[key] = CHIP8_KEY_FRAMES;
    return true;
}

bool chip8_take_screen(struct chip8 *chip8)
{
    bool is_drawn = chip8->is_drawn;
    chip8->is_drawn = false;
    return is_drawn;
}

bool chip8_take_sound(struct chip8 *chip8, bool *on)
{
    *on = chip8->sound > 0;
    bool changed = *on != chip8->is_heard;
    chip8->is_heard = *on;
    return changed;
}

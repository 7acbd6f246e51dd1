/* Jumps whose target is a value: calls through a table of functions, and an interpreter's switch.
 */
#include "programs.h"

#define POINTERS_ROUNDS 25000000u
#define BYTECODE_ROUNDS 50u
#define COLLATZ_LIMIT   3000 /* start values of one round of the bytecode */

/* ---- A table of functions ------------------------------------------------------------------ */

typedef uint64_t step(uint64_t value);

static uint64_t step_add(uint64_t value)
{
    return value + 0x9e3779b9;
}

static uint64_t step_mix(uint64_t value)
{
    return value ^ value >> 13;
}

static uint64_t step_double(uint64_t value)
{
    return value << 1 | value >> 63;
}

static uint64_t step_invert(uint64_t value)
{
    return ~value;
}

static uint64_t step_multiply(uint64_t value)
{
    return value * 2654435761u;
}

static uint64_t step_subtract(uint64_t value)
{
    return value - (value >> 5);
}

static uint64_t step_swap(uint64_t value)
{
    return value << 32 | value >> 32;
}

static uint64_t step_odd(uint64_t value)
{
    return value & 1 ? value + 3 : value;
}

uint64_t pointers_run(const struct work *work)
{
    static step *const steps[8] = {step_add,      step_mix,      step_double, step_invert,
                                   step_multiply, step_subtract, step_swap,   step_odd};
    uint64_t random = 7, value = 1;

    for (uint64_t rounds = work_rounds(work, POINTERS_ROUNDS); rounds > 0; rounds--)
        value = steps[next_random(&random) % 8](value);
    return value;
}

/* ---- An interpreter ------------------------------------------------------------------------ */

enum code {
    CODE_SET,     /* register, value */
    CODE_MOVE,    /* register, register */
    CODE_ADD,     /* register, value */
    CODE_SUM,     /* register, register */
    CODE_HALVE,   /* register */
    CODE_TRIPLE,  /* register: three times itself and one */
    CODE_IF_ODD,  /* register, target */
    CODE_IF_ONE,  /* register, target */
    CODE_IF_LESS, /* register, value, target */
    CODE_GO,      /* target */
    CODE_END,
};

/* Counts the steps of the Collatz sequences of 1 .. COLLATZ_LIMIT - 1 in register 2. */
static const int16_t collatz[] = {
    /*  0 */ CODE_SET,
    0,
    1,
    /*  3 */ CODE_MOVE,
    1,
    0,
    /*  6 */ CODE_IF_ONE,
    1,
    21,
    /*  9 */ CODE_ADD,
    2,
    1,
    /* 12 */ CODE_IF_ODD,
    1,
    28,
    /* 15 */ CODE_HALVE,
    1,
    /* 17 */ CODE_GO,
    6,
    /* 19 */ CODE_GO,
    6,
    /* 21 */ CODE_ADD,
    0,
    1,
    /* 24 */ CODE_IF_LESS,
    0,
    COLLATZ_LIMIT,
    3,
    /* 28 */ CODE_IF_LESS,
    0,
    COLLATZ_LIMIT,
    33,
    /* 32 */ CODE_END,
    /* 33 */ CODE_TRIPLE,
    1,
    /* 35 */ CODE_GO,
    6,
};

static uint64_t interpret(const int16_t *code)
{
    uint64_t registers[3] = {0};

    for (const int16_t *at = code;;) {
        switch (at[0]) {
        case CODE_SET:
            registers[at[1]] = (uint64_t)at[2];
            at += 3;
            break;
        case CODE_MOVE:
            registers[at[1]] = registers[at[2]];
            at += 3;
            break;
        case CODE_ADD:
            registers[at[1]] += (uint64_t)at[2];
            at += 3;
            break;
        case CODE_SUM:
            registers[at[1]] += registers[at[2]];
            at += 3;
            break;
        case CODE_HALVE:
            registers[at[1]] /= 2;
            at += 2;
            break;
        case CODE_TRIPLE:
            registers[at[1]] = registers[at[1]] * 3 + 1;
            at += 2;
            break;
        case CODE_IF_ODD: at = registers[at[1]] & 1 ? code + at[2] : at + 3; break;
        case CODE_IF_ONE: at = registers[at[1]] == 1 ? code + at[2] : at + 3; break;
        case CODE_IF_LESS: at = registers[at[1]] < (uint64_t)at[2] ? code + at[3] : at + 4; break;
        case CODE_GO: at = code + at[1]; break;
        default: return registers[2];
        }
    }
}

uint64_t bytecode_run(const struct work *work)
{
    uint64_t sum = 0;

    for (uint64_t rounds = work_rounds(work, BYTECODE_ROUNDS); rounds > 0; rounds--)
        sum += interpret(collatz);
    return sum;
}

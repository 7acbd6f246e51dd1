#include "vmm/machine/trace_line.h"

#include <string.h>

#define POSITION_WIDTH  12u
#define NAME_WIDTH      10u
#define CAUSE_INTERRUPT (UINT64_C(1) << 63)

/* What every trap changes to what its line says of it already. */
#define TRAP_FIELDS (1u << HART_STEP_sepc | 1u << HART_STEP_scause | 1u << HART_STEP_stval)

static const char *const x_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const f_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

static const char *const field_names[HART_STEP_FIELD_COUNT] = {
#define FIELD_NAME(name) #name,
    HART_STEP_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

/* A traced guest spends most of its time here, hence no printf. */
static char *put_text(char *at, const char *text)
{
    size_t size = strlen(text);

    memcpy(at, text, size);
    return at + size;
}

static char *put_spaces(char *at, const char *until)
{
    while (at < until) {
        *at++ = ' ';
    }
    return at;
}

static char *put_hex(char *at, uint64_t value, unsigned digits)
{
    while (digits-- > 0) {
        *at++ = "0123456789abcdef"[value >> (4 * digits) & 15];
    }
    return at;
}

static char *put_decimal(char *at, uint64_t value, unsigned width)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (width > count) {
        *at++ = ' ';
        width--;
    }
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

static char *put_change(char *at, const char *name, uint64_t value)
{
    *at++ = ' ';
    at = put_text(at, name);
    *at++ = '=';
    return put_hex(at, value, 16);
}

/* As assemblers write it: AMOADD_W is amoadd.w. */
static char *put_operation(char *at, const char *name)
{
    char *start = at;

    for (; *name != '\0'; name++) {
        *at++ = *name == '_' ? '.' : *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name;
    }
    return put_spaces(at, start + NAME_WIDTH);
}

static char *put_instruction(char *at, const struct hart_step *step)
{
    char *start = at;

    if (step->length == 0) {
        return put_spaces(at, start + 8);
    }
    at = put_hex(at, step->instruction, 2 * step->length);
    at = put_spaces(at, start + 9);
    at = put_operation(at, step->name);
    if (step->has_address) {
        at = put_text(at, " [");
        at = put_hex(at, step->address, 16);
        *at++ = ']';
    }
    return at;
}

static char *put_trap(char *at, const struct hart_step *step)
{
    if ((step->trap_cause & CAUSE_INTERRUPT) != 0) {
        at = put_text(at, " interrupt ");
        return put_decimal(at, step->trap_cause & ~CAUSE_INTERRUPT, 0);
    }
    at = put_text(at, " trap ");
    at = put_decimal(at, step->trap_cause, 0);
    return put_change(at, "value", step->trap_value);
}

static char *put_changes(char *at, const struct hart *hart, const struct hart_step *step)
{
    uint32_t fields = step->fields_changed & ~(step->trapped ? TRAP_FIELDS : 0);

    for (uint32_t left = step->x_changed; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        at = put_change(at, x_names[i], hart_get_x(hart, i));
    }
    for (uint32_t left = step->f_changed; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        at = put_change(at, f_names[i], hart_get_f(hart, i));
    }
    for (; fields != 0; fields &= fields - 1) {
        unsigned i = (unsigned)__builtin_ctz(fields);
        at = put_change(at, field_names[i], step->fields[i]);
    }
    return at;
}

size_t trace_line(const struct hart *hart, const struct hart_step *step, char line[TRACE_LINE_SIZE])
{
    char *at = put_decimal(line, step->position, POSITION_WIDTH);

    at = put_text(at, step->privilege == HART_USER ? " U " : " S ");
    at = put_hex(at, step->pc, 16);
    *at++ = ' ';
    at = put_instruction(at, step);
    if (step->trapped) {
        at = put_trap(at, step);
    }
    at = put_changes(at, hart, step);
    while (at[-1] == ' ') {
        at--;
    }
    *at++ = '\n';
    return (size_t)(at - line);
}

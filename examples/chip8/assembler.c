/*
 * An assembler for CHIP-8: chip8-asm FILE.asm FILE.ch8
 *
 *     ; comment
 *     name:                  a label; code begins at 0x200
 *     speed = 3              a constant
 *     row = V4               a name for a register
 *     LD row, speed+1        an instruction: the table below has all; sums without spaces
 *     DB 0x10, 7, ..####..   bytes; # and . draw eight pixels of a sprite
 *     DS 256                 so many zero bytes
 *
 * Two passes over the lines: the first learns where labels are, the second writes. All errors of a
 * pass are told, each with its line.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define START         0x200
#define MEMORY        0x1000
#define MAX_SYMBOLS   512
#define MAX_NAME      31
#define MAX_LINE      256
#define MAX_WORDS     64
#define REGISTER_BASE 0x10000 /* of registers' values, so that no number is taken for one */

/* Operands: x and y are registers, a an address, b a byte, n four bits; else as it stands there. */
static const struct form {
    const char *name;
    const char *operands[4];
    uint16_t code;
} forms[] = {
    {"CLS", {0}, 0x00e0},         {"RET", {0}, 0x00ee},
    {"JP", {"a"}, 0x1000},        {"JP", {"V0", "a"}, 0xb000},
    {"CALL", {"a"}, 0x2000},      {"SE", {"x", "b"}, 0x3000},
    {"SE", {"x", "y"}, 0x5000},   {"SNE", {"x", "b"}, 0x4000},
    {"SNE", {"x", "y"}, 0x9000},  {"LD", {"I", "a"}, 0xa000},
    {"LD", {"x", "DT"}, 0xf007},  {"LD", {"x", "K"}, 0xf00a},
    {"LD", {"DT", "x"}, 0xf015},  {"LD", {"ST", "x"}, 0xf018},
    {"LD", {"F", "x"}, 0xf029},   {"LD", {"B", "x"}, 0xf033},
    {"LD", {"[I]", "x"}, 0xf055}, {"LD", {"x", "[I]"}, 0xf065},
    {"LD", {"x", "b"}, 0x6000},   {"LD", {"x", "y"}, 0x8000},
    {"ADD", {"I", "x"}, 0xf01e},  {"ADD", {"x", "b"}, 0x7000},
    {"ADD", {"x", "y"}, 0x8004},  {"OR", {"x", "y"}, 0x8001},
    {"AND", {"x", "y"}, 0x8002},  {"XOR", {"x", "y"}, 0x8003},
    {"SUB", {"x", "y"}, 0x8005},  {"SHR", {"x", "y"}, 0x8006},
    {"SUBN", {"x", "y"}, 0x8007}, {"SHL", {"x", "y"}, 0x800e},
    {"RND", {"x", "b"}, 0xc000},  {"DRW", {"x", "y", "n"}, 0xd000},
    {"SKP", {"x"}, 0xe09e},       {"SKNP", {"x"}, 0xe0a1},
};

struct symbol {
    char name[MAX_NAME + 1];
    int value;
};

struct assembler {
    const char *file;
    unsigned line;
    bool writes; /* the second pass */
    unsigned errors;
    unsigned at;
    uint8_t memory[MEMORY];
    struct symbol symbols[MAX_SYMBOLS];
    unsigned symbol_count;
};

static void fail(struct assembler *as, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s:%u: ", as->file, as->line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    as->errors++;
}

/* A label, a constant or a register. */
static bool find(const struct assembler *as, const char *name, int *value)
{
    if (toupper((unsigned char)name[0]) == 'V' && isxdigit((unsigned char)name[1]) && !name[2]) {
        *value = REGISTER_BASE + (int)strtol(name + 1, NULL, 16);
        return true;
    }
    for (unsigned k = 0; k < as->symbol_count; k++) {
        if (strcmp(as->symbols[k].name, name) == 0) {
            *value = as->symbols[k].value;
            return true;
        }
    }
    return false;
}

static void define(struct assembler *as, const char *name, int value)
{
    size_t length = 0;
    int there;
    while (isalnum((unsigned char)name[length]) || name[length] == '_') {
        length++;
    }
    if (as->writes) {
        return;
    }
    if (length == 0 || name[length] != '\0' || length > MAX_NAME ||
        isdigit((unsigned char)name[0])) {
        fail(as, "'%s' cannot be a name: letters, digits and _, at most %d", name, MAX_NAME);
    } else if (find(as, name, &there)) {
        fail(as, "there is a '%s' already", name);
    } else if (as->symbol_count == MAX_SYMBOLS) {
        fail(as, "more than %d names", MAX_SYMBOLS);
    } else {
        struct symbol *symbol = &as->symbols[as->symbol_count++];
        memcpy(symbol->name, name, length + 1);
        symbol->value = value;
    }
}

static bool read_term(struct assembler *as, const char *text, int *value)
{
    bool is_binary = strncasecmp(text, "0b", 2) == 0;
    bool is_hex = strncasecmp(text, "0x", 2) == 0;
    char *end;
    if (find(as, text, value)) {
        return true;
    }
    if (strlen(text) == 8 && strspn(text, ".#") == 8) {
        for (*value = 0; *text != '\0'; text++) {
            *value = *value * 2 + (*text == '#');
        }
        return true;
    }
    *value = (int)strtol(text + 2 * is_binary, &end, is_binary ? 2 : is_hex ? 16 : 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || *value >= REGISTER_BASE) {
        fail(as, "'%s' is no label, constant or number", text);
        return false;
    }
    return true;
}

/* Terms with + and - between them. False after it has told why. */
static bool evaluate(struct assembler *as, const char *text, int *value)
{
    char copy[MAX_LINE];
    char *next = copy;
    snprintf(copy, sizeof copy, "%s", text);
    *value = 0;
    while (*next != '\0') {
        int sign = *next == '-' ? -1 : 1;
        int part;
        next += *next == '-' || *next == '+';
        size_t length = strcspn(next, "+-");
        char after = next[length];
        next[length] = '\0';
        if (!read_term(as, next, &part)) {
            return false;
        }
        *value += sign * part;
        next += length;
        *next = after;
    }
    return true;
}

static int number(struct assembler *as, const char *text, int least, int most)
{
    int value;
    if (!evaluate(as, text, &value)) {
        return 0;
    }
    if (value >= REGISTER_BASE / 2) {
        fail(as, "'%s' is a register where a number should be", text);
    } else if (value < least || value > most) {
        fail(as, "'%s' is %d, and must be %d to %d", text, value, least, most);
    }
    return value;
}

static void put(struct assembler *as, int byte)
{
    if (as->at < MEMORY) {
        as->memory[as->at] = (uint8_t)byte;
    } else if (as->at == MEMORY) {
        fail(as, "the program is too large: it ends beyond 0x%x", MEMORY - 1);
    }
    as->at++;
}

static bool is_register(const struct assembler *as, const char *word)
{
    int value;
    return find(as, word, &value) && value >= REGISTER_BASE;
}

static bool takes(const struct assembler *as, const struct form *form, char **words)
{
    for (int k = 0; words[k] != NULL || form->operands[k] != NULL; k++) {
        const char *kind = form->operands[k];
        if (words[k] == NULL || kind == NULL) {
            return false;
        }
        if (islower((unsigned char)kind[0]) ? is_register(as, words[k]) != (kind[0] >= 'x')
                                            : strcasecmp(kind, words[k]) != 0) {
            return false;
        }
    }
    return true;
}

static int encode(struct assembler *as, const struct form *form, char **words)
{
    int code = form->code;
    for (int k = 0; words[k] != NULL; k++) {
        int reg = 0;
        find(as, words[k], &reg);
        switch (form->operands[k][0]) {
        case 'x': code |= (reg & 0xf) << 8; break;
        case 'y': code |= (reg & 0xf) << 4; break;
        case 'a': code |= number(as, words[k], 0, 0xfff) & 0xfff; break;
        case 'b': code |= number(as, words[k], -128, 255) & 0xff; break;
        case 'n': code |= number(as, words[k], 0, 15) & 0xf; break;
        }
    }
    return code;
}

/* The first pass, which does not know all names, counts alone. */
static void instruction(struct assembler *as, const char *name, char **words)
{
    bool known = false;
    for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
        bool named = strcasecmp(forms[k].name, name) == 0;
        known = known || named;
        if (named && (!as->writes || takes(as, &forms[k], words))) {
            int code = as->writes ? encode(as, &forms[k], words) : 0;
            put(as, code >> 8);
            put(as, code & 0xff);
            return;
        }
    }
    fail(as, known ? "%s does not take these operands" : "there is no instruction '%s'", name);
}

static void statement(struct assembler *as, char **words)
{
    int value;
    if (words[0] == NULL) {
        return;
    }
    if (words[1] != NULL && strcmp(words[1], "=") == 0) {
        if (words[2] == NULL || words[3] != NULL) {
            fail(as, "a constant is NAME = VALUE");
        } else if (!as->writes && evaluate(as, words[2], &value)) {
            define(as, words[0], value);
        }
    } else if (strcasecmp(words[0], "DB") == 0) {
        for (int k = 1; words[k] != NULL; k++) {
            put(as, as->writes ? number(as, words[k], -128, 255) : 0);
        }
    } else if (strcasecmp(words[0], "DS") == 0 && words[1] != NULL) {
        for (int k = number(as, words[1], 0, MEMORY); k > 0; k--) {
            put(as, 0);
        }
    } else {
        instruction(as, words[0], words + 1);
    }
}

static void take_line(struct assembler *as, char *line)
{
    char *words[MAX_WORDS + 1] = {NULL};
    int count = 0;
    line[strcspn(line, ";\n")] = '\0';
    for (char *rest = line, *word; (word = strsep(&rest, " \t,")) != NULL;) {
        if (*word != '\0' && count < MAX_WORDS) {
            words[count++] = word;
        }
    }
    bool has_label = count > 0 && words[0][strlen(words[0]) - 1] == ':';
    if (has_label) {
        words[0][strlen(words[0]) - 1] = '\0';
        define(as, words[0], (int)as->at);
    }
    statement(as, words + has_label);
}

static void pass(struct assembler *as, FILE *source, bool writes)
{
    char line[MAX_LINE];
    as->writes = writes;
    as->at = START;
    rewind(source);
    for (as->line = 1; fgets(line, sizeof line, source) != NULL; as->line++) {
        if (strlen(line) == sizeof line - 1) {
            fail(as, "a line has at most %d characters", MAX_LINE - 2);
            return;
        }
        take_line(as, line);
    }
}

static bool write_program(const struct assembler *as, const char *file)
{
    FILE *out = fopen(file, "wb");
    bool good = out != NULL && fwrite(as->memory + START, as->at - START, 1, out) == 1;
    good = (out == NULL || fclose(out) == 0) && good;
    if (!good) {
        perror(file);
    }
    return good;
}

int main(int count, char **arguments)
{
    struct assembler as = {.file = count == 3 ? arguments[1] : ""};
    if (count != 3) {
        fprintf(stderr, "usage: chip8-asm FILE.asm FILE.ch8\n");
        return 2;
    }
    FILE *source = fopen(as.file, "r");
    if (source == NULL) {
        perror(as.file);
        return 1;
    }
    pass(&as, source, false);
    if (as.errors == 0) {
        pass(&as, source, true);
    }
    fclose(source);
    if (as.errors == 0 && as.at == START) {
        fail(&as, "there is no program in it");
    }
    return as.errors == 0 && write_program(&as, arguments[2]) ? 0 : 1;
}

/*
 * monitor.c - the guest: a monitor on the console. Lines are read by interrupt, a timer ticks,
 * commands compute, and with nothing to do it sleeps.
 */
#include <stdbool.h>

#include "console.h"
#include "primes.h"
#include "registers.h"

#define LINE_SIZE  128u
#define QUEUE_SIZE 256u /* bytes that were typed ahead; what is beyond them is dropped */
#define MS         1000000u

static volatile uint8_t queue[QUEUE_SIZE];
static volatile unsigned queue_head, queue_count;

static volatile uint64_t tick_ns; /* 0: none */
static volatile uint64_t next_tick_ns;
static volatile unsigned ticks_due; /* by interrupt, and not told yet */
static uint64_t ticks;
static uint64_t interrupts;

static char line[LINE_SIZE];
static unsigned line_length;

static void take_bytes(void)
{
    while (read32(BOARD_WAITING) != 0) {
        uint8_t byte = (uint8_t)read32(BOARD_CONSOLE);
        if (queue_count < QUEUE_SIZE) {
            queue[(queue_head + queue_count) % QUEUE_SIZE] = byte;
            queue_count = queue_count + 1;
        }
    }
}

static void arm_timer(void)
{
    write64(BOARD_TIMER, tick_ns == 0 ? UINT64_MAX : next_tick_ns);
}

/* From start.S, with interrupts disabled. */
void interrupt(uint64_t cause);
void interrupt(uint64_t cause)
{
    interrupts++;
    switch (cause & 0xff) {
    case BOARD_IRQ_CONSOLE: take_bytes(); break;
    case BOARD_IRQ_TIMER:
        ticks_due = ticks_due + 1;
        next_tick_ns = next_tick_ns + tick_ns;
        arm_timer();
        break;
    default: break;
    }
}

/* Tells the ticks that came, in lines of their own. */
static void tell_ticks(void)
{
    while (ticks_due != 0) {
        disable_interrupts();
        ticks_due = ticks_due - 1;
        enable_interrupts();
        ticks++;
        print("\r[tick ");
        print_number(ticks);
        print(" at ");
        print_seconds(read64(BOARD_CLOCK), 3);
        print(" s]\n");
    }
}

/* The next word of the line that `rest` points into, ended by a zero. */
static const char *word(char **rest)
{
    char *at = *rest;
    while (*at == ' ') {
        at++;
    }
    const char *start = at;
    while (*at != '\0' && *at != ' ') {
        at++;
    }
    if (*at != '\0') {
        *at++ = '\0';
    }
    *rest = at;
    return start;
}

static uint64_t number(char **rest, uint64_t otherwise)
{
    const char *digits = word(rest);
    uint64_t value = 0;
    if (*digits == '\0') {
        return otherwise;
    }
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        value = value * 10 + (uint64_t)(*digits - '0');
    }
    return value;
}

static bool equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void primes(char *rest)
{
    uint64_t below = number(&rest, 100000);
    uint64_t started_ns = read64(BOARD_CLOCK);
    uint64_t count = 0;
    for (uint64_t candidate = 2; candidate < below; candidate++) {
        count += is_prime(candidate) ? 1 : 0;
        if (ticks_due != 0) {
            tell_ticks();
        }
    }
    print_number(count);
    print(" primes below ");
    print_number(below);
    print(", in ");
    print_seconds(read64(BOARD_CLOCK) - started_ns, 3);
    print(" s\n");
}

static void sum(char *rest)
{
    uint64_t total = 0;
    for (;;) {
        uint64_t next = number(&rest, UINT64_MAX);
        if (next == UINT64_MAX) {
            break;
        }
        total += next;
    }
    print_number(total);
    print("\n");
}

static void uptime(char *rest)
{
    (void)rest;
    print("up ");
    print_seconds(read64(BOARD_CLOCK), 6);
    print(" s, ");
    print_number(interrupts);
    print(" interrupts, ");
    print_number(ticks);
    print(" ticks\n");
}

static void tick(char *rest)
{
    uint64_t ms = number(&rest, 0);
    disable_interrupts();
    tick_ns = ms * MS;
    next_tick_ns = read64(BOARD_CLOCK) + tick_ns;
    arm_timer();
    enable_interrupts();
}

static void off(char *rest)
{
    (void)rest;
    print("bye\n");
    write32(BOARD_POWER, 0);
}

static void help(char *rest);

static const struct command {
    const char *name;
    const char *text;
    void (*run)(char *rest);
} commands[] = {
    {"help", "this", help},
    {"primes", "N: counts the primes below N", primes},
    {"sum", "A B ...: adds", sum},
    {"uptime", "tells the clock", uptime},
    {"tick", "MS: a line every MS milliseconds, 0 none", tick},
    {"off", "ends the machine", off},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void help(char *rest)
{
    (void)rest;
    for (unsigned i = 0; i < COMMANDS; i++) {
        print(commands[i].name);
        print("  ");
        print(commands[i].text);
        print("\n");
    }
}

static void run_line(void)
{
    char *rest = line;
    const char *name = word(&rest);
    if (*name == '\0') {
        return;
    }
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (equal(name, commands[i].name)) {
            commands[i].run(rest);
            return;
        }
    }
    print(name);
    print("? try help\n");
}

static void take_byte(uint8_t byte)
{
    char echo[2] = {(char)byte, '\0'};
    if (byte == '\n' || byte == '\r') {
        print("\n");
        line[line_length] = '\0';
        line_length = 0;
        run_line();
        print("> ");
    } else if ((byte == 0x7f || byte == '\b') && line_length > 0) {
        line_length--;
        print("\b \b");
    } else if (byte >= ' ' && byte < 0x7f && line_length < LINE_SIZE - 1) {
        line[line_length++] = (char)byte;
        print(echo);
    }
}

/* Goes on once there is something to do. With interrupts disabled from looking until sleeping, none
 * comes in between and is slept over. */
static void sleep(void)
{
    disable_interrupts();
    if (queue_count == 0 && ticks_due == 0) {
        wait_for_interrupt();
    }
    enable_interrupts();
}

void monitor(void);
void monitor(void)
{
    print("monitor: type help\n> ");
    write64(BOARD_TIMER, UINT64_MAX);
    choose_interrupts(1u << BOARD_IRQ_TIMER | 1u << BOARD_IRQ_CONSOLE);
    enable_interrupts();
    for (;;) {
        if (ticks_due != 0) {
            tell_ticks();
            print("> ");
            line[line_length] = '\0';
            print(line);
        } else if (queue_count != 0) {
            disable_interrupts();
            uint8_t byte = queue[queue_head];
            queue_head = (queue_head + 1) % QUEUE_SIZE;
            queue_count = queue_count - 1;
            enable_interrupts();
            take_byte(byte);
        } else {
            sleep();
        }
    }
}

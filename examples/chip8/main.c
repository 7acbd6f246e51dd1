/*
 * chip8: a CHIP-8 machine that two processes execute in lockstep. One plays; when it is killed, the
 * other plays on.
 *
 * Three threads: the main one has the terminal and the keys, the vCPU thread has the machine, the
 * third is the library's own.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "console.h"
#include "headless.h"
#include "keys.h"
#include "options.h"
#include "terminal.h"

#define REDRAW_MS 250 /* the status line */

struct player {
    struct options options;
    struct chip8_node machine;
    struct chip8_front front;
    struct console console;
    struct terminal terminal;
    struct keys keys;
    struct ftvm_node *node;
    pthread_t vcpu;
    atomic_bool has_ended; /* the machine */
    int result;            /* why, once it has */
    int signals;           /* descriptor */
    char title[FTVM_MAX_NAME + 1];
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "chip8: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

/* ---- The node -------------------------------------------------------------------------------- */

static void on_event(void *context, const struct ftvm_event *event)
{
    struct player *player = context;
    char line[CONSOLE_LINE] = "";
    switch (event->kind) {
    case FTVM_EVENT_FAILOVER:
        snprintf(
            line, sizeof line,
            "the primary was lost; this replica plays on (noticed in %.1f ms, claimed in %.1f)",
            (double)event->detected_ns / 1e6, (double)event->claimed_ns / 1e6);
        break;
    case FTVM_EVENT_JOIN: snprintf(line, sizeof line, "joined: %s", event->peer); break;
    case FTVM_EVENT_REFUSE:
    case FTVM_EVENT_SUSPECT:
    case FTVM_EVENT_ARBITER:
    case FTVM_EVENT_STOP: snprintf(line, sizeof line, "%.200s", event->text); break;
    case FTVM_EVENT_DIVERGED: /* the report is the primary's, and has a line for each part */
        snprintf(line, sizeof line, "diverged behind position %llu%s%.*s",
                 (unsigned long long)event->agreed, event->report[0] != '\0' ? ": " : "",
                 (int)strcspn(event->report, "\n"), event->report);
        break;
    case FTVM_EVENT_ROLE:
        if (event->role == FTVM_ROLE_BACKUP) {
            snprintf(line, sizeof line,
                     event->is_protected ? "may take over" : "may not take over");
        } else {
            snprintf(line, sizeof line, event->is_protected ? "protected" : "not protected");
        }
        break;
    case FTVM_EVENT_START:
    case FTVM_EVENT_TRANSFER:
    case FTVM_EVENT_FENCED: break;
    }
    if (line[0] != '\0' && player->options.headless) {
        fprintf(stderr, "chip8: %s\n", line);
    } else if (line[0] != '\0') {
        console_note(&player->console, line);
    }
}

/* The name of the program is the machine's description: a backup says what it protects. */
static int start_node(struct player *player)
{
    const struct options *options = &player->options;
    struct ftvm_config config;
    char error[256] = "";
    size_t size;
    ftvm_config_init(&config);
    config.role = options->role;
    config.name = options->role == FTVM_ROLE_PRIMARY ? "chip8" : NULL;
    config.listen = options->listen;
    config.join = options->join;
    config.insecure_channel = options->insecure_channel;
    config.arbiter = options->arbiter;
    config.assume_fail_stop = strcmp(options->arbiter, "none") == 0;
    config.take_over = options->take_over;
    config.timeout_ms = options->timeout_ms;
    config.wait_backup = options->wait_backup;
    config.description = player->title;
    config.description_size = strlen(player->title);
    config.on_event = on_event;
    config.context = player;
    int result = ftvm_node_create(&config, &player->node, error, sizeof error);
    if (result == 0) {
        result = ftvm_node_start(player->node);
        ftvm_node_error(player->node, error, sizeof error);
    }
    if (result < 0) {
        fprintf(stderr, "chip8: %s%s\n", error,
                result == FTVM_E_ACTIVE ? "; if that one was killed: --take-over" : "");
        return result;
    }
    const char *title = ftvm_node_description(player->node, &size);
    snprintf(player->title, sizeof player->title, "%.*s", (int)size, title);
    return 0;
}

static void *run_machine(void *context)
{
    struct player *player = context;
    player->result = chip8_node_run(&player->machine, player->node);
    atomic_store(&player->has_ended, true);
    if (!player->options.headless) {
        console_note(&player->console, ftvm_strerror(player->result));
    }
    kill(getpid(), SIGUSR1); /* wakes the main thread */
    return NULL;
}

/* ---- The main thread ------------------------------------------------------------------------- */

/* False: there will be no more keys. */
static bool take_keys(struct player *player)
{
    char bytes[64];
    ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
    for (ssize_t k = 0; k < size; k++) {
        int key = keys_take(&player->keys, bytes[k]);
        if (key == KEYS_QUIT) {
            ftvm_node_stop(player->node);
        } else if (key >= 0) {
            chip8_node_strike(player->node, (uint8_t)key);
        }
    }
    return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

static void take_signal(struct player *player)
{
    struct signalfd_siginfo signal;
    if (read(player->signals, &signal, sizeof signal) == sizeof signal &&
        signal.ssi_signo != SIGUSR1) {
        ftvm_node_stop(player->node);
    }
}

static void redraw(struct player *player)
{
    struct ftvm_status status = {.size = sizeof status};
    if (!player->options.headless && ftvm_node_status(player->node, &status) >= 0) {
        console_draw(&player->console, &status, player->title);
    }
}

static void play(struct player *player)
{
    struct pollfd watched[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = player->signals, .events = POLLIN},
        {.fd = player->options.headless ? -1 : player->console.wake_fd, .events = POLLIN},
    };
    while (!atomic_load(&player->has_ended)) {
        redraw(player);
        if (poll(watched, 3, player->options.headless ? -1 : REDRAW_MS) <= 0) {
            continue;
        }
        if (watched[0].revents != 0 && !take_keys(player)) {
            watched[0].fd = -1;
        }
        if (watched[1].revents != 0) {
            take_signal(player);
        }
    }
}

/* Before there are threads, so that none of them is interrupted. */
static bool open_signals(struct player *player)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    player->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    return player->signals >= 0 && pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0;
}

static bool load_program(struct player *player)
{
    const char *file = player->options.program;
    uint8_t program[CHIP8_PROGRAM + 1];
    size_t size = 0;
    if (file != NULL) {
        const char *name = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;
        FILE *stream = fopen(file, "rb");
        if (stream == NULL) {
            fail(file, strerror(errno));
            return false;
        }
        size = fread(program, 1, sizeof program, stream);
        fclose(stream);
        snprintf(player->title, sizeof player->title, "%.*s", (int)strcspn(name, "."), name);
        if (size == 0) {
            fail(file, "there is nothing in it");
            return false;
        }
    }
    if (!chip8_node_init(&player->machine, program, size, player->options.speed, &player->front)) {
        fail(file, "too large: a program has at most 3584 bytes");
        return false;
    }
    return true;
}

static bool open_player(struct player *player)
{
    if (!load_program(player) || !open_signals(player)) {
        return false;
    }
    if (player->options.headless) {
        headless_front(&player->front);
        return true;
    }
    if (!terminal_open(&player->terminal)) {
        fail("standard input and output", "no terminal; without one: --headless");
        return false;
    }
    console_front(&player->console, &player->front);
    return console_open(&player->console);
}

static int run_player(struct player *player)
{
    char error[256];
    if (!player->options.headless) {
        terminal_enter(&player->terminal);
    }
    if (pthread_create(&player->vcpu, NULL, run_machine, player) != 0) {
        abort();
    }
    play(player);
    pthread_join(player->vcpu, NULL);
    if (!player->options.headless) {
        terminal_close(&player->terminal);
        fprintf(stderr, "chip8: %s\n", player->console.note);
    }
    ftvm_node_error(player->node, error, sizeof error);
    if (player->result == FTVM_E_STOPPED || player->result == FTVM_E_HALTED) {
        return EXIT_SUCCESS;
    }
    return fail(ftvm_strerror(player->result), error);
}

int main(int count, char **arguments)
{
    struct player *player = calloc(1, sizeof *player);
    int code;
    if (player == NULL) {
        return EXIT_FAILURE;
    }
    code = options_parse(&player->options, count, arguments);
    if (code < 0) {
        code = EXIT_FAILURE;
        if (open_player(player)) {
            code = start_node(player) < 0 ? EXIT_FAILURE : run_player(player);
            ftvm_node_destroy(player->node);
        }
    }
    free(player);
    return code;
}

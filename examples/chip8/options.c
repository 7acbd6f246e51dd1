#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip8.h"

#define USAGE 2

static const char help[] =
    "chip8 primary [OPTION...] PROGRAM.ch8     plays, protected as soon as a backup joins\n"
    "chip8 backup [OPTION...]                  follows, and plays on if the primary is lost\n"
    "\n"
    "  --listen HOST:PORT   where backups join (primary: 127.0.0.1:7808; backup, once it\n"
    "                       is primary: 127.0.0.1:0, a free port)\n"
    "  --join HOST:PORT     backup: where the primary listens (127.0.0.1:7808)\n"
    "  --arbiter file:PATH  where both see who is active (chip8.arbiter in $XDG_RUNTIME_DIR,\n"
    "                       or /tmp/chip8-UID.arbiter); none: without, on your word that a\n"
    "                       replica that is silent has really halted\n"
    "  --speed N            primary: instructions a second (900)\n"
    "  --timeout-ms N       primary: silence after which a replica is given up (1000)\n"
    "  --wait-backup        primary: begins when a backup protects it\n"
    "  --take-over          primary: although another is noted as active, as it was killed\n"
    "  --insecure-channel   other addresses than loopback: the channel is not encrypted\n"
    "  --headless           no terminal: keys from standard input, screens as lines\n";

enum { LISTEN = 256, JOIN, ARBITER, SPEED, TIMEOUT, WAIT, TAKE_OVER, INSECURE, HEADLESS, HELP };

static const struct option table[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"join", required_argument, NULL, JOIN},
    {"arbiter", required_argument, NULL, ARBITER},
    {"speed", required_argument, NULL, SPEED},
    {"timeout-ms", required_argument, NULL, TIMEOUT},
    {"wait-backup", no_argument, NULL, WAIT},
    {"take-over", no_argument, NULL, TAKE_OVER},
    {"insecure-channel", no_argument, NULL, INSECURE},
    {"headless", no_argument, NULL, HEADLESS},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void set_defaults(struct options *options, bool is_primary)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    memset(options, 0, sizeof *options);
    options->role = is_primary ? FTVM_ROLE_PRIMARY : FTVM_ROLE_BACKUP;
    options->listen = is_primary ? "127.0.0.1:7808" : "127.0.0.1:0";
    options->join = is_primary ? NULL : "127.0.0.1:7808";
    options->speed = 900 / CHIP8_HZ;
    options->timeout_ms = 1000;
    options->arbiter = options->arbiter_room;
    if (folder != NULL && strlen(folder) < sizeof options->arbiter_room - 32) {
        snprintf(options->arbiter_room, sizeof options->arbiter_room, "file:%s/chip8.arbiter",
                 folder);
    } else {
        snprintf(options->arbiter_room, sizeof options->arbiter_room, "file:/tmp/chip8-%u.arbiter",
                 (unsigned)getuid());
    }
}

static bool read_number(const char *name, uint32_t least, uint32_t most, uint32_t *value)
{
    char *end;
    unsigned long read = strtoul(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end != '\0' || read < least || read > most) {
        fprintf(stderr, "chip8: --%s: '%s' is no number from %u to %u\n", name, optarg, least,
                most);
        return false;
    }
    *value = (uint32_t)read;
    return true;
}

static bool take(struct options *options, int option)
{
    switch (option) {
    case LISTEN: options->listen = optarg; return true;
    case JOIN: options->join = optarg; return true;
    case ARBITER: options->arbiter = optarg; return true;
    case SPEED:
        if (!read_number("speed", CHIP8_HZ, CHIP8_MAX_SPEED * CHIP8_HZ, &options->speed)) {
            return false;
        }
        options->speed /= CHIP8_HZ;
        return true;
    case TIMEOUT: return read_number("timeout-ms", 100, 60000, &options->timeout_ms);
    case WAIT: options->wait_backup = true; return true;
    case TAKE_OVER: options->take_over = true; return true;
    case INSECURE: options->insecure_channel = true; return true;
    case HEADLESS: options->headless = true; return true;
    }
    return false; /* getopt_long has said why */
}

static bool is_complete(struct options *options, int left, char **arguments)
{
    bool is_primary = options->role == FTVM_ROLE_PRIMARY;
    if (left != is_primary) {
        fprintf(stderr, is_primary ? "chip8: a primary needs one program: chip8 primary worm.ch8\n"
                                   : "chip8: a backup gets its program from its primary\n");
        return false;
    }
    if (is_primary && options->join != NULL) {
        fprintf(stderr, "chip8: --join is for a backup\n");
        return false;
    }
    options->program = is_primary ? arguments[0] : NULL;
    return true;
}

int options_parse(struct options *options, int count, char **arguments)
{
    const char *command = count > 1 ? arguments[1] : "";
    bool is_primary = strcmp(command, "primary") == 0;
    int option;
    if (strcmp(command, "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (!is_primary && strcmp(command, "backup") != 0) {
        fputs("usage: chip8 primary PROGRAM.ch8, or chip8 backup; chip8 --help says more\n",
              stderr);
        return USAGE;
    }
    set_defaults(options, is_primary);
    optind = 2;
    while ((option = getopt_long(count, arguments, "", table, NULL)) != -1) {
        if (option == HELP) {
            fputs(help, stdout);
            return 0;
        }
        if (!take(options, option)) {
            return USAGE;
        }
    }
    return is_complete(options, count - optind, arguments + optind) ? -1 : USAGE;
}

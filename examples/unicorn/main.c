/*
 * unicorn-pair: one guest on two unicorns.
 *
 *     unicorn-pair primary [GUEST] [OPTION...]
 *     unicorn-pair backup [OPTION...]
 */
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#include "machine.h"
#include "terminal.h"

#define DEFAULT_GUEST "monitor.bin" /* beside this program */
#define PATH_SIZE     4096u
#define ERROR_SIZE    512u
#define EXIT_USAGE    2

static int usage(void)
{
    fputs("usage: unicorn-pair primary [GUEST] [OPTION...] | backup [OPTION...] | help\n", stderr);
    return EXIT_USAGE;
}

static int help(void)
{
    puts("unicorn-pair primary [GUEST] [--listen HOST:PORT] [--wait-backup] [--arbiter A]\n"
         "unicorn-pair backup [--join HOST:PORT] [--listen HOST:PORT] [--arbiter A]\n"
         "\n"
         "GUEST          an image for the board (" DEFAULT_GUEST " beside this program)\n"
         "--listen       where a backup joins (primary 127.0.0.1:7000, backup 127.0.0.1:7001)\n"
         "--join         where the primary listens (127.0.0.1:7000)\n"
         "--arbiter      file:PATH, the same for all replicas (file:unicorn.arbiter)\n"
         "--wait-backup  the guest starts when a backup protects it");
    return EXIT_SUCCESS;
}

/* False: usage. What stays behind the options is GUEST. */
static bool read_options(int argc, char **argv, struct ftvm_config *config)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"join", required_argument, NULL, 'j'},
        {"arbiter", required_argument, NULL, 'a'},
        {"wait-backup", no_argument, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (;;) {
        switch (getopt_long(argc, argv, "", options, NULL)) {
        case 'l': config->listen = optarg; break;
        case 'j': config->join = optarg; break;
        case 'a': config->arbiter = optarg; break;
        case 'w': config->wait_backup = true; break;
        case -1: return true;
        default: return false;
        }
    }
}

static bool read_config(int argc, char **argv, struct ftvm_config *config)
{
    ftvm_config_init(config);
    config->arbiter = "file:unicorn.arbiter";
    if (argc < 2) {
        return false;
    }
    if (strcmp(argv[1], "primary") == 0) {
        config->role = FTVM_ROLE_PRIMARY;
        config->name = "unicorn";
        config->listen = "127.0.0.1:7000";
    } else if (strcmp(argv[1], "backup") == 0) {
        config->role = FTVM_ROLE_BACKUP;
        config->join = "127.0.0.1:7000";
        config->listen = "127.0.0.1:7001";
    } else {
        return false;
    }
    return read_options(argc - 1, argv + 1, config) &&
           argc - 1 - optind <= (config->role == FTVM_ROLE_PRIMARY ? 1 : 0);
}

static void tell(void *context, const struct ftvm_event *event)
{
    (void)context;
    const char *role = event->role == FTVM_ROLE_PRIMARY ? "primary" : "backup";
    switch (event->kind) {
    case FTVM_EVENT_ROLE:
        fprintf(stderr, "[%s, %s, term %llu]\n", role,
                event->is_protected ? "protected" : "not protected",
                (unsigned long long)event->term);
        break;
    case FTVM_EVENT_FAILOVER:
        fprintf(stderr, "[took over: lost noticed in %.1f ms, claim %.1f, log %.1f, live %.1f]\n",
                (double)event->detected_ns / 1e6, (double)event->claimed_ns / 1e6,
                (double)event->consumed_ns / 1e6, (double)event->live_ns / 1e6);
        break;
    case FTVM_EVENT_SUSPECT:
    case FTVM_EVENT_REFUSE:
    case FTVM_EVENT_ARBITER:
    case FTVM_EVENT_FENCED:
    case FTVM_EVENT_STOP: fprintf(stderr, "[%s: %s]\n", role, event->text); break;
    case FTVM_EVENT_DIVERGED:
        fprintf(stderr, "[%s: %s]%s%s\n", role, event->text, event->report[0] != '\0' ? "\n" : "",
                event->report);
        break;
    case FTVM_EVENT_START:
    case FTVM_EVENT_JOIN:
    case FTVM_EVENT_TRANSFER: break;
    }
}

/* The bytes of the file, at most one more than the board's memory has; NULL: there are none. */
static void *read_image(const char *path, size_t *size)
{
    char *image = malloc(BOARD_RAM_SIZE + 1);
    FILE *file = fopen(path, "rb");
    *size = image != NULL && file != NULL ? fread(image, 1, BOARD_RAM_SIZE + 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    if (*size == 0) {
        free(image);
        return NULL;
    }
    return image;
}

static bool default_guest(char *path, size_t size)
{
    char program[PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) {
        return false;
    }
    program[length] = '\0';
    int written = snprintf(path, size, "%s/" DEFAULT_GUEST, dirname(program));
    return written > 0 && (size_t)written < size;
}

/* A backup's memory comes from its primary. NULL: it has been told why. */
static struct machine *make_machine(enum ftvm_role role, const char *guest,
                                    const struct machine_host *host)
{
    char path[PATH_SIZE];
    size_t size = 0;
    void *image = NULL;
    const char *why;
    if (role == FTVM_ROLE_PRIMARY) {
        if (guest == NULL && default_guest(path, sizeof path)) {
            guest = path;
        }
        image = guest != NULL ? read_image(guest, &size) : NULL;
        if (image == NULL) {
            fprintf(stderr, "unicorn-pair: no guest in %s\n", guest != NULL ? guest : "this host");
            return NULL;
        }
    }
    struct machine *machine = machine_create(image, size, host, &why);
    free(image);
    if (machine == NULL) {
        fprintf(stderr, "unicorn-pair: %s\n", why);
    }
    return machine;
}

/* From the start to the end; false: it did not end in good order. */
static bool run(struct ftvm_node *node, enum ftvm_role role, struct machine *machine,
                struct terminal *terminal)
{
    int result = ftvm_node_start(node);
    if (result >= 0) {
        if (role == FTVM_ROLE_PRIMARY) {
            terminal_live(terminal);
        }
        result = machine_run(machine, node);
    }
    if (result == FTVM_E_STOPPED || result == FTVM_E_HALTED) {
        return true;
    }
    char line[ERROR_SIZE];
    ftvm_node_error(node, line, sizeof line);
    fprintf(stderr, "unicorn-pair: %s: %s\n", ftvm_strerror(result), line);
    return false;
}

/* The node goes first: until it has gone, it calls the machine and the terminal. */
static bool run_on_terminal(struct ftvm_node *node, enum ftvm_role role, const char *guest)
{
    struct terminal *terminal = terminal_open(node, MACHINE_CONSOLE);
    if (terminal == NULL) {
        perror("unicorn-pair");
        ftvm_node_destroy(node);
        return false;
    }
    struct machine_host host = {terminal_emit, terminal_live, terminal};
    struct machine *machine = make_machine(role, guest, &host);
    bool good = machine != NULL && run(node, role, machine, terminal);
    terminal_detach(terminal);
    ftvm_node_destroy(node);
    machine_destroy(machine);
    terminal_close(terminal);
    return good;
}

int main(int argc, char **argv)
{
    struct ftvm_config config;
    if (argc == 2 && strcmp(argv[1], "help") == 0) {
        return help();
    }
    if (!read_config(argc, argv, &config)) {
        return usage();
    }
    config.on_event = tell;
    terminal_block_signals();
    struct ftvm_node *node;
    char error[ERROR_SIZE];
    if (ftvm_node_create(&config, &node, error, sizeof error) < 0) {
        fprintf(stderr, "unicorn-pair: %s\n", error);
        return EXIT_FAILURE;
    }
    const char *guest = optind + 1 < argc ? argv[optind + 1] : NULL;
    return run_on_terminal(node, config.role, guest) ? EXIT_SUCCESS : EXIT_FAILURE;
}

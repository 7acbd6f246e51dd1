/* Joiners that are slow or silent, and nodes that are destroyed in the middle of something. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/libftvm/toy_machine.h"

#define STATE_BYTES (96u << 20)
#define INPUT_BYTES (120u * 1024)
#define WAIT_MS     30000

/* A machine of much state and nothing else. */
struct heavy {
    struct ftvm_node *node;
    unsigned load_ms; /* it waits so long before it loads */
    uint64_t position;
    uint64_t inputs;
    pthread_t thread;
    int result;
};

static int heavy_deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    struct heavy *heavy = machine;
    (void)device;
    (void)data;
    (void)size;
    heavy->inputs++;
    return 0;
}

static int heavy_emit(void *machine, uint64_t number, uint32_t device, const void *data,
                      size_t size)
{
    (void)number;
    (void)machine;
    (void)device;
    (void)data;
    (void)size;
    return 0;
}

static int heavy_save(void *machine, struct ftvm_writer *writer)
{
    struct heavy *heavy = machine;
    static uint8_t piece[1 << 20];
    uint64_t fields[] = {heavy->position, heavy->inputs};
    int result = ftvm_write(writer, fields, sizeof fields);
    for (size_t done = 0; done < STATE_BYTES && result >= 0; done += sizeof piece) {
        result = ftvm_write(writer, piece, sizeof piece);
    }
    return result;
}

static int heavy_load(void *machine, struct ftvm_reader *reader)
{
    struct heavy *heavy = machine;
    uint8_t *piece = malloc(1 << 20);
    uint64_t fields[2];
    int result = ftvm_read(reader, fields, sizeof fields);
    for (size_t done = 0; done < STATE_BYTES && result >= 0; done += 1 << 20) {
        if (done == STATE_BYTES - (72u << 20)) {
            usleep(heavy->load_ms * 1000); /* the rest may be on its way already */
        }
        result = ftvm_read(reader, piece, 1 << 20);
    }
    free(piece);
    heavy->position = fields[0];
    heavy->inputs = fields[1];
    return result;
}

static void heavy_digest(void *machine, struct ftvm_digest *digest)
{
    struct heavy *heavy = machine;
    ftvm_digest_add(digest, "inputs", 0, &heavy->inputs, sizeof heavy->inputs);
}

static void *heavy_run(void *argument)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = heavy_deliver,
        .emit = heavy_emit,
        .save = heavy_save,
        .load = heavy_load,
        .digest = heavy_digest,
    };
    struct heavy *heavy = argument;
    struct ftvm_epoch epoch;
    int result = ftvm_begin(heavy->node, &ops, heavy, 0, &epoch);
    while (result >= 0) {
        usleep(200);
        heavy->position += epoch.length;
        result = ftvm_boundary(heavy->node, heavy->position, &epoch);
    }
    heavy->result = result;
    return NULL;
}

static void heavy_start(struct heavy *heavy)
{
    cr_assert_eq(pthread_create(&heavy->thread, NULL, heavy_run, heavy), 0);
}

static struct ftvm_status status_of(const struct ftvm_node *node)
{
    struct ftvm_status status = {.size = sizeof status};
    cr_assert_eq(ftvm_node_status(node, &status), 0);
    return status;
}

static void on_log(void *context, enum ftvm_log_level level, const char *line)
{
    (void)context;
    (void)level;
    if (getenv("FTVM_TEST_VERBOSE") != NULL) {
        fprintf(stderr, "%s\n", line);
    }
}

static void on_event(void *context, const struct ftvm_event *event)
{
    if (event->kind == FTVM_EVENT_SUSPECT && context != NULL) {
        atomic_fetch_add((atomic_uint *)context, 1);
    }
    on_log(context, FTVM_LOG_INFO, event->text);
}

static struct ftvm_node *start_node(struct ftvm_config *config)
{
    struct ftvm_node *node;
    char error[512] = "";
    config->name = "heavy";
    config->arbiter = "none";
    config->assume_fail_stop = true;
    config->on_log = on_log;
    config->on_event = on_event;
    cr_assert_eq(ftvm_node_create(config, &node, error, sizeof error), 0, "%s", error);
    int result = ftvm_node_start(node);
    ftvm_node_error(node, error, sizeof error);
    cr_assert_eq(result, 0, "%s", error);
    return node;
}

/* The guest is kept busy with large inputs while a joiner loads: what the log then holds must find
 * room behind the state. */
Test(joining, a_slow_joiner_of_a_busy_guest_is_waited_for, .timeout = 120)
{
    static uint8_t input[INPUT_BYTES];
    struct heavy a = {0};
    struct heavy b = {.load_ms = 3000};
    struct ftvm_config config;
    atomic_uint suspicions = 0;
    char join[32];
    char reason[256];
    ftvm_config_init(&config);
    config.listen = "127.0.0.1:0";
    config.epoch_length = 1000;
    config.timeout_ms = 10000; /* also where all is slow */
    config.context = &suspicions;
    a.node = start_node(&config);
    snprintf(join, sizeof join, "127.0.0.1:%u", status_of(a.node).listen_port);
    heavy_start(&a);
    ftvm_config_init(&config);
    config.role = FTVM_ROLE_BACKUP;
    config.join = join;
    b.node = start_node(&config);
    heavy_start(&b);
    for (unsigned i = 0; i < WAIT_MS && !status_of(a.node).is_protected && suspicions == 0; i++) {
        while (ftvm_input(a.node, 1, input, sizeof input) == 0) {
        }
        usleep(1000);
    }
    cr_assert_eq(suspicions, 0);
    cr_assert(status_of(a.node).is_protected);
    ftvm_node_fail(b.node, "enough");
    ftvm_node_fail(b.node, "more than enough"); /* the first reason stands */
    pthread_join(b.thread, NULL);
    ftvm_node_error(b.node, reason, sizeof reason);
    cr_expect_str_eq(reason, "enough");
    ftvm_node_stop(a.node);
    pthread_join(a.thread, NULL);
    cr_assert_eq(a.result, FTVM_E_STOPPED);
    ftvm_node_destroy(a.node);
    ftvm_node_destroy(b.node);
}

/* The last words of a node that has ended leave also when it is destroyed at once: without an
 * arbiter, a backup that did not read them would take over what was stopped. */
Test(joining, a_stop_reaches_a_backup_behind_much_log, .timeout = 120)
{
    static uint8_t input[INPUT_BYTES];
    struct heavy a = {0};
    struct heavy b = {0};
    struct ftvm_config config;
    char join[32];
    ftvm_config_init(&config);
    config.listen = "127.0.0.1:0";
    config.epoch_length = 1000;
    config.timeout_ms = 10000;
    a.node = start_node(&config);
    snprintf(join, sizeof join, "127.0.0.1:%u", status_of(a.node).listen_port);
    heavy_start(&a);
    ftvm_config_init(&config);
    config.role = FTVM_ROLE_BACKUP;
    config.join = join;
    b.node = start_node(&config);
    heavy_start(&b);
    for (unsigned i = 0; i < WAIT_MS && !status_of(b.node).is_protected; i++) {
        usleep(1000);
    }
    cr_assert(status_of(b.node).is_protected);
    for (unsigned i = 0; i < 2000; i++) {
        ftvm_input(a.node, 1, input, sizeof input);
        usleep(100);
    }
    ftvm_node_stop(a.node);
    pthread_join(a.thread, NULL);
    ftvm_node_destroy(a.node);
    pthread_join(b.thread, NULL);
    cr_assert_eq(b.result, FTVM_E_STOPPED, "%d", b.result);
    ftvm_node_destroy(b.node);
}

/* ---- A flood ------------------------------------------------------------------------------------
 */

static int slow_emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    usleep(20);
    return heavy_emit(machine, number, device, data, size);
}

static void *make_outputs(void *argument)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = heavy_deliver,
        .emit = slow_emit,
        .save = heavy_save,
        .load = heavy_load,
    };
    struct heavy *heavy = argument;
    struct ftvm_epoch epoch;
    heavy->result = ftvm_begin(heavy->node, &ops, heavy, 0, &epoch);
    while (heavy->result >= 0) {
        heavy->result = ftvm_output(heavy->node, 1, "output", 6);
    }
    return NULL;
}

/* Outputs come faster than they can leave. */
Test(joining, a_flood_of_outputs_does_not_drown_a_command, .timeout = 30)
{
    struct heavy a = {0};
    struct ftvm_config config;
    ftvm_config_init(&config);
    a.node = start_node(&config);
    cr_assert_eq(pthread_create(&a.thread, NULL, make_outputs, &a), 0);
    usleep(300000);
    cr_assert_eq(ftvm_node_stop(a.node), 0);
    pthread_join(a.thread, NULL);
    cr_assert_eq(a.result, FTVM_E_STOPPED);
    ftvm_node_destroy(a.node);
}

/* ---- Silence ----------------------------------------------------------------------------------
 */

struct silent {
    int listener;
    unsigned accepted;
};

static void *be_silent(void *argument)
{
    struct silent *silent = argument;
    struct pollfd ready = {.fd = silent->listener, .events = POLLIN};
    while (poll(&ready, 1, 5000) > 0 && accept(silent->listener, NULL, NULL) >= 0) {
        silent->accepted++;
    }
    return NULL;
}

Test(joining, a_primary_that_takes_connections_and_is_silent_is_tried_again, .timeout = 60)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct silent silent = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
    struct ftvm_config config;
    struct ftvm_node *node;
    pthread_t thread;
    char join[32];
    cr_assert_eq(bind(silent.listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(silent.listener, 8), 0);
    cr_assert_eq(getsockname(silent.listener, (struct sockaddr *)&address, &size), 0);
    snprintf(join, sizeof join, "127.0.0.1:%u", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&thread, NULL, be_silent, &silent), 0);
    ftvm_config_init(&config);
    config.role = FTVM_ROLE_BACKUP;
    config.name = "heavy";
    config.arbiter = "none";
    config.assume_fail_stop = true;
    config.join = join;
    config.heartbeat_ms = 20;
    config.timeout_ms = 300;
    config.join_timeout_ms = 2500;
    cr_assert_eq(ftvm_node_create(&config, &node, NULL, 0), 0);
    cr_assert_eq(ftvm_node_start(node), FTVM_E_NO_PRIMARY);
    ftvm_node_destroy(node);
    shutdown(silent.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(silent.listener);
    cr_assert_geq(silent.accepted, 3);
}

/* ---- Destroyed while the arbiter is being asked ------------------------------------------------
 */

static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    cr_assert_not_null(tasks);
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count;
}

static void *do_nothing(void *argument)
{
    return argument;
}

/* The first thread of a process may bring others with it, a sanitizer's own. */
static unsigned count_threads_once_started(void)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    pthread_join(thread, NULL);
    usleep(10000);
    return count_threads();
}

Test(joining, a_node_may_be_destroyed_while_its_claim_waits, .timeout = 60)
{
    char directory[] = "/tmp/ftvm-test-XXXXXX";
    char arbiter[64], lock_path[64], command[64], join[32];
    struct toy_machine *a = toy_create();
    struct toy_machine *b = toy_create();
    struct ftvm_config config;
    struct ftvm_node *primary, *backup;
    unsigned threads = count_threads_once_started();
    cr_assert_not_null(mkdtemp(directory));
    snprintf(arbiter, sizeof arbiter, "file:%s/record", directory);
    snprintf(lock_path, sizeof lock_path, "%s/record.lock", directory);
    ftvm_config_init(&config);
    config.name = "toy";
    config.listen = "127.0.0.1:0";
    config.arbiter = arbiter;
    config.wait_backup = true;
    config.epoch_length = 1000;
    cr_assert_eq(ftvm_node_create(&config, &primary, NULL, 0), 0);
    cr_assert_eq(ftvm_node_start(primary), 0);
    toy_run(a, primary);
    snprintf(join, sizeof join, "127.0.0.1:%u", status_of(primary).listen_port);
    config.role = FTVM_ROLE_BACKUP;
    config.listen = NULL;
    config.join = join;
    cr_assert_eq(ftvm_node_create(&config, &backup, NULL, 0), 0);
    cr_assert_eq(ftvm_node_start(backup), 0);
    toy_run(b, backup);
    for (unsigned i = 0; i < WAIT_MS && !status_of(backup).is_protected; i++) {
        usleep(1000);
    }
    /* Somebody holds the arbiter's lock: the survivor's claim waits for it. */
    int lock_file = open(lock_path, O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cr_assert_geq(lock_file, 0);
    cr_assert_eq(fcntl(lock_file, F_OFD_SETLK, &lock), 0);
    ftvm_node_fail(primary, "killed by the test");
    for (unsigned i = 0; i < WAIT_MS && !status_of(backup).claiming; i++) {
        usleep(1000);
    }
    cr_assert(status_of(backup).claiming);
    ftvm_node_fail(backup, "killed by the test");
    toy_join(a);
    toy_join(b);
    ftvm_node_destroy(backup);
    ftvm_node_destroy(primary);
    /* A thread that was joined is listed until the kernel is done with it. */
    for (unsigned i = 0; i < WAIT_MS && count_threads() > threads; i++) {
        usleep(1000);
    }
    cr_assert_leq(count_threads(), threads, "a thread outlives its node");
    close(lock_file);
    toy_destroy(a);
    toy_destroy(b);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(system(command), 0);
}

/* Whoever should not be here: a second primary, wrong joiners, noise at the port. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/exit_codes.h"
#include "tests/end-to-end/tests.h"

#define EXIT_MS    15000
#define CALLERS    40
#define NOISE_SIZE 4096u

/* An end of its own for a test that has started a replica beside the pair. */
static bool expect_exit(struct fixture *fixture, struct replica *replica, bool started, int code)
{
    bool good = started && replica_wait_exit(replica, &fixture->lab, EXIT_MS, code);

    replica_end(replica);
    return good;
}

bool test_second_primary_is_refused(struct fixture *fixture)
{
    struct replica_options options = {.net = "none", .port = REPLICA_PORT + 1};
    struct replica second;

    if (!fixture_pair(fixture))
        return false;
    return expect_exit(
               fixture, &second,
               replica_start_primary(&second, &fixture->lab, fixture->pair.backup->host, &options),
               CLI_EXIT_ACTIVE) &&
           fixture_goes_on(fixture) && pair_wait_protected(&fixture->pair) &&
           fixture_check(fixture);
}

static bool refuse_join(struct fixture *fixture, const char *peer,
                        const struct replica_options *options)
{
    struct replica joiner;

    return expect_exit(
        fixture, &joiner,
        replica_start_backup(&joiner, &fixture->lab, fixture->pair.backup->host, options, peer),
        CLI_EXIT_START);
}

bool test_wrong_joins_are_refused(struct fixture *fixture)
{
    static const struct replica_options other_machine = {.name = "other", .net = "none"};
    static const struct replica_options impatient = {.net = "none",
                                                     .backup_extra = {"--join-timeout-ms", "500"}};

    return fixture_pair(fixture) &&
           /* another machine's name; a second backup; a port where nobody is; a backup */
           refuse_join(fixture, NULL, &other_machine) && refuse_join(fixture, NULL, &impatient) &&
           refuse_join(fixture,
                       fixture->pair.primary->host == PLACE_HOST_A ? "10.99.1.1:7999"
                                                                   : "10.99.1.2:7999",
                       &impatient) &&
           fixture_goes_on(fixture) && pair_wait_protected(&fixture->pair) &&
           fixture_fail_over(fixture) && fixture_check(fixture);
}

static int call(struct fixture *fixture, const struct replica *callee, enum place from)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(REPLICA_PORT)};
    int fd = network_socket(&fixture->lab.network, from, SOCK_STREAM);

    inet_pton(AF_INET, network_channel_address(callee->host), &address.sin_addr);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Some say nothing, some a little, some a lot; some hang up, some stay. */
static void make_noise(struct fixture *fixture, int *callers, int count)
{
    uint8_t noise[NOISE_SIZE];

    for (int i = 0; i < count; i++) {
        size_t size = fixture_random(fixture, 3) * fixture_random(fixture, NOISE_SIZE / 2);

        for (size_t j = 0; j < size; j++)
            noise[j] = (uint8_t)fixture_random(fixture, 256);
        /* Refused or cut off: that is the callee's right. */
        if (callers[i] >= 0 && size > 0 && send(callers[i], noise, size, MSG_NOSIGNAL) < 0)
            errno = 0;
        if (fixture_random(fixture, 2) == 0) {
            close(callers[i]);
            callers[i] = -1;
        }
    }
}

bool test_garbage_at_the_port_disturbs_nobody(struct fixture *fixture)
{
    struct pair *pair = &fixture->pair;
    int callers[CALLERS];
    bool good;

    if (!fixture_pair(fixture))
        return false;
    for (int i = 0; i < CALLERS; i++)
        callers[i] = call(fixture, pair->primary, pair->backup->host);
    good = lab_sleep(&fixture->lab, 100);
    make_noise(fixture, callers, CALLERS);
    good = good && lab_sleep(&fixture->lab, 1500) && fixture_goes_on(fixture) &&
           pair_wait_protected(pair) && process_running(&pair->backup->process) &&
           /* and a new backup gets through to it, past those who stay */
           pair_kill_backup(pair) && fixture_protect(fixture) && fixture_check(fixture);
    for (int i = 0; i < CALLERS; i++)
        if (callers[i] >= 0)
            close(callers[i]);
    return good;
}

/* The link does to bytes what it says, and nothing else. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/faults/link.h"

#define CALLER   1u /* way of what the caller sends */
#define ANSWERER 0u
#define WAIT_MS  5000

/* A caller and whom it called, with the link between them. */
struct line {
    struct lab lab;
    struct link *link;
    int link_listener, listener, caller, answerer;
};

static int listen_on_loopback(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof(*address);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert(bind(fd, (struct sockaddr *)address, size) == 0 && listen(fd, 32) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd poll_for = {.fd = fd, .events = events};

    cr_assert_eq(poll(&poll_for, 1, WAIT_MS), 1, "nothing happened for %d ms", WAIT_MS);
}

static void open_line(struct line *line)
{
    struct sockaddr_in front, back;
    struct link_route route = {.namespace_fd = -1, .caller = CALLER};

    *line = (struct line){.lab.signals = -1};
    line->listener = listen_on_loopback(&back);
    route.listener = line->link_listener = listen_on_loopback(&front);
    route.to = back;
    cr_assert(link_open(&line->link, &line->lab, &route, 1), "%s", line->lab.error);
    line->caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(connect(line->caller, (struct sockaddr *)&front, sizeof(front)) == 0);
    wait_for(line->listener, POLLIN);
    line->answerer = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert(line->answerer >= 0);
}

static void close_line(struct line *line)
{
    link_close(line->link);
    close(line->caller);
    close(line->answerer);
    close(line->listener);
    close(line->link_listener);
}

static void set_way(struct line *line, unsigned way, struct link_way settings)
{
    cr_assert(link_set(line->link, way, &settings), "%s", line->lab.error);
}

static void say(int fd, const void *bytes, size_t size)
{
    cr_assert_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void hear(int fd, void *bytes, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t now;

        wait_for(fd, POLLIN);
        now = recv(fd, (char *)bytes + used, size - used, 0);
        cr_assert(now > 0, "the connection ended after %zu of %zu bytes", used, size);
        used += (size_t)now;
    }
}

static bool is_silent(int fd, int milliseconds)
{
    struct pollfd poll_for = {.fd = fd, .events = POLLIN};

    return poll(&poll_for, 1, milliseconds) == 0;
}

/* One byte there and one back, in microseconds; the shortest of some. */
static double round_trip_us(struct line *line, unsigned tries)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < tries; i++) {
        uint64_t start = lab_now_ns();
        char byte = 'x';

        say(line->caller, &byte, 1);
        hear(line->answerer, &byte, 1);
        say(line->answerer, &byte, 1);
        hear(line->caller, &byte, 1);
        if (lab_now_ns() - start < best)
            best = lab_now_ns() - start;
    }
    return (double)best / 1e3;
}

/* Bytes by number: no two neighbouring kibibytes are alike. */
static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251 + at / 65521);
}

/* Sends so many bytes of the pattern to the answerer and compares what arrives; how many bits were
 * not the same. */
static unsigned transfer(struct line *line, size_t total)
{
    size_t sent = 0, heard = 0;
    unsigned wrong = 0;

    while (heard < total) {
        struct pollfd polls[] = {{line->caller, sent < total ? POLLOUT : 0, 0},
                                 {line->answerer, POLLIN, 0}};
        uint8_t bytes[16384];
        ssize_t size;

        cr_assert(poll(polls, 2, WAIT_MS) > 0, "%zu of %zu bytes arrived", heard, total);
        if (polls[0].revents & POLLOUT) {
            size_t some = total - sent < sizeof(bytes) ? total - sent : sizeof(bytes);

            for (size_t i = 0; i < some; i++)
                bytes[i] = pattern(sent + i);
            size = send(line->caller, bytes, some, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += size > 0 ? (size_t)size : 0;
        }
        if (polls[1].revents & POLLIN) {
            size = recv(line->answerer, bytes, sizeof(bytes), 0);
            cr_assert(size > 0);
            for (ssize_t i = 0; i < size; i++)
                wrong += (unsigned)__builtin_popcount(bytes[i] ^ pattern(heard + (size_t)i));
            heard += (size_t)size;
        }
    }
    return wrong;
}

Test(link, carries_bytes_in_both_directions)
{
    struct line line;
    char heard[6];

    open_line(&line);
    say(line.caller, "hello", 6);
    hear(line.answerer, heard, 6);
    cr_assert_str_eq(heard, "hello");
    say(line.answerer, "there", 6);
    hear(line.caller, heard, 6);
    cr_assert_str_eq(heard, "there");
    close_line(&line);
}

Test(link, carries_much_without_a_change)
{
    struct link_counts counts;
    struct line line;
    uint64_t start;

    open_line(&line);
    start = lab_now_ns();
    cr_assert_eq(transfer(&line, (size_t)64 << 20), 0);
    link_count(line.link, &counts);
    cr_assert_eq(counts.bytes[CALLER], (uint64_t)64 << 20);
    cr_log_info("64 MiB in %.0f ms; round trip %.0f us", (double)(lab_now_ns() - start) / 1e6,
                round_trip_us(&line, 1000));
    close_line(&line);
}

Test(link, delays_each_direction_by_what_was_asked)
{
    static const unsigned delays_us[] = {50, 250, 1000, 5000};
    struct line line;

    open_line(&line);
    for (unsigned i = 0; i < 4; i++) {
        double took;

        set_way(&line, CALLER, (struct link_way){.delay_us = delays_us[i]});
        set_way(&line, ANSWERER, (struct link_way){.delay_us = delays_us[i]});
        took = round_trip_us(&line, 50);
        cr_log_info("%u us each way: %.0f us", delays_us[i], took);
        cr_assert(took >= 2.0 * delays_us[i], "%.0f us", took);
        cr_assert(took < 2.0 * delays_us[i] + 1000, "%.0f us", took);
    }
    close_line(&line);
}

Test(link, jitter_keeps_the_order)
{
    struct line line;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.delay_us = 100, .jitter_us = 5000});
    for (unsigned i = 0; i < 500; i++)
        say(line.caller, &i, sizeof(i));
    for (unsigned i = 0; i < 500; i++) {
        unsigned heard;

        hear(line.answerer, &heard, sizeof(heard));
        cr_assert_eq(heard, i);
    }
    close_line(&line);
}

Test(link, a_delayed_way_is_not_a_narrow_one)
{
    struct line line;
    uint64_t start;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.delay_us = 5000});
    set_way(&line, ANSWERER, (struct link_way){.delay_us = 5000});
    start = lab_now_ns();
    cr_assert_eq(transfer(&line, (size_t)32 << 20), 0);
    cr_assert(lab_now_ns() - start < UINT64_C(1000000000), "%.0f ms",
              (double)(lab_now_ns() - start) / 1e6);
    close_line(&line);
}

Test(link, a_limit_is_kept)
{
    struct line line;
    double seconds;
    uint64_t start;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.kbit = 8000});
    start = lab_now_ns();
    cr_assert_eq(transfer(&line, 500000), 0); /* half a second at that speed */
    seconds = (double)(lab_now_ns() - start) / 1e9;
    cr_assert(seconds > 0.48 && seconds < 0.6, "%.3f s", seconds);
    close_line(&line);
}

Test(link, a_limit_makes_the_sender_wait)
{
    static char bytes[1 << 20];
    struct link_counts counts;
    struct line line;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.kbit = 800});
    for (int i = 0; i < 100; i++)
        if (send(line.caller, bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
            usleep(1000);
    link_count(line.link, &counts);
    /* What the wire is booked for, and what has passed meanwhile. */
    cr_assert(counts.bytes[CALLER] < 60000, "%llu bytes", (unsigned long long)counts.bytes[CALLER]);
    close_line(&line);
}

Test(link, holds_one_direction_and_lets_go_of_all_of_it)
{
    struct line line;
    char heard[8];

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.held = true});
    say(line.caller, "waiting", 8);
    cr_assert(is_silent(line.answerer, 100));
    say(line.answerer, "passing", 8);
    hear(line.caller, heard, 8);
    cr_assert_str_eq(heard, "passing");
    set_way(&line, CALLER, (struct link_way){0});
    hear(line.answerer, heard, 8);
    cr_assert_str_eq(heard, "waiting");
    close_line(&line);
}

Test(link, a_stall_hides_a_close)
{
    struct line line;
    char byte;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.held = true});
    set_way(&line, ANSWERER, (struct link_way){.held = true});
    shutdown(line.caller, SHUT_RDWR);
    cr_assert(is_silent(line.answerer, 100));
    set_way(&line, CALLER, (struct link_way){0});
    wait_for(line.answerer, POLLIN);
    cr_assert_eq(recv(line.answerer, &byte, 1, 0), 0);
    close_line(&line);
}

Test(link, passes_a_close_on_behind_the_last_byte)
{
    struct line line;
    char heard[5];

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.delay_us = 20000});
    say(line.caller, "last", 5);
    shutdown(line.caller, SHUT_WR);
    hear(line.answerer, heard, 5);
    wait_for(line.answerer, POLLIN);
    cr_assert_eq(recv(line.answerer, heard, 1, 0), 0);
    /* and the other direction still works */
    say(line.answerer, "more", 5);
    hear(line.caller, heard, 5);
    cr_assert_str_eq(heard, "more");
    close_line(&line);
}

Test(link, passes_a_reset_on)
{
    static const struct linger at_once = {1, 0};
    struct line line;
    char byte;

    open_line(&line);
    setsockopt(line.caller, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(line.caller);
    wait_for(line.answerer, POLLIN);
    cr_assert(recv(line.answerer, &byte, 1, 0) < 0 && errno == ECONNRESET);
    line.caller = -1;
    close_line(&line);
}

Test(link, resets_both_sides_and_loses_what_was_on_its_way)
{
    struct link_counts counts;
    struct line line;
    char byte;

    open_line(&line);
    set_way(&line, CALLER, (struct link_way){.delay_us = 1000000});
    say(line.caller, "lost", 5);
    cr_assert(is_silent(line.answerer, 20));
    cr_assert(link_reset(line.link));
    wait_for(line.answerer, POLLIN);
    cr_assert(recv(line.answerer, &byte, 1, 0) < 0 && errno == ECONNRESET);
    wait_for(line.caller, POLLIN);
    cr_assert(recv(line.caller, &byte, 1, 0) < 0 && errno == ECONNRESET);
    link_count(line.link, &counts);
    cr_assert(counts.reset == 1 && counts.open == 0);
    close_line(&line);
}

Test(link, flips_as_many_bits_as_asked)
{
    struct link_counts counts;
    struct line line;

    open_line(&line);
    cr_assert(link_corrupt(line.link, 7, 42));
    cr_assert_eq(transfer(&line, 8 * LINK_SPREAD), 7);
    cr_assert_eq(transfer(&line, 8 * LINK_SPREAD), 0);
    link_count(line.link, &counts);
    cr_assert_eq(counts.flipped, 7);
    close_line(&line);
}

Test(link, refuses_when_nobody_listens_behind_it)
{
    struct link_counts counts;
    struct line line;
    struct sockaddr_in front;
    socklen_t size = sizeof(front);
    char byte;
    int fd;

    open_line(&line);
    close(line.listener);
    getsockname(line.link_listener, (struct sockaddr *)&front, &size);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(connect(fd, (struct sockaddr *)&front, sizeof(front)) == 0);
    wait_for(fd, POLLIN);
    cr_assert(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
    link_count(line.link, &counts);
    cr_assert_eq(counts.refused, 1);
    close(fd);
    line.listener = -1;
    close_line(&line);
}

Test(link, serves_no_more_than_its_limit_at_a_time)
{
    int callers[LINK_CONNECTIONS + 4];
    struct link_counts counts;
    struct line line;
    struct sockaddr_in front;
    socklen_t size = sizeof(front);

    open_line(&line); /* one */
    getsockname(line.link_listener, (struct sockaddr *)&front, &size);
    for (unsigned i = 0; i < LINK_CONNECTIONS + 4; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        cr_assert(connect(callers[i], (struct sockaddr *)&front, sizeof(front)) == 0 ||
                  errno == EINPROGRESS);
    }
    for (unsigned i = 0; i < 200; i++) {
        usleep(1000);
        link_count(line.link, &counts);
        cr_assert(counts.open <= LINK_CONNECTIONS);
    }
    cr_assert_eq(counts.open, LINK_CONNECTIONS);
    for (unsigned i = 0; i < LINK_CONNECTIONS + 4; i++)
        close(callers[i]);
    close_line(&line);
}

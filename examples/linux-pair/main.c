/*
 * The demonstration of a protected pair: Linux with Redis in it on two hosts, one client that
 * counts, and the loss of the primary, three times.
 *
 * The hosts are network namespaces, so that all of it runs on one computer; what happens in them is
 * what happens on two: separate processes, a channel, a lan, a tap for the guest.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/load.h"
#include "fault-injection/lab/pair.h"
#include "fault-injection/lab/redis.h"
#include "examples/linux-pair/options.h"
#include "examples/linux-pair/story.h"

#define CONNECT_MS 20000
#define REPLY_MS   30000 /* TCP waits longer after each attempt that fails */
#define SETTLE_MS  500   /* after the first reply that a survivor gives, to see that it goes on */
#define STOP_MS    10000
#define RATE_MS    1000

struct demo {
    struct options options;
    struct lab lab;
    struct pair pair;
    struct load *load;
    struct story story;
};

static bool boot(struct demo *demo)
{
    struct pair *pair = &demo->pair;
    int fd;

    story_tell(&demo->story, "host A", "ftvm primary: waits for a backup before it starts Linux");
    story_tell(&demo->story, "host B", "ftvm backup: joins");
    if (!pair_wait_protected(pair))
        return false;
    story_tell(&demo->story, "guest", "is protected, and boots");
    if (!pair_wait_guest(pair))
        return false;
    story_tell(&demo->story, "guest", "Linux is up, Redis runs");
    fd = client_connect(&demo->lab, REDIS_PORT, CONNECT_MS);
    if (fd < 0 || !load_start(&demo->load, &demo->lab, fd, demo->options.pipeline, 0))
        return false;
    story_tell(&demo->story, "client", "connected from port %u; sends INCR, %u at a time",
               client_port(fd), demo->options.pipeline);
    return true;
}

/* Lets the client work for a while, and tells its rate. */
static bool work(struct demo *demo, unsigned milliseconds)
{
    while (milliseconds > 0) {
        unsigned step = milliseconds < RATE_MS ? milliseconds : RATE_MS;
        struct load_report before, after;

        load_report(demo->load, &before);
        if (!lab_sleep(&demo->lab, step))
            return false;
        load_report(demo->load, &after);
        if (step == RATE_MS)
            story_tell(&demo->story, "client", "%llu INCR/s, counter %lld",
                       (unsigned long long)(after.replies - before.replies), (long long)after.last);
        milliseconds -= step;
    }
    return load_check(demo->load, &demo->lab);
}

static void lose_primary(struct demo *demo)
{
    struct replica *primary = demo->pair.primary;

    if (demo->options.fault == FAULT_UNPLUG) {
        network_plug_channel(&demo->lab.network, false);
        network_plug_lan(&demo->lab.network, primary->host, false);
    }
    process_signal(&primary->process, SIGKILL);
}

/* The host is repaired: an empty one, ready for a new backup. */
static bool repair_host(struct demo *demo, struct replica *lost)
{
    process_kill(&lost->process);
    if (demo->options.fault == FAULT_UNPLUG &&
        !(network_plug_channel(&demo->lab.network, true) &&
          network_plug_lan(&demo->lab.network, lost->host, true)))
        return lab_fail(&demo->lab, "the cables cannot be plugged in again");
    return true;
}

static bool fail_over(struct demo *demo, struct chapter *chapter)
{
    struct replica *lost = demo->pair.primary;
    struct load_report report;

    load_mark(demo->load);
    load_report(demo->load, &report);
    lose_primary(demo);
    story_tell(&demo->story, network_name(lost->host), "*** LOST (%s) while the counter is %lld",
               demo->options.fault == FAULT_KILL ? "SIGKILL" : "cables pulled",
               (long long)report.last);
    if (!pair_wait_failover(&demo->pair, &chapter->times))
        return false;
    story_tell(&demo->story, network_name(demo->pair.primary->host),
               "took over: lost noticed in %.1f ms, claim %.1f, log %.1f, live %.1f",
               (double)chapter->times.detected_ns / 1e6, (double)chapter->times.claimed_ns / 1e6,
               (double)chapter->times.consumed_ns / 1e6, (double)chapter->times.live_ns / 1e6);
    chapter->lost = lost->host;
    if (!load_wait(demo->load, &demo->lab, demo->options.pipeline + 1, REPLY_MS) ||
        !lab_sleep(&demo->lab, SETTLE_MS) || !load_check(demo->load, &demo->lab))
        return false;
    load_report(demo->load, &report);
    chapter->gap_ns = report.gap_ns;
    story_tell(&demo->story, "client",
               "same connection, counter %lld, nothing missing; longest gap %.0f ms",
               (long long)report.last, (double)report.gap_ns / 1e6);
    return repair_host(demo, lost);
}

static bool protect_again(struct demo *demo, struct chapter *chapter)
{
    struct load_report report;

    load_mark(demo->load);
    if (!pair_add_backup(&demo->pair))
        return false;
    story_tell(&demo->story, network_name(demo->pair.backup->host), "a new backup joins");
    if (!pair_wait_protected(&demo->pair))
        return false;
    load_report(demo->load, &report);
    chapter->join_gap_ns = report.gap_ns;
    chapter->state_bytes = demo->pair.backup->events.state_bytes;
    chapter->pause_ns = demo->pair.primary->events.pause_ns;
    story_tell(&demo->story, "guest", "is protected again (state: %.0f MiB; it stood for %.0f ms)",
               (double)chapter->state_bytes / 1048576.0, (double)chapter->pause_ns / 1e6);
    return true;
}

static bool stop(struct demo *demo, struct story_end *end)
{
    struct pair *pair = &demo->pair;

    if (!load_pause(demo->load, &demo->lab, REPLY_MS) ||
        !redis_ask_anew(&demo->lab, "GET " REDIS_COUNTER, CONNECT_MS, &end->counter))
        return false;
    load_report(demo->load, &end->load);
    end->port = client_port(load_socket(demo->load));
    end->retransmits = client_retransmits(load_socket(demo->load));
    if (replica_ask(pair->primary, &demo->lab, "stop", NULL) < 0 ||
        !replica_wait_exit(pair->primary, &demo->lab, STOP_MS, 0) ||
        !replica_wait_exit(pair->backup, &demo->lab, STOP_MS, 0))
        return false;
    story_tell(&demo->story, "", "ftvm stop: both replicas ended in good order");
    return true;
}

static bool run(struct demo *demo)
{
    static const struct replica_options options = {0};
    struct story_end end = {0};

    story_begin(&demo->story, &demo->options);
    if (!pair_start(&demo->pair, &demo->lab, &options) || !boot(demo))
        return false;
    while (demo->story.count < demo->options.failovers) {
        struct chapter *chapter = &demo->story.chapters[demo->story.count];
        uint64_t lost_ns;

        if (!work(demo, demo->options.pause_ms))
            return false;
        lost_ns = lab_now_ns();
        if (!fail_over(demo, chapter) || !protect_again(demo, chapter))
            return false;
        chapter->unprotected_ns = lab_now_ns() - lost_ns;
        demo->story.count++;
    }
    if (!work(demo, RATE_MS) || !stop(demo, &end))
        return false;
    if (story_close(&demo->story, &end))
        return true;
    return lab_fail(&demo->lab, "the pair did not keep its promise");
}

int main(int count, char **arguments)
{
    struct demo *demo = calloc(1, sizeof(*demo));
    struct lab_config config;
    int code;

    if (!demo)
        return EXIT_FAILURE;
    code = options_parse(&demo->options, count, arguments);
    if (code >= 0) {
        free(demo);
        return code;
    }
    config = (struct lab_config){.ftvm = demo->options.ftvm,
                                 .kernel = demo->options.kernel,
                                 .initrd = demo->options.initrd,
                                 .keep = demo->options.keep};
    code = lab_open(&demo->lab, &config) && run(demo) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (demo->lab.interrupted)
        code = 128 + demo->lab.interrupted;
    if (code == EXIT_FAILURE)
        fprintf(stderr, "linux-pair: %s\n", demo->lab.error);
    load_end(demo->load);
    pair_end(&demo->pair);
    lab_close(&demo->lab);
    free(demo);
    return code;
}

#include "examples/linux-pair/story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

void story_begin(struct story *story, const struct options *options)
{
    *story = (struct story){.start_ns = lab_now_ns()};
    printf("Linux and Redis on a protected pair. One client counts on one TCP connection, and the\n"
           "primary is lost %u times (%s).\n"
           "\n"
           "    client ---- lan ---+--- host A      the guest is %s, wherever it runs\n"
           "                       +--- host B      A and B have a channel of their own\n"
           "\n"
           "%8s  %-7s\n",
           options->failovers, options->fault == FAULT_KILL ? "SIGKILL" : "all its cables pulled",
           NETWORK_GUEST_ADDRESS, "seconds", "where");
    fflush(stdout);
}

void story_tell(const struct story *story, const char *who, const char *format, ...)
{
    va_list arguments;

    printf("%8.2f  %-7s ", (double)(lab_now_ns() - story->start_ns) / 1e9, who);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void print_chapter(const struct chapter *chapter)
{
    const struct failover_times *times = &chapter->times;
    uint64_t inside = failover_ns(times);
    uint64_t rest = chapter->gap_ns > inside ? chapter->gap_ns - inside : 0;

    printf("  %-7s %9.1f %10.1f %8.1f %8.1f %8.1f %8.1f %12.2f %9.1f\n",
           network_name(chapter->lost), milliseconds(chapter->gap_ns),
           milliseconds(times->detected_ns), milliseconds(times->claimed_ns),
           milliseconds(times->consumed_ns), milliseconds(times->live_ns), milliseconds(rest),
           milliseconds(chapter->unprotected_ns) / 1e3, milliseconds(chapter->join_gap_ns));
}

static void print_failovers(const struct story *story)
{
    printf("\n"
           "          client's     of which                                        and then\n"
           "  lost    gap (ms)   detected    claim      log     live      TCP  protected(s)  "
           "gap (ms)\n");
    for (unsigned i = 0; i < story->count; i++)
        print_chapter(&story->chapters[i]);
    printf("\n"
           "  gap: the client's longest wait for a reply. detected: from the last sign of life to\n"
           "  suspicion; claim: until the arbiter agreed; log: until its rest was executed; live:\n"
           "  until the outputs kept were sent again. TCP: the rest, mostly until the client's or\n"
           "  the guest's TCP sent again what was lost on the way (after 200 ms at the earliest).\n"
           "  protected: seconds from the loss until a new backup protected the guest; gap: the\n"
           "  client's longest wait meanwhile.\n");
}

bool story_close(const struct story *story, const struct story_end *end)
{
    const struct load_report *load = &end->load;
    int64_t surplus = end->counter - (int64_t)load->replies;
    uint64_t lost = load->lost + (surplus < 0 ? (uint64_t)-surplus : 0);
    uint64_t doubled = load->doubled + (surplus > 0 ? (uint64_t)surplus : 0);
    uint64_t unanswered = load->sent - load->replies;
    bool good = !load->broken && lost == 0 && doubled == 0 && unanswered == 0;

    if (story->count > 0)
        print_failovers(story);
    printf("\n"
           "  INCR sent           %10" PRIu64 "\n"
           "  replies             %10" PRIu64 "\n"
           "  counter in Redis    %10" PRId64 "   (GET, at the end)\n"
           "  replies lost        %10" PRIu64 "\n"
           "  increments lost     %10" PRIu64 "\n"
           "  increments doubled  %10" PRIu64 "\n"
           "  connections broken  %10d   (one connection, client's port %u, %u segments sent "
           "again)\n",
           load->sent, load->replies, end->counter, unanswered, lost, doubled, load->broken,
           end->port, end->retransmits);
    if (load->problem[0])
        printf("\n  %s\n", load->problem);
    printf("\n%s\n", good ? "Nothing was lost." : "SOMETHING WAS LOST.");
    return good;
}

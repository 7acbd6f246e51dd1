#include "fault-injection/lab/faults/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/lab/faults/link_relay.h"

#define ANSWER_MS 2000 /* of the process: it has nothing that it waits for */
#define MAX_KEPT  (2u + 2u * LINK_ROUTES)

struct link {
    struct lab *lab;
    struct link_shared *shared;
    struct link_route routes[LINK_ROUTES];
    int bell, home;
    pid_t pid;
    bool gone;
};

/* ---- The process ------------------------------------------------------------------------- */

/* The lab's other files are not this process's business: a connection that the lab closes must not
 * stay open here, nor its cleaner wait for us. */
static void close_others(int *kept, unsigned count)
{
    int from = 0;

    for (unsigned i = 0; i < count; i++) {
        int lowest = INT_MAX;

        for (unsigned j = 0; j < count; j++)
            if (kept[j] >= from && kept[j] < lowest)
                lowest = kept[j];
        if (lowest == INT_MAX)
            break;
        if (lowest > from)
            close_range((unsigned)from, (unsigned)lowest - 1, 0);
        from = lowest + 1;
    }
    close_range((unsigned)from, ~0u, 0);
}

_Noreturn static void become(struct link *link, unsigned count, pid_t parent)
{
    int kept[MAX_KEPT] = {link->bell, link->home};
    unsigned kept_count = 2;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0); /* it died before we asked */
    setsid();     /* Ctrl-C is for the lab */
    for (unsigned i = 0; i < count; i++) {
        kept[kept_count++] = link->routes[i].listener;
        kept[kept_count++] = link->routes[i].namespace_fd;
    }
    close_others(kept, kept_count);
    link_relay_run(link->shared, link->bell, link->home, link->routes, count);
}

bool link_open(struct link **link, struct lab *lab, const struct link_route *routes, unsigned count)
{
    struct link *made = *link = calloc(1, sizeof(*made));
    pid_t parent = getpid();
    void *shared;

    if (!made || count > LINK_ROUTES)
        return lab_fail(lab, "no link: out of memory");
    *made = (struct link){.lab = lab, .bell = -1, .home = -1, .pid = -1};
    memcpy(made->routes, routes, count * sizeof(*routes));
    shared = mmap(NULL, sizeof(struct link_shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return lab_fail(lab, "no memory for the link: %s", strerror(errno));
    made->shared = shared;
    made->bell = eventfd(0, EFD_CLOEXEC);
    made->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (made->bell < 0 || made->home < 0)
        return lab_fail(lab, "no link: %s", strerror(errno));
    made->pid = fork();
    if (made->pid == 0)
        become(made, count, parent);
    return made->pid > 0 || lab_fail(lab, "no process for the link: %s", strerror(errno));
}

void link_close(struct link *link)
{
    if (!link)
        return;
    if (link->pid > 0 && !link->gone) {
        kill(link->pid, SIGKILL);
        waitpid(link->pid, NULL, 0);
    }
    if (link->shared)
        munmap(link->shared, sizeof(*link->shared));
    if (link->bell >= 0)
        close(link->bell);
    if (link->home >= 0)
        close(link->home);
    free(link);
}

int link_process(const struct link *link)
{
    return link->pid;
}

/* ---- Asking it --------------------------------------------------------------------------- */

static bool ask(struct link *link)
{
    unsigned wanted = atomic_fetch_add(&link->shared->wanted, 1) + 1;
    uint64_t deadline = lab_now_ns() + ANSWER_MS * UINT64_C(1000000), one = 1;
    int status;

    if (write(link->bell, &one, sizeof(one)) != sizeof(one))
        return lab_fail(link->lab, "the link cannot be told: %s", strerror(errno));
    while (atomic_load(&link->shared->done) != wanted) {
        if (link->gone || waitpid(link->pid, &status, WNOHANG) == link->pid) {
            link->gone = true;
            return lab_fail(link->lab, "the process of the link between the replicas is gone");
        }
        if (lab_now_ns() >= deadline)
            return lab_fail(link->lab, "the link between the replicas does not answer in %d ms",
                            ANSWER_MS);
        usleep(50);
    }
    return true;
}

bool link_set(struct link *link, unsigned way, const struct link_way *settings)
{
    link->shared->ways[way] = *settings;
    return ask(link);
}

bool link_corrupt(struct link *link, uint32_t bits, uint64_t seed)
{
    link->shared->corrupt_seed = seed != 0 ? seed : 1;
    atomic_store(&link->shared->corrupt, bits);
    return ask(link);
}

bool link_reset(struct link *link)
{
    link->shared->resets++;
    return ask(link);
}

void link_count(const struct link *link, struct link_counts *counts)
{
    struct link_shared *shared = link->shared;

    *counts = (struct link_counts){
        .accepted = atomic_load(&shared->accepted),
        .refused = atomic_load(&shared->refused),
        .reset = atomic_load(&shared->reset),
        .flipped = atomic_load(&shared->flipped),
        .open = atomic_load(&shared->open),
    };
    for (unsigned i = 0; i < LINK_WAYS; i++)
        counts->bytes[i] = atomic_load(&shared->bytes[i]);
}

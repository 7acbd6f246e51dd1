#include "tests/riscv/lockstep/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/riscv/lockstep/report.h"

static bool same_records(const struct world *a, const struct world *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!report_same_record(&a->records[i], &b->records[i])) {
            return false;
        }
    }
    return true;
}

bool runs_agree(const struct run *a, const struct run *b)
{
    return hart_position(a->hart) == hart_position(b->hart) &&
           hart_digest(a->hart) == hart_digest(b->hart) &&
           memcmp(a->memory.host, b->memory.host, PROGRAM_RAM) == 0 &&
           same_records(&a->world, &b->world);
}

static void create_both(const struct program *program, const struct manner manners[2],
                        struct run *runs[2])
{
    for (unsigned i = 0; i < 2; i++) {
        runs[i] = run_create(program, &manners[i]);
        if (runs[i] == NULL) {
            fprintf(stderr, "no hart for %s\n", manners[i].name);
            abort();
        }
    }
}

static void destroy_both(struct run *runs[2])
{
    run_destroy(runs[0]);
    run_destroy(runs[1]);
}

static bool agree_at(const struct program *program, const struct manner manners[2],
                     uint64_t position)
{
    struct run *runs[2];
    bool result;

    create_both(program, manners, runs);
    run_to(runs[0], position);
    run_to(runs[1], position);
    result = runs_agree(runs[0], runs[1]);
    destroy_both(runs);
    return result;
}

/* Both manners cut at the position asked for, and nowhere else than before; so the first position
 * that differs may be later than the fault, if the fault shows only in a longer stretch. */
static void hunt(const struct program *program, const struct manner manners[2], uint64_t good,
                 uint64_t bad, const char *label)
{
    struct run *runs[2];

    fprintf(stderr, "%s: \"%s\" and \"%s\" agree at %" PRIu64 " and differ at %" PRIu64 "\n", label,
            manners[0].name, manners[1].name, good, bad);
    while (bad - good > 1) {
        uint64_t middle = good + (bad - good) / 2;
        if (agree_at(program, manners, middle)) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    fprintf(stderr, "the first position that differs is %" PRIu64 "\n", bad);
    report_path(program, &manners[0], bad);
    create_both(program, manners, runs);
    run_to(runs[0], bad);
    run_to(runs[1], bad);
    report_difference(runs);
    destroy_both(runs);
}

bool manners_agree(const struct program *program, const struct manner manners[2], const char *label)
{
    struct run *runs[2];
    uint64_t good = 0;
    bool result = true;

    create_both(program, manners, runs);
    for (unsigned i = 0; i <= program->event_count && result; i++) {
        uint64_t position =
            i < program->event_count ? program->events[i].position : program->length;
        run_to(runs[0], position);
        run_to(runs[1], position);
        result = runs_agree(runs[0], runs[1]);
        if (result) {
            good = position;
        } else {
            hunt(program, manners, good, position, label);
        }
    }
    destroy_both(runs);
    return result;
}

/*
 * The file arbiter when its calls to the system fail or never return, one after the other, and when
 * several ask at once. Each scenario is run as often as it makes calls, with another one of them
 * hit each time.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "arbiter_fixture.h"

enum fault_kind {
    FAULT_FAIL,      /* the call fails and does nothing */
    FAULT_FAIL_LATE, /* it is done, and reported as failed */
    FAULT_DIE,       /* the process ends instead */
    FAULT_DIE_LATE,  /* it is done (a write by half), then the process ends */
    FAULT_KIND_END
};

#define DIED 42

struct faults {
    enum fault_kind kind;
    int hit;   /* number of the call to be hit, from 1; 0 for none */
    int count; /* calls so far */
    int locks; /* attempts to lock */
    uint64_t clock_ms;
    uint64_t clock_step_ms;      /* by which the clock goes on with each look at it */
    uint64_t freeze_at_links_ms; /* by which it goes on behind the lock */
    bool locked_by_another;
    const char *removed_at_lock; /* file to be removed before the first attempt to lock */
    char trace[1024];            /* names of the calls, in order */
};

static bool before(struct faults *faults, const char *name)
{
    faults->count++;
    cr_assert_lt(strlen(faults->trace) + strlen(name) + 2, sizeof(faults->trace));
    strcat(strcat(faults->trace, name), " ");
    if (faults->count == faults->hit && faults->kind == FAULT_DIE) {
        _exit(DIED);
    }
    return faults->count == faults->hit && faults->kind == FAULT_FAIL;
}

static bool after(struct faults *faults)
{
    if (faults->count == faults->hit && faults->kind == FAULT_DIE_LATE) {
        _exit(DIED);
    }
    return faults->count == faults->hit && faults->kind == FAULT_FAIL_LATE;
}

static int faulty_open(void *context, const char *path, int flags, mode_t mode)
{
    int fd;

    if (before(context, "open")) {
        return -ENOSPC;
    }
    fd = arbiter_file_calls.open(NULL, path, flags, mode);
    if (after(context)) {
        close(fd);
        return -EIO;
    }
    return fd;
}

static ssize_t faulty_read(void *context, int fd, void *buffer, size_t size)
{
    ssize_t count;

    if (before(context, "read")) {
        return -EIO;
    }
    count = arbiter_file_calls.read(NULL, fd, buffer, size < 60 ? size : 60);
    return after(context) ? -EIO : count;
}

static ssize_t faulty_write(void *context, int fd, const void *buffer, size_t size)
{
    ssize_t count;

    if (before(context, "write")) {
        return -ENOSPC;
    }
    count = arbiter_file_calls.write(NULL, fd, buffer, size > 40 ? size / 2 : size);
    return after(context) ? -EIO : count;
}

static int faulty_fsync(void *context, int fd)
{
    int result;

    if (before(context, "fsync")) {
        return -EIO;
    }
    result = arbiter_file_calls.fsync(NULL, fd);
    return after(context) ? -EIO : result;
}

/* Linux closes the descriptor whatever it reports. */
static int faulty_close(void *context, int fd)
{
    bool failed = before(context, "close");
    int result = arbiter_file_calls.close(NULL, fd);

    return after(context) || failed ? -EIO : result;
}

static int faulty_rename(void *context, const char *from, const char *to)
{
    int result;

    if (before(context, "rename")) {
        return -EIO;
    }
    result = arbiter_file_calls.rename(NULL, from, to);
    return after(context) ? -EIO : result;
}

static int faulty_lock(void *context, int fd)
{
    struct faults *faults = context;
    int result;

    faults->locks++;
    if (faults->locked_by_another) {
        return -EAGAIN;
    }
    if (faults->removed_at_lock != NULL && faults->locks == 1) {
        unlink(faults->removed_at_lock);
    }
    if (before(faults, "lock")) {
        return -ENOLCK;
    }
    result = arbiter_file_calls.lock(NULL, fd);
    return after(faults) ? -EIO : result;
}

static int faulty_links(void *context, int fd)
{
    struct faults *faults = context;
    int result;

    if (before(context, "links")) {
        return -ESTALE;
    }
    faults->clock_ms += faults->freeze_at_links_ms;
    result = arbiter_file_calls.links(NULL, fd);
    return after(context) ? -ESTALE : result;
}

static uint64_t faulty_now_ms(void *context)
{
    struct faults *faults = context;

    return faults->clock_ms += faults->clock_step_ms;
}

static void faulty_sleep_ms(void *context, unsigned milliseconds)
{
    struct faults *faults = context;

    faults->clock_ms += milliseconds;
}

static struct arbiter_file_calls faulty_calls(struct faults *faults)
{
    return (struct arbiter_file_calls){
        .context = faults,
        .open = faulty_open,
        .read = faulty_read,
        .write = faulty_write,
        .fsync = faulty_fsync,
        .close = faulty_close,
        .rename = faulty_rename,
        .lock = faulty_lock,
        .links = faulty_links,
        .now_ms = faulty_now_ms,
        .sleep_ms = faulty_sleep_ms,
    };
}

/* A request, and the record that it meets: none, an active one of `a` at term 1, or a released one.
 */
struct scenario {
    const char *name;
    enum arbiter_request_kind kind;
    bool found;
    bool released;
    bool take_over;
};

static const struct scenario scenarios[] = {
    {"first start", REQUEST_START, false, false, false},
    {"start after a release", REQUEST_START, true, true, false},
    {"start over a living one", REQUEST_START, true, false, true},
    {"claim", REQUEST_CLAIM, true, false, false},
    {"release", REQUEST_RELEASE, true, false, false},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

static struct arbiter_claim request_of(const struct scenario *scenario)
{
    struct arbiter_claim claim = claim_by(scenario->kind == REQUEST_RELEASE ? "a" : "b", 1, 8);

    claim.take_over = scenario->take_over;
    return claim;
}

static void arrange(const struct scenario *scenario, const struct place *place)
{
    if (scenario->found) {
        start_at(place, claim_by("a", 0, 7));
    }
    if (scenario->released) {
        release_at(place, claim_by("a", 1, 7));
    }
}

static bool same_record(const struct answer *a, const struct answer *b)
{
    return a->outcome == b->outcome && a->record.term == b->record.term &&
           a->record.active == b->record.active && strcmp(a->record.owner, b->record.owner) == 0;
}

/* The record that the scenario leads to, read with the system's own calls. */
static struct answer goal_of(const struct scenario *scenario)
{
    struct place place = place_new();
    struct answer goal;

    arrange(scenario, &place);
    cr_assert_eq(answer_at(&place, scenario->kind, request_of(scenario)).outcome, ARBITER_WON);
    goal = read_at(&place);
    place_remove(&place);
    return goal;
}

static void expect_retry_converges(const struct scenario *scenario, const struct place *place,
                                   const struct answer *goal, const struct faults *faults)
{
    struct answer again = answer_at(place, scenario->kind, request_of(scenario));
    struct answer stands = read_at(place);

    cr_assert_eq(again.outcome, ARBITER_WON, "%s, fault %d at call %d: %s", scenario->name,
                 faults->kind, faults->hit, again.error);
    cr_assert(same_record(&stands, goal), "%s, fault %d at call %d", scenario->name, faults->kind,
              faults->hit);

    /* And all works on for another, which comes too late for what was claimed. */
    again = claim_at(place, claim_by("c", 1, 9));
    cr_assert_neq(again.outcome, ARBITER_UNREACHABLE, "%s", again.error);
    cr_assert(scenario->kind != REQUEST_CLAIM || again.outcome == ARBITER_LOST);
}

/* Runs the scenario with one call failing. Returns whether there was such a call. */
static bool fail_at(const struct scenario *scenario, const struct answer *goal,
                    enum fault_kind kind, int hit)
{
    struct place place = place_new();
    struct faults faults = {.kind = kind, .hit = hit};
    struct arbiter_file_calls calls = faulty_calls(&faults);
    struct answer old;
    struct answer answer;
    struct answer stands;

    arrange(scenario, &place);
    old = read_at(&place);
    place.calls = &calls;
    answer = answer_at(&place, scenario->kind, request_of(scenario));
    place.calls = &arbiter_file_calls;
    stands = read_at(&place);
    cr_assert(same_record(&stands, &old) || same_record(&stands, goal), "%s, fault %d at call %d",
              scenario->name, kind, hit);
    if (answer.outcome == ARBITER_WON) {
        cr_assert(same_record(&stands, goal), "%s, fault %d at call %d: a false win",
                  scenario->name, kind, hit);
    } else {
        cr_assert_eq(answer.outcome, ARBITER_UNREACHABLE);
        cr_assert_str_neq(answer.error, "");
    }
    expect_retry_converges(scenario, &place, goal, &faults);
    place_remove(&place);
    return faults.count >= hit;
}

/* The same with the process dying there. */
static bool die_at(const struct scenario *scenario, const struct answer *goal, enum fault_kind kind,
                   int hit)
{
    struct place place = place_new();
    struct faults faults = {.kind = kind, .hit = hit};
    struct answer old;
    struct answer stands;
    pid_t child;
    int status;

    arrange(scenario, &place);
    old = read_at(&place);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct arbiter_file_calls calls = faulty_calls(&faults);

        place.calls = &calls;
        _exit(answer_at(&place, scenario->kind, request_of(scenario)).outcome != ARBITER_WON);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    stands = read_at(&place);
    cr_assert(same_record(&stands, &old) || same_record(&stands, goal), "%s, fault %d at call %d",
              scenario->name, kind, hit);
    expect_retry_converges(scenario, &place, goal, &faults);
    place_remove(&place);
    return WEXITSTATUS(status) == DIED;
}

static void hit_each_call(enum fault_kind kind,
                          bool (*run)(const struct scenario *, const struct answer *,
                                      enum fault_kind, int))
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct answer goal = goal_of(&scenarios[i]);
        int hit = 1;

        while (run(&scenarios[i], &goal, kind, hit)) {
            hit++;
        }
        cr_assert_gt(hit, 10, "%s makes more calls than that", scenarios[i].name);
    }
}

Test(arbiter_faults, a_failing_call_makes_no_false_win)
{
    hit_each_call(FAULT_FAIL, fail_at);
}

Test(arbiter_faults, a_call_whose_success_is_not_told_makes_no_false_win)
{
    hit_each_call(FAULT_FAIL_LATE, fail_at);
}

Test(arbiter_faults, a_process_that_dies_before_a_call_leaves_old_or_new)
{
    hit_each_call(FAULT_DIE, die_at);
}

Test(arbiter_faults, a_process_that_dies_after_a_call_leaves_old_or_new)
{
    hit_each_call(FAULT_DIE_LATE, die_at);
}

/* No crash of a process shows whether data reached the disk, so the order of the calls must. */
Test(arbiter_faults, a_win_is_on_the_disk_before_it_is_told)
{
    struct place place = place_new();
    struct faults faults = {.hit = 0};
    struct arbiter_file_calls calls = faulty_calls(&faults);
    const char *at;

    start_at(&place, claim_by("a", 0, 7));
    place.calls = &calls;
    for (int attempt = 0; attempt < 2; attempt++) {
        faults.trace[0] = '\0';
        cr_assert_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_WON);
        cr_expect_eq(strncmp(faults.trace, "open lock links open read ", 26), 0, "%s",
                     faults.trace);
        at = strstr(faults.trace, " write ");
        cr_assert_not_null(at, "also when it is asked again");
        cr_expect_not_null(strstr(at, " write fsync close rename open fsync close close "), "%s",
                           faults.trace);
    }
    place_remove(&place);
}

Test(arbiter_faults, a_lock_that_stays_taken_is_waited_for_with_a_bound)
{
    struct place place = place_new();
    struct faults faults = {.locked_by_another = true};
    struct arbiter_file_calls calls = faulty_calls(&faults);
    struct answer answer;

    start_at(&place, claim_by("a", 0, 7));
    place.calls = &calls;
    answer = claim_at(&place, claim_by("b", 1, 8));
    cr_expect_eq(answer.outcome, ARBITER_UNREACHABLE);
    cr_expect_not_null(strstr(answer.error, place.lock_path));
    cr_expect_eq(faults.locks, ARBITER_LOCK_WAIT_MS / ARBITER_LOCK_POLL_MS + 1);
    place_remove(&place);
}

Test(arbiter_faults, handles_of_one_process_exclude_each_other)
{
    struct place place = place_new();
    struct faults faults = {.hit = 0};
    struct arbiter_file_calls calls = faulty_calls(&faults);
    int fd;

    start_at(&place, claim_by("a", 0, 7));
    fd = open(place.lock_path, O_RDWR);
    cr_assert_eq(arbiter_file_calls.lock(NULL, fd), 0);
    place.calls = &calls;
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(read_at(&place).record.term, 1, "a read waits for no lock");
    close(fd);
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_WON);
    place_remove(&place);
}

static void expect_no_trust(struct faults faults)
{
    struct place place = place_new();
    struct arbiter_file_calls calls = faulty_calls(&faults);

    start_at(&place, claim_by("a", 0, 7));
    place.calls = &calls;
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    cr_expect_eq(read_at(&place).record.term, 1);
    place_remove(&place);
}

Test(arbiter_faults, a_lock_held_for_too_long_is_not_trusted)
{
    expect_no_trust((struct faults){.clock_step_ms = ARBITER_LOCK_TRUST_MS + 1});
}

Test(arbiter_faults, a_replica_frozen_right_behind_its_lock_does_not_trust_it)
{
    expect_no_trust((struct faults){.freeze_at_links_ms = ARBITER_LOCK_TRUST_MS + 1});
}

Test(arbiter_faults, a_lock_whose_file_was_removed_is_no_lock)
{
    struct place place = place_new();
    struct faults faults = {.removed_at_lock = place.lock_path};
    struct arbiter_file_calls calls = faulty_calls(&faults);

    place.calls = &calls;
    cr_expect_eq(start_at(&place, claim_by("a", 0, 7)).outcome, ARBITER_WON);
    cr_expect_eq(faults.locks, 2);
    cr_expect_eq(access(place.lock_path, F_OK), 0);
    faults.locks = 0;
    cr_expect_eq(claim_at(&place, claim_by("b", 1, 8)).outcome, ARBITER_UNREACHABLE);
    place_remove(&place);
}

#define RACERS 2
#define ROUNDS 200

/* Shared by the racing processes: in each round who has arrived, and who has won. */
struct race {
    atomic_int arrived[ROUNDS];
    atomic_int won[ROUNDS];
    atomic_int lost[ROUNDS];
};

static void run_race(const struct place *place, struct race *race, int racer)
{
    char owner[] = {(char)('a' + racer), '\0'};

    for (int round = 0; round < ROUNDS; round++) {
        struct arbiter_claim claim =
            claim_by(owner, (uint64_t)round + 1, (uint64_t)(round * RACERS + racer + 1));
        enum arbiter_outcome outcome;

        atomic_fetch_add(&race->arrived[round], 1);
        while (atomic_load(&race->arrived[round]) < RACERS) {
            sched_yield();
        }
        do {
            outcome = claim_at(place, claim).outcome;
        } while (outcome == ARBITER_UNREACHABLE);
        if (outcome == ARBITER_WON) {
            atomic_fetch_add(&race->won[round], 1);
        } else if (outcome == ARBITER_LOST) {
            atomic_fetch_add(&race->lost[round], 1);
        }
    }
}

Test(arbiter_faults, of_two_that_claim_at_once_one_wins)
{
    struct place place = place_new();
    struct race *race =
        mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[RACERS];

    cr_assert_neq(race, MAP_FAILED);
    start_at(&place, claim_by("a", 0, UINT64_MAX));
    for (int racer = 0; racer < RACERS; racer++) {
        children[racer] = fork();
        cr_assert_geq(children[racer], 0);
        if (children[racer] == 0) {
            run_race(&place, race, racer);
            _exit(0);
        }
    }
    for (int racer = 0; racer < RACERS; racer++) {
        int status;

        cr_assert_eq(waitpid(children[racer], &status, 0), children[racer]);
        cr_assert_eq(status, 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        cr_expect_eq(atomic_load(&race->won[round]), 1, "round %d", round);
        cr_expect_eq(atomic_load(&race->lost[round]), RACERS - 1, "round %d", round);
    }
    cr_expect_eq(read_at(&place).record.term, ROUNDS + 1);
    munmap(race, sizeof(*race));
    place_remove(&place);
}

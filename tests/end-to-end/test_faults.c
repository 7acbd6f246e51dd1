/*
 * Every kind of fault that the lab can make, once, on a pair with a client that counts: it befalls
 * whom it should, and the pair recovers with nothing lost.
 */
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/console_log.h"
#include "fault-injection/lab/faults/faults.h"
#include "tests/end-to-end/tests.h"

#define PATIENCE_MS 5000
#define RECOVER_MS  30000
#define WATCH_MS    300 /* of a fault that is over as soon as it began */

/* What must have become of the pair, whatever else. */
enum aftermath {
    AS_BEFORE,     /* both go on */
    ANYTHING,      /* one may have been lost */
    VICTIM_LOST,   /* it has ended */
    ONE_LOST,      /* or the other one */
    SPARED_IS_LIVE /* the victim has ended, and the other is primary */
};

struct trial {
    const char *text;
    enum aftermath aftermath;
};

/* ---- One trial --------------------------------------------------------------------------- */

static bool begin(struct fixture *fixture, struct faults *faults, const char *text,
                  struct fault_record *record)
{
    struct fault fault;
    char error[2048];

    if (!fault_parse(&fault, text, error, sizeof(error)))
        return lab_fail(&fixture->lab, "%s: %s", text, error);
    return faults_begin(faults, &fixture->pair, &fault, fixture_random(fixture, 1u << 30),
                        PATIENCE_MS, record);
}

static bool watch(struct fixture *fixture, struct faults *faults, unsigned milliseconds)
{
    uint64_t until = lab_now_ns() + milliseconds * UINT64_C(1000000);

    while (lab_pause(&fixture->lab, until))
        if (!faults_tick(faults, &fixture->pair))
            return false;
    return true;
}

static bool judge(struct fixture *fixture, const struct trial *trial,
                  const struct fault_record *record, const struct replica *primary,
                  const struct replica *backup)
{
    struct pair *pair = &fixture->pair;
    bool lost_primary = pair->primary != primary, lost_backup = pair->backup != backup;
    bool lost_victim = record->was_primary ? lost_primary : lost_backup;
    bool good = true;

    switch (trial->aftermath) {
    case AS_BEFORE: good = !lost_primary && !lost_backup; break;
    case ANYTHING: break;
    case VICTIM_LOST: good = lost_victim; break;
    case ONE_LOST: good = lost_primary || lost_backup; break;
    case SPARED_IS_LIVE: good = pair->primary == (record->was_primary ? backup : primary); break;
    }
    fixture->failovers += lost_primary;
    return good || lab_fail(&fixture->lab, "%s: it came otherwise: %s at first was primary, now %s",
                            trial->text, primary->label, pair->primary->label);
}

static bool try(struct fixture *fixture, struct faults *faults, const struct trial *trial)
{
    struct pair *pair = &fixture->pair;
    const struct replica *primary = pair->primary, *backup = pair->backup;
    char what[FAULTS_WHAT_SIZE] = "";
    struct fault_record record;
    struct load_report report;
    uint64_t healed_ns;
    bool good;

    load_mark(fixture->load);
    good = begin(fixture, faults, trial->text, &record) &&
           watch(fixture, faults,
                 record.fault.for_ms > 0 ? (unsigned)record.fault.for_ms + 5 : WATCH_MS) &&
           faults_heal(faults, pair);
    faults_update(faults, &record);
    healed_ns = lab_now_ns();
    good = good && faults_recover(faults, pair, RECOVER_MS, what);
    load_report(fixture->load, &report);
    printf("        %-38s %s%s%s; %.1f s after; gap %.2f s\n", trial->text, record.what,
           record.what[0] ? ": " : "", what, (double)(lab_now_ns() - healed_ns) / 1e9,
           (double)report.gap_ns / 1e9);
    return good && judge(fixture, trial, &record, primary, backup) && fixture_goes_on(fixture) &&
           load_check(fixture->load, &fixture->lab);
}

/* ---- Rows of them ------------------------------------------------------------------------ */

static bool check_console(struct fixture *fixture)
{
    unsigned lines;

    return console_log_check(&fixture->pair, &lines);
}

/* Replicas of the plain build cannot have it, and who asks for it is told. */
static bool is_refused(struct fixture *fixture, struct faults *faults, const char *text)
{
    struct fault_record record;

    if (begin(fixture, faults, text, &record))
        return lab_fail(&fixture->lab, "%s: befell a replica without hooks", text);
    printf("        %-38s refused: %s\n", text, fixture->lab.error);
    return strstr(fixture->lab.error, "needs the build with hooks: make lab");
}

static bool go_through(struct fixture *fixture, struct faults *faults,
                       const struct replica_options *options, const struct trial *trials)
{
    if (!fixture_start(fixture, options) || !fixture_connect(fixture))
        return false;
    for (const struct trial *trial = trials; trial->text; trial++) {
        bool hooked = hooks_attached(fixture->pair.primary->hooks);
        struct fault fault;
        char error[2048];

        if (!hooked && fault_parse(&fault, trial->text, error, sizeof(error)) &&
            fault_needs_hooks(&fault)) {
            if (!is_refused(fixture, faults, trial->text))
                return false;
            continue;
        }
        if (!try(fixture, faults, trial))
            return false;
    }
    return fixture_check(fixture) && check_console(fixture);
}

/* The faults end with the pair, whose replicas point to them. */
static bool run(struct fixture *fixture, struct replica_options options, const struct trial *trials)
{
    struct faults *faults = NULL;
    bool good;

    fixture_end(fixture);
    good = faults_open(&faults, &fixture->lab, &options) &&
           go_through(fixture, faults, &options, trials);
    fixture_end(fixture);
    faults_close(faults);
    return good;
}

bool test_faults_of_the_channel(struct fixture *fixture)
{
    static const struct trial trials[] = {
        {"none", AS_BEFORE},
        {"delay:ms=5,jitter-ms=2,for=1s", AS_BEFORE},
        {"limit:kbit=2000,for=1s", AS_BEFORE},
        {"stall:for=300ms", AS_BEFORE},
        {"stall:for=2500ms", ONE_LOST},
        {"one-way:at=primary,for=2500ms", ONE_LOST},
        {"one-way:at=backup,for=2500ms", ONE_LOST},
        {"corrupt:bits=3,for=2s", ONE_LOST},
        {"reset", ONE_LOST},
        {"unplug:link=channel,for=2500ms", ONE_LOST},
        {"unplug:for=100ms", AS_BEFORE},
        {"unplug:link=lan,for=1s", AS_BEFORE},
        {"unplug:for=2500ms", ONE_LOST},
        {"arbiter-gone:for=1500ms", AS_BEFORE},
        {"reset:event=sent-BOUNDARY:3", ONE_LOST},
        {NULL, ANYTHING},
    };

    return run(fixture, fixture_standard, trials);
}

bool test_faults_of_processes(struct fixture *fixture)
{
    static const struct trial trials[] = {
        {"kill:at=primary,random=300ms", SPARED_IS_LIVE},
        {"kill:at=backup", SPARED_IS_LIVE},
        {"stop:at=primary,for=300ms", ANYTHING},
        {"stop:at=primary,for=3s", SPARED_IS_LIVE},
        {"stop:at=backup,for=3s", SPARED_IS_LIVE},
        {"power-cycle:at=primary,for=2s", SPARED_IS_LIVE},
        {"power-cycle:at=backup,for=2s", SPARED_IS_LIVE},
        {"starve:at=primary,percent=20,for=2s", ANYTHING},
        {"starve:at=backup,percent=20,for=2s", ANYTHING},
        {"flip-bit:at=backup,for=1s", VICTIM_LOST},
        {"kill:at=primary,event=sent-BOUNDARY:20", SPARED_IS_LIVE},
        {"kill:at=backup,event=received-BOUNDARY:2", SPARED_IS_LIVE},
        {"stop:at=primary,event=before-emit:5,for=3s", SPARED_IS_LIVE},
        {NULL, ANYTHING},
    };

    return run(fixture, fixture_standard, trials);
}

/* By how much the guest's clock goes before the lab's during a trial, in milliseconds. */
static bool measure_jump(struct fixture *fixture, struct faults *faults, const char *text,
                         int64_t *jump_ms)
{
    const struct trial trial = {text, AS_BEFORE};
    uint64_t start_ns = lab_now_ns();
    int64_t before_us, after_us;

    if (!fixture_time(fixture, &before_us) || !try(fixture, faults, &trial) ||
        !fixture_time(fixture, &after_us))
        return false;
    *jump_ms = (after_us - before_us) / 1000 - (int64_t)(lab_now_ns() - start_ns) / 1000000;
    printf("        the guest's clock went %lld ms ahead\n", (long long)*jump_ms);
    return true;
}

static bool expect_jump(struct fixture *fixture, struct faults *faults, const char *text,
                        int64_t least_ms, int64_t most_ms)
{
    int64_t jump_ms;

    return measure_jump(fixture, faults, text, &jump_ms) &&
           ((jump_ms >= least_ms && jump_ms <= most_ms) ||
            lab_fail(&fixture->lab, "%s: the guest's clock went %lld ms ahead", text,
                     (long long)jump_ms));
}

/* The guest follows its primary's monotonic clock, and no other. */
bool test_faults_of_clocks(struct fixture *fixture)
{
    struct replica_options options = fixture_standard;
    struct faults *faults = NULL;
    bool good;

    fixture_end(fixture);
    good = faults_open(&faults, &fixture->lab, &options) && fixture_start(fixture, &options) &&
           fixture_connect(fixture);
    if (good && !hooks_attached(fixture->pair.primary->hooks))
        printf("        skipped: it needs the build with hooks\n");
    else
        good = good && expect_jump(fixture, faults, "clock-jump:by=20s,for=1s", 19500, 21500) &&
               expect_jump(fixture, faults, "clock-jump:by=-20s,for=1s", -500, 500) &&
               expect_jump(fixture, faults, "clock-jump:at=backup,by=5s,for=1s", -500, 500) &&
               fixture_check(fixture) && check_console(fixture);
    fixture_end(fixture);
    faults_close(faults);
    return good;
}

#define DRAWN 12

bool test_faults_drawn_by_chance(struct fixture *fixture)
{
    struct trial trials[DRAWN + 1] = {{NULL, ANYTHING}};
    char texts[DRAWN][FAULT_TEXT_SIZE];

    for (unsigned i = 0; i < DRAWN; i++) {
        struct fault fault;

        do
            fault_draw(&fault, fixture_random(fixture, 1u << 30), 500);
        while (fault_needs_disk(&fault));
        fault_format(&fault, texts[i]);
        trials[i] = (struct trial){texts[i], ANYTHING};
    }
    return run(fixture, fixture_standard, trials);
}

/* The guest writes to its disk all the time. */
bool test_faults_of_disks(struct fixture *fixture)
{
    static const struct replica_options options = {
        .append = "ftvm.console_count=1 ftvm.disk=mkfs ftvm.run=\"while :; do date > /data/now; "
                  "sync; usleep 50000; done\"",
        .disk = true};
    static const struct trial trials[] = {
        {"disk-full:at=backup,for=1s", ANYTHING},
        {"disk-error:at=backup,for=1s", ANYTHING},
        {"disk-full:at=primary,for=1s", ANYTHING},
        {"disk-error:at=primary,for=1s", ANYTHING},
        {"power-cycle:at=primary,for=2s", SPARED_IS_LIVE},
        {"power-cycle:at=backup,event=received-BOUNDARY:5,for=2s", SPARED_IS_LIVE},
        {NULL, ANYTHING},
    };

    return run(fixture, options, trials);
}

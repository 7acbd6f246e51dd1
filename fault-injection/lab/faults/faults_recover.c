/*
 * After the faults: who is live, who has ended, and a new backup. Nothing is taken for granted
 * here: a pair that seems as before may not have noticed yet what befell it, and whoever still runs
 * must either follow or end by itself.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/faults/faults_parts.h"

/* That a pair which seems as before has to stay so; and both have heard of each other meanwhile.
 * What was held up may have been a sign of life, and TCP may need longer than the fault lasted to
 * get through again: until then they may still suspect each other, whatever their timeout is. */
#define SETTLE_NS    UINT64_C(300000000)
#define TWO_LIVE_NS  UINT64_C(2000000000) /* until an unprotected one has told what it knows */
#define MAX_JOINS    5u
#define SIGNAL_CODES 128

enum step { STEP_WAIT, STEP_DONE, STEP_FAILED };

struct recovery {
    struct faults *faults;
    struct lab *lab;
    struct pair *pair;
    char *what;
    size_t used;
    unsigned joins;
    struct replica *joiner;               /* the last one that was added */
    uint64_t good_since_ns, two_since_ns; /* 0: not */
};

/* Who runs. */
struct survey {
    struct replica *live, *older; /* of the latest term; another one that says so */
    struct replica *rest;         /* one that is neither */
    unsigned running;
};

__attribute__((format(printf, 2, 3))) static void say(struct recovery *recovery, const char *format,
                                                      ...)
{
    size_t room = FAULTS_WHAT_SIZE - recovery->used;
    va_list arguments;
    int size;

    if (recovery->used > 0 && room > 3) {
        memcpy(recovery->what + recovery->used, "; ", 3);
        recovery->used += 2;
        room -= 2;
    }
    va_start(arguments, format);
    size = vsnprintf(recovery->what + recovery->used, room, format, arguments);
    va_end(arguments);
    recovery->used += size < (int)room ? (size_t)size : room - 1;
}

/* ---- Who has ended ----------------------------------------------------------------------- */

/* Its own memory was changed, or that of a primary that it followed. */
static bool may_diverge(const struct recovery *recovery, const struct replica *replica)
{
    const struct pair *pair = recovery->pair;

    if (faults_is_damaged(recovery->faults, replica))
        return true;
    for (unsigned i = 0; i < pair->count; i++)
        if (pair->replicas[i].events.is_primary &&
            faults_is_damaged(recovery->faults, &pair->replicas[i]))
            return true;
    return false;
}

static bool take_end(struct recovery *recovery, struct replica *replica)
{
    const struct event_log *events = &replica->events;
    int code = replica->process.code;

    event_log_read(&replica->events);
    if (events->diverged && !may_diverge(recovery, replica))
        return lab_fail_log(recovery->lab, replica->process.log,
                            "replica %s diverged, and nobody has touched its memory: %s",
                            replica->label, events->last);
    if (events->fenced)
        say(recovery, "%s ended fenced", replica->label);
    else if (events->diverged)
        say(recovery, "%s diverged", replica->label);
    else if (code > SIGNAL_CODES)
        say(recovery, "%s was killed", replica->label);
    else
        say(recovery, "%s ended with exit code %d (%.100s)", replica->label, code, events->last);
    replica_end(replica);
    return true;
}

/* ---- Who runs ---------------------------------------------------------------------------- */

static void place(struct survey *survey, struct replica *replica)
{
    const struct event_log *events = &replica->events;

    survey->running++;
    if (!events->started || !events->is_primary || events->fenced || events->diverged) {
        survey->rest = replica;
    } else if (!survey->live) {
        survey->live = replica;
    } else if (events->term >= survey->live->events.term) {
        survey->older = survey->live;
        survey->live = replica;
    } else {
        survey->older = replica;
    }
}

static bool look(struct recovery *recovery, struct survey *survey)
{
    struct pair *pair = recovery->pair;

    *survey = (struct survey){0};
    for (unsigned i = 0; i < pair->count; i++) {
        struct replica *replica = &pair->replicas[i];

        if (process_running(&replica->process)) {
            event_log_read(&replica->events);
            place(survey, replica);
        } else if (!replica->events.closed && !take_end(recovery, replica)) {
            return false;
        }
    }
    return true;
}

static const char *role(const struct replica *replica)
{
    const struct event_log *events = &replica->events;

    if (!events->started)
        return "has not begun";
    if (events->fenced || events->diverged)
        return events->fenced ? "fenced" : "diverged";
    if (events->is_primary)
        return events->is_protected ? "live, protected" : "live, unprotected";
    return events->is_protected ? "backup, protects" : "backup, does not protect";
}

static bool fail_late(struct recovery *recovery, unsigned timeout_ms)
{
    struct pair *pair = recovery->pair;
    const char *log = NULL;
    char all[512] = "";
    size_t used = 0;

    if (recovery->lab->interrupted)
        return lab_fail(recovery->lab, "interrupted");
    for (unsigned i = 0; i < pair->count; i++) {
        struct replica *replica = &pair->replicas[i];

        if (!process_running(&replica->process) || used > sizeof(all) - 80)
            continue;
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s %s (term %" PRIu64 ")",
                                 used > 0 ? ", " : "", replica->label, role(replica),
                                 replica->events.term);
        log = replica->process.log;
    }
    return lab_fail_log(recovery->lab, log ? log : "", "no protected pair after %u ms: %s [%s]",
                        timeout_ms, all, recovery->what);
}

/* ---- Two, or none ------------------------------------------------------------------------ */

/* A protected primary that was overtaken lets nothing new leave, and finds out. One that believes
 * itself alone does not. */
static enum step judge_two(struct recovery *recovery, const struct survey *survey)
{
    const struct replica *live = survey->live, *older = survey->older;
    uint64_t now = lab_now_ns();
    bool same = live->events.term == older->events.term;

    recovery->good_since_ns = 0;
    if (recovery->two_since_ns == 0)
        recovery->two_since_ns = now;
    if (!same && (older->events.is_protected || now - recovery->two_since_ns < TWO_LIVE_NS))
        return STEP_WAIT;
    lab_fail(recovery->lab,
             "split brain: %s says %s at term %" PRIu64 " while %s says %s at term %" PRIu64,
             older->label, role(older), older->events.term, live->label, role(live),
             live->events.term);
    return STEP_FAILED;
}

static enum step judge_none(struct recovery *recovery, const struct survey *survey)
{
    struct pair *pair = recovery->pair;

    recovery->good_since_ns = 0;
    if (survey->running > 0)
        return STEP_WAIT; /* for a claim, or an end */
    lab_fail_log(recovery->lab, pair->count > 0 ? pair->replicas[pair->count - 1].process.log : "",
                 "the machine is lost, nobody is live: %s", recovery->what);
    return STEP_FAILED;
}

/* ---- One --------------------------------------------------------------------------------- */

static bool protects(const struct replica *live, const struct replica *backup)
{
    return live->events.is_protected && backup->events.is_protected && !backup->events.fenced &&
           !backup->events.diverged && live->events.term == backup->events.term;
}

/* Events are what was; this is what is. It also shows that both still answer. */
static bool says_so(struct recovery *recovery, struct replica *replica, const char *expected)
{
    json_t *status = replica_status(replica, recovery->lab);
    const char *said = json_string_value(json_object_get(status, "role"));
    uint64_t term = (uint64_t)json_integer_value(json_object_get(status, "term"));
    uint64_t silent = (uint64_t)json_integer_value(json_object_get(status, "peer_silent_ns"));
    bool good = said && strcmp(said, expected) == 0 && term == replica->events.term &&
                json_is_true(json_object_get(status, "protected")) &&
                !json_is_true(json_object_get(status, "claiming")) && silent < SETTLE_NS;

    json_decref(status);
    return good;
}

/* A pair that has seen no change may just not know yet. */
static enum step confirm(struct recovery *recovery, const struct survey *survey)
{
    uint64_t now = lab_now_ns();

    if (recovery->good_since_ns == 0)
        recovery->good_since_ns = now;
    if (recovery->joiner != survey->rest && now - recovery->good_since_ns < SETTLE_NS)
        return STEP_WAIT;
    if (!says_so(recovery, survey->live, "primary") || !says_so(recovery, survey->rest, "backup")) {
        recovery->good_since_ns = 0;
        return recovery->lab->interrupted ? STEP_FAILED : STEP_WAIT;
    }
    recovery->pair->primary = survey->live;
    recovery->pair->backup = survey->rest;
    say(recovery, "%s is primary at term %" PRIu64 ", %s protects it", survey->live->label,
        survey->live->events.term, survey->rest->label);
    return STEP_DONE;
}

static enum step add_backup(struct recovery *recovery, struct replica *live)
{
    struct pair *pair = recovery->pair;

    if (recovery->joins == MAX_JOINS) {
        lab_fail(recovery->lab, "%u backups in a row did not come to protect: %s", MAX_JOINS,
                 recovery->what);
        return STEP_FAILED;
    }
    pair->primary = live;
    pair->backup = NULL;
    recovery->joins++;
    if (!pair_add_backup(pair))
        return STEP_FAILED;
    recovery->joiner = pair->backup;
    return STEP_WAIT;
}

static enum step judge_one(struct recovery *recovery, const struct survey *survey)
{
    struct replica *live = survey->live;

    recovery->two_since_ns = 0;
    if (survey->running == 2 && protects(live, survey->rest))
        return confirm(recovery, survey);
    recovery->good_since_ns = 0;
    /* Whoever runs beside it joins, or will end; and it has to notice itself that it is alone. */
    if (survey->running > 1 || live->events.is_protected)
        return STEP_WAIT;
    return add_backup(recovery, live);
}

static enum step advance(struct recovery *recovery)
{
    struct survey survey;

    if (!look(recovery, &survey))
        return STEP_FAILED;
    if (!survey.live)
        return judge_none(recovery, &survey);
    return survey.older ? judge_two(recovery, &survey) : judge_one(recovery, &survey);
}

bool faults_recover(struct faults *faults, struct pair *pair, unsigned timeout_ms, char *what)
{
    struct recovery recovery = {.faults = faults, .lab = faults->lab, .pair = pair, .what = what};
    uint64_t deadline = lab_deadline(faults->lab, timeout_ms);
    enum step step;

    what[0] = '\0';
    while ((step = advance(&recovery)) == STEP_WAIT)
        if (!lab_pause(faults->lab, deadline))
            return fail_late(&recovery, timeout_ms);
    return step == STEP_DONE;
}

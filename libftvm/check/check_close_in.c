#include "libftvm/check/check_close_in.h"

#include <string.h>

#define PIECES     32u /* that an interval is divided into */
#define MAX_ROUNDS 24u
#define MAX_MISSES 3u /* rounds in a row that brought nothing */
/* Bytes of long parts that a round keeps; and of those at the one position that is left. */
#define ROUND_BYTES ((size_t)64 << 20)
#define LAST_BYTES  ((size_t)1 << 30)

static uint64_t width_of(const struct difference *difference)
{
    return difference->differs - difference->agreed;
}

/* ---- Which stop it is ------------------------------------------------------------------------ */

/* Whether the runs differ if only the stops from `first` to `last` are made. 0, 1, negative. */
static int differs_with_stops(struct check_session *session, const struct track *recorded,
                              struct suspect *suspect, ftvm_position first, ftvm_position last)
{
    struct run_plan plan = {.script = recorded, .stops = suspect->stops};
    struct check_run run;
    plan.stops.first = first;
    plan.stops.last = last;
    int result = check_run(session, &plan, NULL, &run);
    if (result == 1) {
        suspect->difference = run.difference;
        suspect->stopped_at = run.stopped_at > last ? run.stopped_at : last;
    }
    return result;
}

/* Halves the stops until one is left that makes the difference. 1: found. */
static int find_stop(struct check_session *session, const struct track *recorded,
                     struct suspect *suspect)
{
    ftvm_position without = recorded->start;
    ftvm_position with = suspect->difference.differs;
    ftvm_position probe = suspect->difference.agreed; /* it mostly happens in this epoch */
    while (with - without > 1) {
        if (probe <= without || probe >= with) {
            probe = without + (with - without) / 2;
        }
        int result = differs_with_stops(session, recorded, suspect, 0, probe);
        if (result < 0) {
            return result;
        }
        *(result == 1 ? &with : &without) = probe;
    }
    /* Only what comes again has been found. */
    struct difference first = suspect->difference;
    int result = differs_with_stops(session, recorded, suspect, 0, without);
    if (result != 0) {
        suspect->difference = first;
        return result < 0 ? result : 0;
    }
    result = differs_with_stops(session, recorded, suspect, with, with);
    suspect->stop_alone = result == 1;
    if (result == 0) {
        result = differs_with_stops(session, recorded, suspect, 0, with);
    }
    suspect->stop = with;
    suspect->has_stop = result == 1;
    suspect->stops.first = suspect->stop_alone ? with : 0;
    suspect->stops.last = with;
    return result;
}

/* Up to the stop nothing was different but that one was to come. */
static void begin_at_stop(const struct suspect *suspect, struct difference *difference)
{
    if (suspect->has_stop && difference->agreed < suspect->stopped_at &&
        difference->differs > suspect->stopped_at) {
        difference->agreed = suspect->stopped_at;
        difference->inputs = 0;
        difference->values = 0;
    }
}

/* ---- Where it begins ------------------------------------------------------------------------- */

/* Positions to look at, both ends among them. A look is a stop: there must be none where the one
 * that makes the difference is. */
static size_t place_looks(const struct suspect *suspect, ftvm_position looks[PIECES + 1])
{
    const struct difference *difference = &suspect->difference;
    uint64_t width = width_of(difference);
    uint64_t pieces = width < PIECES ? width : PIECES;
    size_t count = 0;
    for (uint64_t i = 0; i <= pieces; i++) {
        ftvm_position look = difference->agreed + width / pieces * i + width % pieces * i / pieces;
        if (!suspect->has_stop || look > suspect->stopped_at) {
            looks[count++] = look;
        }
    }
    return count;
}

struct round {
    bool pauses; /* between its two runs */
    bool found;
    bool looked_between; /* the machine could be stopped there */
    struct difference difference;
};

static int look(struct check_session *session, const struct track *recorded,
                const struct suspect *suspect, ftvm_position whole_from, size_t kept_bytes,
                struct round *round)
{
    ftvm_position looks[PIECES + 1];
    const struct difference *known = &suspect->difference;
    struct run_plan recording = {
        .script = recorded,
        .guided = true,
        .looks = looks,
        .look_count = place_looks(suspect, looks),
        .until = known->differs + 1,
        .whole_from = whole_from,
        .kept_bytes = kept_bytes,
    };
    struct check_run run;
    struct track track;
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    *round = (struct round){.pauses = round->pauses};
    track_open(&track, &session->names, kept_bytes);
    int result = check_run(session, &recording, &track, &run);
    if (result == 0) {
        struct run_plan following = {.script = &track,
                                     .lengths = suspect->lengths,
                                     .stops = suspect->stops,
                                     .load = suspect->state};
        round->looked_between = track_looks_between(&track, known->agreed, known->differs);
        if (round->pauses) {
            check_pause(session, &began);
        }
        result = check_run(session, &following, NULL, &run);
    }
    if (result == 1) {
        round->found = run.place == PLACE_LOG;
        round->difference = run.difference;
        begin_at_stop(suspect, &round->difference);
        result = 0;
    }
    track_close(&track);
    return result;
}

/* Whether the bytes of all parts that are told are there. */
static bool is_complete(const struct difference *difference)
{
    for (unsigned i = 0; i < DIFFERENCE_PARTS && i < difference->part_count; i++) {
        const struct part_difference *part = &difference->parts[i];
        if (part->present[SIDE_RECORDED] && part->present[SIDE_AGAIN] && !part->bytes.known) {
            return false;
        }
    }
    return true;
}

/* At the one position that is left there is room for more. */
static int look_closer(struct check_session *session, const struct track *recorded,
                       struct suspect *suspect)
{
    struct round round = {.pauses = suspect->comes_with_time};
    struct difference *known = &suspect->difference;
    if (is_complete(known)) {
        return 0;
    }
    int result = look(session, recorded, suspect, known->differs - 1, LAST_BYTES, &round);
    if (result == 0 && round.found && round.difference.differs == known->differs) {
        round.difference.agreed = known->agreed;
        round.difference.inputs = known->inputs;
        round.difference.values = known->values;
        *known = round.difference;
    }
    return result;
}

static int narrow(struct check_session *session, const struct track *recorded,
                  struct suspect *suspect)
{
    struct difference *known = &suspect->difference;
    unsigned misses = 0;
    suspect->closing = CLOSING_NOT_AGAIN;
    for (unsigned i = 0; i < MAX_ROUNDS && misses < MAX_MISSES; i++) {
        struct round round = {.pauses = suspect->comes_with_time};
        run_log(session, "closing in on positions %llu to %llu", (unsigned long long)known->agreed,
                (unsigned long long)known->differs);
        /* The state at the interval's beginning must be seen to agree. */
        ftvm_position whole_from = known->agreed > 0 ? known->agreed - 1 : 0;
        int result = look(session, recorded, suspect, whole_from, ROUND_BYTES, &round);
        if (result < 0) {
            return result;
        }
        uint64_t width = width_of(known);
        bool same = round.found && round.difference.agreed == known->agreed &&
                    round.difference.differs == known->differs;
        if (same || (round.found && width_of(&round.difference) < width)) {
            misses = same ? misses + 1 : 0;
            *known = round.difference;
            if (width_of(known) == 1 || !round.looked_between) {
                suspect->closing = width_of(known) == 1 ? CLOSING_EXACT : CLOSING_NOT_FINER;
                return look_closer(session, recorded, suspect);
            }
            continue;
        }
        suspect->closing = round.found ? CLOSING_ELSEWHERE : CLOSING_NOT_AGAIN;
        misses++;
        suspect->comes_with_time = true; /* it may */
    }
    return 0;
}

/* What comes and goes (host time, randomness) may have come in this run by chance: no stop and no
 * state is to blame if the run differs without them, too. */
static int suspect_less(struct check_session *session, const struct track *recorded,
                        struct suspect *suspect)
{
    const struct run_plan plan = {.script = recorded};
    struct check_run run;
    int result = suspect->manner != MANNER_AGAIN ? check_run(session, &plan, NULL, &run) : 0;
    if (result == 1) {
        *suspect = (struct suspect){
            .manner = MANNER_AGAIN, .place = run.place, .difference = run.difference};
    }
    return result < 0 ? result : 0;
}

int close_in(struct check_session *session, const struct track *recorded, struct suspect *suspect)
{
    int again = suspect->place == PLACE_LOG ? suspect_less(session, recorded, suspect) : 0;
    if (again < 0) {
        return again;
    }
    if (suspect->place != PLACE_LOG || suspect->manner == MANNER_RELOADED) {
        suspect->closing = CLOSING_EXACT;
        return 0;
    }
    if (suspect->manner == MANNER_STOPPED) {
        run_log(session, "looking for the stop that makes the difference");
        int result = find_stop(session, recorded, suspect);
        if (result <= 0) {
            suspect->closing = CLOSING_NOT_AGAIN;
            return result;
        }
        begin_at_stop(suspect, &suspect->difference);
    }
    return narrow(session, recorded, suspect);
}

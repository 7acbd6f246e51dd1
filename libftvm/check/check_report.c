#include "libftvm/check/check_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libftvm/check/check_seen.h"

static const char *const side_names[SIDES] = {"when recorded", "when run again"};

/* Lines are added while there is room; the text stays one whole line short of its end. */
static void say(struct ftvm_check_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct ftvm_check_report *report, const char *format, ...)
{
    size_t used = strlen(report->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text + used, sizeof report->text - used, format, arguments);
    va_end(arguments);
}

/* ---- Agreement ------------------------------------------------------------------------------- */

static bool sleeps_at_end(const struct check_session *session, const struct track *recorded)
{
    const struct step *last = track_last(recorded);
    return last != NULL && recorded->boundaries < session->check.epochs &&
           last->call.kind == CALL_IDLE && last->call.wake_ns == UINT64_MAX;
}

static const char *end_of(const struct check_session *session, const struct track *recorded)
{
    const struct step *last = track_last(recorded);
    if (last == NULL || recorded->boundaries >= session->check.epochs) {
        return "";
    }
    if (last->call.kind == CALL_HALT) {
        return ", where the guest halted";
    }
    return sleeps_at_end(session, recorded) ? ", where the guest would have idled for ever"
                                            : ", where it was stopped";
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Timers of guests have periods of 1 to 20 ms, and a fault at one of them needs some of these. */
#define LITTLE_TIME_NS UINT64_C(100000000)

/* Two machines that would differ in what did not happen agree. */
static void say_unseen(const struct check_session *session, const struct track *recorded,
                       struct ftvm_check_report *report)
{
    struct seen seen = seen_in(recorded, session->check.unit_ns);
    char all[SEEN_TIME_SIZE], running[SEEN_TIME_SIZE];
    say(report, "\nguest time: %s, %s of it running; %" PRIu64 " epoch%s ended idle",
        seen_time(seen.guest_ns, all), seen_time(seen.running_ns, running), seen.idle,
        plural(seen.idle));
    if (recorded->inputs == 0) {
        say(report, "\nnot seen: an input, as none was delivered");
    }
    if (seen.idle == 0) {
        say(report, "\nnot seen: a guest that idles");
    }
    if (sleeps_at_end(session, recorded)) {
        say(report,
            "\nnot seen: %" PRIu64 " of %" PRIu64 " epochs, as the guest waits for an input that "
            "nobody gives it (check.world)",
            session->check.epochs - recorded->boundaries, session->check.epochs);
    }
    if (seen.running_ns < LITTLE_TIME_NS && session->check.unit_ns > 0) {
        say(report,
            "\nnot seen: a timer of more than %s that goes off while the guest runs: raise unit_ns",
            running);
    }
    if (seen.ran_out == 0 && seen.idle > 0) {
        say(report, "\nnot seen: an epoch that ran its length, as the guest always idled before: "
                    "give it a shorter epoch_length");
    }
    if (session->check.unit_ns == 0) {
        say(report, "\nnot seen: time going by while the guest runs, as unit_ns is 0");
    }
}

void report_agreement(const struct check_session *session, const struct track *recorded,
                      struct ftvm_check_report *report)
{
    say(report,
        "all runs agree: %" PRIu64 " epoch%s to position %" PRIu64 "%s, with %" PRIu64
        " input%s, %" PRIu64 " value%s and %" PRIu64 " output%s\n",
        report->epochs, plural(report->epochs), report->position, end_of(session, recorded),
        report->inputs, plural(report->inputs), report->values, plural(report->values),
        report->outputs, plural(report->outputs));
    uint32_t chunkings = session->asks_stops ? session->check.chunkings : 0;
    say(report,
        "runs: %" PRIu32 "; as it was, with other lengths told, stopped at other places %" PRIu32
        " time%s, from %" PRIu64 " saved state%s",
        report->runs, chunkings, plural(chunkings), report->states, plural(report->states));
    say_unseen(session, recorded, report);
    if (!session->asks_stops && session->check.chunkings > 0) {
        say(report, "\nnot checked: stopping at other places, as the machine does not call "
                    "ftvm_stop_at");
    }
    if (!session->has_digest) {
        say(report, "\nnot checked: the state, as the machine has no digest; its calls and outputs "
                    "were compared");
    }
}

/* ---- How the runs were made ------------------------------------------------------------------ */

static void say_manner(const struct suspect *suspect, struct ftvm_check_report *report)
{
    if (suspect->place == PLACE_SAVE) {
        say(report,
            "how: its state was saved at position %" PRIu64 ", and was another one after that\n",
            suspect->difference.differs);
        return;
    }
    if (suspect->place == PLACE_MADE) {
        say(report,
            "how: made again by create, and looked at in ftvm_begin, at position %" PRIu64
            ", before the first step\n",
            suspect->difference.differs);
        return;
    }
    switch (suspect->manner) {
    case MANNER_AGAIN: say(report, "how: run again as it was\n"); break;
    case MANNER_LENGTHS:
        say(report,
            suspect->lengths == LENGTHS_EXACT
                ? "how: run again as a backup is, with epochs whose length is up to where they "
                  "ended\n"
                : "how: run again with longer epochs, which ftvm_stop_at ended where they had "
                  "ended\n");
        break;
    case MANNER_STOPPED:
        say(report, "how: run again, stopped at other places by ftvm_stop_at");
        if (suspect->has_stop) {
            say(report, "; %s at position %" PRIu64,
                suspect->stop_alone ? "it is enough to stop it" : "what counts is the stop",
                suspect->stop);
        }
        say(report, "\n");
        break;
    case MANNER_LOADED:
        say(report, "how: run again from the state that was saved at position %" PRIu64 "%s\n",
            suspect->loaded_at, suspect->place == PLACE_LOAD ? ", right after its load" : "");
        break;
    case MANNER_RELOADED:
        say(report,
            "how: the state that was loaded at position %" PRIu64
            " was saved again at position %" PRIu64 ", and loaded again: right after that\n",
            suspect->loaded_at, suspect->difference.differs);
        break;
    }
}

static void say_where(const struct suspect *suspect, struct ftvm_check_report *report)
{
    const struct difference *difference = &suspect->difference;
    if (suspect->place != PLACE_LOG) {
        return;
    }
    say(report, "where: the runs agree up to position %" PRIu64 ", and differ at %" PRIu64,
        difference->agreed, difference->differs);
    switch (suspect->closing) {
    case CLOSING_EXACT: break;
    case CLOSING_NOT_FINER: say(report, "; the machine does not stop between the two"); break;
    case CLOSING_NOT_AGAIN:
        say(report, "; in runs that looked closer the difference did not come again");
        break;
    case CLOSING_ELSEWHERE:
        say(report, "; in runs that looked closer it came at other positions");
        break;
    }
    say(report, "\n");
    if (difference->inputs > 0) {
        say(report, "       at position %" PRIu64 ", %" PRIu64 " input%s delivered\n",
            difference->agreed, difference->inputs, difference->inputs == 1 ? " was" : "s were");
    }
    if (difference->values > 0) {
        say(report, "       since then %" PRIu64 " value%s asked for\n", difference->values,
            difference->values == 1 ? " was" : "s were");
    }
}

/* ---- What differs ---------------------------------------------------------------------------- */

static void say_call(const struct call *call, struct ftvm_check_report *report)
{
    switch (call->kind) {
    case CALL_BEGIN: say(report, "it began"); break;
    case CALL_BOUNDARY: say(report, "its epoch ended"); break;
    case CALL_IDLE:
        say(report, "it idled until ");
        if (call->wake_ns == UINT64_MAX) {
            say(report, "an input comes");
        } else {
            say(report, "%" PRIu64 " ns", call->wake_ns);
        }
        break;
    case CALL_HALT: say(report, "it halted"); break;
    case CALL_VALUE: say(report, "it asked for a value of %zu bytes", call->size); break;
    }
    say(report, " at position %" PRIu64, call->position);
}

/* Short ones as the number that they mostly are: little endian, as all hosts that we know. */
static void say_bytes(const struct bytes_difference *bytes, unsigned side,
                      struct ftvm_check_report *report)
{
    uint64_t number = 0;
    if (bytes->size[side] == 0) {
        say(report, "nothing");
    } else if (bytes->size[0] == bytes->size[1] && bytes->size[side] <= sizeof number) {
        memcpy(&number, bytes->bytes[side], bytes->shown[side]);
        say(report, "0x%" PRIx64, number);
    } else {
        for (size_t i = 0; i < bytes->shown[side]; i++) {
            say(report, "%s%02x", i > 0 ? " " : "", bytes->bytes[side][i]);
        }
        say(report, "%s", bytes->shown[side] == 0 ? "nothing" : "");
    }
}

static void say_difference(const struct bytes_difference *bytes, struct ftvm_check_report *report)
{
    if (bytes->size[SIDE_RECORDED] != bytes->size[SIDE_AGAIN]) {
        say(report, "%zu bytes %s, %zu %s; ", bytes->size[SIDE_RECORDED], side_names[SIDE_RECORDED],
            bytes->size[SIDE_AGAIN], side_names[SIDE_AGAIN]);
    } else if (bytes->size[SIDE_RECORDED] > PART_VALUE_SIZE) {
        say(report, "%zu bytes, ", bytes->size[SIDE_RECORDED]);
        if (bytes->known) {
            say(report, "%zu of them differ%s; ", bytes->differing,
                bytes->differing == 1 ? "s" : "");
        }
    }
    if (!bytes->known) {
        say(report, "which were not kept\n");
        return;
    }
    if (bytes->size[SIDE_RECORDED] > PART_VALUE_SIZE || bytes->size[SIDE_AGAIN] > PART_VALUE_SIZE) {
        say(report, "from offset %zu: ", bytes->offset);
    }
    say_bytes(bytes, SIDE_RECORDED, report);
    say(report, " %s, ", side_names[SIDE_RECORDED]);
    say_bytes(bytes, SIDE_AGAIN, report);
    say(report, " %s\n", side_names[SIDE_AGAIN]);
}

static void say_part(const struct part_difference *part, struct ftvm_check_report *report)
{
    say(report, "what: %s %" PRIu64 ": ", part->name, part->index);
    if (!part->present[SIDE_RECORDED] || !part->present[SIDE_AGAIN]) {
        say(report, "a part only %s\n",
            side_names[part->present[SIDE_RECORDED] ? SIDE_RECORDED : SIDE_AGAIN]);
        return;
    }
    say_difference(&part->bytes, report);
}

static void say_parts(const struct difference *difference, struct ftvm_check_report *report)
{
    if (!difference->state_differs) {
        return;
    }
    if (difference->reordered) {
        say(report,
            "what: digest tells of the parts in another order: %s %" PRIu64
            " %s, where it is %s %" PRIu64 " %s\n",
            difference->reordered_name[SIDE_RECORDED], difference->reordered_index[SIDE_RECORDED],
            side_names[SIDE_RECORDED], difference->reordered_name[SIDE_AGAIN],
            difference->reordered_index[SIDE_AGAIN], side_names[SIDE_AGAIN]);
    }
    if (!difference->parts_kept) {
        say(report, "what: the state; it has too many parts to say which\n");
    }
    for (unsigned i = 0; i < DIFFERENCE_PARTS && i < difference->part_count; i++) {
        say_part(&difference->parts[i], report);
    }
    if (difference->part_count > DIFFERENCE_PARTS) {
        say(report, "      and more parts\n");
    }
}

static void say_outputs(const struct difference *difference, struct ftvm_check_report *report)
{
    if (!difference->outputs_differ) {
        return;
    }
    bool both = difference->output <= difference->outputs[SIDE_RECORDED] &&
                difference->output <= difference->outputs[SIDE_AGAIN];
    if (!both) {
        say(report, "what: outputs since position %" PRIu64 ": %" PRIu64 " %s, %" PRIu64 " %s\n",
            difference->agreed, difference->outputs[SIDE_RECORDED], side_names[SIDE_RECORDED],
            difference->outputs[SIDE_AGAIN], side_names[SIDE_AGAIN]);
        return;
    }
    say(report, "what: output %" PRIu64 " since then, to device %" PRIu32, difference->output,
        difference->devices[SIDE_RECORDED]);
    if (difference->devices[SIDE_RECORDED] != difference->devices[SIDE_AGAIN]) {
        say(report, " %s and to device %" PRIu32 " %s", side_names[SIDE_RECORDED],
            difference->devices[SIDE_AGAIN], side_names[SIDE_AGAIN]);
    }
    say(report, ": ");
    say_difference(&difference->output_bytes, report);
}

static void say_calls(const struct difference *difference, struct ftvm_check_report *report)
{
    if (!difference->calls_differ) {
        return;
    }
    say(report, "what: ");
    for (unsigned side = 0; side < SIDES; side++) {
        say_call(&difference->calls[side], report);
        say(report, " %s%s", side_names[side], side == SIDE_RECORDED ? "; " : "\n");
    }
}

/* ---- What to do ------------------------------------------------------------------------------ */

#define ADVICE_MADE                                                                                \
    "create is not equal each time, or what run does before ftvm_begin: look for host time, "      \
    "random numbers, memory that nobody set, addresses, variables that outlive a run"
#define ADVICE_ORDER                                                                               \
    "parts are added in an order that is not the same each time, as that of a table by address "   \
    "or by seeded hash: add them in one that follows from the state"

static const char *advice_for(const struct suspect *suspect)
{
    const struct difference *difference = &suspect->difference;
    if (suspect->place == PLACE_SAVE) {
        return "save, or digest, changes the state that it looks at";
    }
    if (suspect->place == PLACE_MADE) {
        return difference->reordered ? ADVICE_ORDER : ADVICE_MADE;
    }
    if (suspect->place == PLACE_LOAD || suspect->manner == MANNER_RELOADED) {
        return "save does not write these parts, or load does not set them as they were: when load "
               "returns, all that digest adds must be as it was";
    }
    switch (suspect->manner) {
    case MANNER_LENGTHS:
        return "what the machine does depends on how long its epoch is, or on whether that ends "
               "where it idles or halts: look whether the guest idles or halts before whether the "
               "epoch has ended, execute nothing in an epoch of length 0, and use the length for "
               "nothing but where to stop";
    case MANNER_STOPPED:
        return "what the machine does depends on where it is stopped: look at what happens when "
               "its loop is left and entered again (counts, timers, caches, interrupts that are "
               "looked at only there)";
    case MANNER_LOADED:
        return "something that the guest depends on, and that is in no part that digest adds, is "
               "missing in save or in load";
    case MANNER_AGAIN:
    case MANNER_RELOADED: break;
    }
    if (difference->reordered) {
        return ADVICE_ORDER;
    }
    if (difference->calls_differ && suspect->closing == CLOSING_EXACT) {
        return "the way to this call depends on something that is neither in the state nor from "
               "the log: host time, random numbers, memory that nobody set, addresses, variables "
               "that outlive a run, threads";
    }
    if (difference->outputs_differ && difference->state_compared && !difference->state_differs) {
        return "the state is the same, but what leaves the machine is not: there is host time in "
               "it, an address, or bytes that nobody set (padding)";
    }
    return "look for host time, random numbers, memory that nobody set, addresses (as keys, or for "
           "an order), variables that outlive a run, threads, an emit that changes the state; what "
           "comes from outside must come by ftvm_input, ftvm_value or the epoch's clock";
}

#define LINE_WIDTH 100u

/* Broken into lines between words. */
static void say_wrapped(const char *head, const char *text, struct ftvm_check_report *report)
{
    size_t column = strlen(head);
    say(report, "%s", head);
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column + 1 + word > LINE_WIDTH) {
            say(report, "\n%*s", (int)strlen(head), "");
            column = strlen(head);
        }
        say(report, " %.*s", (int)word, text);
        column += 1 + word;
        text += word;
        text += *text == ' ';
    }
}

void report_difference(const struct check_session *session, const struct suspect *suspect,
                       struct ftvm_check_report *report)
{
    const struct difference *difference = &suspect->difference;
    (void)session;
    report->agreed = difference->agreed;
    report->differs = difference->differs;
    say(report, "two %s differ\n",
        suspect->place == PLACE_MADE ? "new machines" : "runs of the machine");
    say_manner(suspect, report);
    say_where(suspect, report);
    say_calls(difference, report);
    say_parts(difference, report);
    say_outputs(difference, report);
    say_wrapped("advice:", advice_for(suspect), report);
}

void report_failure(const struct check_session *session, int error, const char *doing,
                    struct ftvm_check_report *report)
{
    say(report, "the check could not go on %s: %s", doing,
        session->line[0] != '\0' ? session->line : ftvm_strerror(error));
}

/* Faults as text, and by chance. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fault-injection/lab/faults/fault.h"

#define DRAWS 20000u

static void parse(struct fault *fault, const char *text)
{
    char error[2048] = "";

    cr_assert(fault_parse(fault, text, error, sizeof(error)), "%s: %s", text, error);
}

/* It must be refused with a line that has this in it. */
static void refuse(const char *text, const char *because)
{
    struct fault fault;
    char error[2048] = "";

    cr_assert_not(fault_parse(&fault, text, error, sizeof(error)), "%s is accepted", text);
    cr_assert(strstr(error, because), "%s: %s", text, error);
}

Test(fault, a_kind_alone_befalls_the_primary_at_once)
{
    struct fault fault;

    parse(&fault, "kill");
    cr_assert(fault.kind == FAULT_KILL && fault.victim == FAULT_AT_PRIMARY);
    cr_assert(fault.after_ms == 0 && fault.for_ms == 0 && fault.event[0] == '\0');
}

Test(fault, all_that_can_be_said)
{
    struct fault fault;

    parse(&fault, "stop:at=backup,after=2s,random=1500ms,event=sent-BOUNDARY:12,for=30");
    cr_assert(fault.kind == FAULT_STOP && fault.victim == FAULT_AT_BACKUP);
    cr_assert(fault.after_ms == 2000 && fault.random_ms == 1500 && fault.for_ms == 30);
    cr_assert_str_eq(fault.event, "sent-BOUNDARY:12");
}

Test(fault, parameters_of_the_kinds)
{
    struct fault fault;

    parse(&fault, "delay:ms=0.05,jitter-ms=5");
    cr_assert(fault.amount[0] == 50 && fault.amount[1] == 5000);
    parse(&fault, "limit:kbit=64");
    cr_assert(fault.amount[0] == 64);
    parse(&fault, "corrupt");
    cr_assert(fault.amount[0] == 1);
    parse(&fault, "clock-jump:by=-5s");
    cr_assert(fault.amount[0] == -5000);
    parse(&fault, "starve:percent=10");
    cr_assert(fault.amount[0] == 10);
    parse(&fault, "unplug:link=lan");
    cr_assert_str_eq(fault.link, "lan");
}

Test(fault, what_is_wrong_is_said)
{
    refuse("", "there is no fault ''");
    refuse("explode", "kill, stop, power-cycle");
    refuse("kill:at", "KEY=VALUE");
    refuse("kill:at=client", "primary, backup or either");
    refuse("kill:after=soon", "a time");
    refuse("kill:after=-1s", "a time");
    refuse("kill:after=90000000000", "86400000");
    refuse("kill:ms=3", "no 'ms'");
    refuse("kill:link=lan", "only unplug");
    refuse("unplug:link=both", "channel or lan");
    refuse("kill:event=sent-NOTHING:1", "sent-BOUNDARY");
    refuse("kill:event=sent-BOUNDARY:0", "POINT:COUNT");
    refuse("kill:event=:3", "POINT:COUNT");
    refuse("delay", "needs 'ms=...'");
    refuse("delay:ms=0.0001", "milliseconds");
    refuse("delay:ms=-0.5", "milliseconds");
    refuse("limit:kbit=0", "from 1");
    refuse("starve:percent=101", "to 100");
    refuse("clock-jump", "needs 'by=...'");
}

Test(fault, any_text_is_read_without_harm)
{
    uint64_t random = 1;

    for (unsigned i = 0; i < DRAWS; i++) {
        static const char alphabet[] = "kill:at=stop,after-9.5smeventdelay=ms";
        char text[FAULT_TEXT_SIZE + 40], error[64];
        struct fault fault;
        size_t size;

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size = (random >> 33) % (sizeof(text) - 1);
        for (size_t j = 0; j < size; j++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            text[j] = alphabet[(random >> 33) % (sizeof(alphabet) - 1)];
        }
        text[size] = '\0';
        fault_parse(&fault, text, error, sizeof(error));
    }
}

static bool same(const struct fault *a, const struct fault *b)
{
    return a->kind == b->kind && a->victim == b->victim && a->after_ms == b->after_ms &&
           a->random_ms == b->random_ms && a->for_ms == b->for_ms && a->amount[0] == b->amount[0] &&
           a->amount[1] == b->amount[1] && strcmp(a->event, b->event) == 0 &&
           strcmp(a->link, b->link) == 0;
}

Test(fault, whatever_is_drawn_can_be_written_and_read_again)
{
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        struct fault drawn, read;
        char text[FAULT_TEXT_SIZE];

        fault_draw(&drawn, seed, 3000);
        fault_format(&drawn, text);
        parse(&read, text);
        cr_assert(same(&drawn, &read), "%s", text);
    }
}

Test(fault, the_longest_text_fits)
{
    struct fault fault, read;
    char text[FAULT_TEXT_SIZE];

    parse(&fault, "delay:at=primary,after=86399999ms,random=86399999ms,for=86399999ms,"
                  "ms=59999.999,jitter-ms=59999.999");
    fault.victim = FAULT_AT_BACKUP;
    memcpy(fault.event, "received-STATE_BEGIN:4294967295", 32);
    fault_format(&fault, text);
    parse(&read, text);
    cr_assert(same(&fault, &read), "%s", text);
}

Test(fault, a_seed_gives_the_same_fault_again)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct fault first, second;

        fault_draw(&first, seed, 3000);
        fault_draw(&second, seed, 3000);
        cr_assert(same(&first, &second));
    }
}

Test(fault, draws_are_wide_and_leave_no_primary_damaged)
{
    unsigned kinds[FAULT_KINDS] = {0}, victims[2] = {0};

    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        struct fault fault;

        fault_draw(&fault, seed, 3000);
        kinds[fault.kind]++;
        cr_assert(fault.victim != FAULT_AT_EITHER);
        victims[fault.victim]++;
        cr_assert(fault.after_ms <= 3000);
        cr_assert(fault.kind != FAULT_FLIP_BIT || fault.victim == FAULT_AT_BACKUP);
        cr_assert(fault.kind == FAULT_KILL || fault.kind == FAULT_RESET || fault.for_ms > 0,
                  "%s lasts for ever", fault_kind_name(fault.kind));
    }
    cr_assert_eq(kinds[FAULT_NONE], 0);
    for (unsigned i = FAULT_NONE + 1; i < FAULT_KINDS; i++)
        cr_assert(kinds[i] > DRAWS / 100, "%s is hardly ever drawn", fault_kind_name(i));
    cr_assert(victims[0] > DRAWS / 3 && victims[1] > DRAWS / 4);
}

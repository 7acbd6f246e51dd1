/*
 * Ends in good order: stop by command, halt of the guest, farewells.
 *
 * The record at the arbiter is marked released before the other side is told. Should this replica
 * die between the two, the other side's claim is answered "released", and it ends in good order
 * too.
 */
#include <string.h>

#include "logging/mutant.h"
#include "replication/engine_state.h"

#define RELEASE_RETRY_NS ENGINE_CLAIM_RETRY_NS

static void say_bye(struct engine *engine, enum bye_code code, const char *reason,
                    uint64_t position)
{
    if (engine->peer == 0 || engine->phase == PHASE_CONNECTING) {
        return;
    }
    engine_send(engine, MESSAGE_BYE)->bye = (struct message_bye){
        .term = engine->term, .code = code, .reason = reason, .position = position};
}

void finish_say_bye(struct engine *engine, enum bye_code code, const char *reason)
{
    say_bye(engine, code, reason, 0);
}

void finish_say_diverged(struct engine *engine, const char *reason, uint64_t position)
{
    say_bye(engine, BYE_DIVERGED, reason, position);
}

static void leave(struct engine *engine)
{
    finish_say_bye(engine, BYE_LEAVING, "told to stop");
    engine_finish(engine, ENGINE_END_STOPPED, "stopped by command");
}

static void end_in_order(struct engine *engine)
{
    if (engine->phase == PHASE_FOLLOWING) {
        leave(engine); /* its claim was never answered */
        return;
    }
    bool halted = engine->ending == ENGINE_END_HALTED;
    finish_say_bye(engine, halted ? BYE_POWEROFF : BYE_STOPPED,
                   halted ? "the guest powered off" : "the machine was stopped");
    engine_finish(engine, engine->ending, "%s",
                  halted ? "the guest powered off" : "stopped by command");
}

static void ask_release(struct engine *engine)
{
    if (MUTANT(RECORD_KEPT_AT_THE_END)) {
        end_in_order(engine);
        return;
    }
    engine_do(engine, ENGINE_DO_RELEASE)->term = engine->term;
    engine->release_asked = true;
    engine->release_tries++;
}

void finish_stop(struct engine *engine)
{
    if (engine->ending != ENGINE_RUNNING) {
        return;
    }
    /* A backup that claims, or has won, may be the only replica: it gives up in good order what it
     * holds, or a record would stay that says active and means nobody. */
    if (!engine_is_live(engine) && !engine->claiming && engine->phase != PHASE_DRAINING) {
        leave(engine);
        return;
    }
    engine->ending = ENGINE_END_STOPPED;
    engine->release_retry_ns = engine->now_ns;
    finish_tick(engine);
}

void finish_halt_if_done(struct engine *engine)
{
    if (engine->halting && engine_is_live(engine) && !engine->claiming &&
        engine->ending == ENGINE_RUNNING &&
        (outputs_all_left(engine) || MUTANT(HALT_LEAVES_OUTPUTS))) {
        engine->ending = ENGINE_END_HALTED;
        ask_release(engine);
    }
}

void finish_answer(struct engine *engine, const struct engine_event *event)
{
    if (engine->ending == ENGINE_RUNNING || !engine->release_asked) {
        return;
    }
    engine->release_asked = false;
    if (event->outcome == ENGINE_LOST) {
        engine_notify(engine, ENGINE_NOTICE_FENCED, "%s", event->reason ? event->reason : "");
        engine_finish(engine, ENGINE_END_FENCED, "another replica is active: %s",
                      event->reason ? event->reason : "");
        return;
    }
    if (event->outcome == ENGINE_UNREACHABLE && engine->release_tries < ENGINE_RELEASE_TRIES) {
        engine->release_retry_ns = engine->now_ns + RELEASE_RETRY_NS;
        return;
    }
    /* An arbiter that stays silent keeps a record that says active: the next start will need
     * --take-over, which is safe. */
    end_in_order(engine);
}

void finish_tick(struct engine *engine)
{
    if (engine->end != ENGINE_RUNNING || engine->ending == ENGINE_RUNNING ||
        engine->release_asked || engine->now_ns < engine->release_retry_ns) {
        return;
    }
    if (!engine->claiming) {
        ask_release(engine);
        return;
    }
    /* Which term there is to release shows when the claim is answered. */
    engine->release_retry_ns = engine->now_ns + RELEASE_RETRY_NS;
    if (++engine->release_tries > ENGINE_RELEASE_TRIES) {
        end_in_order(engine);
    }
}

/* A backup whose primary has ended in good order ends too, but not before it has executed what it
 * holds: the disks of the two are then equal, whichever of them is started from next. */
void finish_part(struct engine *engine, enum engine_end end)
{
    engine->parting = end;
    if (engine->phase != PHASE_FOLLOWING || engine->ending != ENGINE_RUNNING ||
        MUTANT(PARTS_BEFORE_THE_END_OF_THE_LOG)) {
        finish_parted(engine);
        return;
    }
    engine->claiming = false;
    claim_give_up_peer(engine);
    engine->phase = PHASE_PARTING;
}

void finish_parted(struct engine *engine)
{
    engine_finish(engine, engine->parting, "%s",
                  engine->parting == ENGINE_END_HALTED ? "the guest powered off"
                                                       : "the primary was stopped in good order");
}

void finish_bye(struct engine *engine, const struct message_bye *bye)
{
    if (engine_is_live(engine)) {
        if (bye->code == BYE_DIVERGED) {
            struct engine_notice *notice =
                engine_notify(engine, ENGINE_NOTICE_DIVERGED, "the backup: %s", bye->reason);
            notice->position = bye->position;
            notice->part_count = bye->part_count;
            notice->parts = bye->parts;
        }
        claim_suspect(engine, bye->reason);
        return;
    }
    if (bye->term == engine->term && bye->code == BYE_STOPPED) {
        finish_part(engine, ENGINE_END_STOPPED);
    } else if (bye->term == engine->term && bye->code == BYE_POWEROFF) {
        finish_part(engine, ENGINE_END_HALTED);
    } else {
        claim_suspect(engine, bye->reason);
    }
}

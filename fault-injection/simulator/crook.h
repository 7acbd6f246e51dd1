/*
 * A peer that is not correct: messages that are whole, and say what no correct replica would. They
 * are made out of true ones, at the moment at which those arrive. Each kind has a reaction that the
 * protocol asks for; any other is a violation.
 */
#ifndef FAULT_INJECTION_SIMULATOR_CROOK_H
#define FAULT_INJECTION_SIMULATOR_CROOK_H

#include "fault-injection/simulator/cluster.h"

#define CROOKS(X)                                                                                  \
    X(ACK_OF_ANOTHER_TERM, "an acknowledgement of another term")                                   \
    X(ACK_BEYOND_THE_LOG, "an acknowledgement of what was never sent")                             \
    X(ACK_GOES_BACK, "an acknowledgement of less than before")                                     \
    X(HEARTBEAT_OF_ANOTHER_TERM, "a heartbeat of another term")                                    \
    X(ENTRY_OF_ANOTHER_TERM, "an entry of another term")                                           \
    X(ENTRY_MISSING, "an entry that is not the next one")                                          \
    X(ENTRY_AGAIN, "an entry for the second time")                                                 \
    X(PROMISE_BEYOND_THE_LOG, "PROTECTED about entries that were not sent")                        \
    X(POSITION, "a boundary at another position")                                                  \
    X(VALUE_POSITION, "a value for another position")                                              \
    X(CHAIN, "a boundary with another digest of the log")                                          \
    X(DIGEST, "a boundary with another digest of the machine")                                     \
    X(INPUT, "a boundary with another input")                                                      \
    X(STATE, "a changed piece of the state")                                                       \
    X(STALE_WELCOME, "a welcome of an earlier term")                                               \
    X(LATER_HELLO, "a joiner that has seen a later term")

#define CROOK_ENUM(id, text) CROOK_##id,
enum crook { CROOK_NONE, CROOKS(CROOK_ENUM) CROOK_COUNT };
#undef CROOK_ENUM

/* The next message to that replica that can be made one of these is. */
void crook_set(struct cluster *cluster, unsigned victim, enum crook crook);
/* Called when a message arrives: makes it crooked if one is wanted. True if the message was used up
 * for that; else it is still to be delivered as it is now. */
bool crook_arrives(struct cluster *cluster, unsigned victim, engine_peer peer,
                   struct message *message);

#endif

/*
 * The limits of logging/message.h, applied to a message: the one check that encoder and decoder
 * share, so that neither makes what the other refuses.
 */
#ifndef LOGGING_LIMITS_H
#define LOGGING_LIMITS_H

#include "logging/codec.h"

/* CODEC_OK, CODEC_E_TYPE or CODEC_E_LIMIT. Reads no more of a text than its limit and one byte. */
enum codec_result limits_check(const struct message *message);

/* Largest payload of a frame of this type, 0 if there is no such type. No smaller than what the
 * largest message needs; it keeps a header alone from asking for a megabyte for a heartbeat. */
size_t limits_payload(uint32_t type);

#endif

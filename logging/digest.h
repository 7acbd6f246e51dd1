/*
 * Digests (XXH3, 64 bits): a running one over bytes, and the log digest, chained over entries, so
 * that two logs with equal chain values at an lsn are equal up to there.
 */
#ifndef LOGGING_DIGEST_H
#define LOGGING_DIGEST_H

#include "logging/message.h"

uint64_t digest_bytes(uint64_t seed, const void *data, size_t size);

/* Chain value after an entry, given the one before it. Every field but `chain` itself, `term` and
 * `released` takes part: what the guest sees, not who was active when. The first entry's
 * predecessor is DIGEST_CHAIN_START. */
#define DIGEST_CHAIN_START UINT64_C(0)
uint64_t digest_chain_value(uint64_t chain, const struct message_value *value);
uint64_t digest_chain_boundary(uint64_t chain, const struct message_boundary *boundary);

#endif

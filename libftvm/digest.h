/*
 * The digest of a machine's state, in the making: what ops.digest adds its parts to. The value
 * depends on the parts, their numbers and their order. Whoever asks for the digest may look at each
 * part as it is added: to keep what a report will need, or to look for what differs.
 */
#ifndef LIBFTVM_DIGEST_H
#define LIBFTVM_DIGEST_H

#include <ftvm/ftvm.h>

struct digest_part {
    const char *name;
    uint64_t index;
    const void *data; /* the machine's, for the moment */
    size_t size;
    uint64_t digest;
};

struct ftvm_digest {
    bool whole;
    uint64_t epoch; /* number of the one that ends, the same on both replicas */
    uint64_t value; /* starts as 0 */
    /* NULL: nobody looks. */
    void (*added)(void *context, const struct digest_part *part);
    void *context;
};

#endif

#include "libftvm/digest.h"

#include "logging/digest.h"

void ftvm_digest_add(struct ftvm_digest *digest, const char *part, uint64_t index, const void *data,
                     size_t size)
{
    uint64_t of_part = digest_bytes(index, data, size);
    digest->value = digest_bytes(digest->value, &of_part, sizeof of_part);
    if (digest->added != NULL) {
        struct digest_part added = {part, index, data, size, of_part};
        digest->added(digest->context, &added);
    }
}

bool ftvm_digest_is_whole(const struct ftvm_digest *digest)
{
    return digest->whole;
}

/*
 * A virtio driver out of a fuzzer's bytes: the first chooses the device, the rest is what the
 * driver does (tests/devices/support/hostile.h).
 */
#include <stdlib.h>

#include "tests/devices/support/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum device_kind kinds[] = {DEVICE_NET, DEVICE_BLK, DEVICE_CONSOLE, DEVICE_RNG};
    if (size > 0) {
        struct hostile_outcome outcome;
        hostile_session(device_ops(kinds[data[0] % 4]), data + 1, size - 1, true, &outcome);
        if (!outcome.writes_reported || !outcome.states_loaded) {
            abort();
        }
    }
    return 0;
}

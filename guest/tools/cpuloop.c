/* cpuloop [MILLIONS]: a fixed amount of integer work. The checksum depends on the amount alone, so
 * two machines, or one before and after a failover, must print the same one; the time is what a
 * benchmark is after. */
#include "tools.h"

#include <inttypes.h>
#include <stdio.h>

int cpuloop(int argc, char **argv)
{
    uint64_t millions = 100;

    if (argc > 2 || (argc == 2 && !parse_number(argv[1], 1, 1000000000, &millions))) {
        fprintf(stderr, "usage: cpuloop [MILLIONS of rounds, default 100]\n");
        return 2;
    }
    uint64_t start_ns = now_ns();
    uint64_t x = 0x9e3779b97f4a7c15;
    uint64_t checksum = 0;
    for (uint64_t rounds = millions * 1000000; rounds > 0; rounds--) {
        x ^= x << 13; /* xorshift64 (Marsaglia, 2003) */
        x ^= x >> 7;
        x ^= x << 17;
        checksum = checksum * 31 + x;
    }
    uint64_t elapsed_ns = now_ns() - start_ns;
    printf("cpuloop: %" PRIu64 " million rounds, checksum %016" PRIx64 ", %" PRIu64 " ns\n",
           millions, checksum, elapsed_ns);
    return 0;
}

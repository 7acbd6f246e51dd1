#include <stdio.h>
#include <stdlib.h>
#include "fault-injection/simulator/run.h"
int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    struct run_result total = {0};
    uint64_t survived = 0, bad = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct schedule s;
        struct run_result r;
        schedule_draw(&s, seed);
        run_schedule(&s, count == 1, &r);
        if (r.story)
            fputs(r.story, stdout);
        if (r.violated) {
            printf("seed %lu: %s: %s\n", seed, checker_name(r.violated), r.why);
            if (++bad == 20)
                break;
        }
        survived += r.survived;
        total.promotions += r.promotions;
        total.emissions += r.emissions;
        total.requests += r.requests;
        total.steps += r.steps;
        run_result_free(&r);
    }
    printf("%lu survived, %lu promotions, %lu emissions, %lu requests, %lu steps\n", survived,
           total.promotions, total.emissions, total.requests, total.steps);
}

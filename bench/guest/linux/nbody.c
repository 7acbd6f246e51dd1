/* Double arithmetic: bodies that attract each other, in small steps of time. */
#include <math.h>
#include <string.h>

#include "programs.h"

#define NBODY_ROUNDS 300000u
#define BODIES       6
#define STEP         0.001
#define SOFTENING    0.01 /* no two bodies come so near that the step is too long */

struct body {
    double place[3], speed[3], mass;
};

static double random_part(uint64_t *random)
{
    return (double)(next_random(random) & 0xffff) / 65536.0;
}

static void attract(struct body *a, struct body *b)
{
    double distance[3], square = SOFTENING, strength;

    for (int i = 0; i < 3; i++) {
        distance[i] = a->place[i] - b->place[i];
        square += distance[i] * distance[i];
    }
    strength = STEP / (square * sqrt(square));
    for (int i = 0; i < 3; i++) {
        a->speed[i] -= distance[i] * b->mass * strength;
        b->speed[i] += distance[i] * a->mass * strength;
    }
}

static double energy(const struct body *bodies)
{
    double sum = 0;

    for (int i = 0; i < BODIES; i++)
        for (int j = 0; j < 3; j++)
            sum += 0.5 * bodies[i].mass * bodies[i].speed[j] * bodies[i].speed[j];
    return sum;
}

uint64_t nbody_run(const struct work *work)
{
    struct body bodies[BODIES];
    uint64_t random = 11, value;
    double sum;

    for (int i = 0; i < BODIES; i++) {
        for (int j = 0; j < 3; j++) {
            bodies[i].place[j] = random_part(&random) * 10 - 5;
            bodies[i].speed[j] = random_part(&random) - 0.5;
        }
        bodies[i].mass = random_part(&random) + 0.1;
    }
    for (uint64_t rounds = work_rounds(work, NBODY_ROUNDS); rounds > 0; rounds--) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++)
                attract(&bodies[i], &bodies[j]);
        for (int i = 0; i < BODIES; i++)
            for (int j = 0; j < 3; j++)
                bodies[i].place[j] += STEP * bodies[i].speed[j];
    }
    sum = energy(bodies);
    memcpy(&value, &sum, sizeof(value));
    return value;
}

/* Parameters and samples: what the workloads share. */
#include <criterion/criterion.h>
#include <string.h>

#include "fault-injection/lab/workloads/parameters.h"
#include "fault-injection/lab/workloads/samples.h"

static const struct parameter parameters[] = {{"clients", 1, 8, 4}, {"pace-us", 0, 1000, 200}};

static bool read(const char *text, uint64_t values[2], char error[200])
{
    return parameters_read(text, parameters, 2, values, error, 200);
}

Test(parameters, what_is_not_said_is_standard)
{
    uint64_t values[2];
    char error[200];

    cr_expect(read("", values, error));
    cr_expect(values[0] == 4 && values[1] == 200);
    cr_expect(read("pace-us=0", values, error));
    cr_expect(values[0] == 4 && values[1] == 0);
    cr_expect(read("pace-us=7,clients=8", values, error));
    cr_expect(values[0] == 8 && values[1] == 7);
}

Test(parameters, what_is_wrong_is_said)
{
    uint64_t values[2];
    char error[200];

    cr_expect_not(read("client=3", values, error));
    cr_expect_str_eq(error, "\"client=3\" is no parameter of this workload; there are: clients=4, "
                            "pace-us=200");
    cr_expect_not(read("clients=9", values, error));
    cr_expect_str_eq(error, "\"clients=9\": clients is a number from 1 to 8");
    cr_expect_not(read("clients", values, error));
    cr_expect_not(read("clients=", values, error));
    cr_expect_not(read("clients=4x", values, error));
    cr_expect_not(read("clients= 4", values, error));
    cr_expect_not(read(",", values, error));
}

static struct workload_sample sample(uint64_t number)
{
    return (struct workload_sample){.at_ns = number, .latency_us = 1};
}

Test(samples, are_found_by_their_number)
{
    struct samples samples = {0};
    struct workload_sample copy[10];

    for (uint64_t i = 0; i < 5000; i++) {
        const struct workload_sample one = sample(i);

        samples_add(&samples, &one);
    }
    cr_expect_eq(samples_oldest(&samples), 0);
    cr_expect_eq(samples_copy(&samples, 4321, copy, 10), 10);
    cr_expect_eq(copy[0].at_ns, 4321);
    cr_expect_eq(samples_copy(&samples, 4998, copy, 10), 2);
    cr_expect_eq(samples_copy(&samples, 5000, copy, 10), 0);
    samples_free(&samples);
}

Test(samples, the_oldest_are_forgotten_first)
{
    struct samples samples = {0};
    struct workload_sample copy[1];

    for (uint64_t i = 0; i < WORKLOAD_MAX_SAMPLES + 100; i++) {
        const struct workload_sample one = sample(i);

        samples_add(&samples, &one);
    }
    cr_expect_eq(samples_oldest(&samples), 100);
    cr_expect_eq(samples_copy(&samples, 7, copy, 1), 1);
    cr_expect_eq(copy[0].at_ns, 100);
    samples_free(&samples);
}

/* Nothing is asked, so nothing is answered wrongly: what the pair costs and does by itself. */
#include "fault-injection/lab/workloads/form.h"

const struct workload_form workload_idle = {
    .kind = {.name = "idle", .what = "nothing is asked of the guest"},
    .asks_nothing = true,
};

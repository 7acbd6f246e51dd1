#include "bench/forms.h"

#include <stdlib.h>

struct forms *forms_get(struct bench *bench)
{
    unsigned form;

    if (bench->forms)
        return bench->forms;
    bench->forms = calloc(1, sizeof(*bench->forms));
    if (!bench->forms) {
        snprintf(bench->error, sizeof(bench->error), "out of memory");
        return NULL;
    }
    for (form = 0; form < FORM_COUNT; form++) {
        const struct machine_options options = {.form = (enum form)form, .disk = true};

        if (!rig_open(&bench->forms->rigs[form], &bench->machines, &options, bench->error))
            break;
    }
    if (form == FORM_COUNT)
        return bench->forms;
    while (form-- > 0)
        rig_close(&bench->forms->rigs[form]);
    free(bench->forms);
    bench->forms = NULL;
    return NULL;
}

void forms_end(struct bench *bench)
{
    if (!bench->forms)
        return;
    for (unsigned form = 0; form < FORM_COUNT; form++)
        rig_close(&bench->forms->rigs[form]);
    free(bench->forms);
    bench->forms = NULL;
}

bool forms_measure(struct bench *bench, const struct rig_task *task,
                   struct sample samples[FORM_COUNT][RIG_VALUES])
{
    struct forms *forms = forms_get(bench);
    double values[RIG_VALUES];

    if (!forms)
        return false;
    for (unsigned round = 0; round < bench->options.rounds; round++) {
        for (unsigned form = 0; form < FORM_COUNT; form++) {
            if (!rig_do(&forms->rigs[form], task, values, bench->error))
                return false;
            for (unsigned i = 0; i < RIG_VALUES; i++)
                sample_add(&samples[form][i], values[i]);
        }
    }
    return true;
}

void forms_report(struct bench *bench, const struct report_row *row,
                  struct sample samples[FORM_COUNT][RIG_VALUES], unsigned value)
{
    for (unsigned form = 0; form < FORM_COUNT; form++) {
        struct report_row of_form = *row;

        of_form.form = form_name((enum form)form);
        of_form.sample = &samples[form][value];
        of_form.base = form == FORM_UNPROTECTED ? NULL : &samples[FORM_UNPROTECTED][value];
        report_row(&bench->report, &of_form);
    }
}

#include "fault-injection/lab/experiment/groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/measure/sample.h"

void groups_label(const struct experiment *experiment, const struct settings *settings, int x,
                  char label[POINT_NAME_SIZE])
{
    size_t used = 0;

    snprintf(label, POINT_NAME_SIZE, "all");
    for (unsigned i = 0; i < experiment->sweep_count; i++) {
        enum setting setting = experiment->sweeps[i].setting;

        if ((int)setting != x && used < POINT_NAME_SIZE)
            used += (size_t)snprintf(label + used, POINT_NAME_SIZE - used, "%s%s %s",
                                     used > 0 ? ", " : "", setting_name(setting),
                                     settings->value[setting]);
    }
}

/* The values of one point. False without memory. */
static bool take(struct group *group, const struct table *table, const char *point, int column)
{
    int point_column = table_column(table, "point");

    for (size_t row = 0; row < table->rows; row++) {
        double value = table_number(table, row, column);
        double *more;

        if (isnan(value) || strcmp(table_text(table, row, point_column), point) != 0)
            continue;
        if ((group->count & (group->count - 1)) == 0) {
            size_t room = group->count ? 2 * (size_t)group->count : 1;

            more = realloc(group->values, room * sizeof(*more));
            if (!more)
                return false;
            group->values = more;
        }
        group->values[group->count++] = value;
    }
    return true;
}

bool groups_make(struct groups *groups, const struct experiment *experiment,
                 const struct table *table, int x, const char *column)
{
    unsigned points = experiment_points(experiment);
    struct settings settings;

    *groups = (struct groups){.group = calloc(points, sizeof(*groups->group))};
    if (!groups->group)
        return false;
    for (unsigned i = 0; i < points; i++) {
        struct group *group = &groups->group[groups->count];
        char point[POINT_NAME_SIZE];

        experiment_point(experiment, i, &settings, point);
        groups_label(experiment, &settings, x, group->label);
        group->x = x >= 0 ? strtod(settings.value[x], NULL) : 0;
        if (!take(group, table, point, table_column(table, column)))
            return false;
        groups->count += group->count > 0;
    }
    return true;
}

void groups_free(struct groups *groups)
{
    for (unsigned i = 0; i < groups->count; i++)
        free(groups->group[i].values);
    free(groups->group);
    *groups = (struct groups){0};
}

bool groups_is_first(const struct groups *groups, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (strcmp(groups->group[j].label, groups->group[i].label) == 0)
            return false;
    return true;
}

double group_quantile(struct group *group, double part)
{
    return group->count > 0 ? quantile(group->values, group->count, part) : NAN;
}

int groups_number_swept(const struct experiment *experiment)
{
    int found = GROUP_ALL;

    for (unsigned i = 0; i < experiment->sweep_count; i++) {
        const struct sweep *sweep = &experiment->sweeps[i];

        if (sweep->count > 1 && sweep->values[0][0] >= '0' && sweep->values[0][0] <= '9' &&
            (found < 0 || sweep->setting == SETTING_EPOCH))
            found = (int)sweep->setting;
    }
    return found;
}

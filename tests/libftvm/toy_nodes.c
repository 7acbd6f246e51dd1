#include "tests/libftvm/toy_nodes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void arbiter_place_make(struct arbiter_place *place)
{
    snprintf(place->directory, sizeof place->directory, "/tmp/ftvm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(place->directory));
    snprintf(place->arbiter, sizeof place->arbiter, "file:%s/arbiter", place->directory);
}

void arbiter_place_remove(const struct arbiter_place *place)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place->directory);
    cr_assert_eq(system(command), 0);
}

void toy_configure(struct ftvm_config *config, const struct arbiter_place *place)
{
    ftvm_config_init(config);
    config->name = "toy";
    config->listen = "127.0.0.1:0";
    config->arbiter = place->arbiter;
    config->description = TOY_DESCRIPTION;
    config->description_size = strlen(TOY_DESCRIPTION);
    config->epoch_length = 1000;
    config->timeout_ms = 2000;
}

void toy_configure_backup(struct ftvm_config *config, const struct ftvm_node *primary,
                          char join[32])
{
    snprintf(join, 32, "127.0.0.1:%u", toy_node_status(primary).listen_port);
    config->role = FTVM_ROLE_BACKUP;
    config->join = join;
    config->description = NULL;
    config->description_size = 0;
}

struct ftvm_node *toy_node_start(const struct ftvm_config *config)
{
    struct ftvm_node *node;
    char line[512] = "";
    cr_assert_eq(ftvm_node_create(config, &node, line, sizeof line), 0, "%s", line);
    int result = ftvm_node_start(node);
    ftvm_node_error(node, line, sizeof line);
    cr_assert_eq(result, 0, "%d %s", result, line);
    return node;
}

struct ftvm_status toy_node_status(const struct ftvm_node *node)
{
    struct ftvm_status status = {.size = sizeof status};
    cr_assert_eq(ftvm_node_status(node, &status), 0);
    return status;
}

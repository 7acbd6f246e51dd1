/* Nodes for toy machines: a place for their arbiter, the configuration that they share, a start. */
#ifndef TESTS_TOY_NODES_H
#define TESTS_TOY_NODES_H

#include <ftvm/ftvm.h>

#define TOY_DESCRIPTION "toy machine"

/* A directory of its own, and in it the arbiter's file. */
struct arbiter_place {
    char directory[64];
    char arbiter[96]; /* as a configuration names it */
};

void arbiter_place_make(struct arbiter_place *place);
void arbiter_place_remove(const struct arbiter_place *place);

/* A primary with the toy's description, epochs of 1000 units and a timeout of two seconds. */
void toy_configure(struct ftvm_config *config, const struct arbiter_place *place);
/* Makes it a backup, which is told the description. `join` must live as long as the configuration
 * is used. */
void toy_configure_backup(struct ftvm_config *config, const struct ftvm_node *primary,
                          char join[32]);

/* Created and started, or the test fails with the node's line. */
struct ftvm_node *toy_node_start(const struct ftvm_config *config);
struct ftvm_status toy_node_status(const struct ftvm_node *node);

#endif

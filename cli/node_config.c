#include "cli/node_config.h"

void node_config_fill(struct ftvm_config *config, const struct options *options)
{
    ftvm_config_init(config);
    config->name = options->name;
    config->replica = options->replica;
    config->role = options->command == COMMAND_BACKUP ? FTVM_ROLE_BACKUP : FTVM_ROLE_PRIMARY;
    config->epoch_length = options->epoch;
    config->epoch_min_us = (uint32_t)options->epoch_min_us;
    config->epoch_max_us = (uint32_t)options->epoch_max_us;
    config->stuck_ms = (uint32_t)options->stuck_ms;
    if (options->command == COMMAND_RUN) {
        /* Nobody can join, so there is nobody to arbitrate with. */
        config->arbiter = "none";
        config->assume_fail_stop = true;
        return;
    }
    config->listen = options->listen;
    config->join = options->join;
    config->insecure_channel = options->insecure_channel;
    config->join_timeout_ms = (uint32_t)options->join_timeout_ms;
    config->arbiter = options->arbiter;
    config->assume_fail_stop = options->assume_fail_stop;
    config->take_over = options->take_over;
    config->protocol = (enum ftvm_protocol)options->protocol;
    config->heartbeat_ms = (uint32_t)options->heartbeat_ms;
    config->timeout_ms = (uint32_t)options->timeout_ms;
    config->lag_policy = (enum ftvm_lag_policy)options->lag;
    config->lag_epochs = options->lag_epochs;
    config->settle = (enum ftvm_settle)options->settle;
    config->wait_backup = options->wait_backup;
}

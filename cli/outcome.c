#include "cli/outcome.h"

#include <ftvm/ftvm.h>

enum cli_exit outcome_of_start(int error)
{
    switch (error) {
    case FTVM_E_INVALID: return CLI_EXIT_USAGE;
    case FTVM_E_ARBITER: return CLI_EXIT_ARBITER;
    case FTVM_E_ACTIVE: return CLI_EXIT_ACTIVE;
    case FTVM_E_FENCED: return CLI_EXIT_FENCED;
    case FTVM_E_STOPPED: return CLI_EXIT_GOOD;
    default: return CLI_EXIT_START;
    }
}

enum cli_exit outcome_of_run(int error)
{
    switch (error) {
    case FTVM_E_HALTED:
    case FTVM_E_STOPPED: return CLI_EXIT_GOOD;
    case FTVM_E_FENCED: return CLI_EXIT_FENCED;
    case FTVM_E_DIVERGED: return CLI_EXIT_DIVERGED;
    case FTVM_E_LOST: return CLI_EXIT_LOST;
    case FTVM_E_REFUSED:
    case FTVM_E_NO_PRIMARY: return CLI_EXIT_START;
    default: return CLI_EXIT_INTERNAL;
    }
}

const char *outcome_advice(int error)
{
    switch (error) {
    case FTVM_E_ACTIVE: return "join it with 'ftvm backup'; if it is dead for sure, --take-over";
    case FTVM_E_ARBITER:
        return "see that the arbiter's file is on storage that is mounted and writable here";
    case FTVM_E_NO_PRIMARY: return "see that the primary runs and that --join names its --listen";
    case FTVM_E_FENCED: return "the machine goes on elsewhere; this host may join as a backup";
    case FTVM_E_DIVERGED: return "this replica's state is of no use any more; join anew";
    case FTVM_E_LOST: return "the machine is gone, as this backup had not caught up yet";
    default: return "";
    }
}

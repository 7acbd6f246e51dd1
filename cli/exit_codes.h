/*
 * Exit codes of the `ftvm` command. Numbers are stable: scripts and tests rely on them. A command
 * that was ended by a signal before it could stop in good order exits with 128 + the signal.
 */
#ifndef CLI_EXIT_CODES_H
#define CLI_EXIT_CODES_H

/* X(name, number, text for --help) */
#define CLI_EXIT_CODES(X)                                                                          \
    X(CLI_EXIT_GOOD, 0, "the guest powered off, or the replica was stopped in good order")         \
    X(CLI_EXIT_REQUEST, 1, "status, stop, promote: the replica refused, or did not answer")        \
    X(CLI_EXIT_USAGE, 2, "wrong options or configuration file")                                    \
    X(CLI_EXIT_START, 3, "cannot start: missing file, busy port, no permission, no primary, ...")  \
    X(CLI_EXIT_FENCED, 4, "fenced: another replica has won the claim")                             \
    X(CLI_EXIT_DIVERGED, 5, "diverged: this replica's execution differs from the log")             \
    X(CLI_EXIT_ARBITER, 6, "the arbiter cannot be reached at the start")                           \
    X(CLI_EXIT_ACTIVE, 7, "another replica is active under this name")                             \
    X(CLI_EXIT_LOST, 8, "the primary was lost before this replica could take over")                \
    X(CLI_EXIT_INTERNAL, 9, "stuck, damaged data, or a failure of the machine or of this host")

enum cli_exit {
#define CLI_EXIT_ENUM(name, number, text) name = number,
    CLI_EXIT_CODES(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

#endif

/* options.h - the command line of chip8. */
#ifndef CHIP8_OPTIONS_H
#define CHIP8_OPTIONS_H

#include <ftvm/ftvm.h>

struct options {
    enum ftvm_role role;
    const char *program; /* file; a primary's */
    const char *listen;
    const char *join;
    const char *arbiter;
    char arbiter_room[256]; /* for the default */
    uint32_t speed;         /* instructions in a frame */
    uint32_t timeout_ms;
    bool insecure_channel;
    bool take_over;
    bool wait_backup;
    bool headless;
};

/* -1: filled in. Otherwise the exit code, after it has printed why or the help. */
int options_parse(struct options *options, int count, char **arguments);

#endif

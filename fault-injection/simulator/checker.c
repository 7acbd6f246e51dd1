#include "fault-injection/simulator/checker.h"

#define CHECKER_NAME(id, name, what) [CHECKER_##id] = name,
#define CHECKER_WHAT(id, name, what) [CHECKER_##id] = what,

const char *checker_name(enum checker checker)
{
    static const char *const names[CHECKER_COUNT] = {[CHECKER_NONE] = "none",
                                                     CHECKERS(CHECKER_NAME)};
    return names[checker];
}

const char *checker_what(enum checker checker)
{
    static const char *const texts[CHECKER_COUNT] = {[CHECKER_NONE] = "", CHECKERS(CHECKER_WHAT)};
    return texts[checker];
}

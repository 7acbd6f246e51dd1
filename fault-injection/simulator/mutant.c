#include "fault-injection/simulator/mutant.h"

#include <assert.h>
#include <string.h>

#define NAME_OF(name, text, about)  [MUTANT_##name] = text,
#define ABOUT_OF(name, text, about) [MUTANT_##name] = about,

static const char *const names[MUTANT_COUNT] = {[MUTANT_NONE] = "none", MUTANTS(NAME_OF)};
static const char *const abouts[MUTANT_COUNT] = {[MUTANT_NONE] = "", MUTANTS(ABOUT_OF)};

/* The one mutable variable outside of any structure: the code under test cannot be handed a context
 * that the product does not have. */
static _Thread_local enum mutant chosen = MUTANT_NONE;

bool mutant_is_on(enum mutant mutant)
{
    return chosen == mutant;
}

void mutant_choose(enum mutant mutant)
{
    assert(mutant < MUTANT_COUNT);
    chosen = mutant;
}

enum mutant mutant_find(const char *name)
{
    for (unsigned i = MUTANT_NONE + 1; i < MUTANT_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum mutant)i;
        }
    }
    return MUTANT_NONE;
}

const char *mutant_name(enum mutant mutant)
{
    assert(mutant < MUTANT_COUNT);
    return names[mutant];
}

const char *mutant_about(enum mutant mutant)
{
    assert(mutant < MUTANT_COUNT);
    return abouts[mutant];
}

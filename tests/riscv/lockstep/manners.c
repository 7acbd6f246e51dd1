#include "tests/riscv/lockstep/manners.h"

#define TINY_CACHE (UINT64_C(64) << 10)

static struct hart_config interpreter(void)
{
    struct hart_config config;
    hart_config_init(&config);
    config.engine = HART_INTERPRETER;
    return config;
}

static struct hart_config jit(uint32_t hot_after)
{
    struct hart_config config;
    hart_config_init(&config);
    config.hot_after = hot_after;
    return config;
}

static struct manner manner_of(const char *name, struct hart_config config, enum cuts cuts,
                               uint64_t seed)
{
    return (struct manner){
        .name = name, .config = config, .other_config = config, .cuts = cuts, .seed = seed};
}

static enum cuts some_cuts(struct choices *choices)
{
    return (enum cuts)(CUT_EVERY + choose(choices, CUT_MIXED));
}

/* At once, when little around it is known; or later, when loops are known as loops. */
static uint32_t some_heat(struct choices *choices)
{
    static const uint8_t heats[] = {0, 0, 1, 1, 2, 5};
    return CHOOSE_FROM(choices, heats);
}

void manners_choose(enum pairing pairing, struct choices *choices, struct manner manners[2])
{
    uint64_t seed = choose_bits(choices);
    uint32_t hot_after = some_heat(choices);

    manners[0] = manner_of("interpreter", interpreter(), CUT_NEVER, seed);
    manners[1] = manner_of("jit", jit(hot_after), CUT_NEVER, ~seed);
    switch (pairing) {
    case PAIR_ENGINES: manners[1].cuts = some_cuts(choices); break;
    case PAIR_JIT_WHOLE: manners[0].cuts = some_cuts(choices); break;
    case PAIR_TINY_CACHE:
        manners[1].name = "tiny cache";
        manners[1].config.code_cache_size = TINY_CACHE;
        manners[1].cuts = choose(choices, 2) ? CUT_NEVER : CUT_LONG;
        break;
    case PAIR_HOT:
        manners[1].name = "hot only";
        manners[1].config.hot_after = choose(choices, 2) ? 24 : 10;
        manners[1].cuts = choose(choices, 2) ? CUT_NEVER : CUT_LONG;
        break;
    case PAIR_CUTS:
        manners[0] = manner_of("jit whole", jit(hot_after), CUT_NEVER, seed);
        manners[1].name = "jit in pieces";
        manners[1].cuts = some_cuts(choices);
        break;
    case PAIR_RELOADS:
        manners[0] = manner_of("jit whole", jit(hot_after), CUT_NEVER, seed);
        manners[1].name = "reloaded";
        manners[1].other_config = interpreter();
        manners[1].cuts = CUT_LONG;
        manners[1].reload_one_in = 8;
        break;
    case PAIR_DROPS:
    default:
        manners[0] = manner_of("jit whole", jit(hot_after), CUT_NEVER, seed);
        manners[1].name = "forgetful";
        manners[1].cuts = some_cuts(choices);
        manners[1].drop_one_in = 1 + choose(choices, 4);
        break;
    }
    if (choose_one_in(choices, 32) && manners[1].reload_one_in == 0) {
        manners[1].reload_one_in = 50;
    }
    manners[1].other_config = pairing == PAIR_RELOADS ? interpreter() : manners[1].config;
}
